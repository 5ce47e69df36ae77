/**
 * How many messages a second are handed out at most: a token bucket, with one timer for all that wait.
 *
 * Picture a bucket that drips full. A hand-out takes a token for each of its messages; a run may take more than there are,
 * and the next waits for the debt. Whoever finds it empty leaves a wake, is called when there is something again, and takes
 * nothing before: of what has dripped in, each that waits gets its share. Nothing is done for a message but a subtraction.
 */
import type { Clock } from "../../time/clock.ts";

/** What becomes of what drips in while nobody takes: kept for so long, in milliseconds. */
const BURST_MS = 100;
/** Who waits is not woken sooner than this, in milliseconds: a timer a message would cost more than the message. */
const LEAST_WAIT_MS = 10;

/** A rate limit, as `consumer.statistics()` shows it. */
export interface RateStatistics {
  /** The limit. */
  readonly maxMessagesPerSecond: number;
  /** How often hand-outs had to wait. */
  readonly waits: number;
}

/** The bucket of one consumer. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #capacity: number;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<() => void>();
  #tokens: number;
  #filledAt: number;
  #waits = 0;
  /** When whoever waits was last served, counted in servings. */
  readonly #servedIn = new WeakMap<() => void, number>();
  #served = 0;
  /** What the taker at hand may still take, while those that wait are served. */
  #share = Infinity;

  /** A full bucket; `signal` ends the wait of whoever waits, without waking it. */
  constructor(perSecond: number, clock: Clock, signal: AbortSignal) {
    this.#perSecond = perSecond;
    this.#capacity = Math.max(1, perSecond * BURST_MS / 1_000);
    this.#clock = clock;
    this.#signal = signal;
    this.#tokens = this.#capacity;
    this.#filledAt = clock.now();
  }

  /** Whether the taker that waits by `wake` may hand out at `now`. */
  isOpen(now: number, wake: () => void): boolean {
    if (this.#share < 1 || this.#waiting.has(wake)) return false;
    if (this.#tokens >= 1) return true;
    this.#fill(now);
    return this.#tokens >= 1;
  }

  #fill(now: number): void {
    const dripped = Math.max(0, now - this.#filledAt) * this.#perSecond / 1_000;
    this.#tokens = Math.min(this.#capacity, this.#tokens + dripped);
    this.#filledAt = now;
  }

  /** Counts `messages` that were handed out. */
  spend(messages: number): void {
    this.#tokens -= messages;
    this.#share -= messages;
  }

  /** Calls `wake` once when a hand-out may go on. Asked for twice, it is still called once. */
  wait(wake: () => void): void {
    if (this.#waiting.has(wake)) return;
    this.#waits++;
    this.#waiting.add(wake);
    if (this.#waiting.size === 1) void this.#drip();
  }

  async #drip(): Promise<void> {
    const ms = Math.max(LEAST_WAIT_MS, Math.ceil((1 - this.#tokens) * 1_000 / this.#perSecond));
    try {
      await this.#clock.sleep(ms, this.#signal);
    } catch {
      return this.#waiting.clear();
    }
    // what does not divide goes to whoever was served longest ago
    const servedIn = (wake: () => void): number => this.#servedIn.get(wake) ?? 0;
    const wakes = [...this.#waiting].sort((a, b) => servedIn(a) - servedIn(b));
    this.#waiting.clear();
    this.#fill(this.#clock.now());
    for (const [at, wake] of wakes.entries()) {
      const before = this.#tokens;
      this.#share = Math.max(1, Math.floor(before / (wakes.length - at)));
      wake();
      if (this.#tokens < before) this.#servedIn.set(wake, ++this.#served);
    }
    this.#share = Infinity;
  }

  /** The limit, and what it did. */
  statistics(): RateStatistics {
    return { maxMessagesPerSecond: this.#perSecond, waits: this.#waits };
  }
}

/** The bucket for an option; none where it is Infinity. */
export function rateLimitOf(perSecond: number, clock: Clock, signal: AbortSignal): RateLimit | undefined {
  return perSecond === Infinity ? undefined : new RateLimit(perSecond, clock, signal);
}
