/**
 * Tells whether zstd frames are complete.
 *
 * The runtimes' zstd decoders give what they have when the input ends early, without an error; Java refuses such a
 * body. So the frames are walked first, header and block headers only, which costs a few steps for each 128 KiB.
 */
import { ProtocolError } from "../core/errors.ts";

const FRAME_MAGIC = 0xfd2fb528;
/** The upper 28 bits of the magic of a skippable frame. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const RLE_BLOCK = 1;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/**
 * Checks that `bytes` are whole zstd frames, one or more (RFC 8878, section 3).
 *
 * @throws ProtocolError when a frame is cut, or is none.
 */
export function checkZstdComplete(bytes: Uint8Array): void {
  let at = 0;
  do {
    at = frameEnd(bytes, at);
  } while (at < bytes.length);
}

function frameEnd(bytes: Uint8Array, start: number): number {
  const magic = uint(bytes, start, 4);
  if (magic >>> 4 === SKIPPABLE_MAGIC) return within(bytes, start + 8 + uint(bytes, start + 4, 4));
  if (magic !== FRAME_MAGIC) {
    throw new ProtocolError(`Cannot read zstd frame: unknown magic 0x${magic.toString(16)} at byte ${start}`);
  }
  const descriptor = uint(bytes, start + 4, 1);
  const singleSegment = (descriptor >> 5) & 1;
  const contentSize = CONTENT_SIZE_BYTES[(descriptor >> 6) as 0 | 1 | 2 | 3] || singleSegment;
  let at = start + 5 + (1 - singleSegment) + DICTIONARY_ID_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3] +
    contentSize;
  for (let last = false; !last;) {
    const block = uint(bytes, at, 3);
    last = (block & 1) === 1;
    at = within(bytes, at + 3 + (((block >> 1) & 3) === RLE_BLOCK ? 1 : block >> 3));
  }
  const checksum = (descriptor >> 2) & 1;
  return within(bytes, at + 4 * checksum);
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
