/**
 * Parts of the cluster go and come back; consumers and producers go on.
 */
import { strict as assert } from "node:assert";
import type { Scenario } from "../scenario.ts";

export const brokerRestart: Scenario = {
  name: "consuming goes on through the restart of a broker, and loses nothing",
  alone: true,
  timeoutMs: 150_000,
  async run(t) {
    const broker = t.brokers[0]!;
    const topic = await t.topic("restart", { queues: 4, brokers: t.brokers });
    const consumer = t.consumer({
      routePollIntervalMs: 1_000,
      heartbeatIntervalMs: 2_000,
      persistIntervalMs: 500,
    });
    const received = new Set<string>();
    consumer.subscribe(topic, "*", async (message) => {
      await t.sleep(2);
      received.add(message.text());
    });
    await consumer.start();
    const producer = await t.producer({ routePollIntervalMs: 1_000, sendTimeoutMs: 5_000 });
    const acknowledged: string[] = [];
    let sending = true;
    const feeding = (async () => {
      for (let at = 0; sending; at++) {
        try {
          await producer.send({ topic, body: `${at}` });
          acknowledged.push(`${at}`);
        } catch {
          // refused while the broker was away: not part of what must arrive
        }
        await t.sleep(5);
      }
    })();
    await t.eventually("messages flow", () => received.size > 50);
    await t.rig.restartBroker(broker);
    const afterRestart = received.size;
    await t.eventually("messages flow again", () => received.size > afterRestart + 50, 40_000);
    const held = (): boolean =>
      consumer.statistics().queues.filter(({ queue }) => queue.topic === topic).length ===
        4 * t.brokers.length;
    await t.eventually("all queues are held again", held, 40_000);
    sending = false;
    await feeding;
    await t.eventually("all that was acknowledged is consumed", () => {
      return acknowledged.every((body) => received.has(body));
    }, 60_000);
    await consumer.shutdown();
    assert.ok(acknowledged.length > 100);
  },
};

export const connectionsCut: Scenario = {
  name:
    "every connection is cut at once: consumer and producer connect anew, nothing is lost or committed unhandled",
  async run(t) {
    const topic = await t.topic("cut", { queues: 4 });
    const proxy = await t.proxy();
    const consumer = t.consumer({ namesrvAddr: proxy.namesrvAddr });
    const received = new Set<string>();
    consumer.subscribe(topic, "*", (message) => void received.add(message.text()));
    await consumer.start();
    const sent = await t.fill(topic, 100, { prefix: "before-" });
    await t.eventually("the first hundred", () => received.size === 100);
    for (let times = 0; times < 3; times++) {
      proxy.cutAll();
      sent.push(...await t.fill(topic, 30, { prefix: `cut-${times}-` }));
    }
    await t.eventually("all are consumed", () => received.size === sent.length);
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), sent.length);
  },
};

export const nameServerFailover: Scenario = {
  name: "with one name server gone, running clients go on and new ones start",
  alone: true,
  timeoutMs: 120_000,
  async run(t) {
    if (t.namesrvAddr.split(";").length < 2) t.skip("one name server only");
    const topic = await t.topic("failover", { queues: 2 });
    const running = t.consumer({ consumerGroup: t.name("running"), routePollIntervalMs: 500 });
    running.subscribe(topic);
    const collected = t.collect(running);
    await running.start();
    try {
      await t.rig.stopNameServer(0);
      await t.sleep(1_200);
      const fresh = t.consumer({ consumerGroup: t.name("fresh") });
      fresh.subscribe(topic);
      const freshly = t.collect(fresh);
      await fresh.start();
      const sent = await t.fill(topic, 40);
      await t.eventually("the running one has all", () => collected.bodies.length === sent.length);
      await t.eventually("the new one has all", () => freshly.bodies.length === sent.length);
    } finally {
      await t.rig.startNameServer(0);
    }
    await t.rig.stopNameServer(1);
    try {
      const more = await t.fill(topic, 10, { prefix: "more-" });
      await t.eventually("the rest", () => collected.bodies.length === 40 + more.length);
    } finally {
      await t.rig.startNameServer(1);
    }
    assert.equal(new Set(collected.bodies).size, 50);
  },
};
