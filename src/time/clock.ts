/**
 * Time, as a value that is passed in.
 *
 * Whatever waits, waits on a Clock; whatever decides takes `now` as an argument. Tests and the simulation hand in a
 * manual clock, so hours pass in milliseconds and nothing sleeps for real. The only file that may use timers.
 */

/** Tells the time and waits. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Why a sleep ends that nobody waits for any more. A value that is at hand: a default reason is an error with a stack trace. */
export const UNAWAITED: unique symbol = Symbol("nobody waits for this any more");

/** Longest wait that a platform timer takes in one piece (2^31 − 1 ms). */
const MAX_TIMER_MS = 2_147_483_647;

/** The platform's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal!.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, Math.min(ms, MAX_TIMER_MS));
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};
