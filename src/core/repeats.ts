/**
 * Lines that repeat: told at once, then at most once a minute, with how many were left out in between.
 *
 * What stays broken is tried again and again, and each try may have something to say. Only what is the same to the letter, at
 * the same level, is a repeat. Details for developers (debug) pass as they are. There is no timer: a count is told with the
 * next such line.
 */
import type { Logger } from "./logger.ts";

/** How long the same line is not told again, in milliseconds. */
export const REPEAT_WINDOW_MS = 60_000;
/** Most lines that are remembered; the one that was told longest ago is forgotten first. */
export const MAX_REMEMBERED_LINES = 256;

/** A logger that tells `logger` the same line at most once in `REPEAT_WINDOW_MS`; `now` gives the time in milliseconds. */
export function withoutRepeats(logger: Logger, now: () => number): Logger {
  const told = new Map<string, { readonly at: number; left: number }>();
  const tell = (level: "info" | "warn" | "error", message: string, details: readonly unknown[]): void => {
    const key = `${level} ${message}`;
    const known = told.get(key);
    if (known && now() - known.at < REPEAT_WINDOW_MS) {
      known.left++;
      return;
    }
    told.delete(key);
    told.set(key, { at: now(), left: 0 });
    if (told.size > MAX_REMEMBERED_LINES) told.delete(told.keys().next().value!);
    const left = known?.left ?? 0;
    logger[level](left === 0 ? message : `${message} (${left} more like this since)`, ...details);
  };
  return {
    debug: (message, ...details) => logger.debug(message, ...details),
    info: (message, ...details) => tell("info", message, details),
    warn: (message, ...details) => tell("warn", message, details),
    error: (message, ...details) => tell("error", message, details),
  };
}
