/**
 * `deno task test:prometheus`: the dashboard and the alert rules of examples/kubernetes in a real Prometheus (Debian:
 * `apt install prometheus`) that scrapes a real consumer.
 *
 * Every query of the dashboard brings numbers; rules whose minutes are made seconds fire when a group falls behind, stands still
 * and is gone.
 */
import { assert, assertEquals } from "@std/assert";
import { createConsumer, createProducer } from "@contrail/rocketmq";
import { serveAdmin } from "@contrail/rocketmq/admin";
import { startCluster } from "@contrail/rocketmq/testing";

const FOLDER = "examples/kubernetes";

/** A Prometheus that scrapes `target` four times a second. */
async function startPrometheus(target: string) {
  const folder = await Deno.makeTempDir({ prefix: "contrail-prometheus-" });
  const rules = await Deno.readTextFile(`${FOLDER}/alerts.yaml`);
  // a minute of the rules is a second here
  await Deno.writeTextFile(`${folder}/alerts.yaml`, rules.replaceAll(/(?<=\[|for: )(\d+)m\b/g, "$1s"));
  await Deno.writeTextFile(
    `${folder}/prometheus.yaml`,
    `global: { scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms }
rule_files: [alerts.yaml]
scrape_configs: [{ job_name: consumers, static_configs: [{ targets: ["${target}"] }] }]
`,
  );
  const child = new Deno.Command("prometheus", {
    args: [
      `--config.file=${folder}/prometheus.yaml`,
      `--storage.tsdb.path=${folder}/data`,
      "--web.listen-address=127.0.0.1:0",
      "--log.format=json",
    ],
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const [said, rest] = child.stderr.tee();
  const drained = rest.pipeTo(new WritableStream());
  let text = "", port: string | undefined;
  for await (const part of said.pipeThrough(new TextDecoderStream())) {
    text += part;
    port = /"address":"127\.0\.0\.1:(\d+)"[^\n]*"Listening on"/.exec(text)?.[1];
    if (port) break;
  }
  assert(port, `Prometheus ended: ${text}`);
  // it listens before it has read its storage
  const ready = async (): Promise<boolean> => {
    const response = await fetch(`http://127.0.0.1:${port}/-/ready`);
    await response.body?.cancel();
    return response.ok;
  };
  await repeat(() => Promise.resolve(), ready, () => Promise.resolve(`Prometheus is not ready: ${text}`));
  return {
    async ask(path: string, query: Record<string, string> = {}) {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams(query)}`);
      const { status, data, error } = await response.json();
      assertEquals(status, "success", error);
      return data;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await Promise.all([child.status, drained]);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

/** Repeats `step` until `holds`, for a minute. */
async function repeat(
  step: () => Promise<unknown>,
  holds: () => Promise<boolean>,
  problem: () => Promise<string>,
): Promise<void> {
  const end = Date.now() + 60_000;
  while (!await holds()) {
    if (Date.now() > end) throw new Error(await problem());
    await step();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

Deno.test("scraped, a consumer fills every panel of the dashboard, and its alerts fire when it lags, stalls and is gone", async () => {
  await using things = new AsyncDisposableStack();
  const cluster = await startCluster({ topics: { orders: 1 } });
  things.defer(() => cluster.stop());
  const { namesrvAddr } = cluster;
  const consumer = createConsumer({
    namesrvAddr,
    consumerGroup: "billing",
    consumeConcurrencyMin: 1,
    consumeConcurrencyMax: 1,
    shutdownTimeoutMs: 100,
  });
  const pace = { next: (): Promise<void> => Promise.resolve() };
  consumer.subscribe("orders", "*", () => pace.next());
  const producer = createProducer({ namesrvAddr, producerGroup: "shop" });
  things.use(producer);
  things.use(consumer);
  await Promise.all([consumer.start(), producer.start()]);
  const admin = await serveAdmin({ consumers: [consumer], producers: [producer], port: 0 });
  things.defer(() => admin.close());
  await using prometheus = await startPrometheus(new URL(admin.url).host);
  const send = (count: number) =>
    producer.sendBatch(Array.from({ length: count }, () => ({ topic: "orders", body: "x" })));
  const firing = async () =>
    ((await prometheus.ask("alerts")).alerts as { state: string; labels: { alertname: string } }[])
      .filter(({ state }) => state === "firing").map(({ labels }) => labels.alertname);
  const until = (what: string, holds: () => Promise<boolean>, step = () => send(1)): Promise<void> =>
    repeat(step, holds, async () => `waited in vain until ${what}; firing: ${await firing()}`);

  const { panels } = JSON.parse(await Deno.readTextFile(`${FOLDER}/dashboard.json`)) as { panels: Panel[] };
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const query = expr.replaceAll("$group", "bill.*");
      const hasNumber = async () => {
        const { result } = await prometheus.ask("query", { query });
        return result.some(({ value: [, value] }: { value: [number, string] }) => value !== "NaN");
      };
      await until(`"${title}" shows a number: ${query}`, hasNumber);
    }
  }
  assertEquals(await firing(), []);

  pace.next = () => new Promise((resolve) => setTimeout(resolve, 20));
  for (let at = 0; at < 24; at++) await send(500);
  await until(
    "it falls behind",
    async () => (await firing()).includes("RocketMQLagGrows"),
    () => send(100),
  );
  assert(!(await firing()).includes("RocketMQConsumerStalled"));

  const stuck = Promise.withResolvers<void>();
  pace.next = () => stuck.promise;
  await until("it stands still", async () => {
    const names = await firing();
    return names.includes("RocketMQConsumerStalled") && names.includes("RocketMQQueueStalled");
  });
  stuck.resolve();
  await consumer.shutdown();
  await until("it is gone", async () => (await firing()).includes("RocketMQNoMembers"));
});
