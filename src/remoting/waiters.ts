/**
 * Who waits for which answer on one connection: opaque → waiter.
 *
 * All deadlines are swept by one sleeper that sleeps until the earliest of them, not by a timer for each call. A waiter
 * leaves the table before it is settled, so it is settled once: by its answer, its deadline, its signal or the end of
 * the connection.
 */
import { TimeoutError } from "../core/errors.ts";
import { type Clock, UNAWAITED } from "../time/clock.ts";
import type { Frame } from "../wire/frame.ts";
import type { AnyOperation } from "./call.ts";

/** One pending call. */
export interface Waiter {
  /** What was asked. */
  readonly operation: AnyOperation;
  /** What the whole call was given, in milliseconds. */
  readonly timeoutMs: number;
  /** When it gives up, in milliseconds since the epoch. */
  readonly deadlineAt: number;
  /** Takes the answer. */
  answer(frame: Frame): void;
  /** Takes the failure. */
  reject(error: unknown): void;
  /** Ends the wait early. */
  readonly signal: AbortSignal | undefined;
  /** What is registered at `signal`. */
  onAbort: (() => void) | undefined;
}

/**
 * A waiter's place in the table, empty once it has left. A Map that entries pass through is rebuilt every few entries, and
 * V8's former tables lead to the later ones: one that has grown old keeps all after it alive until the next full collection.
 * So neither a table nor a listener list may lead to a waiter that is settled, and by it to its answer. (Measured: 30 MiB of
 * frames while a backlog is drained.)
 */
interface Place {
  waiter: Waiter | undefined;
}

/** The sweeper rests at least this long between two sweeps, so that a silent peer cannot make it run each millisecond. */
const SWEEP_PAUSE_MS = 5;

/** The pending calls of one connection. */
export class Waiters {
  readonly #clock: Clock;
  readonly #address: string;
  readonly #byOpaque = new Map<number, Place>();
  #lastOpaque: number;
  #sleeping: AbortController | undefined;
  #wakeAt = Infinity;

  /** No pending calls yet; `address` is the peer that errors name. */
  constructor(clock: Clock, address: string, firstOpaque: number) {
    this.#clock = clock;
    this.#address = address;
    this.#lastOpaque = firstOpaque - 1;
  }

  /** How many calls are pending. */
  get size(): number {
    return this.#byOpaque.size;
  }

  /** Whether the call is still pending. */
  has(opaque: number): boolean {
    return this.#byOpaque.has(opaque);
  }

  /** A number that no pending call has; wraps like Java's int. */
  nextOpaque(): number {
    do this.#lastOpaque = (this.#lastOpaque + 1) | 0; while (this.#byOpaque.has(this.#lastOpaque));
    return this.#lastOpaque;
  }

  /** Enters a call; its deadline and its signal count from here. */
  add(opaque: number, waiter: Waiter): void {
    this.#byOpaque.set(opaque, { waiter });
    const { signal } = waiter;
    if (signal) {
      waiter.onAbort = () => this.take(opaque)?.reject(signal.reason);
      signal.addEventListener("abort", waiter.onAbort, { once: true });
    }
    if (waiter.deadlineAt < this.#wakeAt) this.#sleepUntil(waiter.deadlineAt);
  }

  /** Removes a call and gives it to whoever settles it; `undefined` when it was settled before. */
  take(opaque: number): Waiter | undefined {
    const place = this.#byOpaque.get(opaque);
    if (place === undefined) return undefined;
    this.#byOpaque.delete(opaque);
    const waiter = place.waiter!;
    place.waiter = undefined;
    if (waiter.onAbort) waiter.signal!.removeEventListener("abort", waiter.onAbort);
    return waiter;
  }

  /** Rejects every pending call with what `errorOf` says and lets the sleeper go. */
  failAll(errorOf: (waiter: Waiter) => unknown): void {
    this.#sleeping?.abort(UNAWAITED);
    this.#sleeping = undefined;
    this.#wakeAt = Infinity;
    for (const opaque of [...this.#byOpaque.keys()]) {
      const waiter = this.take(opaque);
      if (waiter) waiter.reject(errorOf(waiter));
    }
  }

  #sleepUntil(at: number): void {
    if (at === Infinity) return;
    this.#sleeping?.abort(UNAWAITED);
    const sleeping = new AbortController();
    this.#sleeping = sleeping;
    this.#wakeAt = at;
    this.#clock.sleep(Math.max(0, at - this.#clock.now()), sleeping.signal).then(
      () => this.#sweep(sleeping),
      () => {},
    );
  }

  #sweep(sleeping: AbortController): void {
    if (this.#sleeping !== sleeping) return;
    this.#sleeping = undefined;
    this.#wakeAt = Infinity;
    const now = this.#clock.now();
    let earliest = Infinity;
    for (const [opaque, place] of this.#byOpaque) {
      const waiter = place.waiter!;
      if (waiter.deadlineAt <= now) this.take(opaque)!.reject(this.#timeout(waiter));
      else if (waiter.deadlineAt < earliest) earliest = waiter.deadlineAt;
    }
    this.#sleepUntil(Math.max(earliest, now + SWEEP_PAUSE_MS));
  }

  #timeout(waiter: Waiter): TimeoutError {
    return new TimeoutError(
      `Cannot call ${waiter.operation.name} at ${this.#address}: no answer within ${waiter.timeoutMs} ms`,
      { address: this.#address, timeoutMs: waiter.timeoutMs },
    );
  }
}
