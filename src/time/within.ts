/**
 * Waiting for something that others wait for too: each waiter brings a patience and a signal of its own, and giving up
 * does not disturb what is waited for.
 */
import { TimeoutError } from "../core/errors.ts";
import { type Clock, UNAWAITED } from "./clock.ts";

/** How one waiter waits. */
export interface Patience {
  /** How long, in milliseconds; without end by default. */
  readonly ms?: number | undefined;
  /** Tells when that has passed. */
  readonly clock: Clock;
  /** Ends the wait early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** What to reject with when `ms` have passed. */
  timeout?(): Error;
}

/** What `shared` comes to, unless patience or the signal ends first. `shared` itself is left alone. */
export function within<T>(shared: Promise<T>, patience: Patience): Promise<T> {
  const { ms, clock, signal } = patience;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      shared.catch(() => {});
      return reject(signal.reason);
    }
    const sleeping = new AbortController();
    const onAbort = (): void => {
      sleeping.abort(UNAWAITED);
      reject(signal!.reason);
    };
    const stopWaiting = (): void => {
      sleeping.abort(UNAWAITED);
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    if (ms !== undefined) {
      clock.sleep(ms, sleeping.signal).then(() => {
        signal?.removeEventListener("abort", onAbort);
        reject(patience.timeout?.() ?? new TimeoutError(`Cannot wait longer: ${ms} ms have passed`));
      }, () => {});
    }
    shared.then((value) => {
      stopWaiting();
      resolve(value);
    }, (error) => {
      stopWaiting();
      reject(error);
    });
  });
}
