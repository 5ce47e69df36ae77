/**
 * The conformance scenarios as tests of Deno, each on an embedded cluster of its own, so that the leak sanitizers see what a
 * single scenario leaves behind. With CONFORMANCE_SHARE=2/3 in the environment the second third of them, for programs that
 * share them.
 */
import { embeddedRig } from "./rig.ts";
import { obstacle, runScenario } from "./runner.ts";
import { scenarios } from "./scenarios.ts";

const [share = 1, shares = 1] = (Deno.env.get("CONFORMANCE_SHARE") ?? "1/1").split("/").map(Number);

for (const scenario of scenarios.filter((_, at) => at % shares === share - 1)) {
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
