/**
 * How many listener calls may be pending at once: a gradient limiter, as pure functions.
 *
 * Picture a climber in fog who feels the slope under the feet. Once a second there is a look at the calls that ended well;
 * when there are enough to judge, the rate is compared with that of the last step: if so much more slots brought at least a
 * third of that much more good calls, the next step goes up, else down. That is where rate divided by the square root of
 * latency is highest. It takes no look at a clock for a call: slots that only lengthen calls, or make them fail, bring no rate.
 * Chosen with `bench/limiter_bench.ts`. Always within the bounds.
 */

/** The least and the most that there may be. */
export interface ConcurrencyBounds {
  readonly min: number;
  readonly max: number;
}

/** What was seen since the last look. */
export interface ConcurrencySample {
  /** Whether all slots were taken at some time while messages waited. */
  readonly saturated: boolean;
  /** Calls that are pending now. */
  readonly pending: number;
  /** Calls that ended. */
  readonly ended: number;
  /** Of those, calls that ended well. */
  readonly good: number;
}

/** What a limiter remembers from look to look. */
export interface ConcurrencyState {
  /** How many calls may be pending. */
  readonly limit: number;
  /** Calls that ended since the limit was last judged, those that ended well, and the looks that this took. */
  readonly ended: number;
  readonly good: number;
  readonly looks: number;
  /** The limit that was judged last, and the good calls per look that it brought; 0 when there is nothing to compare with. */
  readonly judged: number;
  readonly rate: number;
  /** How often a limit was judged that stood still at a bound. */
  readonly resting: number;
}

/** So many times the limit must have ended before it is judged: fewer are chance. */
const ENOUGH = 2;
/** After so many looks it is judged on what there is. */
const MOST_LOOKS = 10;
/** The share of more slots that more good calls must have, for the way up. */
const WORTH = 1 / 3;
/** At a bound it is tried so seldom whether a step back is better. */
const REST = 8;

/** The beginning: as few slots as allowed. */
export function firstLimit({ min }: ConcurrencyBounds): ConcurrencyState {
  return { limit: min, ended: 0, good: 0, looks: 0, judged: 0, rate: 0, resting: 0 };
}

/** The state after one look. */
export function nextLimit(
  state: ConcurrencyState,
  sample: ConcurrencySample,
  bounds: ConcurrencyBounds,
): ConcurrencyState {
  if (!sample.saturated) return idle(state, sample, bounds);
  const { limit } = state;
  const ended = state.ended + sample.ended, good = state.good + sample.good, looks = state.looks + 1;
  if (ended < ENOUGH * limit && looks < MOST_LOOKS) return { ...state, ended, good, looks };
  const rate = good / looks;
  const judged = { ended: 0, good: 0, looks: 0, judged: limit, rate };
  if (state.judged === limit && state.resting < REST - 1) {
    return { ...judged, limit, resting: state.resting + 1 };
  }
  const step = Math.sqrt(limit) * (climbs(state, rate, bounds) ? 1 : -1);
  return { ...judged, limit: within(limit + step, bounds), resting: 0 };
}

/** Slots that nobody needs say nothing about what could be borne; half of them may go, one by one. */
function idle(state: ConcurrencyState, { pending }: ConcurrencySample, bounds: ConcurrencyBounds) {
  const { limit } = state;
  return { ...firstLimit(bounds), limit: within(pending < limit / 2 ? limit - 1 : limit, bounds) };
}

/** Whether the next step goes up. */
function climbs(state: ConcurrencyState, rate: number, { max }: ConcurrencyBounds): boolean {
  const { limit, judged } = state;
  if (judged === 0) return true;
  if (judged === limit) return limit < max;
  // nothing ended well: were there nothing before either, fewer slots are the safer guess
  if (rate === 0) return false;
  return state.rate === 0 || Math.log(rate / state.rate) / Math.log(limit / judged) > WORTH;
}

function within(limit: number, { min, max }: ConcurrencyBounds): number {
  return Math.min(max, Math.max(min, Math.round(limit)));
}
