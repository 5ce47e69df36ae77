/**
 * `deno task ok`: the gate that every commit passes, as a list of stages.
 *
 *   deno run -A tools/gate.ts [--static]
 *
 * The stages run in this order and the first that fails ends the run: a later one would only repeat its complaint.
 * `--static` leaves out the tests, for a caller that has just run them.
 */
import { startCluster } from "../src/testing/mod.ts";
import { output, run } from "./command.ts";
import { tallyLine } from "./tally.ts";

/** Where the examples expect a name server. */
const EXAMPLE_PORT = 9876;

interface Stage {
  readonly name: string;
  /** Resolves to undefined when the stage holds, to the reason when it does not. */
  run(): Promise<string | undefined>;
}

/** The entry points of the package, as `deno.json` names them. */
async function entryPoints(): Promise<string[]> {
  const config = JSON.parse(await Deno.readTextFile("deno.json")) as { exports: Record<string, string> };
  return Object.values(config.exports);
}

/** A stage that is one command. */
function command(name: string, args: readonly string[]): Stage {
  return {
    name,
    async run() {
      const ended = await run(args);
      return ended.code === 0 ? undefined : `exit code ${ended.code}`;
    },
  };
}

/** Types of npm packages that signatures mention; to `deno doc` whatever a package keeps to itself is private. */
const OF_PACKAGES = ["Hono", "Meter", "Tracer"];

/** Each entry point by itself: what its signatures mention must be exported there or by the main one, not just somewhere. */
async function documented(): Promise<string | undefined> {
  const entries = await entryPoints();
  const failing: string[] = [];
  for (const entry of entries) {
    const together = entry === "./mod.ts" ? [entry] : ["./mod.ts", entry];
    const ended = await run(["deno", "doc", "--lint", "--quiet", ...together], {
      env: { NO_COLOR: "1" },
      capture: true,
      quiet: true,
    });
    if (ended.code === 0) continue;
    const errors = ended.output.split(/^(?=error)/m).filter((text) => text.startsWith("error["));
    const ours = errors.filter((text) =>
      !OF_PACKAGES.some((name) => text.includes(`references private type '${name}'`))
    );
    if (errors.length === 0 || ours.length > 0) failing.push(`${entry}\n${ended.output}`);
  }
  return failing.length > 0 ? failing.join("\n") : undefined;
}

/** The examples of the docs run on a cluster in this process, at the address that they name. */
async function examplesRun(): Promise<string | undefined> {
  const cluster = await startCluster({ nameServers: [EXAMPLE_PORT], topics: { orders: 4 } });
  try {
    const ended = await run(["deno", "test", "-A", "--doc", "--permit-no-files", "mod.ts", "src"]);
    return ended.code === 0 ? undefined : `exit code ${ended.code}`;
  } finally {
    await cluster.stop();
  }
}

/** The dry run of `deno publish`; what it lists must be the library and nothing else. */
async function publishes(): Promise<string | undefined> {
  const listing = await output(["deno", "publish", "--dry-run", "--allow-dirty"], { env: { NO_COLOR: "1" } });
  const root = `file://${Deno.cwd()}/`;
  const files = [...listing.matchAll(/^\s+(file:\S+)/gm)].map((match) => match[1]!.replace(root, ""));
  const foreign = files.filter((file) =>
    !/^(src\/.*\.ts|mod\.ts|deno\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file)
  );
  if (files.length === 0) return "the dry run lists no file";
  console.log(`${files.length} files would be published`);
  return foreign.length > 0 ? `these would be published too: ${foreign.join(", ")}` : undefined;
}

const tests = command("tests", ["deno", "run", "-A", "tools/test.ts"]);
const stages: Stage[] = [
  command("fmt", ["deno", "fmt", "--check"]),
  command("lint", ["deno", "lint"]),
  command("check", ["deno", "check", "--quiet"]),
  { name: "doc lint", run: documented },
  ...(Deno.args.includes("--static") ? [] : [tests]),
  { name: "examples", run: examplesRun },
  command("readme", ["deno", "check", "--quiet", "--doc-only", "README.md"]),
  { name: "publish", run: publishes },
];

let passed = 0;
for (const stage of stages) {
  const started = performance.now();
  console.log(`\n=== ${stage.name}`);
  const reason = await stage.run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    reason ? `=== ${stage.name} failed after ${seconds} s: ${reason}` : `=== ${stage.name}: ${seconds} s`,
  );
  if (reason) break;
  passed++;
}
const failed = passed === stages.length ? 0 : 1;
console.log(tallyLine({ passed, failed }));
Deno.exit(failed);
