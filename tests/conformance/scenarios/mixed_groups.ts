/**
 * Groups in which the official Java client and this one are members side by side.
 *
 * A virtual machine starts while each of these runs, and that is enough for one machine: so each plays alone.
 */
import { strict as assert } from "node:assert";
import type { Consumer } from "@contrail/rocketmq";
import { type Handled, JavaMember } from "../java_member.ts";
import { OrderWitness } from "../order_witness.ts";
import { popping } from "../popping.ts";
import type { Scenario, Stage } from "../scenario.ts";
import { namesHeld, queueName, queuesHeld } from "../stage.ts";

/** A Java member starts in seconds, and gives a queue up when it looks around next. */
const JAVA_PATIENCE_MS = 90_000;
const TIMEOUT_MS = 180_000;

/** Waits until Java and `ours` hold the same number of queues, `total` together and none twice. */
async function evenly(
  t: Stage,
  java: JavaMember,
  ours: readonly Consumer[],
  { topic, total }: { topic: string; total: number },
): Promise<void> {
  await t.eventually("every member holds its share", () => {
    const held = [java.queues, ...ours.map((member) => namesHeld(member, topic))];
    return held.every(({ length }) => length >= Math.floor(total / held.length)) &&
      held.flat().length === total && new Set(held.flat()).size === total;
  }, JAVA_PATIENCE_MS);
}

/** Waits until `seen` has all that was sent, and names what has not come. */
async function allConsumed(t: Stage, sent: readonly string[], seen: () => readonly string[]): Promise<void> {
  const missing = (): string[] => [...new Set(sent).difference(new Set(seen()))];
  await t.eventually("all are consumed", () => missing().length === 0, JAVA_PATIENCE_MS)
    .catch((cause) => assert.deepEqual(missing(), [], cause.message));
}

export const mixedGroup: Scenario = {
  name: "a group of the official Java client and this one splits the queues without overlap",
  alone: true,
  timeoutMs: TIMEOUT_MS,
  async run(t) {
    const topic = await t.topic("mixed", { queues: 4, brokers: t.brokers });
    const total = 4 * t.brokers.length;
    const consumerGroup = t.name("mixed");
    const ours = t.consumer({ consumerGroup });
    ours.subscribe(topic);
    const { bodies } = t.collect(ours);
    await ours.start();
    const java = await JavaMember.start(t, { consumerGroup, topic, mode: "concurrent" });
    await evenly(t, java, [ours], { topic, total });
    const sent = await t.fill(topic, 200);
    await allConsumed(t, sent, () => [...bodies, ...java.bodies]);
    assert.ok(bodies.length > 0 && java.bodies.length > 0);
    assert.deepEqual([...bodies, ...java.bodies].toSorted(), sent.toSorted());
    await java.leave();
    await t.eventually("ours holds all", () => queuesHeld(ours, topic) === total);
    const rest = await t.fill(topic, 80, { prefix: "rest-" });
    const restReceived = (): string[] => bodies.filter((body) => body.startsWith("rest-"));
    await t.eventually("the rest", () => restReceived().length >= rest.length);
    assert.deepEqual(restReceived().toSorted(), rest.toSorted());
  },
};

/** Shows a witness what the members were handed, in the order of time. */
function replay(members: ReadonlyMap<string, readonly Handled[]>): OrderWitness {
  const witness = new OrderWitness();
  const steps = [...members].flatMap(([member, handled]) =>
    handled.flatMap(({ queue, offset, began, ended }) => {
      const sighting = { member, queue, line: "all", at: offset };
      return [
        { time: began, rank: 1, show: () => witness.begin(sighting) },
        { time: ended, rank: 0, show: () => witness.end(sighting, true) },
      ];
    })
  );
  // within a millisecond nobody can tell: then an end comes before a beginning
  for (const { show } of steps.sort((a, b) => a.time - b.time || a.rank - b.rank)) show();
  return witness;
}

export const mixedOrderly: Scenario = {
  name:
    "orderly, in a group with the official Java client: no queue is handled by both at once, none skips a message",
  alone: true,
  timeoutMs: TIMEOUT_MS,
  async run(t) {
    const topic = await t.topic("mixed-order", { queues: 4, brokers: t.brokers });
    const total = 4 * t.brokers.length;
    const consumerGroup = t.name("mixed-order");
    const handled = new Map<string, readonly Handled[]>();
    const join = async (name: string): Promise<Consumer> => {
      const mine: Handled[] = [];
      handled.set(name, mine);
      const member = t.consumer({ consumerGroup, ordering: "orderly" });
      member.subscribe(topic, "*", async (message) => {
        const began = Date.now();
        await t.sleep(3);
        const { queue, queueOffset: offset } = message;
        mine.push({ queue: queueName(queue), offset, body: message.text(), began, ended: Date.now() });
      });
      await member.start();
      return member;
    };
    const java = await JavaMember.start(t, { consumerGroup, topic, mode: "orderly" });
    handled.set("java", java.handled);
    const first = await join("first");
    let flowing = true;
    let sent = 0;
    const feeding = (async () => {
      for (; flowing; await t.sleep(20)) sent += (await t.fill(topic, total)).length;
    })();
    let second: Consumer;
    try {
      await evenly(t, java, [first], { topic, total });
      second = await join("second");
      await evenly(t, java, [first, second], { topic, total });
      await first.shutdown();
      await evenly(t, java, [second], { topic, total });
      await java.leave();
      await t.eventually("ours holds all", () => queuesHeld(second, topic) === total, JAVA_PATIENCE_MS);
    } finally {
      flowing = false;
      await feeding;
    }
    await t.eventually("all are handled", () => replay(handled).settled === sent, 30_000);
    await second.shutdown();
    const witness = replay(handled);
    assert.deepEqual(witness.breaches, []);
    assert.ok([...handled.values()].every(({ length }) => length > 20), "every member had its share");
    assert.equal(await t.committed(consumerGroup, topic), sent);
  },
};

export const mixedBroadcasting: Scenario = {
  name: "broadcasting, in a group with the official Java client: each member gets every message once",
  alone: true,
  timeoutMs: TIMEOUT_MS,
  async run(t) {
    const topic = await t.topic("mixed-heralds", { queues: 2, brokers: t.brokers });
    const consumerGroup = t.name("mixed-heralds");
    const ours = t.consumer({ consumerGroup, messageModel: "BROADCASTING" });
    ours.subscribe(topic);
    const { bodies } = t.collect(ours);
    await ours.start();
    const java = await JavaMember.start(t, { consumerGroup, topic, mode: "broadcasting" });
    await t.eventually("Java holds all queues", () => java.queues.length === 2 * t.brokers.length, 60_000);
    const sent = await t.fill(topic, 100);
    for (const [who, got] of [["ours", () => bodies], ["Java", () => java.bodies]] as const) {
      await t.eventually(`${who} has all`, () => got().length >= sent.length, JAVA_PATIENCE_MS);
      assert.deepEqual(got().toSorted(), sent.toSorted(), who);
    }
    assert.equal(queuesHeld(ours, topic), 2 * t.brokers.length, "a member more takes no queue away");
    await java.leave();
    const rest = await t.fill(topic, 20, { prefix: "rest-" });
    await t.eventually("the rest", () => bodies.length >= sent.length + rest.length);
    assert.deepEqual(bodies.slice(sent.length).toSorted(), rest.toSorted());
    await ours.shutdown();
    assert.equal(await t.committed(consumerGroup, topic), 0, "the brokers are told no offsets");
  },
};

export const mixedPopping: Scenario = {
  name: "pop, in a group with the official Java client: members share every queue, each message comes once",
  alone: true,
  timeoutMs: TIMEOUT_MS,
  async run(t) {
    const topic = await t.topic("mixed-popped", { queues: 2, brokers: t.brokers });
    const consumerGroup = t.name("mixed-popped");
    const bodies: string[] = [];
    const ours = await popping(t, {
      consumerGroup,
      popBatchNums: 4,
      popThresholdForQueue: 4,
      listener: async (message) => {
        await t.sleep(3);
        bodies.push(message.text());
      },
    });
    ours.subscribe(topic);
    await ours.start();
    const java = await JavaMember.start(t, { consumerGroup, topic, mode: "popping" });
    const popped = t.brokers.map((broker) => `${broker}:-1`).toSorted();
    await t.eventually("Java pops", () => `${java.queues.toSorted()}` === `${popped}`, JAVA_PATIENCE_MS);
    assert.deepEqual(namesHeld(ours, topic).toSorted(), popped);
    const sent: string[] = [];
    // whoever asks first gets what there is, so it takes some messages until both have had some
    while (Math.min(bodies.length, java.bodies.length) < 20) {
      assert.ok(sent.length < 20_000, `each gets some: ${bodies.length} and ${java.bodies.length}`);
      sent.push(...await t.fill(topic, 50, { prefix: () => `${sent.length}-` }));
    }
    await allConsumed(t, sent, () => [...bodies, ...java.bodies]);
    await java.leave();
    const rest = await t.fill(topic, 50, { prefix: "rest-" });
    const all = (): string[] => [...bodies, ...java.bodies];
    await t.eventually("the rest", () => all().length >= sent.length + rest.length);
    await t.sleep(1_000);
    assert.deepEqual(all().toSorted(), [...sent, ...rest].toSorted());
  },
};
