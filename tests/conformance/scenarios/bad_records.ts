/**
 * A stored message that cannot be read. The Java client drops it silently, and with it all that follows in its pull; this
 * one holds the queue, tells of it, and never commits what nobody has handled.
 */
import { strict as assert } from "node:assert";
import type { Buffer } from "node:buffer";
import type { ConsumerEvent } from "@contrail/rocketmq";
import { RequestCode } from "../bare_request.ts";
import type { Scenario, Stage, StagedConsumer } from "../scenario.ts";

/** Where a record has its body's CRC and its queue offset. */
const CRC_AT = 8;
const QUEUE_OFFSET_AT = 20;

/** Breaks the CRC of the record with `queueOffset` in the body of a pull's answer; whether it was there. */
function breakCrc(body: Buffer, queueOffset: number): boolean {
  for (let at = 0; at < body.length; at += body.readUInt32BE(at)) {
    if (Number(body.readBigInt64BE(at + QUEUE_OFFSET_AT)) !== queueOffset) continue;
    body[at + CRC_AT + 3]! ^= 0xff;
    return true;
  }
  return false;
}

/** A topic of two queues with 20 messages each, whose message 10 of queue 0 cannot be read until `heal` is called. */
async function withBadRecord(t: Stage, config: StagedConsumer) {
  const topic = await t.topic("corrupt", { queues: 2 });
  const producer = await t.producer();
  const brokerName = t.brokers[0]!;
  for (let at = 0; at < 40; at++) {
    const queueId = at % 2;
    await producer.send({ topic, body: `${queueId}-${at >> 1}` }, { queue: { topic, brokerName, queueId } });
  }
  const proxy = await t.proxy();
  proxy.tamper = ({ requestCode, requestFields, body }) => {
    if (requestCode !== RequestCode.PULL_MESSAGE) return;
    if (requestFields["topic"] === topic && requestFields["queueId"] === "0") breakCrc(body, 10);
  };
  const consumer = t.consumer({ namesrvAddr: proxy.namesrvAddr, ...config });
  const corrupt: (ConsumerEvent & { type: "corrupt" })[] = [];
  // ends with the consumer
  void (async () => {
    for await (const event of consumer.events()) if (event.type === "corrupt") corrupt.push(event);
  })();
  consumer.subscribe(topic);
  const { bodies } = t.collect(consumer);
  await consumer.start();
  const of = (queueId: number): string[] => bodies.filter((body) => body.startsWith(`${queueId}-`));
  return { topic, consumer, corrupt, of, heal: () => void (proxy.tamper = undefined) };
}

export const stall: Scenario = {
  name:
    "a message with a wrong CRC holds its queue: what precedes it is handled, nothing from it on is committed",
  async run(t) {
    const { topic, consumer, corrupt, of, heal } = await withBadRecord(t, {});
    await t.eventually("the other queue is drained", () => of(1).length === 20);
    await t.eventually("what precedes it is handed out", () => of(0).length === 10);
    await t.eventually("the event", () => corrupt.length > 0);
    const [{ queue, offset, skipped, error }] = corrupt as [typeof corrupt[number]];
    assert.deepEqual([queue.topic, queue.queueId, offset, skipped], [topic, 0, 10, false]);
    assert.match(error.message, /CRC/i);
    await t.sleep(1_000);
    await consumer.commit();
    assert.equal(of(0).length, 10);
    assert.equal(await t.committed(consumer.consumerGroup, topic), 30);
    heal();
    await t.eventually("the queue goes on", () => of(0).length === 20, 40_000);
    await consumer.shutdown();
    assert.equal(new Set(of(0)).size, 20);
    assert.equal(await t.committed(consumer.consumerGroup, topic), 40);
  },
};

export const skip: Scenario = {
  name:
    'with onBadRecord: "skip" a message with a wrong CRC is left out after three tries, told of and counted',
  async run(t) {
    const { topic, consumer, corrupt, of } = await withBadRecord(t, { onBadRecord: "skip" });
    await t.eventually("the rest of its queue", () => of(0).length === 19, 40_000);
    await t.eventually("the other queue", () => of(1).length === 20);
    assert.ok(!of(0).includes("0-10"));
    assert.ok(corrupt.some(({ skipped, offset }) => skipped && offset === 10));
    await consumer.shutdown();
    assert.equal(consumer.statistics().badRecordsSkipped, 1);
    assert.equal(await t.committed(consumer.consumerGroup, topic), 40);
  },
};

export const unchecked: Scenario = {
  name: "with checkCrc: false the CRC is not looked at",
  async run(t) {
    const { corrupt, of } = await withBadRecord(t, { checkCrc: false });
    await t.eventually("all of both queues", () => of(0).length === 20 && of(1).length === 20);
    assert.equal(corrupt.length, 0);
  },
};
