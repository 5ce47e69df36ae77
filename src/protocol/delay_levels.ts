/**
 * Delay levels: the broker's numbered list of waits, and what a wait in milliseconds becomes when only levels exist.
 *
 * Level 1 is the first of the list; 0 means none. A broker may be configured with another list, so everything takes
 * the list as an argument and defaults to the stock one. Agrees with ScheduleMessageService.parseDelayLevel.
 */

/** The list that brokers have unless configured otherwise (`messageDelayLevel`). */
export const DEFAULT_DELAY_LEVELS_TEXT = "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";

/** Longest wait of a timer message on a broker that is not configured otherwise, in milliseconds: three days. */
export const TIMER_MAX_DELAY_MS: number = 3 * 24 * 3_600_000;
/** Step in which such a broker's timer runs, in milliseconds. */
export const TIMER_PRECISION_MS = 1_000;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a text of delay levels says. */
export interface DelayLevels {
  /** Whether all of the text was usable; what stands before the first bad entry is kept. */
  readonly ok: boolean;
  /** Wait of level i + 1, in milliseconds. */
  readonly waitsMs: readonly number[];
  /** The highest level seen, the unusable one included, as Java counts it. */
  readonly maxLevel: number;
}

/** Reads entries such as `10s`, separated by single spaces; units s, m, h, d. */
export function parseDelayLevels(text: string): DelayLevels {
  const entries = text.split(" ");
  // Java's split drops empty entries at the end, but gives one empty entry for an empty text.
  if (text !== "") { while (entries.at(-1) === "") entries.pop(); }
  const waitsMs: number[] = [];
  let maxLevel = 0;
  for (const entry of entries) {
    if (entry === "") return { ok: false, waitsMs, maxLevel };
    maxLevel = waitsMs.length + 1;
    const unitMs = UNIT_MS[entry.slice(-1)];
    const count = entry.slice(0, -1);
    if (unitMs === undefined || !/^[+-]?\d+$/.test(count)) return { ok: false, waitsMs, maxLevel };
    waitsMs.push(unitMs * Number(count));
  }
  return { ok: true, waitsMs, maxLevel };
}

/** Waits of the stock levels 1 to 18, in milliseconds. */
export const DEFAULT_DELAY_LEVELS_MS: readonly number[] = parseDelayLevels(DEFAULT_DELAY_LEVELS_TEXT).waitsMs;

/** Wait of `level` in milliseconds: 0 for level 0 and below, the last one beyond the list. */
export function delayLevelMs(level: number, waitsMs: readonly number[] = DEFAULT_DELAY_LEVELS_MS): number {
  return level <= 0 ? 0 : waitsMs[Math.min(level, waitsMs.length) - 1] ?? 0;
}

/** The first level that waits at least `delayMs`; the last level when none does, 0 for no delay. */
export function delayLevelFor(delayMs: number, waitsMs: readonly number[] = DEFAULT_DELAY_LEVELS_MS): number {
  if (delayMs <= 0) return 0;
  const index = waitsMs.findIndex((waitMs) => waitMs >= delayMs);
  return index < 0 ? waitsMs.length : index + 1;
}

/** The level that a broker gives a message sent back for the n-th time when the client leaves it the choice. */
export function retryDelayLevel(reconsumeTimes: number): number {
  return 3 + reconsumeTimes;
}
