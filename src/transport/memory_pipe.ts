/**
 * One direction of a connection of the memory network.
 *
 * Picture a conveyor belt with room for `windowBytes`: the writer puts chunks on it and waits while it is full, each
 * chunk reaches the far end when it is due, and lies there until the reader asks. Order is never changed; a chunk that
 * reaches an end that was closed resets the connection, as TCP does.
 */
import type { Random } from "../core/random.ts";
import type { MemoryClock } from "./memory.ts";
import type { StreamPair } from "./stream_pair.ts";

/** What the network lays down for all its pipes. */
export interface PipeConditions {
  readonly clock: MemoryClock;
  readonly random: Random;
  readonly latencyMs: number;
  readonly splitChunks: boolean;
  readonly windowBytes: number;
  /** Chunks under way in the whole network. */
  inFlight: number;
  /** Settles when a fault ends next. */
  readonly mended: Promise<void>;
}

interface Segment {
  /** The bytes, or undefined for the end of the stream. */
  readonly chunk: Uint8Array | undefined;
  readonly dueAt: number;
}

/** One direction: a writer's end, a reader's end, and what lies between. */
export class MemoryPipe {
  /** The stream that is fed. */
  reader!: StreamPair;
  /** Called when bytes meet an end that was closed. */
  onRefused: () => void = () => {};
  readonly #conditions: PipeConditions;
  readonly #held: () => boolean;
  readonly #stop = new AbortController();
  #travelling: Segment[] = [];
  #arrived: Segment[] = [];
  #bytes = 0;
  #moving = false;
  #asked = false;
  #ended = false;
  #refusing = false;
  #room: PromiseWithResolvers<void> | undefined;

  /** A pipe under `conditions`; nothing arrives while `held` says so. */
  constructor(conditions: PipeConditions, held: () => boolean) {
    this.#conditions = conditions;
    this.#held = held;
  }

  /** Puts `chunk` on its way; settles when there is room for more. */
  write(chunk: Uint8Array): void | Promise<void> {
    // The writer may use its buffer again once this settles, as with a real socket.
    const bytes = chunk.slice();
    this.#bytes += bytes.byteLength;
    for (const piece of this.#pieces(bytes)) this.#send(piece);
    if (this.#bytes < this.#conditions.windowBytes) return;
    this.#room ??= Promise.withResolvers();
    return this.#room.promise;
  }

  /** Lets the reader's stream end after what was written. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#send(undefined);
  }

  /** The writer's end was closed: a write that waits rejects, what was written still arrives. */
  release(): void {
    this.#room?.reject(new Error("the connection is closed"));
    this.#room = undefined;
    this.end();
  }

  /** The reader's end was closed: bytes that lie there, or come later, reset the connection. */
  refuse(): void {
    this.#refusing = true;
    if (this.#arrived.some(({ chunk }) => chunk)) this.onRefused();
  }

  /** The reader wants a chunk. */
  pull(): void {
    this.#asked = true;
    this.#hand();
  }

  /** Throws away what is under way. */
  destroy(): void {
    this.#ended = true;
    this.#stop.abort();
    this.#conditions.inFlight -= this.#travelling.length;
    this.#travelling = [];
    this.#arrived = [];
    this.#room?.reject(new Error("the connection was reset"));
    this.#room = undefined;
  }

  *#pieces(bytes: Uint8Array): Generator<Uint8Array> {
    const { splitChunks, random } = this.#conditions;
    let at = 0;
    while (splitChunks && at < bytes.byteLength) {
      const end = at + 1 + random.int(bytes.byteLength - at);
      yield bytes.subarray(at, end);
      at = end;
    }
    if (at < bytes.byteLength) yield bytes.subarray(at);
  }

  #send(chunk: Uint8Array | undefined): void {
    if (this.#stop.signal.aborted) return;
    const { clock, latencyMs } = this.#conditions;
    this.#travelling.push({ chunk, dueAt: latencyMs > 0 ? clock.now() + latencyMs : 0 });
    this.#conditions.inFlight++;
    if (!this.#moving) this.#move().catch(() => {});
  }

  /** Moves what is due to the far end; rejects when the pipe is destroyed meanwhile. */
  async #move(): Promise<void> {
    const { clock } = this.#conditions;
    this.#moving = true;
    try {
      await undefined;
      while (this.#travelling.length > 0) {
        const next = this.#travelling[0]!;
        if (this.#held()) await this.#conditions.mended;
        else if (next.dueAt > clock.now()) await clock.sleep(next.dueAt - clock.now(), this.#stop.signal);
        else this.#arrive(this.#travelling.shift()!);
      }
    } finally {
      this.#moving = false;
    }
  }

  #arrive(segment: Segment): void {
    this.#conditions.inFlight--;
    if (this.#refusing) {
      if (segment.chunk) this.onRefused();
      return;
    }
    this.#arrived.push(segment);
    this.#hand();
  }

  #hand(): void {
    const next = this.#arrived[0];
    if (!next || (next.chunk && !this.#asked)) return;
    this.#arrived.shift();
    if (!next.chunk) return this.reader.finish();
    this.#asked = false;
    this.#bytes -= next.chunk.byteLength;
    if (this.#bytes < this.#conditions.windowBytes) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    this.reader.deliver(next.chunk);
    this.#hand();
  }
}
