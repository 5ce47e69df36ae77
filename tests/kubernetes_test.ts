/**
 * The Kubernetes example: what its dashboard and alerts ask for exists, and its program lives and ends as the manifests say.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { prometheusLabel, prometheusName } from "../src/telemetry/metric.ts";
import { metrics } from "../src/telemetry/metrics.ts";
import { startCluster } from "../src/testing/mod.ts";

const read = (name: string): string => Deno.readTextFileSync(`examples/kubernetes/${name}`);

Deno.test("dashboard, alerts and autoscaler name only metrics and labels of the table", () => {
  const known = new Set<string>([
    ...metrics.map(prometheusName),
    ...metrics.flatMap(({ labels }) => labels.map(prometheusLabel)),
  ]);
  for (const name of ["dashboard.json", "alerts.yaml", "consumer.yaml"]) {
    const named = [...read(name).matchAll(/\b(?:rocketmq_|messaging_)\w+/g)].map(([word]) => word);
    assert(named.length > 0, name);
    assertEquals(named.filter((word) => !known.has(word)), [], name);
  }
  assert(JSON.parse(read("dashboard.json")).panels.length >= 10);
});

Deno.test("a pod has more time to end than the drain may take", () => {
  const [, grace] = /terminationGracePeriodSeconds: (\d+)/.exec(read("consumer.yaml"))!;
  const [, drain] = /shutdownTimeoutMs: ([\d_]+)/.exec(read("main.ts"))!;
  assert(Number(grace) * 1000 > Number(drain!.replaceAll("_", "")) * 2);
});

Deno.test("the program is live, ready and measured, and SIGTERM drains it", async () => {
  const cluster = await startCluster({ topics: { orders: 2 } });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "--allow-net", "--allow-env", "examples/kubernetes/main.ts"],
    env: { NAMESRV_ADDR: cluster.namesrvAddr, PORT: "0" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("ready on")) {
    const { value, done } = await lines.read();
    if (done) break;
    said += value;
  }
  const port = /:(\d+)\s*$/.exec(said)?.[1];
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  };
  assertEquals((await ask("/healthz")).status, 200);
  assertStringIncludes(
    (await ask("/metrics")).text,
    'rocketmq_consumer_running{messaging_consumer_group_name="billing"} 1',
  );
  child.kill("SIGTERM");
  await lines.cancel();
  assertEquals((await child.status).code, 0);
  await cluster.stop();
});
