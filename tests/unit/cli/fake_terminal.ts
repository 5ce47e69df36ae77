/**
 * A terminal that remembers what was printed, and a command line on it.
 */
import { runCli } from "../../../src/cli/run.ts";
import type { Terminal } from "../../../src/cli/terminal.ts";

/** What a command line did. */
export interface Outcome {
  readonly code: number;
  readonly lines: readonly string[];
  readonly notes: string;
}

/** How it is run. */
export interface Setting {
  readonly input?: string | AsyncIterable<Uint8Array>;
  readonly env?: Record<string, string>;
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
  /** Hears each line. */
  readonly onLine?: (line: string) => void;
  /** Hears each note. */
  readonly onNote?: (text: string) => void;
  /** Hears that the input is read. */
  readonly onReading?: () => void;
}

/** Runs `args` as a person would type them. */
export async function cli(args: readonly string[], setting: Setting = {}): Promise<Outcome> {
  const lines: string[] = [];
  let notes = "";
  const terminal: Terminal = {
    print(line) {
      lines.push(line);
      setting.onLine?.(line);
    },
    room: () => Promise.resolve(),
    note(text) {
      notes += text;
      setting.onNote?.(text);
    },
    input: (async function* () {
      setting.onReading?.();
      const { input = "" } = setting;
      if (typeof input === "string") yield await Promise.resolve(new TextEncoder().encode(input));
      else yield* input;
    })(),
    inputIsTyped: false,
    isTerminal: setting.isTerminal ?? false,
    notesAreRead: setting.isTerminal ?? false,
    columns: 100,
    env: (name) => setting.env?.[name],
    signal: setting.signal ?? new AbortController().signal,
  };
  const code = await runCli(args, terminal);
  return { code, lines, notes };
}
