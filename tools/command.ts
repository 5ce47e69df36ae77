/**
 * Starts programs for the scripts in this folder.
 *
 * Every script here is a list of commands run one after the other: this file starts one, shows its output as it comes
 * and gives back how it ended. `deno` always means the very program that runs the script, so that `npx -y deno task …`
 * needs nothing on the PATH.
 */

/** How a program ended. */
export interface Ended {
  /** Exit code, 0 for success. */
  readonly code: number;
  /** What it wrote to both outputs, in order of arrival; empty unless `capture` was asked for. */
  readonly output: string;
  /** Wall time in seconds. */
  readonly seconds: number;
  /** Whether its time was up. */
  readonly late: boolean;
}

/** What may differ from one start to the next. */
export interface RunOptions {
  /** Folder to run in; default: this one. */
  readonly cwd?: string;
  /** Variables on top of the inherited ones. */
  readonly env?: Record<string, string>;
  /** Keep the output; it is shown as well unless `quiet`. */
  readonly capture?: boolean;
  /** Do not show the output. */
  readonly quiet?: boolean;
  /** Show the output line by line, as others write beside it. */
  readonly byLine?: boolean;
  /** It is ended after so many milliseconds. */
  readonly limitMs?: number;
}

/** Runs `command` to its end; `command[0]` may be `deno`, which means the running one. */
export async function run(command: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const started = performance.now();
  const [name, ...args] = command;
  const piped = options.capture || options.quiet || options.byLine;
  const child = new Deno.Command(name === "deno" ? Deno.execPath() : name!, {
    args,
    cwd: options.cwd ?? ".",
    env: options.env ?? {},
    stdin: "null",
    stdout: piped ? "piped" : "inherit",
    stderr: piped ? "piped" : "inherit",
  }).spawn();
  let late = false;
  const limit = options.limitMs === undefined ? undefined : setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, options.limitMs);
  let output = "";
  const keep = async (stream: ReadableStream<Uint8Array>, to: typeof Deno.stdout): Promise<void> => {
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    let rest = "";
    for await (const chunk of stream) {
      const text = decoder.decode(chunk, { stream: true });
      if (options.capture || options.quiet) output += text;
      if (options.quiet) continue;
      if (!options.byLine) await to.write(chunk);
      else {
        const until = (rest + text).lastIndexOf("\n") + 1;
        await to.write(encoder.encode((rest + text).slice(0, until)));
        rest = (rest + text).slice(until);
      }
    }
    if (rest !== "") await to.write(encoder.encode(`${rest}\n`));
  };
  if (piped) await Promise.all([keep(child.stdout, Deno.stdout), keep(child.stderr, Deno.stderr)]);
  const { code } = await child.status;
  clearTimeout(limit);
  return { code, output, seconds: (performance.now() - started) / 1000, late };
}

/** Runs `command` quietly and gives its output. @throws Error with the output when it fails. */
export async function output(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const ended = await run(command, { ...options, capture: true, quiet: true });
  if (ended.code !== 0) {
    throw new Error(`Cannot run ${command.join(" ")}: exit code ${ended.code}\n${ended.output}`);
  }
  return ended.output;
}

/** Whether a file or folder exists. */
export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
