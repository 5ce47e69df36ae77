/**
 * Tells whether zstd frames are complete, and ask for no more memory than they may.
 *
 * The runtimes' zstd decoders give what they have when the input ends early, without an error; Java refuses such a
 * body. And they allocate the window that a frame claims, 128 MiB for a few bytes. So the frames are walked first, header
 * and block headers only, which costs a few steps for each 128 KiB.
 */
import { ProtocolError } from "../core/errors.ts";

const FRAME_MAGIC = 0xfd2fb528;
/** The upper 28 bits of the magic of a skippable frame. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const RLE_BLOCK = 1;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/** Window that every decoder should take (RFC 8878, section 3.1.1.1.2). */
const COMMON_WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * Checks that `bytes` are whole zstd frames, one or more (RFC 8878, section 3), that unfold within a window of `maxBytes`
 * or 8 MiB, whichever is more.
 *
 * @throws ProtocolError when a frame is cut, is none, or claims a larger window.
 */
export function checkZstdFrames(bytes: Uint8Array, maxBytes: number): void {
  const maxWindow = Math.max(maxBytes, COMMON_WINDOW_BYTES);
  let at = 0;
  do {
    at = frameEnd(bytes, at, maxWindow);
  } while (at < bytes.length);
}

function frameEnd(bytes: Uint8Array, start: number, maxWindow: number): number {
  const magic = uint(bytes, start, 4);
  if (magic >>> 4 === SKIPPABLE_MAGIC) return within(bytes, start + 8 + uint(bytes, start + 4, 4));
  if (magic !== FRAME_MAGIC) {
    throw new ProtocolError(`Cannot read zstd frame: unknown magic 0x${magic.toString(16)} at byte ${start}`);
  }
  const descriptor = uint(bytes, start + 4, 1);
  const singleSegment = (descriptor >> 5) & 1;
  const contentSize = CONTENT_SIZE_BYTES[(descriptor >> 6) as 0 | 1 | 2 | 3] || singleSegment;
  const dictionaryId = DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  let at = start + 5 + (1 - singleSegment) + dictionaryId + contentSize;
  // The window of a single segment is its content.
  const window = singleSegment
    ? uint(bytes, at - contentSize, contentSize)
    : windowBytes(uint(bytes, start + 5, 1));
  if (window > maxWindow) {
    throw new ProtocolError(
      `Cannot read zstd frame: its window of ${window} bytes is above the limit of ${maxWindow}`,
    );
  }
  for (let last = false; !last;) {
    const block = uint(bytes, at, 3);
    last = (block & 1) === 1;
    at = within(bytes, at + 3 + (((block >> 1) & 3) === RLE_BLOCK ? 1 : block >> 3));
  }
  const checksum = (descriptor >> 2) & 1;
  return within(bytes, at + 4 * checksum);
}

/** The window that a descriptor tells (RFC 8878, section 3.1.1.1.2). */
function windowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** Little-endian integer of `length` bytes. */
function uint(bytes: Uint8Array, at: number, length: number): number {
  within(bytes, at + length);
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!;
  return value;
}

function within(bytes: Uint8Array, at: number): number {
  if (at > bytes.length) {
    throw new ProtocolError(`Cannot read zstd frame: it ends after ${bytes.length} bytes`);
  }
  return at;
}
