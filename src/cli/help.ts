/**
 * The words of `--help`, made from the commands' own data.
 */
import { type Command, COMMON_FLAGS, Exit, type Flag } from "./command.ts";
import type { Paint } from "./terminal.ts";

const PROGRAM = "contrail";

function columns(rows: readonly (readonly [string, string])[], paint: Paint): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${paint("cyan", left.padEnd(width))}  ${right}`);
}

function flagRows(flags: readonly Flag[]): [string, string][] {
  return flags.map((flag) => [
    `--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`,
    flag.help + (flag.many ? " (may be repeated)" : ""),
  ]);
}

/** What all commands are for. */
export function overview(commands: readonly Command[], paint: Paint): string {
  return [
    `${paint("bold", PROGRAM)} looks into a RocketMQ cluster, and changes what it is told to.`,
    "",
    `${paint("bold", "usage")}  ${PROGRAM} <command> [words] [flags]`,
    "",
    paint("bold", "commands"),
    ...columns(commands.map(({ name, summary }) => [name, summary]), paint),
    "",
    paint("bold", "flags of every command"),
    ...columns(flagRows(COMMON_FLAGS), paint),
    "",
    "Where the cluster wants to know who asks, set ROCKETMQ_ACCESS_KEY and ROCKETMQ_SECRET_KEY: a command line is",
    "seen by everybody on the machine, so there is no flag for them.",
    "",
    paint("bold", "try it without a cluster"),
    ...columns([
      [`${PROGRAM} broker`, "a cluster in this process; leave it running"],
      [`echo hello | ${PROGRAM} produce greetings`, "send one message, from another terminal"],
      [`${PROGRAM} consume greetings --from earliest --until-end`, "and read it"],
    ], paint),
    "",
    `exit codes: ${Exit.OK} done, ${Exit.FAILED} could not be done, ${Exit.USAGE} asked wrongly, ${Exit.UNMET} not as it should be (lag --max),`,
    `${Exit.INTERRUPTED} interrupted before it was done`,
  ].join("\n");
}

/** What one command is for. */
export function helpOf(command: Command, paint: Paint): string {
  const { name, words, about, examples, flags } = command;
  return [
    `${paint("bold", `${PROGRAM} ${name}`)}: ${command.summary}`,
    "",
    `${paint("bold", "usage")}  ${PROGRAM} ${name} ${words} [flags]`.replace("  [", " ["),
    "",
    about.trim(),
    "",
    paint("bold", "examples"),
    ...columns(examples.map(([line, does]) => [`${PROGRAM} ${line}`, does]), paint),
    ...(flags.length === 0 ? [] : ["", paint("bold", "flags"), ...columns(flagRows(flags), paint)]),
    "",
    paint("bold", "flags of every command"),
    ...columns(flagRows(COMMON_FLAGS), paint),
  ].join("\n");
}
