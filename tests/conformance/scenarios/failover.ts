/**
 * What takes over when a part of the cluster is gone: a slave for its master, the other brokers, what is known of the routes.
 */
import { strict as assert } from "node:assert";
import { bareRequest, queuesOf, RequestCode } from "../bare_request.ts";
import { SLAVE } from "../rig.ts";
import type { Scenario, Stage } from "../scenario.ts";
import { queuesHeld } from "../stage.ts";

/** A broker's answer for a topic that it does not know (TOPIC_NOT_EXIST). */
const TOPIC_NOT_EXIST = 17;
/** A real slave copies topics and offsets once in so many milliseconds, messages at once. */
const SLAVE_COPIES_EVERY_MS = 60_000;

/** Waits until the slave can serve `count` messages of `topic`, which has two queues. */
async function copied(t: Stage, topic: string, address: string, count: number): Promise<void> {
  const pull = { topic, consumerGroup: t.name("probe"), queueId: 0, queueOffset: 0, maxMsgNums: 1 };
  const details = { sysFlag: 0, commitOffset: 0, suspendTimeoutMillis: 0, subVersion: 0 };
  await t.eventually("the slave knows the topic", async () => {
    const { code } = await bareRequest(address, RequestCode.PULL_MESSAGE, { ...pull, ...details });
    return code !== TOPIC_NOT_EXIST;
  }, 2 * SLAVE_COPIES_EVERY_MS);
  await t.eventually("the slave has all", async () => {
    let sum = 0;
    for (const queueId of [0, 1]) {
      const { code, fields } = await bareRequest(address, RequestCode.GET_MAX_OFFSET, { topic, queueId });
      if (code === 0) sum += Number(fields["offset"]);
    }
    return sum === count;
  }, 90_000);
}

/** The address of the slave, once the name servers know it. */
async function slaveAddress(t: Stage, topic: string): Promise<string> {
  let found: string | undefined;
  await t.eventually("the slave is routed", async () => {
    const routes = await Promise.all(t.namesrvAddr.split(";").map((each) => queuesOf(each, topic, 1)));
    found = routes[0]![0]?.address;
    return routes.every(([queue]) => queue !== undefined);
  }, 60_000);
  return found!;
}

export const slaveReads: Scenario = {
  name:
    "with its master gone, a queue is read from the slave; what is settled is committed when the master is back",
  alone: true,
  timeoutMs: 240_000,
  async run(t) {
    if (t.kind === "real" && t.enduranceMs < SLAVE_COPIES_EVERY_MS) {
      t.skip("a real slave learns of topics once a minute: run with --long");
    }
    const topic = await t.topic("from-slave", { queues: 2, brokers: [SLAVE.master] });
    const sent = await t.fill(topic, 200);
    await t.rig.startBroker(SLAVE.name);
    t.defer(() => t.rig.stopBroker(SLAVE.name));
    await copied(t, topic, await slaveAddress(t, topic), sent.length);
    const consumer = t.consumer({ routePollIntervalMs: 300, heartbeatIntervalMs: 1_000, pullBatchSize: 8 });
    const bodies: string[] = [];
    let held = true;
    consumer.subscribe(topic, "*", async (message) => {
      while (held && bodies.length >= 16) await t.sleep(10);
      bodies.push(message.text());
    });
    await consumer.start();
    await t.eventually("it has begun", () => bodies.length === 16);
    await t.rig.stopBroker(SLAVE.master);
    try {
      held = false;
      await t.eventually("all are consumed", () => new Set(bodies).size === sent.length, 40_000);
    } finally {
      await t.rig.startBroker(SLAVE.master);
    }
    sent.push(...await t.fill(topic, 20, { prefix: "back-" }));
    await t.eventually("the rest", () => new Set(bodies).size === sent.length, 40_000);
    await t.eventually("all is committed", async () => {
      await consumer.commit().catch(() => {});
      return await t.committed(consumer.consumerGroup, topic) === sent.length;
    }, 40_000);
  },
};

export const brokerCrash: Scenario = {
  name: "a broker that crashes: the queues of the others go on, and its own when it is back, without loss",
  alone: true,
  timeoutMs: 180_000,
  async run(t) {
    if (t.brokers.length < 2) t.skip("one broker only");
    const [victim, other] = t.brokers as [string, string];
    const topic = await t.topic("crash", { queues: 2, brokers: t.brokers });
    const consumer = t.consumer({
      routePollIntervalMs: 300,
      heartbeatIntervalMs: 1_000,
      persistIntervalMs: 200,
    });
    const bodies = new Set<string>();
    consumer.subscribe(topic, "*", (message) => void bodies.add(message.text()));
    await consumer.start();
    const total = 2 * t.brokers.length;
    await t.eventually("all queues are held", () => queuesHeld(consumer, topic) === total);
    const sent = await t.fill(topic, 60, { prefix: "before-" });
    // a broker writes to its disk twice a second
    await t.sleep(1_500);
    await t.rig.killBroker(victim);
    try {
      const producer = await t.producer();
      for (let at = 0; at < 20; at++) {
        const queue = { topic, brokerName: other, queueId: at % 2 };
        await producer.send({ topic, body: `meanwhile-${at}` }, { queue });
        sent.push(`meanwhile-${at}`);
      }
      await t.eventually("the other broker's are consumed", () => bodies.size === sent.length);
      await t.eventually(
        "the dead broker's queues are given up",
        () => queuesHeld(consumer, topic) === 2,
        40_000,
      );
    } finally {
      await t.rig.startBroker(victim);
    }
    await t.eventually("all queues are held again", () => queuesHeld(consumer, topic) === total, 40_000);
    sent.push(...await t.fill(topic, 40, { prefix: "after-" }));
    await t.eventually("all are consumed", () => bodies.size === sent.length);
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), sent.length);
  },
};

export const noNameServer: Scenario = {
  name: "with every name server gone, running clients go on, and learn what has changed when one is back",
  alone: true,
  timeoutMs: 180_000,
  async run(t) {
    const nameServers = t.namesrvAddr.split(";").map((_, at) => at);
    const topic = await t.topic("blind", { queues: 2 });
    const late = t.name("late");
    const consumer = t.consumer({ routePollIntervalMs: 300 });
    const bodies: string[] = [];
    for (const each of [topic, late]) {
      consumer.subscribe(each, "*", (message) => void bodies.push(message.text()));
    }
    await consumer.start();
    const producer = await t.producer({ routePollIntervalMs: 300 });
    const send = async (to: string, count: number, prefix: string): Promise<void> => {
      for (let at = 0; at < count; at++) await producer.send({ topic: to, body: `${prefix}${at}` });
    };
    await send(topic, 5, "before-");
    await t.rig.stopNameServer(...nameServers);
    try {
      await send(topic, 20, "blind-");
      await t.eventually("what is sent meanwhile is consumed", () => bodies.length === 25);
    } finally {
      await t.rig.startNameServer(...nameServers);
    }
    await t.topic("late", { queues: 1 });
    await t.eventually("the new topic is consumed", () => queuesHeld(consumer, late) === 1, 40_000);
    await send(late, 5, "late-");
    await t.eventually("its messages come", () => bodies.length === 30);
    assert.equal(new Set(bodies).size, 30);
  },
};
