/**
 * Lite pull: the application asks for messages, says where to read, and what is finished.
 */
import { strict as assert } from "node:assert";
import { sql } from "@contrail/rocketmq";
import { assigned, pollAll, textsOf } from "../polling.ts";
import type { Scenario } from "../scenario.ts";

export const subscribeAndPoll: Scenario = {
  name: "lite pull: polls give every message of the subscribed topic once, in runs of one queue",
  async run(t) {
    const topic = await t.topic("polled", { queues: 3 });
    const consumer = t.litePull();
    consumer.subscribe(topic);
    await consumer.start();
    assert.equal(consumer.assignment().length, 3);
    const sent = await t.fill(topic, 60);
    const got: string[] = [];
    const offsets = new Map<number, number>();
    while (got.length < sent.length) {
      const batch = await consumer.poll({ timeoutMs: 10_000 });
      assert.ok(batch.length > 0 && batch.length <= 10, `${batch.length} messages in a batch`);
      assert.equal(new Set(batch.map(({ queue }) => queue.queueId)).size, 1);
      for (const { queue: { queueId }, queueOffset } of batch) {
        assert.equal(queueOffset, offsets.get(queueId) ?? 0);
        offsets.set(queueId, queueOffset + 1);
      }
      got.push(...textsOf(batch));
    }
    assert.deepEqual(got.toSorted(), sent.toSorted());
    const before = performance.now();
    assert.deepEqual(await consumer.poll({ timeoutMs: 150 }), []);
    assert.ok(performance.now() - before >= 140, "an empty poll has waited");
    assert.equal(consumer.statistics().acked, 60);
  },
};

export const pollSize: Scenario = {
  name: "lite pull: a poll gives at most as many messages as it asks for",
  async run(t) {
    const topic = await t.topic("sized", { queues: 1 });
    await t.fill(topic, 30);
    const { consumer } = await assigned(t, topic);
    await t.eventually("all is cached", () => consumer.statistics().cachedMessages === 30);
    const sizes: number[] = [];
    for (const maxMessages of [1, 7, 100]) sizes.push((await consumer.poll({ maxMessages })).length);
    assert.deepEqual(sizes, [1, 7, 22]);
  },
};

export const selectors: Scenario = {
  name: "lite pull: tags and SQL92 choose, by subscription and for assigned queues",
  async run(t) {
    const topic = await t.topic("chosen", { queues: 2 });
    const producer = await t.producer();
    for (let at = 0; at < 12; at++) {
      const tag = at % 2 === 0 ? "even" : "odd";
      await producer.send({ topic, body: `${at}`, tag, properties: { number: `${at}` } });
    }
    const evens = ["0", "2", "4", "6", "8", "10"];
    const byTag = t.litePull({ consumerGroup: t.name("by-tag") });
    byTag.subscribe(topic, "even");
    await byTag.start();
    assert.deepEqual(textsOf(await pollAll(t, byTag, 6)).toSorted(), evens.toSorted());
    const bySql = t.litePull({ consumerGroup: t.name("by-sql") });
    bySql.subscribe(topic, sql("number > 8"));
    await bySql.start();
    assert.deepEqual(textsOf(await pollAll(t, bySql, 3)).toSorted(), ["10", "11", "9"]);
    const named = t.litePull({ consumerGroup: t.name("named") });
    named.setSubExpressionForAssign(topic, "even");
    await named.start();
    named.assign(await named.fetchMessageQueues(topic));
    assert.deepEqual(textsOf(await pollAll(t, named, 6)).toSorted(), evens.toSorted());
  },
};

export const seeking: Scenario = {
  name: "lite pull: an assigned queue is read from any offset, its begin, its end, or a point in time",
  async run(t) {
    const topic = await t.topic("sought", { queues: 1 });
    await t.fill(topic, 10, { prefix: "old-", inOrder: true });
    await t.sleep(1_100);
    const between = new Date();
    await t.sleep(50);
    await t.fill(topic, 10, { prefix: "new-", inOrder: true });
    const { consumer, queues: [queue] } = await assigned(t, topic);
    const next = async (): Promise<string> => {
      const [first] = await consumer.poll({ timeoutMs: 5_000, maxMessages: 1 });
      return first?.text() ?? "nothing";
    };
    await consumer.seek(queue!, 7);
    assert.equal(await next(), "old-7", "before the first pull");
    await consumer.seek(queue!, 3);
    assert.equal(await next(), "old-3");
    assert.equal(await next(), "old-4");
    await consumer.seekToBegin(queue!);
    assert.equal(await next(), "old-0");
    assert.equal(await consumer.offsetForTimestamp(queue!, between), 10);
    await consumer.seekToTimestamp(queue!, between);
    assert.equal(await next(), "new-0");
    await consumer.seekToEnd(queue!);
    const [last] = await t.fill(topic, 1, { prefix: "last-" });
    assert.equal(await next(), last);
    const refused = { name: "OffsetError", message: /to 22: its offsets go from 0 to 21$/ };
    await assert.rejects(consumer.seek(queue!, 22), refused);
    const elsewhere = { ...queue!, queueId: 1 };
    await assert.rejects(consumer.seek(elsewhere, 0), { name: "ConsumerStateError" });
  },
};

export const pausing: Scenario = {
  name: "lite pull: a paused queue is not pulled at all while the others go on, and goes on when resumed",
  async run(t) {
    const topic = await t.topic("paused", { queues: 2 });
    const { consumer, queues } = await assigned(t, topic);
    const [paused, other] = queues;
    await t.eventually("both are pulled", () => consumer.assignment().length === 2);
    consumer.pause([paused!]);
    assert.deepEqual([consumer.isPaused(paused!), consumer.isPaused(other!)], [true, false]);
    const producer = await t.producer();
    for (let at = 0; at < 5; at++) {
      for (const queue of queues) await producer.send({ topic, body: `${queue.queueId}` }, { queue });
    }
    const got = textsOf(await pollAll(t, consumer, 5));
    assert.deepEqual(new Set(got), new Set([`${other!.queueId}`]));
    assert.deepEqual(await consumer.poll({ timeoutMs: 300 }), []);
    // a pull that has been given up for the pause is no failure
    assert.equal(consumer.statistics().pullFailures, 0);
    await consumer.seekToBegin(paused!);
    assert.ok(consumer.isPaused(paused!), "a seek does not resume");
    consumer.resume([paused!]);
    const rest = textsOf(await pollAll(t, consumer, 5));
    assert.deepEqual(rest, Array(5).fill(`${paused!.queueId}`));
  },
};

export const wokenBySignal: Scenario = {
  name: "lite pull: a waiting poll is woken by its signal and by the shutdown, and no message is lost by it",
  async run(t) {
    const topic = await t.topic("woken", { queues: 1 });
    const { consumer } = await assigned(t, topic);
    const waking = new AbortController();
    const poll = consumer.poll({ timeoutMs: 30_000, signal: waking.signal });
    await assert.rejects(consumer.poll(), { name: "ConsumerStateError", message: /a poll is waiting/ });
    waking.abort(new Error("time to look elsewhere"));
    await assert.rejects(poll, { message: "time to look elsewhere" });
    const sent = await t.fill(topic, 5);
    assert.deepEqual(textsOf(await pollAll(t, consumer, 5)).toSorted(), sent.toSorted());
    const last = consumer.poll({ timeoutMs: 30_000 });
    await consumer.shutdown();
    assert.deepEqual(await last, []);
    await assert.rejects(consumer.poll(), { name: "ConsumerStateError" });
  },
};

export const streaming: Scenario = {
  name: "lite pull: a loop over messages() finishes each when it asks for the next; leaving it finishes none",
  async run(t) {
    const topic = await t.topic("streamed", { queues: 1 });
    const sent = await t.fill(topic, 10, { inOrder: true });
    const { consumer } = await assigned(t, topic, { autoCommit: false });
    const got: string[] = [];
    for await (const message of consumer.messages()) {
      got.push(message.text());
      if (got.length === 4) break;
    }
    assert.equal(consumer.statistics().acked, 3);
    const rest = textsOf(await pollAll(t, consumer, 7));
    assert.deepEqual([...got, ...rest], [...sent.slice(0, 4), ...sent.slice(3)]);
    assert.equal(await t.committed(consumer.consumerGroup, topic), 0, "nothing is stored unasked");
    await consumer.commit();
    assert.equal(await t.committed(consumer.consumerGroup, topic), 10);
  },
};
