/**
 * The command line: looks into a RocketMQ cluster, sends and reads messages, moves groups, runs a broker for development.
 *
 *     deno run -A jsr:@contrail/rocketmq/cli --help
 *
 * @module
 */
import { realpathSync } from "node:fs";
import process from "node:process";
import { runCli } from "./run.ts";
import { processTerminal } from "./terminal.ts";

export { type CliWorld, runCli } from "./run.ts";
export { OutputError, type Terminal } from "./terminal.ts";

// Node knows import.meta.main since 24.2 and late versions of 22 only
const isProgram = import.meta.main ??
  (process.argv[1] !== undefined && realpathSync(process.argv[1]) === import.meta.filename);
if (isProgram) {
  const terminal = processTerminal();
  const code = await runCli(process.argv.slice(2), terminal);
  await terminal.end();
  process.exit(code);
}
