/**
 * Messages in order: of a queue, or of a key; a failure holds up what follows it, and only that.
 */
import { strict as assert } from "node:assert";
import {
  type ConsumedMessage,
  ConsumeOrderlyResult,
  type Consumer,
  type ConsumerEvent,
  type MessageListenerOrderly,
} from "@contrail/rocketmq";
import { queuesHeld } from "../stage.ts";
import type { Scenario, Stage } from "../scenario.ts";

/** Sends `count` messages to each of `queues` queues, in order; bodies are `queue:number`. */
async function fillInOrder(t: Stage, topic: string, queues: number, count: number): Promise<number> {
  const producer = await t.producer();
  await Promise.all(Array.from({ length: queues }, async (_, queueId) => {
    const queue = { topic, brokerName: t.brokers[0]!, queueId };
    for (let at = 0; at < count; at++) {
      await producer.send({ topic, body: `${queueId}:${at}`, keys: `key-${at % 3}` }, { queue });
    }
  }));
  return queues * count;
}

/** The numbers that each queue handed out. */
function byQueue(bodies: readonly string[]): Map<string, number[]> {
  const seen = new Map<string, number[]>();
  for (const body of bodies) {
    const [queue, number] = body.split(":");
    seen.set(queue!, [...seen.get(queue!) ?? [], Number(number)]);
  }
  return seen;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

export const orderlyListener: Scenario = {
  name:
    "orderly: a listener gets each queue's messages in order, one call of a queue at a time, queues side by side",
  async run(t) {
    const topic = await t.topic("in-order", { queues: 3 });
    const handled: string[] = [];
    const running = new Map<number, number>();
    let together = 0, most = 0;
    const listener: MessageListenerOrderly = {
      async consumeMessageOrderly(messages, { queue }) {
        assert.ok(messages.length <= 4);
        assert.equal(running.get(queue.queueId) ?? 0, 0, "one call of a queue at a time");
        running.set(queue.queueId, 1);
        most = Math.max(most, ++together);
        await t.sleep(3);
        for (const message of messages) handled.push(message.text());
        together--;
        running.set(queue.queueId, 0);
        return ConsumeOrderlyResult.SUCCESS;
      },
    };
    const total = await fillInOrder(t, topic, 3, 30);
    const consumer = t.consumer({ ordering: "orderly", consumeMessageBatchMaxSize: 4, listener });
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("all are handled", () => handled.length >= total);
    for (const numbers of byQueue(handled).values()) assert.deepEqual(numbers, upTo(30));
    assert.ok(most > 1, "queues are handled side by side");
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), total);
  },
};

export const orderlyStream: Scenario = {
  name: "orderly: a stream hands out the next message of a queue only when the last is settled",
  async run(t) {
    const topic = await t.topic("in-line", { queues: 2 });
    const total = await fillInOrder(t, topic, 2, 12);
    const consumer = t.consumer({ ordering: "orderly" });
    consumer.subscribe(topic);
    await consumer.start();
    const out = new Map<number, ConsumedMessage>();
    const seen: string[] = [];
    for await (const message of consumer.messages({ settle: "manual" })) {
      const last = out.get(message.queue.queueId);
      assert.ok(last === undefined || last.settled, "the last of this queue is settled");
      out.set(message.queue.queueId, message);
      seen.push(message.text());
      setTimeout(() => message.ack(), 2);
      if (seen.length === total) break;
    }
    for (const numbers of byQueue(seen).values()) assert.deepEqual(numbers, upTo(12));
    await t.eventually("the last are settled", () => [...out.values()].every(({ settled }) => settled));
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), total);
  },
};

export const orderlyFailure: Scenario = {
  name:
    "orderly: a message that fails comes again before those after it, and goes to the dead letters in the end",
  async run(t) {
    const topic = await t.topic("stumbling", { queues: 1 });
    await fillInOrder(t, topic, 1, 4);
    const calls: { body: string; attempt: number; at: number }[] = [];
    const consumer = t.consumer({
      ordering: "orderly",
      maxReconsumeTimes: 2,
      suspendCurrentQueueTimeMs: 120,
      listener(message) {
        calls.push({ body: message.text(), attempt: message.attempt, at: Date.now() });
        if (message.text() === "0:1") throw new Error("it cannot be handled");
        return message.text() === "0:2" && message.attempt === 1
          ? "SUSPEND_CURRENT_QUEUE_A_MOMENT"
          : "SUCCESS";
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("all are done with", () => calls.at(-1)?.body === "0:3");
    assert.deepEqual(calls.map(({ body, attempt }) => `${body} ${attempt}`), [
      "0:0 1",
      "0:1 1",
      "0:1 2",
      "0:1 3",
      "0:2 1",
      "0:2 2",
      "0:3 1",
    ]);
    assert.ok(calls[2]!.at - calls[1]!.at >= 110, "the queue rests before the next attempt");
    assert.deepEqual(await t.deadLetters(consumer.consumerGroup, 1), ["0:1"]);
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), 4);
  },
};

export const explicitCommit: Scenario = {
  name: "orderly: without autoCommit nothing is settled until COMMIT, and ROLLBACK brings all of it again",
  async run(t) {
    const topic = await t.topic("by-hand", { queues: 1 });
    await fillInOrder(t, topic, 1, 6);
    const seen: string[] = [];
    let rolledBack = false;
    const consumer = t.consumer({
      ordering: "orderly",
      autoCommit: false,
      suspendCurrentQueueTimeMs: 20,
      listener: {
        consumeMessageOrderly([message], context) {
          assert.equal(context.autoCommit, false);
          seen.push(message!.text());
          if (message!.text() === "0:1") return "COMMIT";
          if (message!.text() !== "0:3" || rolledBack) return "SUCCESS";
          rolledBack = true;
          return "ROLLBACK";
        },
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("all were handled", () => seen.at(-1) === "0:5");
    assert.deepEqual(seen, ["0:0", "0:1", "0:2", "0:3", "0:2", "0:3", "0:4", "0:5"]);
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), 2, "what was not committed comes again");
  },
};

export const orderlyHandOver: Scenario = {
  name: "orderly: a queue that moves to another member is handed over only when the running handler is done",
  async run(t) {
    const topic = await t.topic("handed-over", { queues: 4 });
    const consumerGroup = t.name("relay");
    const running = new Map<number, string>();
    const settled = new Map<number, number[]>();
    const overlaps: string[] = [];
    const join = async (name: string): Promise<Consumer> => {
      const member = t.consumer({ consumerGroup, ordering: "orderly" });
      member.subscribe(topic, "*", async ({ queue: { queueId }, queueOffset }) => {
        if (running.has(queueId)) overlaps.push(`${name} and ${running.get(queueId)} on ${queueId}`);
        running.set(queueId, name);
        await t.sleep(40);
        settled.set(queueId, [...settled.get(queueId) ?? [], queueOffset]);
        running.delete(queueId);
      });
      await member.start();
      return member;
    };
    const first = await join("first");
    const total = await fillInOrder(t, topic, 4, 60);
    const second = await join("second");
    await t.eventually("both have queues", () => [first, second].every((m) => queuesHeld(m, topic) === 2));
    const third = await join("third");
    await t.sleep(500);
    await second.shutdown();
    const handled = (): number => [...settled.values()].flat().length;
    await t.eventually("all are handled", () => handled() >= total, 40_000);
    assert.deepEqual(overlaps, []);
    for (const offsets of settled.values()) assert.deepEqual(offsets, upTo(60), "in order, each once");
    await first.shutdown();
    await third.shutdown();
    assert.equal(await t.committed(consumerGroup, topic), total);
  },
};

export const byKey: Scenario = {
  name: "by key: messages of a key come in order, keys side by side, and a failure holds up its key only",
  async run(t) {
    const topic = await t.topic("keyed", { queues: 1 });
    const total = await fillInOrder(t, topic, 1, 30);
    const done: string[] = [];
    const running = new Set<string>();
    let most = 0;
    let healed = false;
    const consumer = t.consumer({
      ordering: { by: (message) => message.keys[0] ?? "" },
      suspendCurrentQueueTimeMs: 30,
      listener: async (message) => {
        const key = message.keys[0]!;
        assert.ok(!running.has(key), "one message of a key at a time");
        running.add(key);
        most = Math.max(most, running.size);
        await t.sleep(2);
        running.delete(key);
        if (message.text() === "0:0" && !healed) throw new Error("not yet");
        done.push(message.text());
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("the other keys are done", () => done.length === 20);
    assert.ok(done.every((body) => Number(body.slice(2)) % 3 !== 0), "the failing key waits");
    await consumer.commit();
    assert.equal(await t.committed(consumer.consumerGroup, topic), 0, "the lowest unsettled is committed");
    healed = true;
    await t.eventually("all are done", () => done.length === total);
    for (let key = 0; key < 3; key++) {
      const numbers = done.map((body) => Number(body.slice(2))).filter((number) => number % 3 === key);
      assert.deepEqual(numbers, upTo(10).map((at) => at * 3 + key));
    }
    assert.equal(most, 3);
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), total);
  },
};

export const byKeyHandsHolesOut: Scenario = {
  name:
    "by key: a member that goes hands out what lies below the last settled message, and the next repeats nothing",
  async run(t) {
    const topic = await t.topic("holes", { queues: 1 });
    const total = await fillInOrder(t, topic, 1, 300);
    const consumerGroup = t.name("hole-fillers");
    const done: string[] = [];
    const join = async (slowMs: number): Promise<Consumer> => {
      const member = t.consumer({ consumerGroup, ordering: { by: (message) => message.keys[0] ?? "" } });
      member.subscribe(topic, "*", async (message) => {
        await t.sleep(message.keys[0] === "key-0" ? slowMs : 1);
        done.push(message.text());
      });
      await member.start();
      return member;
    };
    const first = await join(20);
    await t.eventually("the fast keys are far ahead", () => done.length >= 60);
    const highest = (): number => Math.max(...done.map((body) => Number(body.slice(2))));
    const atShutdown = highest();
    await first.shutdown();
    assert.equal(await t.committed(consumerGroup, topic), highest() + 1, "there are no holes");
    assert.ok(done.length > atShutdown, "what lay below was handed out");
    assert.ok(done.length < total, "and no more than that");
    const second = await join(1);
    await t.eventually("all are handled", () => done.length >= total);
    await second.shutdown();
    assert.equal(new Set(done).size, done.length, "nothing was repeated");
  },
};

export const orderlyTimeout: Scenario = {
  name: "orderly: a handler that takes too long is told so, and the next message still waits for it",
  async run(t) {
    const topic = await t.topic("patient", { queues: 1 });
    await fillInOrder(t, topic, 1, 2);
    const log: string[] = [];
    const events: ConsumerEvent[] = [];
    const consumer = t.consumer({
      ordering: "orderly",
      consumeTimeoutMs: 500,
      listener: async (message, { signal }) => {
        log.push(`begin ${message.text()}`);
        if (message.text() === "0:0") {
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          await t.sleep(1_200);
        }
        log.push(`end ${message.text()}`);
      },
    });
    void (async () => {
      for await (const event of consumer.events()) events.push(event);
    })();
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("both are handled", () => log.length === 4);
    assert.deepEqual(log, ["begin 0:0", "end 0:0", "begin 0:1", "end 0:1"]);
    assert.equal(events.filter(({ type }) => type === "consumeTimeout").length, 1);
  },
};
