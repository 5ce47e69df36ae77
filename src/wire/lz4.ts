/**
 * LZ4 frames, read in full and written simply.
 *
 * A frame is a header, blocks of literals and back references, and an end mark. The reader takes everything the format
 * has (linked blocks, checksums, several frames, skippable ones) and verifies the checksums; the output buffer grows
 * with what was really unfolded and never beyond the limit. The writer makes what Java's makes: independent blocks of
 * at most 4 MB, no checksums. No npm package did this within a bound and on all three runtimes.
 */
import { ProtocolError } from "../core/errors.ts";
import { xxHash32 } from "./xxhash.ts";

const FRAME_MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a5;
/** Version 1, independent blocks; blocks of 4 MB; their check byte. */
const DESCRIPTOR = [0x60, 0x70, 0x73] as const;
const MAX_BLOCK_BYTES = 4 * 1024 * 1024;
const UNCOMPRESSED = 0x80000000;
const MIN_MATCH = 4;
const MAX_DISTANCE = 65_535;
/** The format wants the last 5 bytes as literals and no match starting in the last 12. */
const LAST_LITERALS = 5;
const MATCH_LIMIT = 12;
const HASH_BITS = 14;

/** Unfolds LZ4 frames. @throws ProtocolError when they are broken, incomplete or unfold into more than `maxBytes`. */
export function lz4Decompress(bytes: Uint8Array, maxBytes: number): Uint8Array {
  const output = new Output(Math.min(maxBytes, bytes.length * 4), maxBytes);
  const reader = new Input(bytes);
  do {
    const magic = reader.uint32();
    if (magic >>> 4 === SKIPPABLE_MAGIC) reader.take(reader.uint32());
    else if (magic === FRAME_MAGIC) readFrame(reader, output);
    else throw new ProtocolError(`Cannot read LZ4 frame: unknown magic 0x${magic.toString(16)}`);
  } while (reader.left > 0);
  return output.done();
}

function readFrame(reader: Input, output: Output): void {
  const from = reader.at;
  const flags = reader.uint8();
  if (flags >> 6 !== 1) throw new ProtocolError(`Cannot read LZ4 frame: its version is ${flags >> 6}, not 1`);
  if (flags & 1) throw new ProtocolError("Cannot read LZ4 frame: it needs a dictionary");
  const blockCode = (reader.uint8() >> 4) & 7;
  if (blockCode < 4) throw new ProtocolError(`Cannot read LZ4 frame: its block size code is ${blockCode}`);
  if (flags & 8) reader.take(8);
  const check = (xxHash32(reader.since(from)) >>> 8) & 255;
  if (reader.uint8() !== check) {
    throw new ProtocolError("Cannot read LZ4 frame: its header checksum is wrong");
  }
  const frameStart = output.length;
  for (let size = reader.uint32(); size !== 0; size = reader.uint32()) {
    const block = reader.take(size >= UNCOMPRESSED ? size - UNCOMPRESSED : size);
    if (flags & 16 && reader.uint32() !== xxHash32(block)) {
      throw new ProtocolError("Cannot read LZ4 frame: the checksum of a block is wrong");
    }
    const independent = (flags & 32) !== 0;
    if (size >= UNCOMPRESSED) output.append(block, 0, block.length);
    else readBlock(block, output, independent ? output.length : frameStart);
  }
  if (flags & 4 && reader.uint32() !== xxHash32(output.since(frameStart))) {
    throw new ProtocolError("Cannot read LZ4 frame: the checksum of its content is wrong");
  }
}

/** One block: sequences of a token, literals, and a match that reaches back to `windowStart` at most. */
function readBlock(block: Uint8Array, output: Output, windowStart: number): void {
  const reader = new Input(block);
  while (reader.left > 0) {
    const token = reader.uint8();
    const literals = reader.length(token >> 4);
    output.append(block, reader.at, literals, reader);
    if (reader.left === 0) return;
    const distance = reader.uint8() | (reader.uint8() << 8);
    const length = reader.length(token & 15) + MIN_MATCH;
    if (distance === 0 || distance > output.length - windowStart) {
      throw new ProtocolError(`Cannot read LZ4 block: a match ${distance} bytes back, where none are`);
    }
    output.repeat(distance, length);
  }
}

class Input {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  take(length: number): Uint8Array {
    if (length > this.left) {
      throw new ProtocolError(`Cannot read LZ4 frame: it ends after ${this.#bytes.length} bytes`);
    }
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  since(from: number): Uint8Array {
    return this.#bytes.subarray(from, this.at);
  }

  uint8(): number {
    if (this.left < 1) this.take(1);
    return this.#bytes[this.at++]!;
  }

  uint32(): number {
    const [a, b, c, d] = this.take(4) as unknown as [number, number, number, number];
    return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
  }

  /** A length whose first four bits are `start`; 15 means that bytes follow, up to the first below 255. */
  length(start: number): number {
    let length = start;
    if (start === 15) {
      for (let more = 255; more === 255;) {
        more = this.uint8();
        length += more;
      }
    }
    return length;
  }
}

class Output {
  #bytes: Uint8Array;
  readonly #maxBytes: number;
  length = 0;

  constructor(sizeBytes: number, maxBytes: number) {
    this.#bytes = new Uint8Array(sizeBytes);
    this.#maxBytes = maxBytes;
  }

  /** Copies `length` bytes of `source` from `at` on; `reader`, when given, steps over them. */
  append(source: Uint8Array, at: number, length: number, reader?: Input): void {
    reader?.take(length);
    this.#reserve(length);
    this.#bytes.set(source.subarray(at, at + length), this.length);
    this.length += length;
  }

  /** Repeats what stands `distance` back; source and target may overlap, so the copy doubles as it goes. */
  repeat(distance: number, length: number): void {
    this.#reserve(length);
    const from = this.length - distance;
    const end = this.length + length;
    while (this.length < end) {
      const step = Math.min(this.length - from, end - this.length);
      this.#bytes.copyWithin(this.length, from, from + step);
      this.length += step;
    }
  }

  since(from: number): Uint8Array {
    return this.#bytes.subarray(from, this.length);
  }

  done(): Uint8Array {
    return this.length === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.length);
  }

  #reserve(length: number): void {
    const needed = this.length + length;
    if (needed > this.#maxBytes) {
      throw new ProtocolError(`Cannot read LZ4 frame: it unfolds into more than ${this.#maxBytes} bytes`);
    }
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(this.#maxBytes, Math.max(needed, this.#bytes.length * 2)));
      larger.set(this.since(0));
      this.#bytes = larger;
    }
  }
}

/** One LZ4 frame that unfolds into `bytes`. */
export function lz4Compress(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [uint32Bytes(FRAME_MAGIC), Uint8Array.from(DESCRIPTOR)];
  for (let at = 0; at < bytes.length; at += MAX_BLOCK_BYTES) {
    const plain = bytes.subarray(at, at + MAX_BLOCK_BYTES);
    const packed = packBlock(plain);
    const size = packed === undefined ? plain.length + UNCOMPRESSED : packed.length;
    parts.push(uint32Bytes(size), packed ?? plain);
  }
  parts.push(uint32Bytes(0));
  const frame = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    frame.set(part, at);
    at += part.length;
  }
  return frame;
}

function uint32Bytes(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24);
}

/** Packs one block greedily, with a table of where each four bytes stood last; undefined when it does not shrink. */
function packBlock(plain: Uint8Array): Uint8Array | undefined {
  const packed = new Uint8Array(plain.length);
  const lastAt = new Int32Array(1 << HASH_BITS).fill(-1);
  const view = new DataView(plain.buffer, plain.byteOffset, plain.length);
  const matchEnd = plain.length - LAST_LITERALS;
  let size = 0;
  let literalsFrom = 0;
  for (let at = 0; at < plain.length - MATCH_LIMIT;) {
    const word = view.getInt32(at, true);
    const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const candidate = lastAt[slot]!;
    lastAt[slot] = at;
    if (candidate < 0 || at - candidate > MAX_DISTANCE || view.getInt32(candidate, true) !== word) {
      at++;
      continue;
    }
    let length = MIN_MATCH;
    while (at + length < matchEnd && plain[candidate + length] === plain[at + length]) length++;
    size = writeSequence(packed, size, plain.subarray(literalsFrom, at), at - candidate, length);
    if (size < 0) return undefined;
    at += length;
    literalsFrom = at;
  }
  size = writeSequence(packed, size, plain.subarray(literalsFrom), 0, 0);
  return size < 0 ? undefined : packed.subarray(0, size);
}

/** Writes literals and, unless `length` is 0, a match. Gives the new size, −1 when there is no room. */
function writeSequence(
  packed: Uint8Array,
  at: number,
  literals: Uint8Array,
  distance: number,
  length: number,
): number {
  const match = length === 0 ? 0 : length - MIN_MATCH;
  const worst = 1 + (literals.length / 255 | 0) + 1 + literals.length + 2 + (match / 255 | 0) + 1;
  if (at + worst > packed.length) return -1;
  packed[at++] = (Math.min(literals.length, 15) << 4) | Math.min(match, 15);
  at = writeLength(packed, at, literals.length);
  packed.set(literals, at);
  at += literals.length;
  if (length === 0) return at;
  packed[at++] = distance & 255;
  packed[at++] = distance >> 8;
  return writeLength(packed, at, match);
}

function writeLength(packed: Uint8Array, at: number, length: number): number {
  if (length < 15) return at;
  let rest = length - 15;
  for (; rest >= 255; rest -= 255) packed[at++] = 255;
  packed[at++] = rest;
  return at;
}
