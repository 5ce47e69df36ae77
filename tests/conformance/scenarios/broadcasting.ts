/**
 * Broadcasting: every member gets every message, keeps its own offsets, and delivers failures again by itself.
 */
import { strict as assert } from "node:assert";
import { readdir } from "node:fs/promises";
import { type ConsumerEvent, MemoryOffsetStore } from "@contrail/rocketmq";
import { bareRequest, queuesOf, RequestCode } from "../bare_request.ts";
import { queuesHeld } from "../stage.ts";
import type { Scenario } from "../scenario.ts";

export const everyMemberGetsAll: Scenario = {
  name: "broadcasting: every member owns all queues and gets every message",
  async run(t) {
    const topic = await t.topic("heralds", { queues: 3 });
    const consumerGroup = t.name("town");
    const members = [0, 1].map(() => t.consumer({ consumerGroup, messageModel: "BROADCASTING" }));
    const collected = members.map((member) => {
      member.subscribe(topic);
      return t.collect(member).bodies;
    });
    for (const member of members) await member.start();
    const sent = await t.fill(topic, 40);
    for (const [at, bodies] of collected.entries()) {
      await t.eventually(`member ${at} has all`, () => bodies.length >= sent.length);
      assert.deepEqual(bodies.toSorted(), sent.toSorted());
      assert.equal(queuesHeld(members[at]!, topic), 3);
    }
    for (const member of members) await member.shutdown();
    assert.equal(await t.committed(consumerGroup, topic), 0, "the broker is told no offsets");
  },
};

export const broadcastOffsets: Scenario = {
  name: "broadcasting: offsets are kept in the member's own store, and a later start goes on from there",
  async run(t) {
    const topic = await t.topic("resumed", { queues: 2 });
    const stored = new Map<string, number>();
    const consumerGroup = t.name("resumers");
    const take = async (count: number): Promise<string[]> => {
      const consumer = t.consumer({
        consumerGroup,
        messageModel: "BROADCASTING",
        offsetStore: new MemoryOffsetStore(stored),
      });
      consumer.subscribe(topic);
      const { bodies } = t.collect(consumer);
      await consumer.start();
      await t.eventually(`${count} messages`, () => bodies.length >= count);
      await t.sleep(100);
      await consumer.shutdown();
      return bodies;
    };
    const first = await t.fill(topic, 10, { prefix: "first-" });
    assert.deepEqual((await take(10)).toSorted(), first.toSorted());
    assert.equal([...stored.values()].reduce((sum, offset) => sum + offset, 0), 10);
    const second = await t.fill(topic, 6, { prefix: "second-" });
    assert.deepEqual((await take(6)).toSorted(), second.toSorted());
  },
};

export const broadcastFile: Scenario = {
  name:
    "broadcasting: offsets are kept in a file of the group and instance, which a later start goes on from",
  async run(t) {
    const topic = await t.topic("filed", { queues: 2 });
    const consumerGroup = t.name("clerks");
    const offsetStorePath = t.temporaryFolder();
    const take = async (instanceName: string, count: number): Promise<string[]> => {
      const consumer = t.consumer({
        consumerGroup,
        messageModel: "BROADCASTING",
        offsetStorePath,
        instanceName: t.name(instanceName),
      });
      consumer.subscribe(topic);
      const { bodies } = t.collect(consumer);
      await consumer.start();
      await t.eventually(`${count} messages`, () => bodies.length >= count);
      await t.sleep(100);
      await consumer.shutdown();
      return bodies;
    };
    const first = await t.fill(topic, 10, { prefix: "first-" });
    assert.deepEqual((await take("one", 10)).toSorted(), first.toSorted());
    const second = await t.fill(topic, 6, { prefix: "second-" });
    assert.deepEqual((await take("one", 6)).toSorted(), second.toSorted());
    assert.deepEqual((await take("two", 16)).toSorted(), [...first, ...second].toSorted());
    const files = (await readdir(offsetStorePath)).filter((name) => name.endsWith(".json"));
    assert.deepEqual(files.toSorted(), ["one", "two"].map((name) => `${consumerGroup}@${t.name(name)}.json`));
  },
};

export const broadcastFailure: Scenario = {
  name:
    "broadcasting: a message that fails comes again from here, and is dropped with an event after the last try",
  async run(t) {
    const topic = await t.topic("deaf", { queues: 1 });
    const attempts: string[] = [];
    const dropped: ConsumerEvent[] = [];
    const consumer = t.consumer({
      messageModel: "BROADCASTING",
      maxReconsumeTimes: 2,
      suspendCurrentQueueTimeMs: 30,
      listener: (message) => {
        attempts.push(`${message.text()} ${message.attempt}`);
        if (message.text() === "1") throw new Error("it cannot be handled");
      },
    });
    void (async () => {
      for await (const event of consumer.events()) if (event.type === "dropped") dropped.push(event);
    })();
    consumer.subscribe(topic);
    await consumer.start();
    await t.fill(topic, 1, { prefix: "" });
    const producer = await t.producer();
    for (const body of ["1", "2"]) await producer.send({ topic, body });
    await t.eventually("it is dropped", () => dropped.length === 1);
    assert.deepEqual(attempts.toSorted(), ["0 1", "1 1", "1 2", "1 3", "2 1"]);
    assert.equal(consumer.statistics().dropped, 1);
    assert.deepEqual(consumer.statistics().queues.map(({ commitOffset }) => commitOffset), [3]);
    await consumer.shutdown();
    const retry = await queuesOf(t.namesrvAddr.split(";")[0]!, `%RETRY%${consumer.consumerGroup}`);
    for (const { address, queueId } of retry) {
      const fields = { topic: `%RETRY%${consumer.consumerGroup}`, queueId };
      const { fields: answer } = await bareRequest(address, RequestCode.GET_MAX_OFFSET, fields);
      assert.equal(Number(answer["offset"]), 0, "nothing went to a retry topic");
    }
  },
};

export const broadcastOrderly: Scenario = {
  name:
    "broadcasting in order: each member gets each queue's messages one at a time, without locks between members",
  async run(t) {
    const topic = await t.topic("parade", { queues: 2 });
    const consumerGroup = t.name("parade");
    const seen: number[][][] = [];
    for (let at = 0; at < 2; at++) {
      const queues: number[][] = [[], []];
      seen.push(queues);
      const member = t.consumer({ consumerGroup, messageModel: "BROADCASTING", ordering: "orderly" });
      member.subscribe(topic, "*", async ({ queue, queueOffset }) => {
        await t.sleep(1);
        queues[queue.queueId]!.push(queueOffset);
      });
      await member.start();
    }
    await t.fill(topic, 40);
    await t.eventually("both have all", () => seen.every((queues) => queues.flat().length === 40));
    for (const offsets of seen.flat()) assert.deepEqual(offsets, offsets.toSorted((a, b) => a - b));
  },
};
