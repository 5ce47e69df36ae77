/**
 * A topic gets more queues while it is consumed, and fewer again.
 */
import { strict as assert } from "node:assert";
import type { Consumer } from "@contrail/rocketmq";
import { brokerAddresses } from "../bare_request.ts";
import { createTopic, namesHeld, queuesHeld } from "../stage.ts";
import type { Scenario, Stage } from "../scenario.ts";

/** A member of `consumerGroup` that notices route changes soon. */
async function join(t: Stage, topic: string, bodies: string[]): Promise<Consumer> {
  const member = t.consumer({ consumerGroup: t.name("rerouted"), routePollIntervalMs: 300 });
  member.subscribe(topic, "*", (message) => void bodies.push(message.text()));
  await member.start();
  return member;
}

async function addressOf(t: Stage, broker: string): Promise<string> {
  return (await brokerAddresses(t.namesrvAddr.split(";")[0]!)).get(broker)!;
}

/** Waits until `members` hold `total` queues, each once. */
async function shared(t: Stage, members: readonly Consumer[], topic: string, total: number): Promise<void> {
  await t.eventually(`${total} queues are shared`, () => {
    const held = members.flatMap((member) => namesHeld(member, topic));
    return held.length === total && new Set(held).size === total &&
      members.every((member) => queuesHeld(member, topic) > 0);
  }, 40_000);
}

export const routeGrows: Scenario = {
  name: "a topic that gets more queues, and a broker more, is consumed there too, shared by the members",
  async run(t) {
    const [home, other] = t.brokers as [string, string | undefined];
    const topic = await t.topic("growing", { queues: 2 });
    const bodies: string[] = [];
    const members = [await join(t, topic, bodies), await join(t, topic, bodies)];
    await shared(t, members, topic, 2);
    const sent = await t.fill(topic, 20, { prefix: "two-" });
    await t.eventually("the first are consumed", () => bodies.length >= sent.length);
    // a queue may change hands: what was not committed by then would come again
    for (const member of members) await member.commit();
    await createTopic(t, await addressOf(t, home), topic, 6);
    let total = 6;
    if (other !== undefined) {
      await createTopic(t, await addressOf(t, other), topic, 2);
      total += 2;
    }
    await shared(t, members, topic, total);
    const producer = await t.producer();
    for (let queueId = 0; queueId < 6; queueId++) {
      await producer.send({ topic, body: `new-${queueId}` }, { queue: { topic, brokerName: home, queueId } });
      sent.push(`new-${queueId}`);
    }
    if (other !== undefined) {
      await producer.send({ topic, body: "there" }, { queue: { topic, brokerName: other, queueId: 1 } });
      sent.push("there");
    }
    await t.eventually("all are consumed", () => bodies.length >= sent.length);
    assert.deepEqual(bodies.toSorted(), sent.toSorted());
  },
};

export const routeShrinks: Scenario = {
  name:
    "a topic that loses queues: writing ends first and they are consumed to their end, then they are given up",
  async run(t) {
    const topic = await t.topic("shrinking", { queues: 6 });
    const address = await addressOf(t, t.brokers[0]!);
    const bodies: string[] = [];
    const members = [await join(t, topic, bodies), await join(t, topic, bodies)];
    await shared(t, members, topic, 6);
    for (const member of members) member.pause();
    const sent = await t.fill(topic, 60, { prefix: "six-" });
    await createTopic(t, address, topic, 6, 2);
    for (const member of members) member.resume();
    await t.eventually("all six are consumed to their end", () => bodies.length >= sent.length);
    for (const member of members) await member.commit();
    await createTopic(t, address, topic, 2);
    await shared(t, members, topic, 2);
    sent.push(...await t.fill(topic, 20, { prefix: "two-" }));
    await t.eventually("the rest", () => bodies.length >= sent.length);
    assert.deepEqual(bodies.toSorted(), sent.toSorted());
    assert.ok(members.every((member) => namesHeld(member, topic).every((name) => /:[01]$/.test(name))));
    for (const member of members) await member.shutdown();
    await createTopic(t, address, topic, 6);
    assert.equal(await t.committed(t.name("rerouted"), topic), 80);
  },
};
