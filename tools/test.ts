/**
 * `deno task test`: everything that runs in Deno on the embedded broker, and one line of counts at the end.
 *
 *   deno run -A tools/test.ts [paths or options for deno test]
 *
 * Unit, contract, conformance and tidy tests alike are tests of `deno test`; with arguments it runs on what they name. All of
 * them wait more than they work, so the scenarios are shared out to programs that run beside the one with the rest.
 * Types are the gate's business: here they would only cost a first run its time.
 */
import { run } from "./command.ts";
import { readJUnit, sum, type Tally, tallyLine, withExitCode } from "./tally.ts";

const SCENARIOS = "tests/conformance/conformance_test.ts";
/** Programs that share the scenarios. */
const SHARES = 2;

/** Runs `deno test` and reads the counts from its report. */
async function denoTest(args: readonly string[], env: Record<string, string> = {}): Promise<Tally> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const command = ["deno", "test", "-A", "--no-check", `--junit-path=${report}`, ...args];
    const ended = await run(command, { env, byLine: true });
    return withExitCode(readJUnit(await Deno.readTextFile(report)), ended.code);
  } finally {
    await Deno.remove(report);
  }
}

/** Runs all there is. */
async function all(): Promise<Tally> {
  const shares = Array.from(
    { length: SHARES },
    (_, at) => denoTest([SCENARIOS], { CONFORMANCE_SHARE: `${at + 1}/${SHARES}` }),
  );
  return sum(await Promise.all([denoTest(["tests", "examples", `--ignore=${SCENARIOS}`]), ...shares]));
}

const total = Deno.args.length > 0 ? await denoTest(Deno.args) : await all();
console.log(tallyLine(total));
Deno.exit(total.failed === 0 ? 0 : 1);
