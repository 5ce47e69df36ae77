/**
 * The conformance scenarios as tests of Deno, each on an embedded cluster of its own, so that the leak sanitizers see what a
 * single scenario leaves behind.
 */
import { embeddedRig } from "./rig.ts";
import { obstacle, runScenario } from "./runner.ts";
import { scenarios } from "./scenarios.ts";

for (const scenario of scenarios) {
  const reason = obstacle(scenario, { kind: "embedded" });
  Deno.test({
    name: reason === undefined ? scenario.name : `${scenario.name} (${reason})`,
    ignore: reason !== undefined,
    async fn() {
      const rig = await embeddedRig();
      try {
        const { error, skipped } = await runScenario(scenario, rig);
        if (skipped !== undefined) console.log(`skipped: ${skipped}`);
        if (error !== undefined) throw error;
      } finally {
        await rig.close();
      }
    },
  });
}
