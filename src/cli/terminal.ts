/**
 * What the command line sees of the world: lines out, notes beside them, text in, and somebody who may interrupt.
 *
 * Results go to standard output and nothing else does, so that they can be piped; progress, hints and errors are notes, on
 * standard error. Colours are for people: only on a terminal, and never with NO_COLOR.
 */
import process from "node:process";
import { Exit } from "./command.ts";

/** Why `Terminal.signal` fires when the result cannot be written any more. */
export class OutputError extends Error {
  /** Name of the class. */
  override readonly name = "OutputError";
  /** Whether whoever read it has gone: that is the end of it, not a failure. */
  readonly isUnread: boolean;

  /** What was met is told by the platform's error. */
  constructor(cause: Error & { readonly code?: unknown }) {
    super(`Cannot write the result: ${cause.message}`, { cause });
    this.isUnread = cause.code === "EPIPE";
  }
}

/** Where a command runs. */
export interface Terminal {
  /** Writes a line of the result. */
  print(line: string): void;
  /** Resolves when whoever reads has taken enough for more lines, or `signal` fires. */
  room(): Promise<void>;
  /** Writes beside the result, as it is. */
  note(text: string): void;
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Whether a person types it. */
  readonly inputIsTyped: boolean;
  /** Whether a person reads the result. */
  readonly isTerminal: boolean;
  /** Whether a person reads the notes. */
  readonly notesAreRead: boolean;
  /** Width, in characters. */
  readonly columns: number;
  /** An environment variable. */
  env(name: string): string | undefined;
  /** Fires when the person has had enough, or with an `OutputError` when the result cannot be written any more. */
  readonly signal: AbortSignal;
}

/** The terminal of a process. */
export interface ProcessTerminal extends Terminal {
  /** Ends the result; resolves when all of it has been taken. A process that exits earlier loses what waits in a pipe. */
  end(): Promise<void>;
}

/** The terminal of this process, on Deno, Bun and Node alike. A second interruption ends the process as it is. */
export function processTerminal(): ProcessTerminal {
  const enough = new AbortController();
  const { stdout, stderr, stdin } = process;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => enough.signal.aborted ? process.exit(Exit.INTERRUPTED) : enough.abort());
  }
  // one that neither colours nor moves its cursor, as inside an editor
  const isDumb = process.env["TERM"] === "dumb";
  let hasRoom = true;
  let isBroken = false;
  const broken = (cause: Error): void => {
    isBroken = true;
    enough.abort(new OutputError(cause));
  };
  stdout.on("error", broken);
  stderr.on("error", () => {});
  return {
    print(line) {
      if (isBroken) return;
      try {
        hasRoom = stdout.write(line + "\n");
      } catch (error) { // Deno throws what the others emit
        broken(error as Error);
      }
    },
    room() {
      if (hasRoom || enough.signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const done = (): void => {
          stdout.off("drain", done);
          enough.signal.removeEventListener("abort", done);
          resolve();
        };
        stdout.once("drain", done);
        enough.signal.addEventListener("abort", done);
      });
    },
    end() {
      if (isBroken) return Promise.resolve();
      return new Promise((resolve) => {
        stdout.on("error", () => resolve());
        stdout.end(() => resolve());
      });
    },
    note(text) {
      try {
        stderr.write(text);
      } catch { /* nobody reads notes any more, and there is nowhere to say so */ }
    },
    input: stdin as AsyncIterable<Uint8Array>,
    inputIsTyped: stdin.isTTY === true,
    isTerminal: stdout.isTTY === true && !isDumb,
    notesAreRead: stderr.isTTY === true && !isDumb,
    columns: stdout.columns ?? 80,
    env: (name) => process.env[name],
    signal: enough.signal,
  };
}

const CODES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** Colours text, or leaves it as it is. */
export type Paint = (colour: keyof typeof CODES, text: string) => string;

/** The colours of a terminal: none when nobody looks, or with NO_COLOR (no-color.org). */
export function paintFor({ isTerminal, env }: Pick<Terminal, "isTerminal" | "env">): Paint {
  if (!isTerminal || env("NO_COLOR")) return (_colour, text) => text;
  return (colour, text) => `\x1b[${CODES[colour][0]}m${text}\x1b[${CODES[colour][1]}m`;
}

// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Text without what would move a cursor or change a terminal: message bodies and names are other people's. */
export function harmless(text: string): string {
  return text.replace(CONTROLS, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
