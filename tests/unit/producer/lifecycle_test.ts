import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createClient } from "../../../src/client/client.ts";
import { ConfigError, ProducerError } from "../../../src/core/errors.ts";
import type { ProducerConfig } from "../../../src/producer/options.ts";
import { createProducer } from "../../../src/producer/producer.ts";
import { ScriptedCluster, started, stored, withCluster } from "./scripted_cluster.ts";

const T = { T: { "broker-a": 1 } };

Deno.test("every problem of a config comes at once, with its path", () => {
  const config = {
    producerGroup: "a b",
    namesrvAddr: "",
    sendTimeoutMs: 0,
    retryTimesWhenSendFailed: -1,
    compressType: "GZIP",
    queueSelector: {},
    heartbeatIntervalMs: "often",
  };
  const error = assertThrows(() => createProducer(config as unknown as ProducerConfig), ConfigError);
  assertEquals(error.facts.problems!.map((problem) => problem.path).sort(), [
    "compressType",
    "heartbeatIntervalMs",
    "namesrvAddr",
    "producerGroup",
    "queueSelector",
    "retryTimesWhenSendFailed",
    "sendTimeoutMs",
  ]);
});

Deno.test("the group DEFAULT_PRODUCER is refused, as in Java", () => {
  const config = { producerGroup: "DEFAULT_PRODUCER", namesrvAddr: "127.0.0.1:9876" };
  assertThrows(() => createProducer(config), ConfigError, "reserved");
});

Deno.test("an explicit undefined means the default", () => {
  const producer = createProducer({
    producerGroup: "PG",
    namesrvAddr: "127.0.0.1:9876",
    sendTimeoutMs: undefined,
    topics: undefined,
    transactionListener: undefined,
    credentials: undefined,
  });
  assertEquals(producer.producerGroup, "PG");
});

Deno.test("before start() and after shutdown() nothing is sent", () =>
  withCluster(T, async (cluster) => {
    const producer = cluster.producer();
    const send = () => producer.send({ topic: "T", body: "b" });
    await assertRejects(send, ProducerError, 'Cannot send: producer "PG" is "created"');
    await producer.start();
    await producer.shutdown();
    await assertRejects(send, ProducerError, 'producer "PG" is "stopped"');
    await assertRejects(() => producer.start(), ProducerError, "Cannot start");
    assertEquals(cluster.sends.length, 0);
  }));

Deno.test("start() and shutdown() may be called twice", () =>
  withCluster(T, async (cluster) => {
    const producer = cluster.producer();
    await Promise.all([producer.start(), producer.start()]);
    await producer.start();
    await Promise.all([producer.shutdown(), producer.shutdown()]);
    await producer.shutdown();
  }));

Deno.test("a producer that never started can be shut down", async () => {
  const producer = createProducer({ producerGroup: "PG", namesrvAddr: "127.0.0.1:9876" });
  await producer.shutdown();
});

Deno.test("a start that fails leaves nothing behind", async () => {
  const cluster = new ScriptedCluster(T);
  const producer = cluster.producer({ connectTimeoutMs: 50 });
  await assertRejects(() => cluster.clock.runUntil(producer.start()), Error);
  await producer.shutdown();
  assertEquals([cluster.network.inFlight, cluster.clock.sleeping], [0, 0]);
});

Deno.test("a shutdown while it starts ends the start", () =>
  withCluster(T, async (cluster) => {
    cluster.network.partition({ host: "10.0.0.9" });
    const producer = cluster.producer();
    const starting = assertRejects(() => producer.start(), Error);
    await producer.shutdown();
    await starting;
    cluster.network.mend({ host: "10.0.0.9" });
  }));

Deno.test("shutdown() waits for what is under way", () =>
  withCluster(T, async (cluster) => {
    const producer = await started(cluster);
    let answer: (() => void) | undefined;
    cluster.answer = (send) => new Promise((resolve) => answer = () => resolve(stored(send)));
    const sending = producer.send({ topic: "T", body: "b" });
    await cluster.clock.settle();
    const stopping = producer.shutdown();
    await cluster.clock.settle();
    answer!();
    assertEquals((await sending).status, "SEND_OK");
    await stopping;
  }));

Deno.test("shutdown() does not wait longer than shutdownTimeoutMs", () =>
  withCluster(T, async (cluster) => {
    const producer = await started(cluster, { shutdownTimeoutMs: 1000, sendTimeoutMs: 60_000 });
    cluster.answer = () => undefined;
    const sending = assertRejects(() => producer.send({ topic: "T", body: "b" }), ProducerError);
    await cluster.clock.settle();
    const before = cluster.clock.now();
    await cluster.clock.runUntil(producer.shutdown());
    await sending;
    assertEquals(cluster.clock.now() - before, 1000);
    assertEquals(cluster.lines.length, 1);
  }));

Deno.test("brokers hear of the producer while it runs, and that it leaves", () =>
  withCluster(T, async (cluster) => {
    const producer = await started(cluster, { topics: ["T"] });
    await producer.send({ topic: "T", body: "b" });
    await cluster.clock.settle();
    const heartbeat = cluster.others.find((other) => other.code === 34)!;
    const { producerDataSet } = JSON.parse(new TextDecoder().decode(heartbeat.request.body));
    assertEquals(producerDataSet.some((data: { groupName: string }) => data.groupName === "PG"), true);
    await producer.shutdown();
    const left = cluster.others.filter((other) => other.code === 35);
    assertEquals(left.map((other) => other.header.producerGroup).includes("PG"), true);
  }));

Deno.test("producers share a client that is given to them, each group once", () =>
  withCluster(T, async (cluster) => {
    const { network: { connect }, clock, random } = cluster;
    const client = createClient({ namesrvAddr: "10.0.0.9:9876" }, { connect, clock, random });
    const one = createProducer({ producerGroup: "one", client });
    const two = createProducer({ producerGroup: "two", client });
    const again = createProducer({ producerGroup: "one", client });
    await one.start();
    await two.start();
    await assertRejects(() => again.start(), ConfigError, 'group "one"');
    await one.shutdown();
    await two.send({ topic: "T", body: "b" });
    await two.shutdown();
    assertEquals(client.isRunning, false);
  }));
