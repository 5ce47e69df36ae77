/**
 * Points in a topic, as a person says them: an end of it, an offset, a time, or how long ago.
 */
import { UsageError } from "./command.ts";

/** Where to begin. */
export type Point = "earliest" | "latest" | { readonly offset: number } | { readonly time: number };

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What the help says of it. */
export const POINT = "earliest|latest|offset:n|15m|time";

/** Reads a point; `now` in milliseconds since the epoch. @throws UsageError */
export function readPoint(text: string, now: number): Point {
  if (text === "earliest" || text === "latest") return text;
  const offset = /^offset:(\d+)$/.exec(text)?.[1];
  if (offset !== undefined) return { offset: Number(offset) };
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? [];
  if (count !== undefined) return { time: Math.max(0, now - Number(count) * UNITS[unit!]!) };
  // Date.parse by itself takes a bare "5" for a day in May 2001
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return { time };
  throw new UsageError(
    `Cannot understand "${text}": a point is earliest, latest, offset:42, 15m (ago; s, m, h, d) or a time as 2026-11-22T20:00Z`,
  );
}
