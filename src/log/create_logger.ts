/**
 * A logger of @std/log with a place for its lines, behind the library's own idea of a logger.
 *
 * A line goes one way: level → secrets out → @std/log's record → text or JSON → console or file. It never throws.
 */
import { ConsoleHandler, formatters, Logger as StdLogger, LogLevels, type LogRecord } from "@std/log";
import * as v from "valibot";
import { ConfigError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { plain, type PlainError, withoutSecrets } from "./plain.ts";
import { RotatingFile } from "./rotating_file.ts";

/** Names of the levels, from everything to next to nothing. The library itself says nothing at CRITICAL. */
export type LogLevel = "DEBUG" | "INFO" | "WARN" | "ERROR" | "CRITICAL";

/** Files that lines go to. */
export interface LogFile {
  /** The file that is written; its folder is made if need be. */
  readonly path: string;
  /** Size that the file may grow to before it becomes `path.1`, in bytes; 10 MiB by default. */
  readonly maxBytes?: number | undefined;
  /** How many former files are kept, `path.1` the youngest; 5 by default. */
  readonly maxBackupCount?: number | undefined;
}

/** How a logger is to be. */
export interface LoggerOptions {
  /** The level from which on lines are kept; INFO by default. */
  readonly level?: LogLevel | undefined;
  /** "text", the default, is for people; "json" is a document a line: level, datetime, message and args, as @std/log has them. */
  readonly format?: "text" | "json" | undefined;
  /** Lines go to files instead of the console's standard output. */
  readonly file?: LogFile | undefined;
}

/** A logger whose level may be changed while it is in use; the admin endpoint does so. */
export interface LeveledLogger extends Logger {
  /** The level from which on lines are kept. */
  levelName: LogLevel;
  /** Closes the file, if there is one; what is said afterwards is dropped. */
  close(): void;
}

const count = (least: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(least));
const schema = v.strictObject({
  level: v.optional(v.picklist(["DEBUG", "INFO", "WARN", "ERROR", "CRITICAL"]), "INFO"),
  format: v.optional(v.picklist(["text", "json"]), "text"),
  file: v.optional(v.strictObject({
    path: v.pipe(v.string(), v.nonEmpty()),
    maxBytes: v.optional(count(1), 10 * 1024 * 1024),
    maxBackupCount: v.optional(count(1), 5),
  })),
});

/**
 * Makes a logger, to be given as `logger` of the world that a consumer, a producer or a client lives in.
 *
 * @throws ConfigError when an option cannot be used, or the file cannot be opened.
 *
 * @example To a file, with the level changed while running
 * ```ts
 * import { createLogger } from "@contrail/rocketmq/log";
 *
 * const path = `${await Deno.makeTempDir()}/consumer.log`;
 * const logger = createLogger({ file: { path, maxBytes: 1_000_000, maxBackupCount: 3 } });
 * logger.levelName = "DEBUG";
 * logger.debug("hello");
 * logger.close();
 * ```
 */
export function createLogger(options: LoggerOptions = {}): LeveledLogger {
  const { level, format, file } = parse(options);
  const formatter = format === "json" ? formatters.jsonFormatter : textLine;
  const handler = file === undefined
    ? new ConsoleHandler("NOTSET", { formatter, useColors: false })
    : new RotatingFile({ ...file, formatter });
  handler.setup();
  const std = new StdLogger("rocketmq", level, { handlers: [handler] });
  const tell =
    (level: LogLevel, say: "debug" | "info" | "warn" | "error") =>
    (message: string, ...details: unknown[]): void => {
      if (std.level > LogLevels[level]) return;
      std[say](withoutSecrets(message), ...details.map((each) => plain(each)));
    };
  return {
    debug: tell("DEBUG", "debug"),
    info: tell("INFO", "info"),
    warn: tell("WARN", "warn"),
    error: tell("ERROR", "error"),
    get levelName(): LogLevel {
      return std.levelName as LogLevel;
    },
    set levelName(name: LogLevel) {
      std.levelName = name;
    },
    close() {
      std.handlers = [];
      handler.destroy();
    },
  };
}

function parse(options: LoggerOptions): v.InferOutput<typeof schema> {
  const parsed = v.safeParse(schema, options);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => ({
    path: v.getDotPath(issue) ?? "",
    message: issue.message,
  }));
  const list = problems.map(({ path, message }) => `\n  ${path}: ${message}`).join("");
  throw new ConfigError(`Cannot create logger: ${problems.length} problem(s) in its options${list}`, {
    problems,
  });
}

/** For people: time, level, message and what belongs to it; where an error came from stands on lines below. */
function textLine({ datetime, levelName, msg, args }: LogRecord): string {
  const details = args.map((each) => ` ${isError(each) ? each.message : JSON.stringify(each)}`);
  const stacks = args.flatMap((each) => isError(each) ? each.stack?.split("\n") ?? [] : []);
  const line = `${datetime.toISOString()} ${levelName.padEnd(5)} ${msg}${details.join("")}`;
  return [line, ...stacks.map((each) => `    ${each.trim()}`)].map(onOneLine).join("\n");
}

function isError(value: unknown): value is PlainError {
  return typeof value === "object" && value !== null && "message" in value && "name" in value;
}

// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x1f\x7f-\x9f]/g;

/** Nobody else's text begins a line of its own or moves a cursor. */
function onOneLine(text: string): string {
  return text.replace(CONTROLS, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
