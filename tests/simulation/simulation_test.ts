/**
 * A few seeds of the simulation in every run of the tests; `deno task sim` runs thousands.
 */
import { assertEquals } from "@std/assert";
import { FAILED_SEEDS } from "./failed_seeds.ts";
import { simulate } from "./simulate.ts";
import { WORKLOADS } from "./workloads.ts";

/** Says what is wrong together with the way to see it again. */
async function assertHolds(seed: number, workload: string): Promise<void> {
  const { findings } = await simulate(seed, workload);
  assertEquals(findings, [], `deno task sim --seed ${seed} --workload ${workload}`);
}

WORKLOADS.forEach(({ name }, seed) => {
  Deno.test(`simulation: no rule is broken in half an hour of faults, ${name}`, () =>
    assertHolds(seed, name));
});

for (const { seed, workload, found } of FAILED_SEEDS) {
  Deno.test(`simulation: ${workload}, seed ${seed}, which once found: ${found}`, () =>
    assertHolds(seed, workload));
}

Deno.test("simulation: a seed replays exactly", async () => {
  const first = await simulate(7, "orderly", true);
  const second = await simulate(7, "orderly", true);
  assertEquals(first.timeline.length > 10_000, true);
  assertEquals(second.timeline, first.timeline);
});
