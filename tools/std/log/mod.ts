/**
 * An offline stand-in for the parts of @std/log that this project uses, with the same names and signatures.
 *
 * `tests/std_test.ts` holds what is relied on; `deno task test:std` runs it on the real package.
 *
 * @module
 */

/** Numbers of the levels. */
export const LogLevels = { NOTSET: 0, DEBUG: 10, INFO: 20, WARN: 30, ERROR: 40, CRITICAL: 50 } as const;

/** Name of a level. */
export type LevelName = keyof typeof LogLevels;

/** Number of a level. */
export type LogLevel = typeof LogLevels[LevelName];

/** The number of a name. @throws TypeError for a name that is none. */
export function getLevelByName(name: LevelName): LogLevel {
  const level = LogLevels[name];
  if (level === undefined) throw new TypeError(`Cannot get log level: no level named ${name}`);
  return level;
}

/** The name of a number. @throws TypeError for a number that is none. */
export function getLevelName(level: LogLevel): LevelName {
  for (const [name, number] of Object.entries(LogLevels)) if (number === level) return name as LevelName;
  throw new TypeError(`Cannot get log level: no level named ${level}`);
}

/** What a LogRecord is made of. */
export interface LogRecordOptions {
  /** The line. */
  msg: string;
  /** What belongs to it. */
  args: unknown[];
  /** Its level. */
  level: LogLevel;
  /** Name of the logger. */
  loggerName: string;
}

/** One line and its circumstances. */
export class LogRecord {
  /** The line. */
  readonly msg: string;
  /** Its level. */
  readonly level: LogLevel;
  /** Name of the level. */
  readonly levelName: LevelName;
  /** Name of the logger. */
  readonly loggerName: string;
  readonly #args: unknown[];
  readonly #datetime = new Date();

  /** A record of now. */
  constructor({ msg, args, level, loggerName }: LogRecordOptions) {
    this.msg = msg;
    this.level = level;
    this.levelName = getLevelName(level);
    this.loggerName = loggerName;
    this.#args = [...args];
  }

  /** What belongs to the line. */
  get args(): unknown[] {
    return [...this.#args];
  }

  /** When it was made. */
  get datetime(): Date {
    return new Date(this.#datetime);
  }
}

/** Makes the text of a record. */
export type FormatterFunction = (logRecord: LogRecord) => string;

/** Options of every handler. */
export interface BaseHandlerOptions {
  /** Makes the text of a record. */
  formatter?: FormatterFunction;
}

/** Something that takes records of a level and above. */
export abstract class BaseHandler {
  /** Makes the text of a record; level and line by default. */
  formatter: FormatterFunction;
  #level: LogLevel;

  /** A handler of `levelName` and above. */
  constructor(levelName: LevelName, options: BaseHandlerOptions = {}) {
    this.#level = getLevelByName(levelName);
    this.formatter = options.formatter ?? (({ levelName, msg }) => `${levelName} ${msg}`);
  }

  /** The level from which on records are taken. */
  get level(): LogLevel {
    return this.#level;
  }
  set level(level: LogLevel) {
    this.#level = level;
  }

  /** Its name. */
  get levelName(): LevelName {
    return getLevelName(this.#level);
  }
  set levelName(levelName: LevelName) {
    this.#level = getLevelByName(levelName);
  }

  /** Takes a record. */
  handle(logRecord: LogRecord): void {
    if (this.level <= logRecord.level) this.log(this.format(logRecord));
  }

  /** The text of a record. */
  format(logRecord: LogRecord): string {
    return this.formatter(logRecord);
  }

  /** Takes a text. */
  abstract log(msg: string): void;

  /** Opens what it needs. */
  setup(): void {}

  /** Closes it. */
  destroy(): void {}
}

/** Options of a ConsoleHandler. */
export interface ConsoleHandlerOptions extends BaseHandlerOptions {
  /** Whether levels have colours; true by default. */
  useColors?: boolean;
}

const COLORS: Partial<Record<LevelName, number>> = { INFO: 34, WARN: 33, ERROR: 31, CRITICAL: 31 };

/** Prints records with `console.log`. */
export class ConsoleHandler extends BaseHandler {
  readonly #useColors: boolean;

  /** A handler of `levelName` and above. */
  constructor(levelName: LevelName, options: ConsoleHandlerOptions = {}) {
    super(levelName, options);
    this.#useColors = options.useColors ?? true;
  }

  /** The text of a record, coloured by its level. */
  override format(logRecord: LogRecord): string {
    const text = super.format(logRecord);
    const color = this.#useColors ? COLORS[logRecord.levelName] : undefined;
    return color === undefined ? text : `\x1b[${color}m${text}\x1b[39m`;
  }

  /** Prints it. */
  log(msg: string): void {
    // deno-lint-ignore no-console
    console.log(msg);
  }
}

/** A record as one JSON document; one argument is given as it is, several as an array. */
export function jsonFormatter({ levelName, datetime, msg, args }: LogRecord): string {
  return JSON.stringify({
    level: levelName,
    datetime: datetime.getTime(),
    message: msg,
    args: args.length > 1 ? args : args[0],
  });
}

/** Formatters, by name. */
export const formatters = { jsonFormatter } as const;

/** Options of a Logger. */
export interface LoggerOptions {
  /** Who takes the records. */
  handlers?: BaseHandler[];
}

// deno-lint-ignore no-explicit-any
type GenericFunction = (...args: any[]) => any;

/** Makes records of what is said at a level and above, for its handlers. */
export class Logger {
  /** Who takes the records. */
  handlers: BaseHandler[];
  readonly #name: string;
  #level: LogLevel;

  /** A logger called `loggerName`. */
  constructor(loggerName: string, levelName: LevelName, options: LoggerOptions = {}) {
    this.#name = loggerName;
    this.#level = getLevelByName(levelName);
    this.handlers = options.handlers ?? [];
  }

  /** The level from which on it listens. */
  get level(): LogLevel {
    return this.#level;
  }
  set level(level: LogLevel) {
    this.#level = getLevelByName(getLevelName(level));
  }

  /** Its name. */
  get levelName(): LevelName {
    return getLevelName(this.#level);
  }
  set levelName(levelName: LevelName) {
    this.#level = getLevelByName(levelName);
  }

  /** What it is called. */
  get loggerName(): string {
    return this.#name;
  }

  #log<T>(level: LogLevel, msg: T | (() => T), args: unknown[]): T | undefined {
    const isFunction = typeof msg === "function";
    if (this.#level > level) return isFunction ? undefined : msg as T;
    const said = isFunction ? (msg as () => T)() : msg as T;
    const record = new LogRecord({ msg: String(said), args, level, loggerName: this.#name });
    for (const handler of this.handlers) handler.handle(record);
    return said;
  }

  /** Says something at DEBUG; a function is only called when somebody listens. */
  debug<T>(msg: () => T, ...args: unknown[]): T | undefined;
  debug<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  debug<T>(msg: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.DEBUG, msg, args);
  }

  /** Says something at INFO. */
  info<T>(msg: () => T, ...args: unknown[]): T | undefined;
  info<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  info<T>(msg: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.INFO, msg, args);
  }

  /** Says something at WARN. */
  warn<T>(msg: () => T, ...args: unknown[]): T | undefined;
  warn<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  warn<T>(msg: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.WARN, msg, args);
  }

  /** Says something at ERROR. */
  error<T>(msg: () => T, ...args: unknown[]): T | undefined;
  error<T>(msg: T extends GenericFunction ? never : T, ...args: unknown[]): T;
  error<T>(msg: T | (() => T), ...args: unknown[]): T | undefined {
    return this.#log(LogLevels.ERROR, msg, args);
  }
}
