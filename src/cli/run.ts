/**
 * From the words of a command line to an exit code.
 *
 * A person who asks wrongly is told what was not understood and where to read on; whatever else fails is told in one line
 * on standard error, without a stack.
 */
import type { ClientOptions } from "../client/client.ts";
import type { PartialWorld } from "../client/world.ts";
import { ConfigError, NameServerError } from "../core/errors.ts";
import { silentLogger } from "../core/logger.ts";
import { type Command, COMMON_FLAGS, Exit, readLine, UsageError } from "./command.ts";
import { broker } from "./commands/broker.ts";
import { consume } from "./commands/consume.ts";
import { deadLetters } from "./commands/dead_letters.ts";
import { groups } from "./commands/groups.ts";
import { lag } from "./commands/lag.ts";
import { produce } from "./commands/produce.ts";
import { resetOffset } from "./commands/reset_offset.ts";
import { topics } from "./commands/topics.ts";
import { helpOf, overview } from "./help.ts";
import { harmless, OutputError, paintFor, type Terminal } from "./terminal.ts";

/** The world that the command line's clients live in. */
export type CliWorld = PartialWorld;

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  consume,
  produce,
  topics,
  groups,
  lag,
  resetOffset,
  deadLetters,
  broker,
];

/**
 * Runs one command line.
 *
 * @param args The words after the program's name.
 * @param terminal Where it runs.
 * @param world The world of its clients; the platform's by default, with a logger that is silent.
 * @returns The exit code: 0 done, 1 could not be done, 2 asked wrongly, 3 not as it should be, 130 interrupted.
 */
export async function runCli(
  args: readonly string[],
  terminal: Terminal,
  world: CliWorld = {},
): Promise<number> {
  const paint = paintFor(terminal);
  const [first, ...others] = args;
  const asksHelp = first === undefined || ["--help", "-h", "help"].includes(first);
  if (asksHelp && (others[0] === undefined || others[0].startsWith("-"))) {
    terminal.print(overview(commands, paint));
    return first === undefined ? Exit.USAGE : Exit.OK;
  }
  const [name = "", ...rest] = asksHelp ? [...others, "--help"] : args;
  const command = commands.find((each) => each.name === name);
  try {
    if (name.startsWith("-")) throw new UsageError(`Cannot understand "${name}": the command goes first`);
    if (command === undefined) throw new UsageError(`Cannot understand "${name}": there is no such command`);
    const given = readLine(rest, [...command.flags, ...COMMON_FLAGS]);
    if (given.has("help")) {
      terminal.print(helpOf(command, paint));
      return Exit.OK;
    }
    const [least, most] = command.wordCount;
    if (given.words.length < least || given.words.length > most) {
      throw new UsageError(`Cannot run ${name}: the words are to be "${command.words}"`);
    }
    const connection = connectionOf(
      given.text("namesrv"),
      given.text("namespace"),
      given.has("tls"),
      terminal,
    );
    const code = await command.run({
      terminal,
      paint,
      given,
      connection,
      world: { logger: silentLogger, ...world },
    });
    const { reason } = terminal.signal;
    if (reason instanceof OutputError) throw reason;
    return code;
  } catch (error) {
    const { aborted, reason } = terminal.signal;
    if (reason instanceof OutputError && reason.isUnread) return Exit.OK;
    if (aborted && !(reason instanceof OutputError)) return Exit.INTERRUPTED;
    const message = error instanceof Error ? error.message : String(error);
    terminal.note(`${harmless(message)}\n`);
    if (isAboutNameServers(error)) {
      terminal.note("Which name servers are asked is said by --namesrv or NAMESRV_ADDR.\n");
    }
    if (!(error instanceof UsageError || error instanceof ConfigError)) return Exit.FAILED;
    terminal.note(`See "contrail ${command === undefined ? "--help" : `${command.name} --help`}".\n`);
    return Exit.USAGE;
  }
}

function isAboutNameServers(error: unknown): boolean {
  return error instanceof NameServerError || (error instanceof Error && isAboutNameServers(error.cause));
}

function connectionOf(
  namesrv: string | undefined,
  namespace: string | undefined,
  tls: boolean,
  { env }: Terminal,
): ClientOptions {
  const accessKey = env("ROCKETMQ_ACCESS_KEY");
  const secretKey = env("ROCKETMQ_SECRET_KEY");
  if (!accessKey !== !secretKey) {
    throw new UsageError("Cannot sign requests: ROCKETMQ_ACCESS_KEY and ROCKETMQ_SECRET_KEY belong together");
  }
  return {
    namesrvAddr: namesrv ?? (env("NAMESRV_ADDR") || "127.0.0.1:9876"),
    namespace,
    tls: tls || undefined,
    credentials: accessKey && secretKey ? { accessKey, secretKey } : undefined,
  };
}
