/**
 * Messages that are popped: the broker hands them out one by one and hides them until they are done with.
 */
import { strict as assert } from "node:assert";
import {
  ConfigError,
  type ConsumedMessage,
  type ConsumerEvent,
  type MessageSelector,
  sql,
} from "@contrail/rocketmq";
import { isPopping, knowsPop, popping } from "../popping.ts";
import type { Scenario, StagedConsumer } from "../scenario.ts";

/** A pop comes back after this long at most; the real broker looks for hidden messages that are due every few seconds. */
const REVIVAL_MS = 30_000;

export const everyMessageOnce: Scenario = {
  name: "pop: every message comes once, from the queues of all brokers, and is acknowledged in batches",
  async run(t) {
    const topic = await t.topic("popped", { brokers: t.brokers });
    const sent = await t.fill(topic, 300);
    const seen: string[] = [];
    const consumer = await popping(t, { listener: (message) => void seen.push(message.text()) });
    consumer.subscribe(topic);
    await consumer.start();
    assert.ok(isPopping(consumer, topic));
    await t.eventually("all came", () => seen.length >= sent.length);
    await t.sleep(1_000);
    assert.deepEqual(seen.toSorted(), sent.toSorted());
    const { acked, ackCalls, ackFailures } = consumer.statistics();
    assert.equal(acked, sent.length);
    assert.equal(ackFailures, 0);
    assert.ok(ackCalls < sent.length / 2, `${ackCalls} calls for ${sent.length} messages`);
    await consumer.shutdown();
  },
};

export const streamOfPopped: Scenario = {
  name: "pop: a stream acks as it goes, and what a left loop had not settled goes to another member at once",
  async run(t) {
    const topic = await t.topic("pop-stream");
    const sent = await t.fill(topic, 60);
    const first = await popping(t, { popInvisibleTimeMs: 300_000 });
    first.subscribe(topic);
    await first.start();
    const seen: string[] = [];
    for await (const message of first.messages()) {
      seen.push(message.text());
      if (seen.length === 20) break;
    }
    await first.shutdown();
    const second = await popping(t);
    second.subscribe(topic);
    const rest = t.collect(second);
    await second.start();
    await t.eventually("the rest came", () => rest.bodies.length >= 41, REVIVAL_MS);
    await t.sleep(500);
    await second.shutdown();
    assert.deepEqual([...seen.slice(0, 19), ...rest.bodies].toSorted(), sent.toSorted());
  },
};

export const membersShare: Scenario = {
  name: "pop: members share a queue, and none waits for another's slow handler",
  async run(t) {
    const topic = await t.topic("pop-shared", { queues: 1 });
    const counts = [0, 0];
    const seen: string[] = [];
    for (const member of counts.keys()) {
      const consumer = await popping(t, {
        popBatchNums: 4,
        popThresholdForQueue: 4,
        listener: async (message) => {
          counts[member]!++;
          seen.push(message.text());
          await t.sleep(5);
        },
      });
      consumer.subscribe(topic);
      await consumer.start();
    }
    const sent = await t.fill(topic, 200);
    await t.eventually("all came", () => seen.length >= sent.length);
    assert.deepEqual(seen.toSorted(), sent.toSorted());
    assert.ok(counts.every((count) => count > 0), `each took some: ${counts}`);
  },
};

export const keptForHandler: Scenario = {
  name: "pop: a message is kept for a handler that outlives its time, and does not come again",
  async run(t) {
    const topic = await t.topic("pop-kept", { queues: 1 });
    await t.fill(topic, 1);
    let calls = 0;
    const consumer = await popping(t, {
      popInvisibleTimeMs: 5_000,
      consumeTimeoutMs: 60_000,
      listener: async () => {
        calls++;
        await t.sleep(13_000);
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    const other = await popping(t, { listener: () => void calls++ });
    other.subscribe(topic);
    await other.start();
    await t.eventually("it is done", () => consumer.statistics().acked + other.statistics().acked === 1);
    await t.sleep(8_000);
    assert.equal(calls, 1);
  },
};

export const exactRetry: Scenario = {
  name: "pop: a retry comes after the delay that was asked for, to any member, one attempt further",
  async run(t) {
    const topic = await t.topic("pop-retry", { queues: 1 });
    await t.fill(topic, 3);
    const came = new Map<string, { at: number; attempt: number }[]>();
    const consumer = await popping(t, {
      listener: async (message) => {
        const list = came.get(message.text()) ?? [];
        came.set(message.text(), [...list, { at: Date.now(), attempt: message.attempt }]);
        assert.equal(message.topic, topic);
        if (message.attempt === 1) assert.ok(await message.retry({ delayMs: 3_000 }));
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    const all = () => [...came.values()];
    await t.eventually("all came twice", () => all().flat().length === 6, REVIVAL_MS);
    for (const [first, second] of all()) {
      assert.equal(second!.attempt, 2);
      assert.ok(second!.at - first!.at >= 2_900, `it came after ${second!.at - first!.at} ms`);
    }
    assert.equal(consumer.statistics().sentBack, 3);
  },
};

export const popDeadLetters: Scenario = {
  name:
    "pop: what has had all its deliveries, or is said to be dead, is stored with the dead letters and comes no more",
  async run(t) {
    const topic = await t.topic("pop-dead", { queues: 1 });
    await t.fill(topic, 2);
    const attempts: string[] = [];
    const consumer = await popping(t, {
      maxReconsumeTimes: 1,
      listener: async (message) => {
        attempts.push(`${message.text()}:${message.attempt}`);
        if (message.text() === "0") await message.deadLetter("no good");
        else await message.retry({ delayMs: 1_000 });
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("both are dead", () => consumer.statistics().deadLettered === 2, REVIVAL_MS);
    assert.deepEqual(attempts.toSorted(), ["0:1", "1:1", "1:2"]);
    assert.deepEqual((await t.deadLetters(consumer.consumerGroup, 2)).toSorted(), ["0", "1"]);
  },
};

export const filteredPops: Scenario = {
  name: "pop: the broker filters by tag and by SQL",
  async run(t) {
    const topic = await t.topic("pop-filters", { queues: 2 });
    const producer = await t.producer();
    for (const at of numbers(40)) {
      const tag = ["red", "green", "blue"][at % 3]!;
      await producer.send({ topic, body: `${at}`, tag, properties: { size: `${at}` } });
    }
    const wanted: [string | MessageSelector, (at: number) => boolean][] = [
      ["red || blue", (at) => at % 3 !== 1],
      [sql("size BETWEEN 10 AND 19"), (at) => at >= 10 && at <= 19],
    ];
    for (const [selector, fits] of wanted) {
      const consumer = await popping(t, { consumerGroup: t.name(`pop-filters-${fits(0)}`) });
      consumer.subscribe(topic, selector);
      const { bodies } = t.collect(consumer);
      await consumer.start();
      const expected = numbers(40).filter(fits);
      await t.eventually("all that fit came", () => bodies.length >= expected.length);
      await t.sleep(500);
      assert.deepEqual(bodies.map(Number).toSorted((a, b) => a - b), expected);
    }
  },
};

export const popInOrder: Scenario = {
  name: "pop in order: a queue hands out one message at a time, a failure comes first, other queues go on",
  async run(t) {
    const topic = await t.topic("pop-order", { queues: 3 });
    const producer = await t.producer();
    for (let at = 0; at < 60; at++) {
      const queue = { topic, brokerName: t.brokers[0]!, queueId: at % 3 };
      await producer.send({ topic, body: `${at}` }, { queue });
    }
    const out = new Set<number>();
    const done: number[][] = [[], [], []];
    const consumer = await popping(t, {
      ordering: "orderly",
      suspendCurrentQueueTimeMs: 300,
      listener: async (message) => {
        const { queueId } = message.queue;
        assert.ok(!out.has(queueId), "one of a queue at a time");
        out.add(queueId);
        await t.sleep(2);
        out.delete(queueId);
        if (message.text() === "10" && message.attempt === 1) throw new Error("not yet");
        done[queueId]!.push(Number(message.text()));
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("all are done", () => done.flat().length >= 60);
    done.forEach((numbersOfQueue, queueId) =>
      assert.deepEqual(numbersOfQueue, numbers(60).filter((at) => at % 3 === queueId))
    );
    await consumer.shutdown();
  },
};

export const orderGoesOn: Scenario = {
  name: "pop in order: another member goes on where one left, with what was not settled",
  async run(t) {
    const topic = await t.topic("pop-order-next", { queues: 1 });
    const sent = await t.fill(topic, 40, { inOrder: true });
    const first = await popping(t, { ordering: "orderly" });
    first.subscribe(topic);
    await first.start();
    const seen: string[] = [];
    for await (const message of first.messages()) {
      seen.push(message.text());
      if (seen.length === 10) break;
    }
    await first.shutdown();
    const second = await popping(t, { ordering: "orderly" });
    second.subscribe(topic);
    const rest = t.collect(second);
    await second.start();
    await t.eventually("the rest came", () => rest.bodies.length >= 31, REVIVAL_MS);
    assert.deepEqual(seen, sent.slice(0, 10));
    assert.deepEqual(rest.bodies, sent.slice(9));
  },
};

export const changeOfMode: Scenario = {
  name: "pop: a group changes from pulling to popping and back while it runs",
  async run(t) {
    const topic = await t.topic("pop-mode", { queues: 2 });
    const seen: string[] = [];
    const consumer = await popping(t, {
      messageRequestMode: undefined,
      clientRebalance: false,
      rebalanceIntervalMs: 1_000,
      listener: (message) => void seen.push(message.text()),
    });
    consumer.subscribe(topic);
    await consumer.start();
    assert.ok(!isPopping(consumer, topic));
    const sent = await t.fill(topic, 20, { prefix: "a" });
    await t.eventually("the pulled came", () => seen.length >= 20);
    await consumer.setMessageRequestMode("POP");
    await t.eventually("it pops", () => isPopping(consumer, topic));
    sent.push(...await t.fill(topic, 20, { prefix: "b" }));
    await t.eventually("the popped came", () => seen.length >= 40);
    await consumer.setMessageRequestMode("PULL");
    await t.eventually("it pulls", () => !isPopping(consumer, topic));
    sent.push(...await t.fill(topic, 20, { prefix: "c" }));
    await t.eventually("the pulled came again", () => seen.length >= 60);
    await t.sleep(500);
    assert.deepEqual(seen.toSorted(), sent.toSorted());
  },
};

export const olderBrokers: Scenario = {
  name: "pop: where the brokers know no POP the members divide and pull, and the application is told",
  only: "real",
  why: "the embedded broker knows POP",
  async run(t) {
    if (await knowsPop(t)) t.skip("these brokers know POP");
    const topic = await t.topic("pop-older", { queues: 2 });
    const sent = await t.fill(topic, 20);
    const seen: string[] = [];
    const consumer = t.consumer({
      messageRequestMode: "POP",
      listener: (message) => void seen.push(message.text()),
    });
    const told: ConsumerEvent[] = [];
    const events = consumer.events();
    void (async () => {
      for await (const event of events) told.push(event);
    })();
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("all came", () => seen.length >= sent.length);
    assert.deepEqual(seen.toSorted(), sent.toSorted());
    assert.deepEqual(told.flatMap((each) => each.type === "popUnavailable" ? [each.topic] : []), [topic]);
    assert.ok(!isPopping(consumer, topic));
  },
};

export const byKeyRefused: Scenario = {
  name: "pop: what does not go together with popping is refused before anything is asked, with the reason",
  run(t) {
    const refused = (config: StagedConsumer, reason: RegExp): void => {
      assert.throws(
        () => t.consumer({ messageRequestMode: "POP", ...config }),
        (error) => error instanceof ConfigError && reason.test(error.message),
      );
    };
    refused(
      { ordering: { by: (message: ConsumedMessage) => message.messageId } },
      /ordering: must not be by key/,
    );
    refused({ messageModel: "BROADCASTING" }, /messageModel: must be CLUSTERING/);
    refused({ allocateStrategy: "CONSISTENT_HASH" }, /allocateStrategy: must be one that brokers know/);
    refused({ consumeFromWhere: "CONSUME_FROM_TIMESTAMP" }, /consumeFromWhere: must be/);
    return Promise.resolve();
  },
};

export const lostConnection: Scenario = {
  name: "pop: what a member held that is gone without a word comes to another when its time is up",
  async run(t) {
    const topic = await t.topic("pop-cut", { queues: 1 });
    const sent = await t.fill(topic, 10);
    const proxy = await t.proxy();
    const held: string[] = [];
    const first = await popping(t, {
      namesrvAddr: proxy.namesrvAddr,
      popInvisibleTimeMs: 5_000,
      shutdownTimeoutMs: 0,
      listener: (message) => {
        held.push(message.text());
        return new Promise<void>(() => {});
      },
    });
    first.subscribe(topic);
    await first.start();
    await t.eventually("all are out", () => held.length === sent.length);
    const events: ConsumerEvent[] = [];
    const told = first.events();
    void (async () => {
      for await (const event of told) events.push(event);
    })();
    await proxy.close();
    const second = await popping(t);
    second.subscribe(topic);
    const { bodies } = t.collect(second);
    await second.start();
    await t.eventually("another has them", () => bodies.length >= sent.length, REVIVAL_MS);
    assert.deepEqual(bodies.toSorted(), sent.toSorted());
    await t.eventually("the first knows that it lost them", () => first.statistics().expired === sent.length);
  },
};

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
