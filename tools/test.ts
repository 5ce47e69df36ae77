/**
 * `deno task test`: everything that runs in Deno on the embedded broker, and one line of counts at the end.
 *
 *   deno run -A tools/test.ts [paths or options for deno test]
 *
 * Unit, contract, conformance and tidy tests alike are tests of `deno test`; with arguments it runs on what they name.
 * Types are the gate's business: here they would only cost a first run its time.
 */
import { run } from "./command.ts";
import { readJUnit, type Tally, tallyLine, withExitCode } from "./tally.ts";

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

const total = await denoTest(Deno.args.length > 0 ? Deno.args : ["tests", "examples"]);
console.log(tallyLine(total));
Deno.exit(total.failed === 0 ? 0 : 1);
