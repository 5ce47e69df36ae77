/**
 * What an application changes while it consumes: subscriptions, and whether there is pulling at all.
 */
import { strict as assert } from "node:assert";
import { type Consumer, type MessageQueue, sql } from "@contrail/rocketmq";
import { queuesHeld } from "../stage.ts";
import type { Scenario, Stage } from "../scenario.ts";

const LETTERS = ["a", "b", "c"];
const byLetter = (at: number): string => LETTERS[at % LETTERS.length]!;

export const tags: Scenario = {
  name: "a subscription to tags gets the messages with these tags only, and commits past the others",
  async run(t) {
    const topic = await t.topic("tags");
    const consumer = t.consumer();
    consumer.subscribe(topic, "a || c");
    const { bodies } = t.collect(consumer);
    await consumer.start();
    const sent = await t.fill(topic, 60, { tag: byLetter });
    const wanted = sent.filter((_, at) => byLetter(at) !== "b");
    await t.eventually("the tagged are consumed", () => bodies.length >= wanted.length);
    await t.sleep(200);
    assert.deepEqual(bodies.toSorted(), wanted.toSorted());
  },
};

export const sqlSelector: Scenario = {
  name: "a subscription by sql() gets the messages whose properties meet the condition",
  async run(t) {
    const topic = await t.topic("sql");
    const consumer = t.consumer();
    consumer.subscribe(topic, sql("amount > 100 AND region IN ('eu', 'us')"));
    const { bodies } = t.collect(consumer);
    await consumer.start();
    const producer = await t.producer();
    const regions = ["eu", "us", "ap"];
    const wanted: string[] = [];
    for (let at = 0; at < 30; at++) {
      const [amount, region] = [at * 10, regions[at % 3]!];
      const body = `${region}-${amount}`;
      if (amount > 100 && region !== "ap") wanted.push(body);
      await producer.send({ topic, body, properties: { amount: String(amount), region } });
    }
    await t.eventually("those that fit are consumed", () => bodies.length >= wanted.length);
    await t.sleep(200);
    assert.deepEqual(bodies.toSorted(), wanted.toSorted());
  },
};

export const subscriptionChanges: Scenario = {
  name: "a subscription that changes while consuming takes effect for the messages sent from then on",
  async run(t) {
    const topic = await t.topic("change", { queues: 2 });
    const other = await t.topic("added", { queues: 2 });
    const consumer = t.consumer();
    consumer.subscribe(topic, "a");
    const { bodies } = t.collect(consumer);
    await consumer.start();
    await t.fill(topic, 30, { prefix: "first-", tag: byLetter });
    await t.eventually("tag a of the first", () => bodies.length >= 10);

    consumer.subscribe(topic, "b");
    consumer.subscribe(other);
    await t.eventually("the other topic's queues are held", () => queuesHeld(consumer, other) === 2);
    await t.fill(topic, 30, { prefix: "second-", tag: byLetter });
    const added = await t.fill(other, 10, { prefix: "other-" });
    await t.eventually("tag b of the second, and the other", () => bodies.length >= 30);
    await t.sleep(200);
    const tagOf = (body: string): string => byLetter(Number(body.split("-")[1]));
    assert.ok(
      bodies.filter((body) => body.startsWith("first-")).every((body) => tagOf(body) === "a"),
      `${bodies}`,
    );
    assert.ok(
      bodies.filter((body) => body.startsWith("second-")).every((body) => tagOf(body) === "b"),
      `${bodies}`,
    );
    assert.deepEqual(bodies.filter((body) => body.startsWith("other-")).toSorted(), added.toSorted());

    consumer.unsubscribe(topic);
    await t.eventually("its queues are given up", () => queuesHeld(consumer, topic) === 0);
    const before = bodies.length;
    await t.fill(topic, 9, { prefix: "third-", tag: byLetter });
    await t.fill(other, 4, { prefix: "last-" });
    await t.eventually("the other topic goes on", () => bodies.length >= before + 4);
    assert.ok(bodies.slice(before).every((body) => body.startsWith("last-")), `${bodies.slice(before)}`);
  },
};

/**
 * Pauses `queues`, and uses up the pulls that the broker holds parked already: each may still bring what comes in its time. A
 * message that finds no parked pull waits for the resume.
 */
async function pauseForGood(t: Stage, consumer: Consumer, queues: readonly MessageQueue[]): Promise<void> {
  consumer.pause(queues);
  const producer = await t.producer({ producerGroup: t.name("pausers") });
  for (const queue of queues) await producer.send({ topic: queue.topic, body: "parked" }, { queue });
  await t.sleep(300);
}

/** The queues of `topic` that a consumer holds. */
function queuesOf(consumer: Consumer, topic: string): MessageQueue[] {
  return consumer.assignment().filter((queue) => queue.topic === topic);
}

export const pauseAndResume: Scenario = {
  name: "a paused consumer pulls nothing, and goes on where it was when resumed",
  async run(t) {
    const topic = await t.topic("pause", { queues: 2 });
    const consumer = t.consumer();
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    await t.fill(topic, 10, { prefix: "before-" });
    await t.eventually("the first ten", () => bodies.length >= 10);
    await pauseForGood(t, consumer, queuesOf(consumer, topic));
    const sent = await t.fill(topic, 20, { prefix: "during-" });
    await t.sleep(500);
    const during = (): string[] => bodies.filter((body) => body.startsWith("during-"));
    assert.deepEqual(during(), []);
    consumer.resume();
    await t.eventually("the rest", () => bodies.length >= 32);
    assert.deepEqual(during().toSorted(), sent.toSorted());
    assert.equal(bodies.length, 32);
  },
};

export const pauseOfOneQueue: Scenario = {
  name: "one queue may be paused while the others go on",
  async run(t) {
    const topic = await t.topic("pause-one", { queues: 2 });
    const consumer = t.consumer();
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    const paused = queuesOf(consumer, topic).find((queue) => queue.queueId === 0)!;
    await pauseForGood(t, consumer, [paused]);
    const producer = await t.producer();
    for (const queueId of [0, 1]) {
      for (let at = 0; at < 5; at++) {
        await producer.send({ topic, body: `${queueId}-${at}` }, { queue: { ...paused, queueId } });
      }
    }
    const of = (queueId: number): string[] => bodies.filter((body) => body.startsWith(`${queueId}-`));
    await t.eventually("the other queue's", () => of(1).length === 5);
    await t.sleep(300);
    assert.deepEqual(of(0), []);
    consumer.resume([paused]);
    await t.eventually("the paused queue's", () => of(0).length === 5);
  },
};

export const seeking: Scenario = {
  name: "an application that seeks gets an owned queue from there on, and the new place is what is committed",
  async run(t) {
    const topic = await t.topic("seek", { queues: 1 });
    const sent = await t.fill(topic, 10, { inOrder: true });
    const consumerGroup = t.name("seekers");
    const consumer = t.consumer({ consumerGroup, brokerSuspendMs: 1_000 });
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    await t.eventually("all is consumed", () => bodies.length === sent.length);
    const [queue] = consumer.assignment().filter((each) => each.topic === topic);
    bodies.length = 0;
    consumer.seek(queue!, 6);
    await t.eventually("the last four come again", () => bodies.length >= 4);
    assert.deepEqual(bodies, sent.slice(6));
    consumer.pause();
    consumer.seek(queue!, 3);
    await t.sleep(200);
    await consumer.commit();
    assert.equal(
      await t.committed(consumerGroup, topic),
      3,
      "a queue that is paused stays so, at the new place",
    );
    assert.equal(consumer.statistics().queues.find((each) => each.queue.topic === topic)!.paused, true);
    assert.throws(() => consumer.seek({ ...queue!, queueId: 9 }, 0), { name: "ConsumerStateError" });
    assert.throws(() => consumer.seek(queue!, -1), { name: "ValidationError" });
    assert.throws(() => consumer.setConcurrency({ min: 3, max: 2 }), { name: "ConfigError" });
    assert.equal(consumer.configuration()["consumerGroup"], consumerGroup);
  },
};

export const pauseOfTopic: Scenario = {
  name: "a topic may be paused while others go on, also before any queue of it is owned",
  async run(t) {
    const [paused, other] = [await t.topic("pause-topic"), await t.topic("pause-not")];
    const consumer = t.consumer();
    for (const topic of [paused, other]) consumer.subscribe(topic);
    consumer.pause([paused]);
    const collected = [paused, other].map((topic) => t.collect(consumer, { topic }).bodies);
    await consumer.start();
    for (const topic of [paused, other]) await t.fill(topic, 20);
    await t.eventually("the other topic's", () => collected[1]!.length === 20);
    await t.sleep(300);
    assert.deepEqual(collected[0], []);
    const { queues } = consumer.statistics();
    assert.deepEqual([...new Set(queues.filter((queue) => queue.paused).map(({ queue }) => queue.topic))], [
      paused,
    ]);
    consumer.resume();
    await t.eventually("the paused topic's", () => collected[0]!.length === 20);
  },
};
