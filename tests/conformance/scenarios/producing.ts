/**
 * What a producer promises: where a message goes, and what is refused before anything is sent.
 */
import { strict as assert } from "node:assert";
import {
  MessageHashSelector,
  type Producer,
  type QueueSelector,
  RandomSelector,
  RoundRobinSelector,
} from "@contrail/rocketmq";
import type { Scenario } from "../scenario.ts";

const MIB = 1024 * 1024;

/** Queue ids that `count` sends went to. */
async function queueIds(
  producer: Producer,
  topic: string,
  selector: QueueSelector,
  keys: readonly string[],
): Promise<number[]> {
  const ids: number[] = [];
  for (const key of keys) {
    const { queue } = await producer.send({ topic, body: key }, { selector, selectorArg: key });
    ids.push(queue.queueId);
  }
  return ids;
}

export const selectors: Scenario = {
  name: "round robin visits every queue in turn, a hash keeps a key in its queue, chance uses several queues",
  async run(t) {
    const topic = await t.topic("selectors", { queues: 4 });
    const producer = await t.producer();
    const keys = Array.from({ length: 24 }, (_, at) => `key-${at % 6}`);
    const turns = await queueIds(producer, topic, new RoundRobinSelector(), keys);
    for (let from = 0; from + 4 <= turns.length; from++) {
      assert.equal(
        new Set(turns.slice(from, from + 4)).size,
        4,
        `four sends in a row, four queues: ${turns}`,
      );
    }
    const hashed = await queueIds(producer, topic, new MessageHashSelector(), keys);
    assert.deepEqual(hashed.slice(0, 6), hashed.slice(6, 12));
    assert.ok(new Set(hashed).size > 1, `${hashed}`);
    const chance = await queueIds(producer, topic, new RandomSelector(), keys);
    assert.ok(new Set(chance).size > 1, `${chance}`);
  },
};

export const everyWayOfSending: Scenario = {
  name: "messages sent one by one, one-way and in batches all arrive",
  async run(t) {
    const topic = await t.topic("ways");
    const consumer = t.consumer();
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    const producer = await t.producer();
    const single = await producer.send({ topic, body: "single" });
    assert.equal(single.status, "SEND_OK");
    await producer.sendOneway({ topic, body: "one-way" });
    const batch = Array.from({ length: 30 }, (_, at) => ({ topic, body: `batch-${at}`, tag: `t${at % 3}` }));
    const result = await producer.sendBatch(batch);
    assert.equal(result.messageId.split(",").length, 30);
    await t.eventually("all have arrived", () => bodies.length >= 32);
    assert.deepEqual(bodies.toSorted(), ["single", "one-way", ...batch.map(({ body }) => body)].toSorted());
  },
};

export const toAChosenQueue: Scenario = {
  name:
    "the queues of a topic are told, and a message goes to the one that its sender chooses, within a namespace too",
  async run(t) {
    for (const namespace of [undefined, t.name("tenant")]) {
      const base = namespace === undefined ? "chosen" : "chosen-within";
      const onBrokers = await t.topic(namespace === undefined ? base : `${namespace}%${base}`, { queues: 3 });
      const topic = onBrokers.slice(onBrokers.indexOf("%") + 1);
      const producer = await t.producer({ namespace });
      const queues = await producer.fetchPublishMessageQueues(topic);
      const [brokerName] = t.brokers;
      assert.deepEqual(
        queues.map((queue) => ({ ...queue })),
        [0, 1, 2].map((queueId) => ({ topic, brokerName, queueId })),
      );
      for (const queue of queues.toReversed()) {
        const result = await producer.send({ topic, body: "x" }, { queue });
        assert.deepEqual({ ...result.queue }, { ...queue });
        assert.equal(result.queueOffset, 0);
      }
      await producer.shutdown();
    }
  },
};

export const bodiesThatAreRefused: Scenario = {
  name: "an empty body and one above 4 MiB are refused as the Java client refuses them, one of 4 MiB is not",
  async run(t) {
    const topic = await t.topic("refused", { queues: 1 });
    const producer = await t.producer({ compressBodyOverBytes: Infinity });
    for (const body of [new Uint8Array(0), "", new Uint8Array(4 * MIB + 1)]) {
      await assert.rejects(producer.send({ topic, body }), (error: Error & { code: string }) => {
        const codes = [error.code, (error.cause as { code?: string } | undefined)?.code];
        return codes.includes("VALIDATION") && /body/.test(error.message);
      });
    }
    assert.equal((await producer.send({ topic, body: new Uint8Array(4 * MIB - 1024) })).queueOffset, 0);
  },
};

export const topicsThatAreRefused: Scenario = {
  name: "a topic that no producer can have is refused with the value met, and nothing is sent",
  async run(t) {
    const producer = await t.producer();
    for (const topic of ["", "a b", "x".repeat(256), "SCHEDULE_TOPIC_XXXX"]) {
      await assert.rejects(producer.send({ topic, body: "x" }), (error: Error) => {
        return error.name !== "TypeError" && /^Cannot /.test(error.message);
      }, topic);
    }
  },
};

export const sendOnAnotherBroker: Scenario = {
  name: "a send that one broker refuses is tried on another",
  async run(t) {
    if (t.brokers.length < 2) t.skip("one broker only");
    const topic = await t.topic("elsewhere", { queues: 2, brokers: t.brokers.slice(0, 2) });
    const proxy = await t.proxy();
    const refused: string[] = [];
    proxy.tamper = (reply) => {
      const { requestCode, requestFields, header } = reply;
      // 310 is SEND_MESSAGE_V2, whose field n names the broker since 5.0; 14 means SERVICE_NOT_AVAILABLE
      if (requestCode !== 310 || refused.length > 0) return;
      refused.push(requestFields["n"] ?? "");
      header.code = 14;
      header.remark = "service not available";
    };
    const producer = await t.producer({ namesrvAddr: proxy.namesrvAddr });
    const result = await producer.send({ topic, body: "once more" });
    assert.equal(result.status, "SEND_OK");
    assert.equal(refused.length, 1);
    assert.notEqual(result.queue.brokerName, refused[0]);
  },
};
