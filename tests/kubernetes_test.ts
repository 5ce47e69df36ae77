/**
 * The Kubernetes example: what its dashboard and alerts ask for exists, and its program lives and ends as the manifests say.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { createProducer } from "../mod.ts";
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

/** The program of the example: what it says, line by line, and where it answers. */
async function startProgram(namesrvAddr: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--quiet", "--allow-net", "--allow-env", "examples/kubernetes/main.ts"],
    env: { NAMESRV_ADDR: namesrvAddr, PORT: "0" },
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines: string[] = [];
  const ready = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (
      const line of child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
    ) {
      const port = /^ready on .*:(\d+)$/.exec(line)?.[1];
      if (port) ready.resolve(`http://127.0.0.1:${port}`);
      else lines.push(line);
    }
    ready.reject(new Error("it ended before it was ready"));
  })();
  return { child, lines, reading, url: await ready.promise };
}

Deno.test("the program is live, ready and measured; SIGTERM under load loses nothing, repeats nothing and ends in time", async () => {
  const cluster = await startCluster({ topics: { orders: 4 } });
  const { namesrvAddr } = cluster;
  const producer = createProducer({ producerGroup: "shop", namesrvAddr });
  await producer.start();
  const first = await startProgram(namesrvAddr);
  const sent: string[] = [];
  let isOver = false;
  const load = (async () => {
    while (!isOver) {
      const bodies = Array.from({ length: 50 }, (_, at) => `order-${sent.length + at}`);
      await producer.sendBatch(bodies.map((body) => ({ topic: "orders", body })));
      sent.push(...bodies);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  const ask = async (path: string) => {
    const response = await fetch(`${first.url}${path}`);
    return { status: response.status, text: await response.text() };
  };
  assertEquals([(await ask("/healthz")).status, (await ask("/readyz")).status], [200, 200]);
  assertStringIncludes(
    (await ask("/metrics")).text,
    'rocketmq_consumer_running{messaging_consumer_group_name="billing"} 1',
  );
  while (first.lines.length < 2_000) await new Promise((resolve) => setTimeout(resolve, 10));
  const [, grace] = /terminationGracePeriodSeconds: (\d+)/.exec(read("consumer.yaml"))!;
  const askedAt = performance.now();
  first.child.kill("SIGTERM");
  assertEquals((await first.child.status).code, 0);
  assert(performance.now() - askedAt < Number(grace) * 1000);
  await first.reading;
  isOver = true;
  await load;

  const second = await startProgram(namesrvAddr);
  while (first.lines.length + second.lines.length < sent.length) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  second.child.kill("SIGTERM");
  assertEquals((await second.child.status).code, 0);
  await second.reading;
  assert(second.lines.length > 0, "it was under load");
  assertEquals([...first.lines, ...second.lines].sort(), sent.sort());
  await producer.shutdown();
  await cluster.stop();
});
