/**
 * Where a group begins, and where it goes on.
 */
import { strict as assert } from "node:assert";
import { RequestCode } from "../bare_request.ts";
import type { Scenario, Stage, StagedConsumer } from "../scenario.ts";

/** A broker's answer for "no offset is stored" (QUERY_NOT_FOUND). */
const NOT_FOUND = 22;

/**
 * Sends `old-` messages, waits, sends `new-` ones, then starts a group as `config` says and gives what it got first.
 *
 * A broker answers 0 for a new group while message 0 of the queue is in its memory; on a cluster that is minutes old it
 * always is. So the proxy gives the answer of a broker that has forgotten it.
 */
async function firstOfNewGroup(t: Stage, config: (between: Date) => StagedConsumer): Promise<string[]> {
  const topic = await t.topic("from-where", { queues: 2 });
  const proxy = await t.proxy();
  proxy.tamper = ({ requestCode, header }) => {
    if (requestCode !== RequestCode.QUERY_CONSUMER_OFFSET) return;
    header.code = NOT_FOUND;
    header.remark = "not found";
    header.extFields = {};
  };
  await t.fill(topic, 20, { prefix: "old-" });
  await t.sleep(1_200);
  const between = new Date();
  await t.sleep(50);
  await t.fill(topic, 20, { prefix: "new-" });
  const consumer = t.consumer({ namesrvAddr: proxy.namesrvAddr, ...config(between) });
  consumer.subscribe(topic);
  const { bodies } = t.collect(consumer);
  await consumer.start();
  await t.fill(topic, 20, { prefix: "live-" });
  await t.eventually("the live ones", () => bodies.filter((body) => body.startsWith("live-")).length >= 20);
  return bodies;
}

/** How many of `bodies` have each beginning. */
function kinds(bodies: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const body of bodies) {
    const kind = body.split("-")[0]!;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

export const fromFirst: Scenario = {
  name: "a new group with CONSUME_FROM_FIRST_OFFSET begins at the first message",
  async run(t) {
    const bodies = await firstOfNewGroup(t, () => ({ consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" }));
    assert.deepEqual(kinds(bodies), { old: 20, new: 20, live: 20 });
  },
};

export const fromLast: Scenario = {
  name: "a new group with CONSUME_FROM_LAST_OFFSET begins with what comes after its start",
  async run(t) {
    const bodies = await firstOfNewGroup(t, () => ({ consumeFromWhere: "CONSUME_FROM_LAST_OFFSET" }));
    assert.deepEqual(kinds(bodies), { live: 20 });
  },
};

export const fromTimestamp: Scenario = {
  name: "a new group with CONSUME_FROM_TIMESTAMP begins with what was stored from then on",
  async run(t) {
    const bodies = await firstOfNewGroup(t, (between) => ({
      consumeFromWhere: "CONSUME_FROM_TIMESTAMP",
      consumeTimestamp: between,
    }));
    assert.deepEqual(kinds(bodies), { new: 20, live: 20 });
  },
};

export const smallTopics: Scenario = {
  name: "a new group begins a small topic at 0 even with CONSUME_FROM_LAST_OFFSET, as in Java",
  async run(t) {
    const topic = await t.topic("small", { queues: 1 });
    const sent = await t.fill(topic, 10);
    const consumer = t.consumer({ consumeFromWhere: "CONSUME_FROM_LAST_OFFSET" });
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    await t.eventually("all are consumed", () => bodies.length >= sent.length);
    assert.deepEqual(bodies.toSorted(), sent.toSorted());
  },
};

export const resumeAfterRestart: Scenario = {
  name: "a consumer that is started again goes on at the stored offset, whatever consumeFromWhere says",
  async run(t) {
    const topic = await t.topic("resume");
    const settings = { consumerGroup: t.name("resuming") };
    const first = t.consumer(settings);
    first.subscribe(topic);
    const before = t.collect(first);
    await first.start();
    const sent = await t.fill(topic, 100, { prefix: "before-" });
    await t.eventually("the first hundred", () => before.bodies.length >= 100);
    await first.shutdown();
    sent.push(...await t.fill(topic, 50, { prefix: "after-" }));

    for (const consumeFromWhere of ["CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_FIRST_OFFSET"] as const) {
      const again = t.consumer({ ...settings, consumeFromWhere });
      again.subscribe(topic);
      const after = t.collect(again);
      await again.start();
      const expected = sent.splice(100, 50);
      await t.eventually("what came meanwhile", () => after.bodies.length >= expected.length);
      await t.sleep(200);
      await again.shutdown();
      assert.deepEqual(after.bodies.toSorted(), expected.toSorted());
      sent.push(...await t.fill(topic, 50, { prefix: `after-${consumeFromWhere}-` }));
    }
  },
};

export const lowestUnsettled: Scenario = {
  name: "what is committed is the lowest unsettled offset, and last + 1 when all are settled",
  async run(t) {
    const topic = await t.topic("lowest", { queues: 1 });
    await t.fill(topic, 10);
    const consumer = t.consumer();
    consumer.subscribe(topic);
    await consumer.start();
    const reader = consumer.messages({ settle: "manual" }).getReader();
    const messages = [];
    while (messages.length < 10) messages.push((await reader.read()).value!);
    const committed = async (): Promise<number> => {
      await consumer.commit();
      return await t.committed(consumer.consumerGroup, topic);
    };
    for (const at of [1, 2, 4, 9]) messages[at]!.ack();
    assert.equal(await committed(), 0);
    messages[0]!.ack();
    assert.equal(await committed(), 3);
    messages[3]!.ack();
    assert.equal(await committed(), 5);
    for (const at of [5, 6, 7, 8]) messages[at]!.ack();
    assert.equal(await committed(), 10);
  },
};

export const offsetQueryFails: Scenario = {
  name: "a failed question for the stored offset is asked again, never taken for a new group",
  async run(t) {
    const topic = await t.topic("query-fails", { queues: 2 });
    const consumerGroup = t.name("asking");
    const first = t.consumer({ consumerGroup });
    first.subscribe(topic);
    const before = t.collect(first);
    await first.start();
    await t.fill(topic, 40, { prefix: "before-" });
    await t.eventually("the first forty", () => before.bodies.length >= 40);
    await first.shutdown();

    const proxy = await t.proxy();
    let failures = 0;
    proxy.tamper = ({ requestCode, header }) => {
      if (requestCode !== RequestCode.QUERY_CONSUMER_OFFSET || failures >= 4) return;
      failures++;
      header.code = 1;
      header.remark = "system error";
    };
    const second = t.consumer({ consumerGroup, namesrvAddr: proxy.namesrvAddr, rebalanceIntervalMs: 500 });
    second.subscribe(topic);
    const { bodies } = t.collect(second);
    await second.start();
    await t.fill(topic, 10, { prefix: "after-" });
    await t.eventually("what came afterwards", () => bodies.length >= 10);
    assert.ok(failures > 0);
    assert.ok(bodies.every((body) => body.startsWith("after-")), `${bodies}`);
  },
};

export const latePull: Scenario = {
  name: "a pull that its broker serves late takes no commit back",
  async run(t) {
    const topic = await t.topic("late-pull", { queues: 1 });
    await t.fill(topic, 10, { inOrder: true });
    const proxy = await t.proxy();
    // the pull behind the last message leaves while the messages before it are being handled
    proxy.detain = (code, fields) =>
      code === RequestCode.PULL_MESSAGE && fields["queueOffset"] === "10" ? 500 : 0;
    const consumer = t.consumer({ namesrvAddr: proxy.namesrvAddr, pullBatchSize: 5 });
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    await t.eventually("all are handled", () => bodies.length === 10);
    await consumer.commit();
    assert.equal(await t.committed(consumer.consumerGroup, topic), 10);
    await t.sleep(800);
    assert.equal(await t.committed(consumer.consumerGroup, topic), 10);
  },
};
