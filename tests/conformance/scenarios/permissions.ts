/**
 * What the main job may ask of its runtime: the network, and nothing else.
 */
import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { output } from "../rig.ts";
import type { Scenario } from "../scenario.ts";

export const netOnly: Scenario = {
  name:
    "Deno needs --allow-net alone to produce and consume; who broadcasts keeps offsets in memory then, and says so",
  only: "deno",
  why: "no other runtime has such permissions",
  async run(t) {
    const topic = await t.topic("net-only");
    const program = fileURLToPath(new URL("../programs/net_only.ts", import.meta.url));
    const flags = ["run", "--quiet", "--no-prompt", "--no-check", "--allow-net"];
    const group = t.name("net-only-group");
    const said = await output("deno", [...flags, program, t.namesrvAddr, group, topic]);
    assert.deepEqual(said.trim().split("\n"), ["consumed 20", "heard 20, offsetsInMemory"]);
    assert.equal(await t.committed(group, topic), 20);
  },
};
