/**
 * A ReadableStream of messages whose loop settles them.
 *
 * `for await` over it acks the previous item when it asks for the next one; leaving the loop by `break`, `return` or a
 * throw leaves the current item unsettled, and it is handed out again. The iterator locks the stream but draws from the source
 * directly, without a reader's bookkeeping per item. What `pipeThrough` returns settles in the same way.
 * Everything else (readers, pipes, tees) wants `{ settle: "manual" }`, and is told so once.
 */
import type { StreamSource } from "./stream_source.ts";

/** Who settles what a stream hands out: its loop, or the application. */
export type SettleMode = "auto" | "manual";

/** The iteration of a MessageStream; disposing of it leaves it, as `return()` does. */
export interface MessageIteration<T> extends AsyncIterableIterator<T, undefined, undefined> {
  /** The same, still an iteration that can be disposed of. */
  [Symbol.asyncIterator](): MessageIteration<T>;
  /** Leaves the iteration. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What can be settled: a message, or what a transform made of one while keeping its settlement. */
interface Settleable {
  readonly settled: boolean;
  ack(): void;
}

/** A stream of messages, or of runs of messages of one queue. */
export class MessageStream<T> extends ReadableStream<T> {
  readonly #source: StreamSource<T>;
  readonly #settle: SettleMode;
  /** Whether something that carries the settlement along reads this stream (our iterator, `pipeThrough`). */
  readonly #reading: { carried: boolean };
  /** Items handed to a pipe, to be given back when it is cancelled. */
  readonly #piped: Set<T>;

  /** Made by `consumer.messages()` and `consumer.batches()`. */
  constructor(source: StreamSource<T>, settle: SettleMode, warn: () => void) {
    const reading = { carried: false };
    const piped = new Set<T>();
    let warned = settle === "manual";
    super({
      async pull(controller) {
        if (!warned && !reading.carried) {
          warned = true;
          warn();
        }
        const item = await source.next();
        if (item === undefined) return controller.close();
        if (reading.carried) remember(piped, item, source);
        controller.enqueue(item);
      },
      cancel() {
        source.end(); // first, or what is given back would be handed to the read that is being cancelled
        for (const item of piped) source.giveBack(item);
      },
    }, { highWaterMark: 0 });
    this.#source = source;
    this.#settle = settle;
    this.#reading = reading;
    this.#piped = piped;
  }

  /** Iterates; in mode "auto" each item is acked when the next one is asked for. */
  override [Symbol.asyncIterator](options?: { preventCancel?: boolean }): MessageIteration<T> {
    return new MessageIterator(this, this.#source, this.#settle, options?.preventCancel ?? false);
  }

  /** Pipes through a transform; the loop over the result settles what comes out, as the loop over this stream would. */
  override pipeThrough<U>(
    transform: { writable: WritableStream<T>; readable: ReadableStream<U> },
    options?: StreamPipeOptions,
  ): ReadableStream<U> {
    if (this.#settle === "manual") return super.pipeThrough(transform, options);
    this.#reading.carried = true;
    return settling(this, transform, options, []);
  }
}

/** How many items a pipe may hold before the settled ones are forgotten. */
const PIPED_SWEEP = 256;

function remember<T>(piped: Set<T>, item: T, source: StreamSource<T>): void {
  piped.add(item);
  if (piped.size % PIPED_SWEEP === 0) {
    for (const old of piped) if (source.isSettled(old)) piped.delete(old);
  }
}

/** The iterator of a MessageStream. */
class MessageIterator<T> implements MessageIteration<T> {
  readonly #reader: ReadableStreamDefaultReader<T>;
  readonly #source: StreamSource<T>;
  readonly #auto: boolean;
  readonly #preventCancel: boolean;
  #current: T | undefined;
  #done = false;

  constructor(
    stream: ReadableStream<T>,
    source: StreamSource<T>,
    settle: SettleMode,
    preventCancel: boolean,
  ) {
    this.#reader = stream.getReader();
    this.#source = source;
    this.#auto = settle === "auto";
    this.#preventCancel = preventCancel;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#current !== undefined) {
      if (this.#auto) this.#source.ack(this.#current);
      this.#current = undefined;
    }
    if (this.#done) return Promise.resolve({ value: undefined, done: true });
    const item = this.#source.next();
    if (item instanceof Promise) return item.then((value) => this.#result(value));
    return Promise.resolve(this.#result(item));
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    const current = this.#current;
    this.#current = undefined;
    if (!this.#done) {
      this.#done = true;
      if (this.#auto && current !== undefined) this.#source.giveBack(current);
      if (!this.#preventCancel) await this.#reader.cancel();
      this.#reader.releaseLock();
    }
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #result(item: T | undefined): IteratorResult<T, undefined> {
    if (item === undefined) {
      this.#done = true;
      this.#reader.cancel().catch(() => {});
      this.#reader.releaseLock();
      return { value: undefined, done: true };
    }
    this.#current = item;
    return { value: item, done: false };
  }
}

/**
 * Pipes `source` through `transform`, and gives what comes out an iterator (and a `pipeThrough`) that acks the previous item when
 * asked for the next. Leaving the loop waits for every pipe to end, so that what they had read ahead is given back by then.
 */
function settling<T, U>(
  source: ReadableStream<T>,
  transform: { writable: WritableStream<T>; readable: ReadableStream<U> },
  options: StreamPipeOptions | undefined,
  before: readonly Promise<void>[],
): ReadableStream<U> {
  if (source.locked) throw new TypeError("Cannot pipe a stream that is locked");
  if (transform.writable.locked) throw new TypeError("Cannot pipe into a writable that is locked");
  // As pipeThrough does it: a failure shows at the readable end.
  const pipes = [...before, source.pipeTo(transform.writable, options).catch(() => {})];
  const { readable } = transform;
  Object.defineProperties(readable, {
    [Symbol.asyncIterator]: {
      value: (iteration?: { preventCancel?: boolean }) =>
        ackingIterator(readable, iteration?.preventCancel ?? false, pipes),
    },
    pipeThrough: {
      value: (
        next: { writable: WritableStream<U>; readable: ReadableStream },
        nextOptions?: StreamPipeOptions,
      ) => settling(readable, next, nextOptions, pipes),
    },
  });
  return readable;
}

function ackingIterator<U>(
  readable: ReadableStream<U>,
  preventCancel: boolean,
  pipes: readonly Promise<void>[],
): AsyncIterableIterator<U> {
  const reader = readable.getReader();
  let current: U | undefined;
  return {
    async next() {
      if (isSettleable(current) && !current.settled) current.ack();
      current = undefined;
      const result = await reader.read();
      if (result.done) return { value: undefined, done: true };
      current = result.value;
      return { value: result.value, done: false };
    },
    async return() {
      current = undefined;
      if (!preventCancel) {
        await reader.cancel();
        await Promise.all(pipes);
      }
      reader.releaseLock();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function isSettleable(item: unknown): item is Settleable {
  return typeof item === "object" && item !== null && "ack" in item && "settled" in item;
}
