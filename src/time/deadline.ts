/**
 * One deadline per call, handed to every step of it: the time left shrinks, it never starts afresh.
 */
import type { Clock } from "./clock.ts";

/** The end of a call's patience. */
export interface Deadline {
  /** When patience ends, in milliseconds since the epoch. */
  readonly at: number;
  /** What the whole call was given, in milliseconds. */
  readonly timeoutMs: number;
  /** Milliseconds left, 0 when passed. */
  left(): number;
}

/** A deadline `timeoutMs` from now. */
export function deadlineIn(timeoutMs: number, clock: Clock): Deadline {
  const at = clock.now() + timeoutMs;
  return { at, timeoutMs, left: () => Math.max(0, at - clock.now()) };
}
