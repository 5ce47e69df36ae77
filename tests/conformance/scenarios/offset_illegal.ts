/**
 * An offset that its queue does not have: beyond the end, or of messages that the broker has dropped. The broker says where to
 * go on, and the consumer obeys and says so.
 */
import { strict as assert } from "node:assert";
import type { ConsumerEvent } from "@contrail/rocketmq";
import { bareCall, queuesOf, RequestCode } from "../bare_request.ts";
import type { Scenario } from "../scenario.ts";

/** A broker's answer to a pull outside of the queue (PULL_OFFSET_MOVED). */
const OFFSET_MOVED = 21;

type OffsetIllegal = Extract<ConsumerEvent, { type: "offsetIllegal" }>;

/** The corrections among a consumer's events, as they come. */
function corrections(events: AsyncIterable<ConsumerEvent>): OffsetIllegal[] {
  const found: OffsetIllegal[] = [];
  void (async () => {
    for await (const event of events) if (event.type === "offsetIllegal") found.push(event);
  })();
  return found;
}

export const offsetBeyondEnd: Scenario = {
  name:
    "a stored offset beyond the end of its queue is corrected by the broker, and new messages are consumed",
  async run(t) {
    const topic = await t.topic("beyond", { queues: 1 });
    const consumerGroup = t.name("hasty");
    await t.fill(topic, 20);
    const former = t.consumer({ consumerGroup });
    former.subscribe(topic, "*", () => {});
    await former.start();
    await former.shutdown();
    const [queue] = await queuesOf(t.namesrvAddr.split(";")[0]!, topic);
    const fields = { consumerGroup, topic, queueId: 0, commitOffset: 10_000 };
    await bareCall(queue!.address, RequestCode.UPDATE_CONSUMER_OFFSET, fields);
    const consumer = t.consumer({ consumerGroup });
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    const found = corrections(consumer.events());
    await consumer.start();
    await t.eventually("it is corrected", () => found.length === 1);
    const { from, to } = found[0]!;
    assert.equal(from, 10_000);
    // 4.9 goes back to the beginning of a queue that has lost nothing, 5.x to its end
    assert.ok(to === 0 || to === 20, `${to}`);
    const sent = await t.fill(topic, 10, { prefix: "new-" });
    await t.eventually("all from there on", () => bodies.length >= 30 - to);
    assert.deepEqual(bodies.slice(20 - to).toSorted(), sent.toSorted());
    await consumer.shutdown();
    assert.equal(await t.committed(consumerGroup, topic), 30, "the correction is stored: a step back");
  },
};

export const offsetDropped: Scenario = {
  name: "a stored offset of messages that the broker has dropped goes on at the first that it has",
  async run(t) {
    const topic = await t.topic("dropped", { queues: 1 });
    const sent = await t.fill(topic, 20, { inOrder: true });
    const proxy = await t.proxy();
    // no broker drops messages on command: so one that has dropped the first ten is played
    proxy.tamper = (reply) => {
      if (reply.requestCode !== RequestCode.PULL_MESSAGE || reply.requestFields["topic"] !== topic) return;
      if (Number(reply.requestFields["queueOffset"]) >= 10) return;
      reply.header.code = OFFSET_MOVED;
      reply.header.extFields = { ...reply.header.extFields, nextBeginOffset: "10", minOffset: "10" };
      reply.body = reply.body.subarray(0, 0);
    };
    const consumer = t.consumer({ namesrvAddr: proxy.namesrvAddr });
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    const found = corrections(consumer.events());
    await consumer.start();
    await t.eventually("the rest is consumed", () => bodies.length >= 10);
    assert.deepEqual(found.map(({ from, to }) => [from, to]), [[0, 10]]);
    assert.deepEqual(bodies, sent.slice(10));
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), 20);
  },
};
