/**
 * A program of this folder as a process of its own, on the runtime that this process runs on.
 */
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime } from "./stage.ts";

/** Starts `programs/<name>` with `args`; what it says of errors comes out where this process's errors do. */
export function startProgram(name: string, args: readonly string[]): ChildProcess {
  const program = fileURLToPath(new URL(`./programs/${name}`, import.meta.url));
  const options = runtime === "deno"
    ? ["run", "-A", "--no-check", "--quiet"]
    : runtime === "bun"
    ? ["run"]
    : process.execArgv;
  return spawn(process.execPath, [...options, program, ...args], { stdio: ["ignore", "ignore", "inherit"] });
}
