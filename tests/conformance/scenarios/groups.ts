/**
 * Members of one group: each queue has one owner, and no message is lost or, in calm, handed out twice when they change.
 */
import { strict as assert } from "node:assert";
import type { AllocateStrategyName, Consumer, ConsumerEvent } from "@contrail/rocketmq";
import { namesHeld, queuesHeld } from "../stage.ts";
import type { Scenario, Stage } from "../scenario.ts";

/** Waits until `members` hold all `total` queues of the topic, evenly and each once. */
async function calm(t: Stage, members: readonly Consumer[], topic: string, total: number): Promise<void> {
  await t.eventually(`${members.length} members share ${total} queues`, () => {
    const all = members.flatMap((member) => namesHeld(member, topic));
    const least = Math.floor(total / members.length);
    return all.length === total && new Set(all).size === total &&
      members.every((member) => queuesHeld(member, topic) >= least);
  });
}

export const membersComeAndGo: Scenario = {
  name: "two members share the queues, one joins, one leaves: no overlap when calm, and nothing is lost",
  async run(t) {
    const topic = await t.topic("sharing", { queues: 4, brokers: t.brokers });
    const total = 4 * t.brokers.length;
    const consumerGroup = t.name("sharers");
    const received: string[][] = [];
    const join = async (): Promise<Consumer> => {
      const member = t.consumer({ consumerGroup });
      member.subscribe(topic);
      received.push(t.collect(member).bodies);
      await member.start();
      return member;
    };
    const expectRound = async (round: string, members: readonly Consumer[]): Promise<void> => {
      await calm(t, members, topic, total);
      const sent = await t.fill(topic, 120, { prefix: `${round}-` });
      const got = (): string[] => received.flat().filter((body) => body.startsWith(`${round}-`));
      await t.eventually(`all of round ${round}`, () => new Set(got()).size === sent.length);
      await t.sleep(100);
      assert.deepEqual(got().toSorted(), sent.toSorted());
    };
    const [first, second] = [await join(), await join()];
    await expectRound("two", [first, second]);
    const third = await join();
    await expectRound("three", [first, second, third]);
    await first.shutdown();
    await expectRound("left", [second, third]);
    await second.shutdown();
    await expectRound("alone", [third]);
    await third.shutdown();
    assert.equal(await t.committed(consumerGroup, topic), 480);
    assert.ok(received[1]!.length > 0 && received[2]!.length > 0);
  },
};

export const changesUnderLoad: Scenario = {
  name: "members that come and go while messages flow lose none",
  async run(t) {
    const topic = await t.topic("flowing", { queues: 4, brokers: t.brokers });
    const consumerGroup = t.name("flow");
    const received = new Set<string>();
    const join = async (): Promise<Consumer> => {
      const member = t.consumer({ consumerGroup, persistIntervalMs: 500 });
      member.subscribe(topic, "*", async (message) => {
        await t.sleep(2);
        received.add(message.text());
      });
      await member.start();
      return member;
    };
    const first = await join();
    const flowing = t.fill(topic, 1_500);
    const second = await join();
    await t.sleep(200);
    const third = await join();
    await t.sleep(200);
    await second.shutdown();
    const sent = await flowing;
    await first.shutdown();
    await t.eventually("all are consumed", () => received.size === sent.length);
    // a queue that changed hands may be handled again from the offset that its new owner found
    await t.eventually(
      "all is committed",
      async () => await t.committed(consumerGroup, topic) === sent.length,
    );
    await third.shutdown();
  },
};

function strategyScenario(allocateStrategy: AllocateStrategyName): Scenario {
  return {
    name: `three members divide the queues by ${allocateStrategy} without overlap`,
    async run(t) {
      const topic = await t.topic("strategy", { queues: 8 });
      const consumerGroup = t.name("strategists");
      const members: Consumer[] = [];
      for (let at = 0; at < 3; at++) {
        const member = t.consumer({ consumerGroup, allocateStrategy });
        member.subscribe(topic, "*", () => {});
        await member.start();
        members.push(member);
      }
      await t.eventually("each queue has one owner", () => {
        const all = members.flatMap((member) => namesHeld(member, topic));
        return all.length === 8 && new Set(all).size === 8;
      });
      if (!allocateStrategy.endsWith("HASH")) {
        const counts = members.map((member) => queuesHeld(member, topic));
        assert.deepEqual(counts.toSorted(), [2, 3, 3]);
      }
    },
  };
}

export const average: Scenario = strategyScenario("AVG");
export const averageByCircle: Scenario = strategyScenario("AVG_BY_CIRCLE");
export const consistentHash: Scenario = strategyScenario("CONSISTENT_HASH");
export const hash: Scenario = strategyScenario("HASH");

export const moreMembersThanQueues: Scenario = {
  name: "a member too many holds no queue, and takes over when an owner leaves",
  async run(t) {
    const topic = await t.topic("too-many", { queues: 2 });
    const consumerGroup = t.name("crowd");
    const bodies: string[] = [];
    const members: Consumer[] = [];
    for (let at = 0; at < 3; at++) {
      const member = t.consumer({ consumerGroup });
      member.subscribe(topic, "*", (message) => void bodies.push(message.text()));
      await member.start();
      members.push(member);
    }
    const counts = (): string => members.map((member) => queuesHeld(member, topic)).toSorted().join();
    await t.eventually("two members hold one each", () => counts() === "0,1,1");
    const owner = members.find((member) => queuesHeld(member, topic) === 1)!;
    await owner.shutdown();
    members.splice(members.indexOf(owner), 1);
    await t.eventually("the idle one took over", () => counts() === "1,1");
    const sent = await t.fill(topic, 40);
    await t.eventually("all are consumed", () => bodies.length >= sent.length);
    assert.deepEqual(bodies.toSorted(), sent.toSorted());
  },
};

export const sameClientId: Scenario = {
  name: "a second member with the client id of the first is refused at its start, and the first goes on",
  async run(t) {
    const topic = await t.topic("twins", { queues: 2 });
    const consumerGroup = t.name("twin-group");
    const instanceName = t.name("twin");
    const first = t.consumer({ consumerGroup, instanceName });
    first.subscribe(topic);
    const collected = t.collect(first);
    await first.start();
    const second = t.consumer({ consumerGroup, instanceName });
    second.subscribe(topic, "*", () => {});
    await assert.rejects(second.start(), (error: Error) => {
      assert.equal(error.name, "ConsumerStartError");
      assert.match(error.message, /is taken there by .*choose another instanceName/);
      return true;
    });
    const bodies = await t.fill(topic, 20);
    await t.eventually("the first has all", () => collected.bodies.length === bodies.length);
  },
};

export const disagreement: Scenario = {
  name:
    "a member that subscribes differently is detected and named to the others, once, and agreement ends it",
  async run(t) {
    const topic = await t.topic("disputed", { queues: 2 });
    const consumerGroup = t.name("disputers");
    const join = async (
      instanceName: string,
      selector: string,
    ): Promise<{ member: Consumer; told: ConsumerEvent[] }> => {
      const member = t.consumer({ consumerGroup, instanceName: t.name(instanceName) });
      const told: ConsumerEvent[] = [];
      void (async () => {
        for await (const event of member.events()) {
          if (event.type === "subscriptionConflict") told.push(event);
        }
      })();
      member.subscribe(topic, selector, () => {});
      await member.start();
      return { member, told };
    };
    const [first, second] = [
      await join("first", "paid || refunded"),
      await join("second", "refunded || paid"),
    ];
    const third = await join("third", "paid");
    for (const { told } of [first, second, third]) {
      const most = third.told === told ? 2 : 1;
      await t.eventually("it is told", () => told.length === most);
    }
    const [conflict] = first.told as [Extract<ConsumerEvent, { type: "subscriptionConflict" }>];
    assert.ok(conflict.member.includes(t.name("third")), conflict.member);
    assert.equal(conflict.error.name, "SubscriptionConflictError");
    assert.match(conflict.error.message, /"paid \|\| refunded" here and TAG "paid" there/);
    assert.deepEqual(conflict.conflicts.map(({ topic }) => topic), [topic]);
    third.member.subscribe(topic, "paid || refunded", () => {});
    await t.sleep(2_500);
    assert.deepEqual([first, second, third].map(({ told }) => told.length), [1, 1, 2]);
  },
};
