/**
 * A clock that stands still until a test moves it.
 *
 * Picture a list of sleepers sorted by the time they wake, then by the order they lay down. `advance` takes them from
 * the front one by one, sets the time to that of each, wakes it, and lets what it does settle before the next.
 * Invariant: time never passes a sleeper who is due, and never moves by itself.
 */
import type { Clock } from "../time/clock.ts";
import { nextTurn } from "../time/turn.ts";

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** How a {@linkcode ManualClock} starts. */
export interface ManualClockOptions {
  /** First time, in milliseconds since the epoch. Default 1 700 000 000 000 (14 November 2023). */
  readonly startMs?: number;
  /** Turns of the event loop that count as "settled". Default 3; real sockets may want more. */
  readonly turns?: number;
}

/** A {@linkcode Clock} moved by hand. */
export class ManualClock implements Clock {
  readonly #turns: number;
  readonly #sleepers: Sleeper[] = [];
  #now: number;

  /** A clock that stands at `startMs`. */
  constructor(options: ManualClockOptions = {}) {
    this.#now = options.startMs ?? 1_700_000_000_000;
    this.#turns = options.turns ?? 3;
  }

  /** How many sleeps are under way. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Milliseconds until the next sleeper wakes, `Infinity` when nobody sleeps. */
  get nextWakeMs(): number {
    return this.#sleepers.length === 0 ? Infinity : Math.max(0, this.#sleepers[0]!.at - this.#now);
  }

  /** Milliseconds since the epoch, as of the last `advance`. */
  now(): number {
    return this.#now;
  }

  /** Resolves when `advance` reaches the end of it (a sleep of 0 ms: any advance); rejects as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, ms),
        wake(): void {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        const at = this.#sleepers.indexOf(sleeper);
        if (at >= 0) this.#sleepers.splice(at, 1);
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#sleepers.splice(this.#placeOf(sleeper.at), 0, sleeper);
    });
  }

  /** Moves the time on by `ms`, waking whoever is due on the way; resolves when all of it has settled. */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await this.settle();
    while (this.#sleepers.length > 0 && this.#sleepers[0]!.at <= target) {
      await this.#wakeNext();
    }
    this.#now = Math.max(this.#now, target);
  }

  /**
   * Jumps from sleeper to sleeper until `promise` settles, and gives its outcome.
   * @throws Error when `limitMs` of manual time (default one hour) pass, or nobody is asleep who could bring it about.
   */
  async runUntil<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    const limit = this.#now + limitMs;
    let done = false;
    const settled = (): void => void (done = true);
    promise.then(settled, settled);
    let idleTurns = 0;
    while (true) {
      await this.settle();
      if (done) return promise;
      if (this.#sleepers.length === 0) {
        if (++idleTurns > 1000) throw new Error("Cannot run until settled: nobody is asleep");
        continue;
      }
      idleTurns = 0;
      if (this.#sleepers[0]!.at > limit) {
        throw new Error(`Cannot run until settled: ${limitMs} ms have passed`);
      }
      await this.#wakeNext();
    }
  }

  /** Lets everything that is ready run, without moving the time. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < this.#turns; turn++) await nextTurn();
  }

  async #wakeNext(): Promise<void> {
    const sleeper = this.#sleepers.shift()!;
    this.#now = Math.max(this.#now, sleeper.at);
    sleeper.wake();
    await this.settle();
  }

  /** Behind everyone who wakes at `at` or earlier. */
  #placeOf(at: number): number {
    let low = 0;
    let high = this.#sleepers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sleepers[middle]!.at <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
