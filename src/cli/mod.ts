/**
 * The command line: looks into a RocketMQ cluster, sends and reads messages, moves groups, runs a broker for development.
 *
 *     deno run -A jsr:@contrail/rocketmq/cli --help
 *
 * @module
 */
import process from "node:process";
import { runCli } from "./run.ts";
import { processTerminal } from "./terminal.ts";

export { type CliWorld, runCli } from "./run.ts";
export type { Terminal } from "./terminal.ts";

if (import.meta.main) {
  const code = await runCli(process.argv.slice(2), processTerminal());
  process.exit(code);
}
