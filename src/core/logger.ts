/**
 * What the library says about itself, and to whom.
 *
 * The core knows only this shape: `console`, @std/log's logger, LogTape's and most others satisfy it as they are.
 * State changes are logged, never single messages; credentials and bodies never reach a line.
 */

/** A sink for log lines. Every method takes a line and, optionally, values that belong to it. */
export interface Logger {
  /** Details that help while developing. */
  debug(message: string, ...details: unknown[]): void;
  /** A change of state that is expected. */
  info(message: string, ...details: unknown[]): void;
  /** Something the library recovered from, but that a person may want to know. */
  warn(message: string, ...details: unknown[]): void;
  /** Something that needs a person. */
  error(message: string, ...details: unknown[]): void;
}

function ignore(): void {}

/** Says nothing at all. */
export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** The default: warnings and errors go to the console, the rest is dropped. */
export const quietLogger: Logger = {
  debug: ignore,
  info: ignore,
  // deno-lint-ignore no-console
  warn: (message, ...details) => console.warn(message, ...details),
  // deno-lint-ignore no-console
  error: (message, ...details) => console.error(message, ...details),
};
