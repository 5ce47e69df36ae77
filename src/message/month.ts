/**
 * When the current month began, in the zone of this machine.
 *
 * Unique message ids count from there. Intl knows the zone and its changes; the time itself is always handed in.
 */

const DAY_MS = 86_400_000;

const format = new Intl.DateTimeFormat("en-US", {
  calendar: "gregory",
  numberingSystem: "latn",
  hourCycle: "h23",
  month: "numeric",
  day: "numeric",
  hour: "numeric",
  minute: "numeric",
  second: "numeric",
});

/** When the month that `now` is in began, both in milliseconds since the epoch. */
export function monthStart(now: number): number {
  const start = now - sinceMonthStart(now);
  // Where the clocks changed within the month, the first guess is off by the change.
  const off = sinceMonthStart(start);
  return off > 15 * DAY_MS ? start + untilMidnight(start) : start - off;
}

/** When the month before the one that `now` is in began. */
export function previousMonthStart(now: number): number {
  return monthStart(monthStart(now) - DAY_MS);
}

/** Milliseconds that the wall clock shows since the first of the month. */
function sinceMonthStart(now: number): number {
  const fields: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(now)) fields[type] = Number(value);
  const { day, hour, minute, second } = fields as Record<"day" | "hour" | "minute" | "second", number>;
  return (day - 1) * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000 + ((now % 1000) + 1000) % 1000;
}

/** Milliseconds until the next midnight by the wall clock. */
function untilMidnight(now: number): number {
  return DAY_MS - sinceMonthStart(now) % DAY_MS;
}
