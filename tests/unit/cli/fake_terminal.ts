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
  readonly input?: string;
  readonly env?: Record<string, string>;
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
  /** Hears each line. */
  readonly onLine?: (line: string) => void;
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
    note: (text) => void (notes += text),
    input: (async function* () {
      yield await Promise.resolve(new TextEncoder().encode(setting.input ?? ""));
    })(),
    isTerminal: setting.isTerminal ?? false,
    notesAreRead: setting.isTerminal ?? false,
    columns: 100,
    env: (name) => setting.env?.[name],
    signal: setting.signal ?? new AbortController().signal,
  };
  const code = await runCli(args, terminal);
  return { code, lines, notes };
}
