/**
 * How long to wait before the next try. Pure: the attempt number and chance go in, milliseconds come out.
 */
import type { Random } from "../core/random.ts";

/** The shape of a backoff: doubling from `baseMs`, never above `maxMs`. */
export interface Backoff {
  /** Wait after the first failure, in milliseconds. */
  readonly baseMs: number;
  /** Longest wait, in milliseconds. */
  readonly maxMs: number;
}

/** Milliseconds to wait after failure number `attempt` (from 1): exponential, with jitter over the upper half. */
export function backoffMs(backoff: Backoff, attempt: number, random: Random): number {
  const ceiling = Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random.next());
}
