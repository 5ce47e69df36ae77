/**
 * The alert rules of examples/kubernetes, held by Prometheus itself (Debian: `apt install prometheus`): its unit tests of rules are
 * `alerts_test.yaml`. `deno task test:prometheus` scrapes a real consumer besides.
 */
import { assert, assertEquals } from "@std/assert";

const FOLDER = "examples/kubernetes";

let ignore = false;
try {
  new Deno.Command("promtool", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
} catch {
  ignore = true;
  console.log("no promtool on this machine (Debian: apt install prometheus): the alert rules are not tried");
}

async function promtool(...args: string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("promtool", { args, cwd: FOLDER }).output();
  const text = new TextDecoder();
  assert(success, text.decode(stdout) + text.decode(stderr));
}

Deno.test({
  name: "the alert rules are well formed, and each fires when it should and not before",
  ignore,
  fn: async () => {
    await promtool("check", "rules", "alerts.yaml");
    await promtool("test", "rules", "alerts_test.yaml");
  },
});

Deno.test("each alert has a test of its own", async () => {
  const [rules, tests] = await Promise.all(
    ["alerts.yaml", "alerts_test.yaml"].map((name) => Deno.readTextFile(`${FOLDER}/${name}`)),
  );
  const names = (text: string, key: string) =>
    [...new Set([...text.matchAll(new RegExp(`${key}: (\\w+)`, "g"))].map(([, name]) => name))].sort();
  assertEquals(names(tests!, "alertname"), names(rules!, "alert"));
});
