/**
 * `deno task test:cluster`: the scenarios on a real RocketMQ, on all three runtimes.
 *
 *   deno run -A tools/test_cluster.ts [--version 5.5.0|4.9.7] [--runtime deno|bun|node] [--only pattern] [--parallel 8]
 *
 * Without options everything: both versions one after the other, each started fresh, used by Deno, Bun and Node in turn
 * and stopped again. The scenarios are told the name servers and, as `--control`, the command that rules this cluster
 * (`restart broker-a`, `kill ns-1`, `classpath`, …); the same program runs in a user's project on Bun and Node.
 */
import { output, run } from "./command.ts";
import { readTallyLine, sum, type Tally, tallyLine, withExitCode } from "./tally.ts";

const VERSIONS = ["5.5.0", "4.9.7"];
const RUNTIMES = ["deno", "bun", "node"];

/** The value behind `--name`, or undefined. */
function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

/** The command that rules the cluster of a version, from any folder. */
function control(version: string): string[] {
  const launcher = new URL("../tests/cluster/cluster.ts", import.meta.url).pathname;
  return [Deno.execPath(), "run", "-A", launcher, "--version", version];
}

/** Runs the scenarios of one cell of the matrix. */
async function cell(version: string, runtime: string, namesrv: string): Promise<Tally> {
  const only = option("only"), parallel = option("parallel");
  const args = [
    "--namesrv",
    namesrv,
    "--control",
    control(version).join(" "),
    ...(only ? ["--only", only] : []),
    ...(parallel ? ["--parallel", parallel] : []),
  ];
  const program = runtime === "deno"
    ? ["deno", "run", "-A", "--no-check", "--v8-flags=--expose-gc", "tests/conformance/main.ts"]
    : ["deno", "run", "-A", "tools/test_runtime.ts", runtime];
  console.log(`\n=== RocketMQ ${version}, ${runtime}`);
  const ended = await run([...program, ...args], { capture: true });
  const tally = withExitCode(readTallyLine(ended.output), ended.code);
  console.log(`=== RocketMQ ${version}, ${runtime}: ${ended.seconds.toFixed(0)} s, ${tallyLine(tally)}`);
  return tally;
}

/** All cells of one version; a cluster that runs already is used as it is and left running. */
async function column(version: string): Promise<Tally[]> {
  const wasRunning = (await run([...control(version), "status"], { quiet: true })).code === 0;
  if (!wasRunning) {
    await output([...control(version), "wipe"]);
    const started = await run([...control(version), "start"]);
    if (started.code !== 0) return [{ passed: 0, failed: 1 }];
  }
  try {
    const namesrv = (await output([...control(version), "namesrv"])).trim();
    const tallies: Tally[] = [];
    for (const runtime of RUNTIMES.filter((runtime) => runtime === (option("runtime") ?? runtime))) {
      tallies.push(await cell(version, runtime, namesrv));
    }
    return tallies;
  } finally {
    if (!wasRunning) await output([...control(version), "stop"]);
  }
}

const tallies: Tally[] = [];
for (const version of VERSIONS.filter((version) => version === (option("version") ?? version))) {
  tallies.push(...await column(version));
}
const total = withExitCode(tallies.length > 0 ? sum(tallies) : undefined, 0);
console.log(tallyLine(total));
Deno.exit(total.failed === 0 ? 0 : 1);
