/**
 * One turn of the event loop, as something to wait for.
 *
 * Promise callbacks run before the next turn, input and output between two of them: whoever wants "what has been
 * started to settle" without telling the time waits for a few turns.
 */
import { setImmediate } from "node:timers";

/** Resolves in the next turn of the event loop, after every promise callback that is ready now. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
