/**
 * Big-endian bytes, read and written step by step.
 *
 * A ByteReader walks over bytes it does not own and never past their end: a length that a peer claims is checked
 * before anything is allocated, and what does not fit is a ProtocolError with the position. A ByteWriter grows.
 */
import { ProtocolError } from "../core/errors.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** No bytes; shared, so never written to. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** The text of UTF-8 bytes; what is not UTF-8 becomes U+FFFD, as in Java. */
export function utf8Text(bytes: Uint8Array): string {
  return bytes.length === 0 ? "" : decoder.decode(bytes);
}

/** The UTF-8 bytes of a text. */
export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The same bytes as a plain Uint8Array: what Node gives are Buffers, whose `slice` is a view where ours is a copy. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Big-endian int32 at `at`; the caller has checked that it is there. */
export function int32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

/** Big-endian int64 at `at` as a number, NaN when a number cannot hold it exactly. */
export function int64At(bytes: Uint8Array, at: number): number {
  const value = int32At(bytes, at) * 4294967296 + (int32At(bytes, at + 4) >>> 0);
  return Number.isSafeInteger(value) ? value : NaN;
}

const HEX: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).toUpperCase().padStart(2, "0"),
);

/** Upper-case hex of the bytes from `from` to `until`, as Java's UtilAll.bytes2string writes it. */
export function hexText(bytes: Uint8Array, from = 0, until: number = bytes.length): string {
  let text = "";
  for (let i = from; i < until; i++) text += HEX[bytes[i]!];
  return text;
}

/** Walks over bytes. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  /** Where the next read starts. */
  position: number;

  /** Reads `bytes` from `position` on; `what` names them in errors. */
  constructor(bytes: Uint8Array, what: string, position = 0) {
    this.#bytes = bytes;
    this.#what = what;
    this.position = position;
  }

  /** How many bytes are left. */
  get left(): number {
    return this.#bytes.length - this.position;
  }

  /** Signed 8-bit integer. */
  int8(): number {
    const at = this.#step(1, "int8");
    return this.#bytes[at]! << 24 >> 24;
  }

  /** Signed 16-bit integer. */
  int16(): number {
    const at = this.#step(2, "int16");
    return (this.#bytes[at]! << 24 >> 16) | this.#bytes[at + 1]!;
  }

  /** Signed 32-bit integer. */
  int32(): number {
    return int32At(this.#bytes, this.#step(4, "int32"));
  }

  /** Signed 64-bit integer. @throws ProtocolError beyond ±(2^53 − 1). */
  int64(): number {
    const at = this.#step(8, "int64");
    const value = int64At(this.#bytes, at);
    if (Number.isNaN(value)) {
      throw new ProtocolError(`Cannot read ${this.#what}: int64 at byte ${at} is beyond 2^53 - 1`);
    }
    return value;
  }

  /** A view of the next `length` bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const at = this.#step(length, "bytes");
    return this.#bytes.subarray(at, at + length);
  }

  /** The next `length` bytes as UTF-8 text. */
  text(length: number): string {
    return utf8Text(this.bytes(length));
  }

  #step(length: number, kind: string): number {
    const at = this.position;
    if (length < 0 || at + length > this.#bytes.length) {
      throw new ProtocolError(
        `Cannot read ${this.#what}: ${length} ${
          kind === "bytes" ? "bytes" : `bytes of ${kind}`
        } at byte ${at} do not fit into ${this.#bytes.length}`,
        { position: at },
      );
    }
    this.position = at + length;
    return at;
  }
}

/** Collects bytes in a buffer that grows. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** Starts with room for `sizeBytes`. */
  constructor(sizeBytes = 256) {
    this.#bytes = new Uint8Array(sizeBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#length;
  }

  /** Low 8 bits of `value`. */
  int8(value: number): this {
    const at = this.#grow(1);
    this.#bytes[at] = value;
    return this;
  }

  /** Low 16 bits of `value`. */
  int16(value: number): this {
    const at = this.#grow(2);
    this.#view.setInt16(at, value);
    return this;
  }

  /** Low 32 bits of `value`. */
  int32(value: number): this {
    const at = this.#grow(4);
    this.#view.setInt32(at, value);
    return this;
  }

  /** Signed 64-bit integer; `value` is a safe integer. */
  int64(value: number): this {
    const high = Math.floor(value / 4294967296);
    const at = this.#grow(8);
    this.#view.setInt32(at, high);
    this.#view.setUint32(at + 4, value - high * 4294967296);
    return this;
  }

  /** `bytes` as they are. */
  bytes(bytes: Uint8Array): this {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Writes an int32 again, at a place already passed: a length known only now. */
  int32At(at: number, value: number): this {
    this.#view.setInt32(at, value);
    return this;
  }

  /** What was written; a view, valid until the next write. */
  done(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room and gives where it starts. It may replace the buffer: call it before naming the buffer. */
  #grow(by: number): number {
    const at = this.#length;
    const needed = at + by;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.done());
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = needed;
    return at;
  }
}
