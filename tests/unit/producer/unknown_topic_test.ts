import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ProducerError } from "../../../src/core/errors.ts";
import { started, withCluster } from "./scripted_cluster.ts";

Deno.test("a topic that no name server knows borrows the template's queues, at most defaultTopicQueueNums per broker", () =>
  withCluster({ TBW102: { "broker-a": 8, "broker-b": 2 } }, async (cluster) => {
    const producer = await started(cluster);
    const met = new Set<string>();
    for (let i = 0; i < 6; i++) {
      const { queue } = await producer.send({ topic: "New", body: "b" });
      met.add(`${queue.topic} ${queue.brokerName} ${queue.queueId}`);
    }
    assertEquals([...met].sort(), [
      "New broker-a 0",
      "New broker-a 1",
      "New broker-a 2",
      "New broker-a 3",
      "New broker-b 0",
      "New broker-b 1",
    ]);
    const { b, c, d } = cluster.sends[0]!.header;
    assertEquals({ b, c, d }, { b: "New", c: "TBW102", d: "4" });
  }));

Deno.test("createTopicKey names the template: its queues are borrowed, and brokers are told to make the topic after it", () =>
  withCluster({ TBW102: { "broker-a": 8 }, Template: { "broker-b": 3 } }, async (cluster) => {
    const producer = await started(cluster, { createTopicKey: "Template" });
    const met = new Set<string>();
    for (let i = 0; i < 6; i++) {
      const { queue } = await producer.send({ topic: "New", body: "b" });
      met.add(`${queue.brokerName} ${queue.queueId}`);
    }
    assertEquals([...met].sort(), ["broker-b 0", "broker-b 1", "broker-b 2"]);
    const { b, c, d } = cluster.sends[0]!.header;
    assertEquals({ b, c, d }, { b: "New", c: "Template", d: "4" });
    const missing = await started(cluster, {
      createTopicKey: "Nothing",
      producerGroup: "PG2",
      instanceName: "b",
    });
    await assertRejects(() => missing.send({ topic: "New2", body: "b" }), ProducerError, '"Nothing"');
  }));

Deno.test("the topic's own route takes over when it comes", () =>
  withCluster({ TBW102: { "broker-a": 8 }, Other: { "broker-b": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    await producer.send({ topic: "New", body: "b" });
    cluster.topics = { ...cluster.topics, New: { "broker-b": 1 } };
    await cluster.clock.advance(31_000);
    assertEquals((await producer.send({ topic: "New", body: "b" })).queue.brokerName, "broker-b");
  }));

Deno.test("a topic that cannot be created is an error that names topic, name servers and what to do", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    const error = await assertRejects(() => producer.send({ topic: "Nowhere", body: "b" }), ProducerError);
    for (
      const part of ['"Nowhere"', "10.0.0.9:9876", '"TBW102"', "create the topic", "autoCreateTopicEnable"]
    ) {
      assertStringIncludes(error.message, part);
    }
    assertEquals([error.facts.topic, error.facts.responseCode, error.retriable], ["Nowhere", 17, false]);
    assertEquals(cluster.sends.length, 0);
  }));

Deno.test("many first sends of a topic ask for its route once", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    const before = cluster.others.filter((other) => other.code === 105).length;
    await Promise.all(Array.from({ length: 20 }, () => producer.send({ topic: "T", body: "b" })));
    assertEquals(cluster.others.filter((other) => other.code === 105).length - before, 1);
  }));

Deno.test("a name server that is silent ends the send at its deadline", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    cluster.network.partition({ host: "10.0.0.9" });
    const sending = producer.send({ topic: "T", body: "b" }, { timeoutMs: 500 });
    await assertRejects(() => cluster.clock.runUntil(sending), ProducerError, "within 500 ms");
    cluster.network.mend({ host: "10.0.0.9" });
  }));

Deno.test("configured topics are known when start() resolves", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    await started(cluster, { topics: ["T"] });
    assertEquals(cluster.others.some((other) => other.code === 105 && other.header.topic === "T"), true);
  }));
