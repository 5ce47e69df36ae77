/**
 * Frames: the unit that travels on a connection.
 *
 *     int32 length (without itself) · int8 serialize type, int24 header length · header · body
 *
 * The decoder takes bytes in any chunks and gives frames. A frame that lies within one chunk is a view of it; one that
 * spans chunks is joined once, when complete. Nothing is allocated because a peer claims a length: a length above the
 * limit is refused as soon as it is read, below it memory grows with the bytes that came.
 */
import { ProtocolError } from "../core/errors.ts";
import { int32At, NO_BYTES, plainBytes } from "./bytes.ts";
import type { Command } from "./command.ts";
import { decodeHeader, encodeHeader, fitsBinary, SERIALIZE_TYPES, type SerializeType } from "./header.ts";

/** One frame. */
export interface Frame {
  /** What its header says. */
  readonly command: Command;
  /** Its body: a view of received bytes, empty when there is none. */
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
/** Chunks smaller than this are gathered in blocks, so that a frame in tiny chunks costs no object for each. */
const SMALL_CHUNK_BYTES = 1024;
const BLOCK_BYTES = 16_384;

/**
 * Turns chunks of bytes into frames. After an error it stays broken: the connection is to be closed.
 *
 * Chunks are kept until their frames are gone; the caller must not write to them afterwards.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  /** What came of the frame that is not complete yet, in order. */
  #parts: Uint8Array[] = [];
  #heldBytes = 0;
  /** Bytes of the incomplete frame, once its length is known; else 0. */
  #wantedBytes = 0;
  /** How many bytes of the last part, a block of our own, are filled; 0 when it is a chunk. */
  #blockFill = 0;
  #broken: ProtocolError | undefined;

  /** `maxFrameBytes` bounds a frame, its leading length included; 16 MiB by default. */
  constructor(options: { readonly maxFrameBytes?: number | undefined } = {}) {
    this.#maxFrameBytes = options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
  }

  /**
   * Takes the bytes received and hands every frame that it completes to `deliver`, in order.
   *
   * @throws ProtocolError at a bad frame, after the frames before it were delivered; and on every later call.
   */
  push(received: Uint8Array, deliver: (frame: Frame) => void): void {
    if (this.#broken !== undefined) throw this.#broken;
    const chunk = plainBytes(received);
    try {
      let at = 0;
      while (at < chunk.length) {
        at = this.#heldBytes > 0 ? this.#complete(chunk, at, deliver) : this.#direct(chunk, at, deliver);
      }
    } catch (error) {
      if (error instanceof ProtocolError) this.#broken = error;
      throw error;
    }
  }

  /** Says that no more bytes come. @throws ProtocolError when a frame is incomplete. */
  end(): void {
    if (this.#broken !== undefined) throw this.#broken;
    if (this.#heldBytes === 0) return;
    const of = this.#wantedBytes > 0 ? `${this.#wantedBytes}` : "an unknown number of";
    throw new ProtocolError(`Cannot read frame: the stream ended after ${this.#heldBytes} of ${of} bytes`);
  }

  /** Nothing is held: frames are views of the chunk, a rest is held. Gives the position behind what was used. */
  #direct(chunk: Uint8Array, at: number, deliver: (frame: Frame) => void): number {
    const left = chunk.length - at;
    if (left >= LENGTH_BYTES) {
      const size = this.#frameSize(int32At(chunk, at));
      if (left >= size) {
        const frame = readFrame(at === 0 && left === size ? chunk : chunk.subarray(at, at + size));
        deliver(frame);
        return at + size;
      }
      this.#wantedBytes = size;
      if (left >= PREFIX_BYTES) checkPrefix(chunk, at);
    }
    this.#hold(chunk.subarray(at));
    return chunk.length;
  }

  /** Part of a frame is held: takes what it still lacks. Gives the position behind what was used. */
  #complete(chunk: Uint8Array, at: number, deliver: (frame: Frame) => void): number {
    const prefixLacks = PREFIX_BYTES - this.#heldBytes;
    if (prefixLacks > 0) {
      // Up to the prefix only, so that a bad length or header length is refused before more is kept. Pieces this small
      // are in one block, so the first part holds the whole prefix.
      const goal = this.#wantedBytes > 0 ? PREFIX_BYTES : LENGTH_BYTES;
      const until = Math.min(chunk.length, at + goal - this.#heldBytes);
      this.#hold(chunk.subarray(at, until));
      if (this.#heldBytes === LENGTH_BYTES) this.#wantedBytes = this.#frameSize(int32At(this.#parts[0]!, 0));
      if (this.#heldBytes === PREFIX_BYTES) {
        checkPrefix(this.#parts[0]!, 0);
        if (this.#wantedBytes === PREFIX_BYTES) this.#flush(deliver);
      }
      return until;
    }
    const until = Math.min(chunk.length, at + this.#wantedBytes - this.#heldBytes);
    this.#hold(at === 0 && until === chunk.length ? chunk : chunk.subarray(at, until));
    if (this.#heldBytes === this.#wantedBytes) this.#flush(deliver);
    return until;
  }

  #flush(deliver: (frame: Frame) => void): void {
    const bytes = this.#joined();
    this.#parts = [];
    this.#heldBytes = this.#wantedBytes = this.#blockFill = 0;
    deliver(readFrame(bytes));
  }

  #hold(bytes: Uint8Array): void {
    this.#heldBytes += bytes.length;
    if (bytes.length >= SMALL_CHUNK_BYTES) {
      this.#closeBlock();
      this.#parts.push(bytes);
      return;
    }
    let block = this.#blockFill > 0 ? this.#parts[this.#parts.length - 1]! : undefined;
    if (block === undefined || this.#blockFill + bytes.length > block.length) {
      this.#closeBlock();
      block = new Uint8Array(BLOCK_BYTES);
      this.#parts.push(block);
    }
    block.set(bytes, this.#blockFill);
    this.#blockFill += bytes.length;
  }

  /** Cuts the block in use to what is filled. */
  #closeBlock(): void {
    if (this.#blockFill > 0) this.#parts.push(this.#parts.pop()!.subarray(0, this.#blockFill));
    this.#blockFill = 0;
  }

  /** What is held, in one piece. */
  #joined(): Uint8Array {
    this.#closeBlock();
    const joined = new Uint8Array(this.#heldBytes);
    let at = 0;
    for (const part of this.#parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
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
