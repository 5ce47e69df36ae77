/**
 * Frames: the unit that travels on a connection.
 *
 *     int32 length (without itself) · int8 serialize type, int24 header length · header · body
 *
 * The decoder takes bytes in any chunks and gives frames. Each frame is copied into a buffer of its own as it comes, so
 * the chunk can be read into again, and keeping one frame keeps no other. Nothing is allocated because a peer claims a
 * length: one above the limit is refused as soon as it is read, below it the buffer grows with the bytes that came.
 */
import { ProtocolError } from "../core/errors.ts";
import { int32At, NO_BYTES } from "./bytes.ts";
import type { Command } from "./command.ts";
import { decodeHeader, encodeHeader, fitsBinary, SERIALIZE_TYPES, type SerializeType } from "./header.ts";

/** One frame. */
export interface Frame {
  /** What its header says. */
  readonly command: Command;
  /** Its body: a view of the frame's own buffer, empty when there is none. */
  readonly body: Uint8Array;
  /** Its size on the wire, the leading length included. */
  readonly sizeBytes: number;
  /** How its header was serialised. */
  readonly serializeType: SerializeType;
}

/** Java's `com.rocketmq.remoting.frameMaxLength`: 16 MiB, the leading length included. */
export const DEFAULT_MAX_FRAME_BYTES = 16_777_216;

const LENGTH_BYTES = 4;
/** The length and the word with serialize type and header length. */
const PREFIX_BYTES = 8;
/** A first buffer of this size is given on a claim alone; */
const FIRST_ROOM_BYTES = 16_384;
/** beyond, the buffer has room for so many times the bytes that came, at most. */
const ROOM_FACTOR = 4;

/** Turns chunks of bytes into frames. After an error it stays broken: the connection is to be closed. */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  /** What came of the frame that is not complete yet, once that is more than its prefix. */
  #frame: Uint8Array = this.#prefix;
  #filledBytes = 0;
  /** Bytes of the incomplete frame, once its length is known; else 0. */
  #wantedBytes = 0;
  #broken: ProtocolError | undefined;

  /** `maxFrameBytes` bounds a frame, its leading length included; 16 MiB by default. */
  constructor(options: { readonly maxFrameBytes?: number | undefined } = {}) {
    this.#maxFrameBytes = options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
  }

  /**
   * Takes a chunk and hands every frame that it completes to `deliver`, in order. Nothing refers to the chunk afterwards.
   *
   * @throws ProtocolError at a bad frame, after the frames before it were delivered; and on every later call.
   */
  push(chunk: Uint8Array, deliver: (frame: Frame) => void): void {
    if (this.#broken !== undefined) throw this.#broken;
    try {
      for (let at = 0; at < chunk.length;) {
        at = this.#filledBytes < PREFIX_BYTES ? this.#takePrefix(chunk, at) : this.#takeRest(chunk, at);
        if (this.#filledBytes === this.#wantedBytes) deliver(this.#complete());
      }
    } catch (error) {
      if (error instanceof ProtocolError) this.#broken = error;
      throw error;
    }
  }

  /** Says that no more bytes come. @throws ProtocolError when a frame is incomplete. */
  end(): void {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#filledBytes === 0) return;
    const of = this.#wantedBytes > 0 ? `${this.#wantedBytes}` : "an unknown number of";
    throw new ProtocolError(`Cannot read frame: the stream ended after ${this.#filledBytes} of ${of} bytes`);
  }

  /** Takes the length, then the word behind it, each checked at once. Gives the position behind what was used. */
  #takePrefix(chunk: Uint8Array, at: number): number {
    const goal = this.#filledBytes < LENGTH_BYTES ? LENGTH_BYTES : PREFIX_BYTES;
    const until = Math.min(chunk.length, at + goal - this.#filledBytes);
    for (let i = at; i < until; i++) this.#prefix[this.#filledBytes++] = chunk[i]!;
    if (this.#filledBytes < goal) return until;
    if (goal === LENGTH_BYTES) this.#wantedBytes = this.#frameSize(int32At(this.#prefix, 0));
    else {
      checkPrefix(this.#prefix, 0);
      this.#grow(PREFIX_BYTES, PREFIX_BYTES + chunk.length - until);
    }
    return until;
  }

  /** Takes what the frame still lacks. Gives the position behind what was used. */
  #takeRest(chunk: Uint8Array, at: number): number {
    const until = Math.min(chunk.length, at + this.#wantedBytes - this.#filledBytes);
    const filled = this.#filledBytes + until - at;
    if (filled > this.#frame.length) this.#grow(this.#filledBytes, filled);
    this.#frame.set(chunk.subarray(at, until), this.#filledBytes);
    this.#filledBytes = filled;
    return until;
  }

  /** Moves the first `count` bytes of the frame to a buffer with room for the `known` bytes and more. */
  #grow(count: number, known: number): void {
    const room = Math.min(this.#wantedBytes, Math.max(FIRST_ROOM_BYTES, known * ROOM_FACTOR));
    const frame = new Uint8Array(room);
    frame.set(this.#frame.length === count ? this.#frame : this.#frame.subarray(0, count));
    this.#frame = frame;
  }

  #complete(): Frame {
    const bytes = this.#frame;
    this.#frame = this.#prefix;
    this.#filledBytes = this.#wantedBytes = 0;
    return readFrame(bytes);
  }

  #frameSize(length: number): number {
    if (length < PREFIX_BYTES - LENGTH_BYTES) {
      throw new ProtocolError(`Cannot read frame: length ${length} is below the minimum of 4`);
    }
    if (length + LENGTH_BYTES > this.#maxFrameBytes) {
      throw new ProtocolError(
        `Cannot read frame: length ${length} is above the limit of ${this.#maxFrameBytes}`,
      );
    }
    return length + LENGTH_BYTES;
  }
}

/** Checks the serialize type and the header length of the frame at `at`, whose length was checked before. */
function checkPrefix(bytes: Uint8Array, at: number): void {
  const room = int32At(bytes, at) - LENGTH_BYTES;
  const word = int32At(bytes, at + LENGTH_BYTES);
  if (SERIALIZE_TYPES[word >>> 24] === undefined) {
    throw new ProtocolError(
      `Cannot read frame: its serialize type is ${word >>> 24}, not 0 (JSON) or 1 (ROCKETMQ)`,
    );
  }
  if ((word & 0xffffff) > room) {
    throw new ProtocolError(`Cannot read frame: a header of ${word & 0xffffff} bytes where ${room} are left`);
  }
}

function readFrame(bytes: Uint8Array): Frame {
  checkPrefix(bytes, 0);
  const word = int32At(bytes, LENGTH_BYTES);
  const bodyAt = PREFIX_BYTES + (word & 0xffffff);
  return {
    command: decodeHeader(bytes.subarray(PREFIX_BYTES, bodyAt), word >>> 24),
    body: bodyAt === bytes.length ? NO_BYTES : bytes.subarray(bodyAt),
    sizeBytes: bytes.length,
    serializeType: SERIALIZE_TYPES[word >>> 24]!,
  };
}

/**
 * The bytes of a frame. JSON is used, whatever `type` says, for a command that the ROCKETMQ form cannot carry (codes
 * above 32767, such as POP's); every peer reads both.
 */
export function encodeFrame(
  command: Command,
  body: Uint8Array | undefined,
  type: SerializeType = "JSON",
): Uint8Array {
  const used = type === "ROCKETMQ" && fitsBinary(command) ? "ROCKETMQ" : "JSON";
  const header = encodeHeader(command, used);
  const bodyAt = PREFIX_BYTES + header.length;
  const frame = new Uint8Array(bodyAt + (body?.length ?? 0));
  const view = new DataView(frame.buffer);
  view.setInt32(0, frame.length - LENGTH_BYTES);
  view.setInt32(LENGTH_BYTES, (SERIALIZE_TYPES.indexOf(used) << 24) | header.length);
  frame.set(header, PREFIX_BYTES);
  if (body !== undefined) frame.set(body, bodyAt);
  return frame;
}
