/**
 * One budget for everything a consumer has pulled and not settled, shared by all its queues.
 *
 * Picture a tank with two gauges, messages and bytes. A pull may leave while both are below their limit; what comes
 * back is counted whatever it is, so the tank overshoots by at most one pull per queue. Pullers that find it full wait
 * in line and are woken in the order they came, one per release, each waking the next while there is room. Only then
 * are the live messages of sparse frames copied out of them: as long as there is room, that work is not worth doing.
 */

/** Bytes that one pull may always bring. */
const MIN_PULL_BYTES = 32 * 1024;

/** The tank. */
export class Budget {
  readonly maxMessages: number;
  readonly maxBytes: number;
  #messages = 0;
  #bytes = 0;
  readonly #line: (() => void)[] = [];
  /** Frames of which little is live, and what copies that out and gives the rest back. */
  readonly #sparse = new Map<object, () => void>();

  /** An empty tank of this size. */
  constructor(limits: { maxMessages: number; maxBytes: number }) {
    this.maxMessages = limits.maxMessages;
    this.maxBytes = limits.maxBytes;
  }

  /** Messages held. */
  get messages(): number {
    return this.#messages;
  }

  /** Bytes held: whole frames until their last message is settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a pull may leave. */
  get hasRoom(): boolean {
    return this.#messages < this.maxMessages && this.#bytes < this.maxBytes;
  }

  /** Bytes that one pull of `queues` may bring: `fullBytes`, unless that times the queues would pass the limit. */
  pullBytes(fullBytes: number, queues: number): number {
    const share = Math.floor(this.maxBytes / Math.max(1, queues));
    return Math.min(fullBytes, Math.max(MIN_PULL_BYTES, share));
  }

  /** Counts what came in. */
  take(messages: number, bytes: number): void {
    this.#messages += messages;
    this.#bytes += bytes;
  }

  /** Gives back what was settled and lets the next in line look again. */
  release(messages: number, bytes: number): void {
    this.#messages -= messages;
    this.#bytes -= bytes;
    if (this.#line.length > 0 && this.hasRoom) this.#line.shift()!();
  }

  /** Puts `wake` in line; it is called once, when there is room again. */
  enqueue(wake: () => void): void {
    this.#line.push(wake);
    if (this.#bytes < this.maxBytes) return;
    for (const [frame, compact] of this.#sparse) {
      this.#sparse.delete(frame);
      compact();
    }
  }

  /** Little of `frame` is live: `compact` is called when bytes are short, at once if they are. */
  addSparse(frame: object, compact: () => void): void {
    if (this.#line.length > 0 && this.#bytes >= this.maxBytes) compact();
    else this.#sparse.set(frame, compact);
  }

  /** Nothing of `frame` is live any more. */
  forgetSparse(frame: object): void {
    this.#sparse.delete(frame);
  }

  /** Passes the turn on: for one that was woken and has decided. */
  passOn(): void {
    if (this.#line.length > 0 && this.hasRoom) this.#line.shift()!();
  }
}
