/**
 * Back-pressure: what a consumer holds in memory is bounded by what it was allowed, not by what the broker has.
 */
import { strict as assert } from "node:assert";
import process from "node:process";
import type { Scenario } from "../scenario.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Heap and memory outside it, after a collection where the runtime can be asked for one. */
function memoryBytes(): number {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
  if (Bun) Bun.gc(true);
  else gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export const slowHandler: Scenario = {
  name:
    "a slow handler does not grow memory: the budget holds, one pull per queue and 32 MiB over it at most",
  alone: true,
  async run(t) {
    const [queues, count, bodyBytes] = [4, 1_000, 64 * KIB];
    const budget = 8 * MIB;
    // a 5.5.0 broker does not heed the maxMsgBytes of a pull: what its own settings allow is the size of one
    const pull = t.kind === "real" ? MIB : 256 * KIB;
    const topic = await t.topic("slow", { queues });
    const producer = await t.producer({ compressBodyOverBytes: Infinity });
    const body = new Uint8Array(bodyBytes).fill(7);
    for (let at = 0; at < count; at += 10) {
      await Promise.all(Array.from({ length: 10 }, () => producer.send({ topic, body })));
    }
    await producer.shutdown();
    await t.sleep(100);
    const before = memoryBytes();
    let release = (): void => {};
    const released = new Promise<void>((resolve) => release = resolve);
    t.defer(() => release());
    let handled = 0;
    const consumer = t.consumer({
      pullThresholdSizeForAllBytes: budget,
      listener: async () => {
        await released;
        handled++;
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    let [pulled, since] = [-1, Date.now()];
    let mostBytes = 0, mostMemory = 0;
    await t.eventually("nothing more is pulled", () => {
      const statistics = consumer.statistics();
      mostBytes = Math.max(mostBytes, statistics.cachedBytes);
      mostMemory = Math.max(mostMemory, memoryBytes() - before);
      if (statistics.pulled !== pulled) [pulled, since] = [statistics.pulled, Date.now()];
      return pulled > 0 && Date.now() - since > 1_500;
    });
    assert.ok(pulled * bodyBytes > budget / 2, `${pulled} messages are held: the budget is used`);
    assert.ok(mostBytes <= budget + queues * (pull + bodyBytes), `${mostBytes} bytes are cached`);
    const allowed = budget + queues * (pull + bodyBytes) + 32 * MIB;
    assert.ok(mostMemory <= allowed, `${(mostMemory / MIB).toFixed(1)} MiB of memory`);
    release();
    await t.eventually("all are handled", () => handled === count);
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), count);
  },
};

export const messagesInQueue: Scenario = {
  name: "a loop that stands still is pulled for up to the limits, one pull per queue over them at most",
  async run(t) {
    const queues = 4;
    const topic = await t.topic("still", { queues });
    const sent = await t.fill(topic, 800);
    const [forQueue, forAll, pull] = [60, 100, 16];
    const consumer = t.consumer({
      pullThresholdForQueue: forQueue,
      pullThresholdForAll: forAll,
      pullBatchSize: pull,
    });
    consumer.subscribe(topic);
    await consumer.start();
    const received: string[] = [];
    let most = 0, mostOfQueue = 0;
    for await (const message of consumer.messages()) {
      if (received.length % 100 === 0) await t.sleep(100);
      const { cachedMessages, queues: each } = consumer.statistics();
      most = Math.max(most, cachedMessages);
      mostOfQueue = Math.max(mostOfQueue, ...each.map((queue) => queue.cachedMessages));
      received.push(message.text());
      if (received.length === sent.length) {
        message.ack();
        break;
      }
    }
    assert.deepEqual(received.toSorted(), sent.toSorted());
    assert.ok(most <= forAll + queues * pull, `${most} messages are cached`);
    assert.ok(mostOfQueue <= forQueue + pull, `${mostOfQueue} messages of one queue are cached`);
  },
};

export const topicBudget: Scenario = {
  name: "pullThresholdForTopic is divided by the queues that are owned, and holds instead of the queue's own",
  async run(t) {
    const topic = await t.topic("shared-budget", { queues: 4 });
    await t.fill(topic, 800);
    const [forTopic, pull] = [80, 8];
    // those that stand still are not to be waited for
    const consumer = t.consumer({
      pullThresholdForTopic: forTopic,
      pullBatchSize: pull,
      shutdownTimeoutMs: 100,
    });
    consumer.subscribe(topic, "*", () => new Promise(() => {}));
    await consumer.start();
    const cached = (): number[] =>
      consumer.statistics().queues.filter(({ queue }) => queue.topic === topic).map((queue) =>
        queue.cachedMessages
      );
    let [before, since] = ["", Date.now()];
    await t.eventually("nothing more is pulled", () => {
      if (cached().join() !== before) [before, since] = [cached().join(), Date.now()];
      return cached().some((count) => count > 0) && Date.now() - since > 1_000;
    });
    for (const count of cached()) assert.ok(count <= forTopic / 4 + pull, `${cached()} are cached`);
  },
};

export const oneUnsettled: Scenario = {
  name: "one message that stays unsettled holds its own queue within the span, and no other",
  async run(t) {
    const topic = await t.topic("span", { queues: 2 });
    const producer = await t.producer();
    const brokerName = t.brokers[0]!;
    for (let at = 0; at < 200; at++) {
      await producer.send({ topic, body: `${at}` }, { queue: { topic, brokerName, queueId: at % 2 } });
    }
    const span = 20;
    const consumer = t.consumer({ consumeConcurrentlyMaxSpan: span, pullBatchSize: 8 });
    consumer.subscribe(topic);
    await consumer.start();
    const reader = consumer.messages({ settle: "manual" }).getReader();
    const counts = [0, 0];
    let held: { ack(): void } | undefined;
    const reading = (async () => {
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        const { queueId } = read.value.queue;
        counts[queueId]!++;
        if (queueId === 0 && held === undefined) held = read.value;
        else read.value.ack();
      }
    })();
    await t.eventually("the other queue is drained", () => counts[1] === 100);
    await t.sleep(300);
    assert.ok(counts[0]! <= span + 8 + 1, `${counts[0]} messages of the queue that waits`);
    held!.ack();
    await t.eventually("its queue is drained", () => counts[0] === 100);
    await consumer.shutdown();
    await reading;
  },
};

export const rateLimit: Scenario = {
  name:
    "maxMessagesPerSecond: no more are handed out, to listener and stream together, and the statistics tell",
  async run(t) {
    const [listened, read] = [await t.topic("dripped"), await t.topic("read-slowly")];
    for (const topic of [listened, read]) await t.fill(topic, 100);
    let handled = 0;
    const consumer = t.consumer({ maxMessagesPerSecond: 50 });
    consumer.subscribe(listened, "*", () => void handled++);
    consumer.subscribe(read);
    const began = Date.now();
    const { bodies } = t.collect(consumer, { topic: read });
    await consumer.start();
    await t.sleep(2_000);
    const seconds = (Date.now() - began) / 1_000;
    const total = handled + bodies.length;
    assert.ok(total <= 50 * seconds + 50 / 10 + 1, `${total} in ${seconds} s`);
    assert.ok(total > 40, `${total} in ${seconds} s`);
    assert.ok(
      handled > 10 && bodies.length > 10,
      `${handled} by the listener, ${bodies.length} by the stream`,
    );
    const { rate } = consumer.statistics();
    assert.equal(rate?.maxMessagesPerSecond, 50);
    assert.ok(rate!.waits > 10, `${rate!.waits} waits`);
  },
};

export const adaptiveConcurrency: Scenario = {
  name: "concurrency: slots open from the minimum while more of them bring more, never past the maximum",
  async run(t) {
    const topic = await t.topic("many-slots");
    let sent = (await t.fill(topic, 200)).length;
    let pending = 0, most = 0, handled = 0;
    const consumer = t.consumer({
      consumeConcurrencyMin: 2,
      consumeConcurrencyMax: 8,
      listener: async () => {
        most = Math.max(most, ++pending);
        await t.sleep(20);
        pending--;
        handled++;
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("two calls are pending", () => consumer.statistics().pendingCalls === 2);
    assert.equal(consumer.statistics().concurrency, 2);
    await t.eventually("all slots are open", async () => {
      // there is always enough to do for all of them
      if (sent - handled < 400) sent += (await t.fill(topic, 200)).length;
      return consumer.statistics().concurrency === 8;
    });
    await t.eventually("all are handled", () => handled === sent);
    assert.ok(most > 2 && most <= 8, `${most} at once`);
  },
};
