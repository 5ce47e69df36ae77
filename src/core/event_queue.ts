/**
 * A bounded queue of events with an async iterator over it.
 *
 * The reader takes the whole pending array, leaves an empty one and yields from its batch: one wake-up per batch
 * instead of one promise per event. When nobody reads, the oldest events are dropped and counted; a queue never
 * grows past its limit.
 */
export class EventQueue<T> implements AsyncIterableIterator<T> {
  readonly #limit: number;
  #pending: T[] = [];
  #batch: T[] = [];
  #at = 0;
  #waiting: ((result: IteratorResult<T>) => void)[] = [];
  #closed = false;
  #dropped = 0;
  readonly #onReturn: (() => void) | undefined;

  /** A queue that holds at most `limit` unread events; `onReturn` runs once when the reader leaves or it closes. */
  constructor(limit: number, onReturn?: () => void) {
    this.#limit = limit;
    this.#onReturn = onReturn;
  }

  /** How many events were dropped because nobody read them. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds an event; drops the oldest unread one when full. */
  push(event: T): void {
    if (this.#closed) return;
    const waiter = this.#waiting.shift();
    if (waiter) return waiter({ value: event, done: false });
    if (this.#pending.length >= this.#limit) {
      this.#pending.shift();
      this.#dropped++;
    }
    this.#pending.push(event);
  }

  /** Ends the iteration once what is pending has been read. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onReturn?.();
    for (const waiter of this.#waiting.splice(0)) waiter({ value: undefined, done: true });
  }

  /** The next event, in order. */
  next(): Promise<IteratorResult<T>> {
    if (this.#at < this.#batch.length) {
      return Promise.resolve({ value: this.#batch[this.#at++]!, done: false });
    }
    if (this.#pending.length > 0) {
      this.#batch = this.#pending;
      this.#pending = [];
      this.#at = 1;
      return Promise.resolve({ value: this.#batch[0]!, done: false });
    }
    if (this.#closed) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Stops reading: closes the queue and forgets what is pending. */
  return(): Promise<IteratorResult<T>> {
    this.#pending = [];
    this.#batch = [];
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }
}
