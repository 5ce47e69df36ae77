/**
 * One budget for everything a consumer has pulled and not settled, shared by all its queues.
 *
 * Picture a tank with two gauges, messages and bytes. A pull may leave while both are below their limit; what comes
 * back is counted whatever it is, so the tank overshoots by at most one pull per queue. Pullers that find it full wait
 * in line and are woken in the order they came, one per release, each waking the next while there is room.
 */
export class Budget {
  readonly maxMessages: number;
  readonly maxBytes: number;
  #messages = 0;
  #bytes = 0;
  readonly #line: (() => void)[] = [];

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
  }

  /** Passes the turn on: for one that was woken and has decided. */
  passOn(): void {
    if (this.#line.length > 0 && this.hasRoom) this.#line.shift()!();
  }
}
