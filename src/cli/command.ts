/**
 * What a command is: a name, flags as data, words that teach, and a function. Help is made from the data, so it cannot lie.
 */
import type { ClientOptions } from "../client/client.ts";
import type { PartialWorld } from "../client/world.ts";
import type { Paint, Terminal } from "./terminal.ts";

/** A flag, written `--name value` or `--name=value`; one without `value` is a switch. */
export interface Flag {
  /** Name without dashes. */
  readonly name: string;
  /** What stands for its value in the help; a switch has none. */
  readonly value?: string;
  /** One line. */
  readonly help: string;
  /** Whether it may be given several times. */
  readonly many?: boolean;
  /** Its value is a whole number between these. */
  readonly range?: readonly [least: number, most?: number];
  /** The flag without which it would say nothing. */
  readonly beside?: string;
}

/** Exit codes of the command line. */
export const Exit = {
  /** Done. */
  OK: 0,
  /** It could not be done; why is on standard error. */
  FAILED: 1,
  /** It was asked for wrongly. */
  USAGE: 2,
  /** It was done, and what was asked about is not as it should be. */
  UNMET: 3,
  /** It was interrupted before it was done; 128 and the number of SIGINT, as shells have it. */
  INTERRUPTED: 130,
} as const;

/** The command line was asked wrongly. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What was given. */
export interface Given {
  /** What stands beside flags. */
  readonly words: readonly string[];
  /** Whether a switch is on, or a flag has a value. */
  has(name: string): boolean;
  /** The value of a flag. */
  text(name: string): string | undefined;
  /** All values of a flag that may be given several times. */
  all(name: string): readonly string[];
  /** The value of a flag with a range. */
  count(name: string): number | undefined;
}

/** What a command works with. */
export interface Context {
  /** Where it runs. */
  readonly terminal: Terminal;
  /** Colours. */
  readonly paint: Paint;
  /** What was given. */
  readonly given: Given;
  /** Which cluster, and as whom. */
  readonly connection: ClientOptions;
  /** The world that clients live in. */
  readonly world: PartialWorld;
}

/** One command. */
export interface Command {
  /** The word that calls it. */
  readonly name: string;
  /** What else belongs on the line, for the help. */
  readonly words: string;
  /** How many words at least and at most. */
  readonly wordCount: readonly [least: number, most: number];
  /** One line. */
  readonly summary: string;
  /** What a person who has never used it should know; paragraphs of lines. */
  readonly about: string;
  /** Lines that can be copied, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** Its own flags. */
  readonly flags: readonly Flag[];
  /** Runs it; gives the exit code. */
  run(context: Context): Promise<number>;
}

/** Flags of every command. */
export const COMMON_FLAGS: readonly Flag[] = [
  {
    name: "namesrv",
    value: "host:port[;…]",
    help: "name servers; NAMESRV_ADDR or 127.0.0.1:9876 by default",
  },
  { name: "namespace", value: "name", help: "the tenant whose topics and groups are meant" },
  { name: "tls", help: "encrypt connections, verifying the server" },
  { name: "json", help: "one JSON document a line, for programs" },
  { name: "help", help: "tell all this" },
];

/** Splits what was given into words and flags. @throws UsageError naming the word that is not understood. */
export function readLine(args: readonly string[], flags: readonly Flag[]): Given {
  const values = new Map<string, string[]>();
  const words: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === "--") {
      words.push(...args.slice(at + 1));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      words.push(arg);
      continue;
    }
    const equals = arg.indexOf("=");
    const name = arg === "-h"
      ? "help"
      : arg.slice(arg.startsWith("--") ? 2 : 0, equals < 0 ? undefined : equals);
    const flag = flags.find((each) => each.name === name);
    if (flag === undefined) throw new UsageError(`Cannot understand "${arg}": there is no such flag`);
    const inline = equals < 0 ? undefined : arg.slice(equals + 1);
    if (flag.value === undefined && inline !== undefined) {
      throw new UsageError(`Cannot understand "${arg}": --${name} takes no value`);
    }
    const value = valueOf(
      flag,
      arg,
      inline ?? (flag.value === undefined ? "" : args[++at]),
      inline === undefined,
    );
    const known = values.get(name) ?? [];
    if (known.length > 0 && !flag.many) throw new UsageError(`Cannot understand "${arg}": it is given twice`);
    values.set(name, [...known, value]);
  }
  for (const { name, beside } of flags) {
    if (beside === undefined || !values.has(name) || values.has(beside) || values.has("help")) continue;
    throw new UsageError(`Cannot understand --${name}: it says nothing without --${beside}`);
  }
  return given(words, values);
}

/** A word that looks like a flag is no value, unless it is written behind "=". */
function valueOf({ name, range }: Flag, arg: string, text: string | undefined, isNextWord: boolean): string {
  if (text === undefined || (isNextWord && text.startsWith("--"))) {
    throw new UsageError(`Cannot understand "${arg}": its value is missing`);
  }
  if (range === undefined) return text;
  const [least, most = Number.MAX_SAFE_INTEGER] = range;
  if (/^\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return text;
  const limits = range[1] === undefined ? `from ${least}` : `from ${least} to ${most}`;
  throw new UsageError(`Cannot understand --${name}: "${text}" is not a whole number ${limits}`);
}

function given(words: readonly string[], values: ReadonlyMap<string, readonly string[]>): Given {
  return {
    words,
    has: (name) => values.has(name),
    text: (name) => values.get(name)?.[0],
    all: (name) => values.get(name) ?? [],
    count(name) {
      const text = values.get(name)?.[0];
      return text === undefined ? undefined : Number(text);
    },
  };
}
