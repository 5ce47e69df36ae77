/**
 * The conformance scenarios as a program, for Deno, Bun and Node, from the repository or beside an installed tarball.
 *
 *   main.ts --embedded | --namesrv host:port[;host:port]
 *     --only <text>        those whose name holds the text; may be repeated
 *     --parallel <n>       so many at once (8)
 *     --long               two minutes for each scenario that shows what holds over time
 *     --control "<command>" launcher of the real cluster, for the scenarios that stop and start its parts
 *
 * One line per scenario, then the errors, then `N passed, N failed`. The exit code tells whether all held.
 */
import process from "node:process";
import { parseArgs } from "node:util";
import { embeddedRig, LONG_MS, realRig, repositoryControl } from "./rig.ts";
import { countOutcomes, outcomeLine, runAll } from "./runner.ts";
import { scenarios } from "./scenarios.ts";
import { runtime } from "./stage.ts";

const { values } = parseArgs({
  options: {
    embedded: { type: "boolean" },
    namesrv: { type: "string" },
    only: { type: "string", multiple: true },
    parallel: { type: "string", default: "8" },
    long: { type: "boolean" },
    control: { type: "string" },
  },
});
if ((values.embedded ?? false) === (values.namesrv !== undefined)) {
  console.error(
    "usage: main.ts --embedded | --namesrv host:port [--only text] [--parallel 8] [--long] [--control command]",
  );
  process.exit(2);
}
const only = values.only ?? [];
const chosen = scenarios.filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)));
const endurance = values.long ? { enduranceMs: LONG_MS } : {};
const rig = values.namesrv === undefined
  ? await embeddedRig(endurance)
  : realRig(values.namesrv, values.control?.split(" ") ?? repositoryControl(), endurance);
console.log(`${chosen.length} scenarios on ${runtime} and the ${rig.kind} cluster at ${rig.namesrvAddr}`);
const began = performance.now();
const outcomes = await runAll(chosen, rig, {
  parallel: Number(values.parallel),
  report: (outcome) => console.log(outcomeLine(outcome)),
});
await rig.close();
for (const { scenario, error } of outcomes) {
  if (error !== undefined) console.error(`\n${scenario.name}\n`, error);
}
const { passed, failed, skipped } = countOutcomes(outcomes);
console.log(`${skipped} skipped, ${((performance.now() - began) / 1000).toFixed(1)} s`);
console.log(`${passed} passed, ${failed} failed`);
// a scenario that hangs must not keep the program
process.exit(failed === 0 && passed > 0 ? 0 : 1);
