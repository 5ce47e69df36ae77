/**
 * A message that could not be handled: it comes again later, each time later, and in the end it lies with the dead letters.
 */
import { strict as assert } from "node:assert";
import type { ConsumedMessage, ConsumerEvent, MessageListener } from "@contrail/rocketmq";
import type { Scenario, Stage } from "../scenario.ts";

/** The level at which a broker delays the first redelivery (`DELAY = 3 + reconsumeTimes`). */
const FIRST_LEVEL = 3;

/** One delivery of a message. */
interface Attempt {
  readonly body: string;
  readonly attempt: number;
  readonly at: number;
}

/** A group of a topic whose every message fails as `fail` does; gives what it was handed, and the dead letters. */
async function allFail(t: Stage, fail: () => Promise<void> | void): Promise<void> {
  const topic = await t.topic("failing", { queues: 1 });
  const attempts: Attempt[] = [];
  const consumer = t.consumer({
    maxReconsumeTimes: 2,
    listener: (message) => {
      attempts.push({ body: message.text(), attempt: message.attempt, at: Date.now() });
      assert.equal(message.topic, topic);
      return message.text() === "good" ? undefined : fail();
    },
  });
  consumer.subscribe(topic);
  await consumer.start();
  const producer = await t.producer();
  for (const body of ["bad", "good"]) await producer.send({ topic, body, keys: body });
  assert.deepEqual(await t.deadLetters(consumer.consumerGroup, 1), ["bad"]);
  const bad = attempts.filter(({ body }) => body === "bad");
  assert.deepEqual(bad.map(({ attempt }) => attempt), [1, 2, 3]);
  assert.equal(attempts.length, 4, "what was good came once");
  const waits = bad.slice(1).map(({ at }, index) => at - bad[index]!.at);
  waits.forEach((waited, index) => {
    const delay = t.delayLevelMs(FIRST_LEVEL + index);
    assert.ok(waited >= delay * 0.9, `redelivery ${index + 1} after ${waited} ms, not before ${delay} ms`);
  });
  await consumer.shutdown();
  assert.equal(await t.committed(consumer.consumerGroup, topic), 2);
}

export const growingDelay: Scenario = {
  name: "a message that always fails comes again with growing delay, then goes to the dead letters",
  run: (t) =>
    allFail(t, () => {
      throw new Error("it cannot be handled");
    }),
};

export const asyncThrow: Scenario = {
  name: "a handler that rejects is as one that throws",
  run: (t) => allFail(t, () => t.sleep(5).then(() => Promise.reject(new Error("it cannot be handled")))),
};

export const throwStopsNothing: Scenario = {
  name: "a handler that throws stops no queue, and is told of once per run of throws",
  async run(t) {
    const topic = await t.topic("thrower", { queues: 2 });
    const handled: string[] = [];
    const failures: ConsumerEvent[] = [];
    let broken = true;
    const consumer = t.consumer({
      listener: async (message) => {
        if (message.text().endsWith("3")) await Promise.resolve();
        if (broken && message.text().endsWith("3")) throw new TypeError("undefined is not a function");
        handled.push(message.text());
      },
    });
    const reading = (async () => {
      for await (const event of consumer.events()) if (event.type === "handlerFailed") failures.push(event);
    })();
    consumer.subscribe(topic);
    await consumer.start();
    const sent = await t.fill(topic, 40);
    await t.eventually("the others are handled", () => handled.length >= 36);
    broken = false;
    await t.eventually("those that failed come again", () => handled.length >= 40);
    assert.deepEqual(handled.toSorted(), sent.toSorted());
    assert.ok(failures.length >= 1 && failures.length <= 4, `${failures.length} events`);
    assert.ok(consumer.statistics().handlerFailures >= 4);
    await consumer.shutdown();
    await reading;
  },
};

export const batchPartlySettled: Scenario = {
  name: "RECONSUME_LATER of a batch concerns the messages that were not settled one by one",
  async run(t) {
    const topic = await t.topic("partly", { queues: 1 });
    const deliveries: string[] = [];
    const listener: MessageListener = {
      consumeMessageConcurrently(messages) {
        for (const message of messages) {
          deliveries.push(`${message.text()}@${message.attempt}`);
          if (Number(message.text()) % 2 === 0 || message.attempt > 1) message.ack();
        }
        return "RECONSUME_LATER";
      },
    };
    const sent = await t.fill(topic, 10);
    const consumer = t.consumer({ consumeMessageBatchMaxSize: 10, listener });
    consumer.subscribe(topic);
    await consumer.start();
    const expected = sent.flatMap((body) =>
      Number(body) % 2 === 0 ? [`${body}@1`] : [`${body}@1`, `${body}@2`]
    );
    await t.eventually("the odd ones come again", () => deliveries.length >= expected.length);
    assert.deepEqual(deliveries.toSorted(), expected.toSorted());
  },
};

export const explicitRetry: Scenario = {
  name: "retry() resolves when the broker has it, and brings the message again after the delay asked for",
  async run(t) {
    const topic = await t.topic("explicit", { queues: 1 });
    await t.fill(topic, 1, { prefix: "again-" });
    const consumer = t.consumer();
    consumer.subscribe(topic);
    await consumer.start();
    const levels = [1, 2];
    const times: number[] = [];
    for await (const message of consumer.messages()) {
      times.push(Date.now());
      assert.equal(message.topic, topic);
      assert.equal(message.text(), "again-0");
      assert.equal(message.attempt, times.length);
      const delayLevel = levels.shift();
      if (delayLevel === undefined) break;
      assert.equal(await message.retry({ delayLevel }), true);
      assert.equal(message.settled, true);
      assert.equal(await message.retry(), false, "the first settlement wins");
    }
    for (const [index, level] of [1, 2].entries()) {
      const waited = times[index + 1]! - times[index]!;
      assert.ok(waited >= t.delayLevelMs(level) * 0.9, `${waited} ms at level ${level}`);
    }
    assert.equal(consumer.statistics().sentBack, 2);
  },
};

export const explicitDeadLetter: Scenario = {
  name: "deadLetter() puts a message with the dead letters at once, and the reason into the event",
  async run(t) {
    const topic = await t.topic("dead", { queues: 1 });
    await t.fill(topic, 3);
    const consumer = t.consumer();
    const reasons: (string | undefined)[] = [];
    const reading = (async () => {
      for await (const event of consumer.events()) {
        if (event.type === "deadLettered") reasons.push(event.reason);
      }
    })();
    consumer.subscribe(topic);
    await consumer.start();
    let seen = 0;
    for await (const message of consumer.messages()) {
      if (message.text() === "1") assert.equal(await message.deadLetter("it is broken"), true);
      else message.ack();
      if (++seen === 3) break;
    }
    assert.deepEqual(await t.deadLetters(consumer.consumerGroup, 1), ["1"]);
    await consumer.shutdown();
    await reading;
    assert.deepEqual(reasons, ["it is broken"]);
    assert.equal(await t.committed(consumer.consumerGroup, topic), 3);
  },
};

export const consumeTimeout: Scenario = {
  name: "a message that is out for too long is sent back, its signal aborts, and a late ack changes nothing",
  async run(t) {
    const topic = await t.topic("too-long", { queues: 1 });
    const out: ConsumedMessage[] = [];
    const events: string[] = [];
    const consumer = t.consumer({
      consumeTimeoutMs: 500,
      listener: async (message, context) => {
        out.push(message);
        if (message.attempt > 1) return;
        assert.equal(message.signal.aborted, false);
        assert.equal(context.signal.aborted, false);
        await new Promise((resolve) => message.signal.addEventListener("abort", resolve, { once: true }));
        assert.equal(context.signal.aborted, true);
      },
    });
    const reading = (async () => {
      for await (const event of consumer.events()) events.push(event.type);
    })();
    consumer.subscribe(topic);
    await consumer.start();
    await t.fill(topic, 1);
    await t.eventually("it comes again", () => out.length === 2);
    assert.equal(out[0]!.signal.aborted, true);
    assert.equal(out[1]!.attempt, 2);
    out[0]!.ack();
    await consumer.shutdown();
    await reading;
    assert.equal(events.filter((type) => type === "consumeTimeout").length, 1);
    assert.equal(consumer.statistics().timedOut, 1);
    assert.equal(await t.committed(consumer.consumerGroup, topic), 1);
  },
};

export const retryGoesToItsTaker: Scenario = {
  name: "a retried message goes to the taker of the topic that it came from",
  async run(t) {
    const [heard, streamed] = [
      await t.topic("heard", { queues: 1 }),
      await t.topic("streamed", { queues: 1 }),
    ];
    const listened: string[] = [];
    const looped: string[] = [];
    const consumer = t.consumer();
    const note = (into: string[], message: ConsumedMessage): boolean => {
      into.push(`${message.text()}@${message.attempt}`);
      return message.attempt > 1;
    };
    consumer.subscribe(
      heard,
      "*",
      (message) => note(listened, message) ? "CONSUME_SUCCESS" : "RECONSUME_LATER",
    );
    consumer.subscribe(streamed);
    await consumer.start();
    await t.fill(heard, 2, { prefix: "h" });
    await t.fill(streamed, 2, { prefix: "s" });
    for await (const message of consumer.messages({ topic: streamed })) {
      if (!note(looped, message)) await message.retry({ delayLevel: 1 });
      if (looped.length === 4) break;
    }
    await t.eventually("the listener has its own again", () => listened.length >= 4);
    assert.deepEqual(listened.toSorted(), ["h0@1", "h0@2", "h1@1", "h1@2"]);
    assert.deepEqual(looped.toSorted(), ["s0@1", "s0@2", "s1@1", "s1@2"]);
  },
};
