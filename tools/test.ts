/**
 * `deno task test`: everything that runs in Deno on the embedded broker, and one line of counts at the end.
 *
 *   deno run -A tools/test.ts [paths or options for deno test]
 *
 * Two programs one after the other: `deno test` over unit, contract and tidy tests, then the conformance scenarios on
 * the embedded broker. With arguments only `deno test` runs, on what they name.
 */
import { exists, run } from "./command.ts";
import { readJUnit, readTallyLine, sum, type Tally, tallyLine, withExitCode } from "./tally.ts";

/** Runs `deno test` and reads the counts from its report. */
async function denoTest(args: readonly string[]): Promise<Tally> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const ended = await run(["deno", "test", "-A", "--no-check", `--junit-path=${report}`, ...args]);
    return withExitCode(readJUnit(await Deno.readTextFile(report)), ended.code);
  } finally {
    await Deno.remove(report);
  }
}

/** Runs the scenarios on an embedded broker. */
async function scenarios(): Promise<Tally> {
  const ended = await run(["deno", "run", "-A", "--no-check", "tests/conformance/main.ts", "--embedded"], {
    capture: true,
  });
  return withExitCode(readTallyLine(ended.output), ended.code);
}

const tallies = [await denoTest(Deno.args.length > 0 ? Deno.args : ["tests"])];
if (Deno.args.length === 0 && exists("tests/conformance/main.ts")) tallies.push(await scenarios());
const total = sum(tallies);
console.log(tallyLine(total));
Deno.exit(total.failed === 0 ? 0 : 1);
