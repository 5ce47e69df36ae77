/**
 * What waits to be written on one connection: frames go in, writes of joined frames come out.
 *
 * One write is under way at a time; whatever arrives meanwhile, or within one turn, leaves together in the next. The
 * writable's back-pressure is obeyed, so the queue is what grows when the peer is slow: past `limitBytes` there is no
 * room, and a task handed to `whenRoom` waits in order until there is.
 */

/** Frames are joined into one write up to this size; a larger frame goes alone and uncopied. */
const JOIN_BYTES = 128 * 1024;

/** A bounded, coalescing queue in front of a writable. */
export class Outbox {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #limitBytes: number;
  readonly #onError: (error: unknown) => void;
  #frames: Uint8Array[] = [];
  #queuedBytes = 0;
  #tasks: (() => void)[] = [];
  #flushed: Promise<void> | undefined;
  #closed = false;

  /** Writes to `writable`; `onError` hears of the first write that fails. */
  constructor(
    writable: WritableStream<Uint8Array>,
    options: { readonly limitBytes: number; readonly onError: (error: unknown) => void },
  ) {
    this.#writer = writable.getWriter();
    // A broken connection is reported by write(); this promise would report it a second time, unhandled.
    this.#writer.closed.catch(() => {});
    this.#limitBytes = options.limitBytes;
    this.#onError = options.onError;
  }

  /** Whether a frame may be pushed now. */
  get hasRoom(): boolean {
    return this.#queuedBytes < this.#limitBytes && this.#tasks.length === 0;
  }

  /** How many tasks wait for room. */
  get waiting(): number {
    return this.#tasks.length;
  }

  /** Bytes that are queued or being written. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Queues a frame; it leaves at the end of this turn at the earliest. */
  push(frame: Uint8Array): void {
    if (this.#closed) return;
    this.#frames.push(frame);
    this.#queuedBytes += frame.length;
    this.#flushed ??= this.#writeAll();
  }

  /** Runs `task` once there is room, after those that waited before it. */
  whenRoom(task: () => void): void {
    if (this.hasRoom) task();
    else this.#tasks.push(task);
  }

  /** Resolves when everything that is queued now, and what joins it meanwhile, is written or given up. */
  async flush(): Promise<void> {
    await this.#flushed;
  }

  /** Forgets what is queued; nothing is written any more, tasks that wait for room run so that they can give up. */
  close(): void {
    this.#closed = true;
    this.#frames = [];
    this.#queuedBytes = 0;
    for (const task of this.#tasks.splice(0)) task();
  }

  async #writeAll(): Promise<void> {
    // The frames of one turn leave together: nothing is taken before the turn's other calls have pushed theirs.
    await undefined;
    try {
      while (this.#frames.length > 0) {
        const chunk = this.#takeChunk();
        await this.#writer.write(chunk);
        if (this.#closed) return;
        this.#queuedBytes -= chunk.length;
        this.#admit();
      }
    } catch (error) {
      this.#onError(error);
    } finally {
      this.#flushed = undefined;
    }
  }

  #admit(): void {
    let admitted = 0;
    while (admitted < this.#tasks.length && this.#queuedBytes < this.#limitBytes) this.#tasks[admitted++]!();
    if (admitted > 0) this.#tasks.splice(0, admitted);
  }

  #takeChunk(): Uint8Array {
    const frames = this.#frames;
    let count = 1;
    let bytes = frames[0]!.length;
    while (count < frames.length && bytes + frames[count]!.length <= JOIN_BYTES) {
      bytes += frames[count++]!.length;
    }
    const taken = count === frames.length ? frames : frames.slice(0, count);
    this.#frames = count === frames.length ? [] : frames.slice(count);
    if (taken.length === 1) return taken[0]!;
    const joined = new Uint8Array(bytes);
    let at = 0;
    for (const frame of taken) {
      joined.set(frame, at);
      at += frame.length;
    }
    return joined;
  }
}
