/**
 * What a consumer and a producer write into the brokers' trace topic.
 */
import { strict as assert } from "node:assert";
import type { Scenario, Stage } from "../scenario.ts";

const TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";

/** The fields of all trace records about `messageId`, until there are `count`. */
async function records(
  t: Stage,
  messageId: string,
  count: number,
  traceTopic = TRACE_TOPIC,
): Promise<string[][]> {
  const found: string[][] = [];
  const reader = t.consumer({ consumerGroup: t.name(`trace-reader-${messageId}`), traceTopic });
  reader.subscribe(traceTopic, "*", (message) => {
    if (!message.keys.includes(messageId)) return;
    const lines = message.text().split("\x02").map((line) => line.split("\x01"));
    found.push(...lines.filter((fields) => fields.includes(messageId)));
  });
  await reader.start();
  await t.eventually(`${count} records of ${messageId}`, () => found.length >= count, 40_000);
  await reader.shutdown();
  return found;
}

export const consumptionIsTraced: Scenario = {
  name: "hand-out and settlement of a message are traced, and the trace is flushed at shutdown",
  async run(t) {
    const topic = await t.topic("traced", { queues: 1 });
    const consumer = t.consumer();
    let attempts = 0;
    consumer.subscribe(topic, "*", async () => {
      await t.sleep(20);
      if (++attempts === 1) return "RECONSUME_LATER";
    });
    await consumer.start();
    await t.eventually("the trace topic is found", () => consumer.statistics().trace.active);
    const producer = await t.producer();
    const { messageId } = await producer.send({ topic, body: "x", keys: ["order-7", "eu"] });
    await t.eventually(
      "it is consumed at the second attempt",
      () => consumer.statistics().acked === 1,
      40_000,
    );
    await consumer.shutdown();
    const { sent, queued, dropped } = consumer.statistics().trace;
    assert.deepEqual({ sent, queued, dropped }, { sent: 4, queued: 0, dropped: 0 });
    const found = await records(t, messageId, 4);
    // the records of one message may lie in any queues of the trace topic: a settlement goes by its hand-out
    const begins = found.filter(([kind]) => kind === "SubBefore").sort((a, b) => Number(a[6]) - Number(b[6]));
    const ends = begins.map(([, , , , requestId]) =>
      found.find(([kind, id]) => kind === "SubAfter" && id === requestId)!
    );
    assert.deepEqual(begins.map((fields) => [fields[3], fields[5], fields[6], fields[7]]), [
      [consumer.consumerGroup, messageId, "0", "order-7 eu"],
      [consumer.consumerGroup, messageId, "1", "order-7 eu"],
    ]);
    assert.deepEqual(ends.map((fields) => [fields[2], fields[4], fields[6], fields[8]]), [
      [messageId, "false", "4", consumer.consumerGroup],
      [messageId, "true", "0", consumer.consumerGroup],
    ]);
    assert.ok(ends.every((fields) => Number(fields[3]) >= 15), "the cost is the handler's time");
  },
};

export const traceSwitchedOff: Scenario = {
  name: "a consumer with messageTrace: false traces nothing",
  async run(t) {
    const topic = await t.topic("untraced", { queues: 1 });
    const consumer = t.consumer({ messageTrace: false });
    consumer.subscribe(topic, "*", () => {});
    await consumer.start();
    await t.fill(topic, 5);
    await t.eventually("all are consumed", () => consumer.statistics().acked === 5);
    await consumer.shutdown();
    assert.deepEqual(consumer.statistics().trace, { active: false, sent: 0, dropped: 0, queued: 0 });
  },
};

export const sendsAreTraced: Scenario = {
  name:
    "sends and verdicts of a producer are traced to the trace topic that it names, its consumers' end there too",
  async run(t) {
    const topic = await t.topic("traced-sends", { queues: 1 });
    const traceTopic = await t.topic("our-trace", { queues: 2 });
    const producer = await t.producer({
      messageTrace: true,
      traceTopic,
      transactionListener: { check: () => "UNKNOWN" },
    });
    const message = { topic, body: "four", tag: "paid", keys: ["order-7", "eu"] };
    const plain = await producer.send(message);
    await producer.sendOneway({ topic, body: "untraced" });
    const half = await producer.sendInTransaction(message, () => "COMMIT_MESSAGE");
    const consumer = t.consumer({ traceTopic });
    let handled = 0;
    consumer.subscribe(topic, "*", () => void handled++);
    await consumer.start();
    await t.eventually("all are consumed", () => handled === 3);
    await consumer.shutdown();
    await producer.shutdown();
    const { sent, queued, dropped } = producer.statistics().trace;
    assert.deepEqual({ sent, queued, dropped }, { sent: 3, queued: 0, dropped: 0 });
    const group = producer.producerGroup;

    const ofPlain = await records(t, plain.messageId, 3, traceTopic);
    const [pub] = ofPlain.filter(([kind]) => kind === "Pub");
    const said = [group, topic, plain.messageId, "paid", "order-7 eu"];
    assert.deepEqual(pub!.slice(3, 8), said);
    assert.deepEqual([pub![9], pub![11], pub![12], pub![13]], ["4", "0", plain.offsetMessageId, "true"]);
    assert.deepEqual(ofPlain.map(([kind]) => kind).toSorted(), ["Pub", "SubAfter", "SubBefore"]);

    const ofHalf = await records(t, half.messageId, 4, traceTopic);
    const [sentHalf] = ofHalf.filter(([kind]) => kind === "Pub");
    assert.equal(sentHalf![11], "1");
    const [end] = ofHalf.filter(([kind]) => kind === "EndTransaction");
    assert.deepEqual(end!.slice(3, 8), [group, topic, half.messageId, "paid", "order-7 eu"]);
    assert.deepEqual(end!.slice(9), ["2", half.messageId, "COMMIT_MESSAGE", "false"]);
  },
};
