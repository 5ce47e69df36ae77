/**
 * Lite pull in a group: what is committed when, who owns which queue, and who is told of changes.
 */
import { strict as assert } from "node:assert";
import { type LitePullConsumer, MemoryOffsetStore, type MessageQueue } from "@contrail/rocketmq";
import { JavaMember } from "../java_member.ts";
import { assigned, pollAll, textsOf } from "../polling.ts";
import type { Scenario } from "../scenario.ts";
import { namesHeld } from "../stage.ts";

export const manualCommit: Scenario = {
  name: "lite pull: without autoCommit only commit() stores offsets, and the next member goes on from them",
  async run(t) {
    const topic = await t.topic("by-hand", { queues: 1 });
    const sent = await t.fill(topic, 30, { inOrder: true });
    const consumerGroup = t.name("by-hand");
    const config = { consumerGroup, autoCommit: false, autoCommitIntervalMs: 20 };
    const { consumer, queues: [queue] } = await assigned(t, topic, config);
    await t.eventually("all is cached", () => consumer.statistics().cachedMessages === 30);
    for (let at = 0; at < 2; at++) assert.equal((await consumer.poll({ maxMessages: 6 })).length, 6);
    await t.sleep(200);
    assert.equal(await t.committed(consumerGroup, topic), 0);
    await consumer.commit();
    assert.equal(await t.committed(consumerGroup, topic), 12, "what is in hand is finished by that");
    assert.equal(await consumer.committed(queue!), 12);
    assert.equal((await consumer.poll({ timeoutMs: 5_000 })).length, 10);
    await consumer.poll({ timeoutMs: 0 });
    await consumer.shutdown();
    assert.equal(await t.committed(consumerGroup, topic), 12, "nor does the shutdown store more");

    const { consumer: next } = await assigned(t, topic, config);
    const [first] = await next.poll({ timeoutMs: 5_000, maxMessages: 1 });
    assert.equal(first?.text(), sent[12]);
    await next.commit([[queue!, 20]]);
    assert.equal(await next.committed(queue!), 20);
    await assert.rejects(next.commit([[{ ...queue!, queueId: 9 }, 1]]), { name: "ConsumerStateError" });
    await next.shutdown();
    const { consumer: third } = await assigned(t, topic, config);
    const [resumed] = await third.poll({ timeoutMs: 5_000, maxMessages: 1 });
    assert.equal(resumed?.text(), sent[20]);
  },
};

export const autoCommit: Scenario = {
  name: "lite pull: autoCommit stores what former polls handed out, never what is in hand or only cached",
  async run(t) {
    const topic = await t.topic("by-itself", { queues: 1 });
    const consumerGroup = t.name("by-itself");
    const { consumer } = await assigned(t, topic, { consumerGroup, autoCommitIntervalMs: 20 });
    await t.fill(topic, 40, { inOrder: true });
    await t.eventually("all is cached", () => consumer.statistics().cachedMessages === 40);
    const stored = (): Promise<number> => t.committed(consumerGroup, topic);
    await t.sleep(100);
    assert.equal(await stored(), 0, "cached is not consumed");
    for (const finished of [0, 10, 20]) {
      assert.equal((await consumer.poll({ timeoutMs: 5_000 })).length, 10);
      await t.eventually(`${finished} are stored`, async () => await stored() === finished);
      await t.sleep(100);
      assert.equal(await stored(), finished, "what is in hand is not finished");
    }
    await consumer.shutdown();
    assert.equal(await stored(), 20, "nor is it when the consumer is shut down");
  },
};

export const commitAtShutdown: Scenario = {
  name: "lite pull: a shutdown stores what is finished, at once and without waiting for the last batch",
  async run(t) {
    const topic = await t.topic("at-the-end", { queues: 2 });
    await t.fill(topic, 30);
    const consumerGroup = t.name("at-the-end");
    const consumer = t.litePull({ consumerGroup, autoCommitIntervalMs: 3_600_000 });
    consumer.subscribe(topic);
    await consumer.start();
    await pollAll(t, consumer, 30);
    assert.equal(await t.committed(consumerGroup, topic), 0);
    const more = await t.fill(topic, 1);
    assert.equal((await consumer.poll({ timeoutMs: 5_000 })).length, more.length);
    const before = performance.now();
    await consumer.shutdown();
    assert.ok(performance.now() - before < 5_000);
    assert.equal(await t.committed(consumerGroup, topic), 30);
    const next = t.litePull({ consumerGroup });
    next.subscribe(topic);
    await next.start();
    assert.equal((await next.poll({ timeoutMs: 5_000 })).length, 1, "the last batch comes again");
    await next.commit();
    await next.shutdown();
    assert.equal(await t.committed(consumerGroup, topic), 31);
  },
};

export const seekForgetsWhatIsInHand: Scenario = {
  name: "lite pull: after a seek back the stored offset follows, whatever was in hand",
  async run(t) {
    const topic = await t.topic("back", { queues: 1 });
    await t.fill(topic, 20, { inOrder: true });
    const { consumer, queues: [queue] } = await assigned(t, topic, { autoCommitIntervalMs: 20 });
    await consumer.poll({ timeoutMs: 5_000 });
    await consumer.poll({ timeoutMs: 5_000 });
    await t.eventually("ten are stored", async () => await consumer.committed(queue!) === 10);
    await consumer.seek(queue!, 4);
    await t.eventually("the seek is stored", async () => await consumer.committed(queue!) === 4);
    const [first] = await consumer.poll({ timeoutMs: 5_000 });
    assert.equal(first?.queueOffset, 4);
    assert.equal(consumer.statistics().lateSettlements, 10, "the batch before the seek does not count");
    await t.sleep(60);
    assert.equal(await consumer.committed(queue!), 4);
  },
};

const heldBy = (member: LitePullConsumer): number[] => member.assignment().map(({ queueId }) => queueId);

export const membersShare: Scenario = {
  name: "lite pull: two members share the queues, and the one that stays takes over from the one that leaves",
  async run(t) {
    const topic = await t.topic("pull-shared", { queues: 4 });
    const consumerGroup = t.name("pull-shared");
    const changes: string[] = [];
    const messageQueueListener = (of: string, all: readonly MessageQueue[], own: readonly MessageQueue[]) =>
      void changes.push(`${of === topic} ${own.length} of ${all.length}`);
    const members = [t.litePull({ consumerGroup, messageQueueListener }), t.litePull({ consumerGroup })];
    for (const member of members) {
      member.subscribe(topic);
      await member.start();
    }
    const [first, second] = members as [LitePullConsumer, LitePullConsumer];
    await t.eventually(
      "two each",
      () => heldBy(first).length === 2 && new Set([...heldBy(first), ...heldBy(second)]).size === 4,
    );
    const sent = await t.fill(topic, 40);
    const got: string[] = [];
    await t.eventually("all are polled", async () => {
      for (const member of members) {
        got.push(...textsOf(await member.poll({ timeoutMs: 50 })));
      }
      return got.length >= sent.length;
    });
    assert.deepEqual(got.toSorted(), sent.toSorted());
    await second.commit();
    await second.shutdown();
    await t.eventually("the first has all", () => heldBy(first).length === 4);
    const rest = await t.fill(topic, 20, { prefix: "rest-" });
    const more = await pollAll(t, first, 20);
    assert.deepEqual(textsOf(more).toSorted(), rest.toSorted());
    assert.deepEqual(changes, ["true 4 of 4", "true 2 of 4", "true 4 of 4"]);
  },
};

export const topicGrows: Scenario = {
  name: "lite pull: a listener is told when a topic has come into being or has got more queues",
  async run(t) {
    const topic = t.name("growing");
    const seen: string[] = [];
    const { consumer } = await assigned(t, await t.topic("other", { queues: 1 }), {
      topicMetadataCheckIntervalMs: 50,
    });
    const stop = consumer.registerTopicMessageQueueChangeListener(topic, (of, queues) => {
      seen.push(`${of === topic} ${queues.length}`);
    });
    await t.sleep(200);
    assert.deepEqual(seen, [], "the first look tells nothing");
    await t.topic("growing", { queues: 2 });
    await t.eventually("it is told of 2 queues", () => seen.at(-1) === "true 2");
    await t.topic("growing", { queues: 5 });
    await t.eventually("it is told of 5 queues", () => seen.at(-1) === "true 5");
    stop();
    await t.topic("growing", { queues: 6 });
    await t.sleep(200);
    assert.deepEqual(seen, ["true 2", "true 5"]);
  },
};

export const pullBroadcasting: Scenario = {
  name: "lite pull: in broadcasting every member polls every message, and keeps its offsets to itself",
  async run(t) {
    const topic = await t.topic("pull-heralds", { queues: 2 });
    const consumerGroup = t.name("pull-town");
    const stores = [new Map<string, number>(), new Map<string, number>()];
    const members = stores.map((stored) =>
      t.litePull({
        consumerGroup,
        messageModel: "BROADCASTING",
        offsetStore: new MemoryOffsetStore(stored),
      })
    );
    for (const member of members) {
      member.subscribe(topic);
      await member.start();
    }
    const sent = await t.fill(topic, 20);
    for (const member of members) {
      const got = await pollAll(t, member, 20);
      assert.deepEqual(textsOf(got).toSorted(), sent.toSorted());
      await member.shutdown();
    }
    for (const stored of stores) assert.equal([...stored.values()].reduce((a, b) => a + b, 0), 20);
    assert.equal(await t.committed(consumerGroup, topic), 0);
  },
};

export const mixedPolling: Scenario = {
  name:
    "lite pull, in a group with the official Java client: both poll their share, and each goes on where the other was",
  // a virtual machine starts while it runs: that is enough for one machine
  alone: true,
  timeoutMs: 180_000,
  async run(t) {
    const topic = await t.topic("polled-by-both", { queues: 4 });
    const consumerGroup = t.name("polled-by-both");
    const ours = t.litePull({ consumerGroup });
    ours.subscribe(topic);
    await ours.start();
    const java = await JavaMember.start(t, { consumerGroup, topic, mode: "polling" });
    const got: string[] = [];
    const poll = async (timeoutMs: number) => void got.push(...textsOf(await ours.poll({ timeoutMs })));
    await t.eventually("both hold half", () => {
      const held = namesHeld(ours, topic);
      return held.length === 2 && java.queues.length === 2 && new Set([...held, ...java.queues]).size === 4;
    }, 90_000);
    const sent = await t.fill(topic, 100);
    await t.eventually("all are polled", async () => {
      await poll(50);
      return got.length + java.bodies.length >= sent.length;
    });
    assert.ok(got.length > 0 && java.bodies.length > 0);
    assert.deepEqual([...got, ...java.bodies].toSorted(), sent.toSorted());
    // Java sends offsets and its farewell by different threads, and the farewell may be first
    await ours.commit();
    await t.eventually("both have committed", async () => {
      return await t.committed(consumerGroup, topic) === sent.length;
    });
    await java.leave();
    await t.eventually("ours holds all", () => namesHeld(ours, topic).length === 4);
    got.length = 0;
    const rest = await t.fill(topic, 40, { prefix: "rest-" });
    await t.eventually("the rest", async () => {
      await poll(50);
      return got.length >= rest.length;
    });
    assert.deepEqual(got.toSorted(), rest.toSorted(), "from where Java was");
    await ours.commit();
    assert.equal(await t.committed(consumerGroup, topic), 140);
  },
};
