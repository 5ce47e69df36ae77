/**
 * The ordered drain: a consumer that goes leaves nothing undone that it began, and nothing done that it did not tell.
 */
import { strict as assert } from "node:assert";
import { RequestCode } from "../bare_request.ts";
import type { Scenario } from "../scenario.ts";

export const drainLosesNothing: Scenario = {
  name: "a shutdown under load loses nothing and repeats nothing",
  async run(t) {
    const topic = await t.topic("drain", { queues: 4 });
    const sent = await t.fill(topic, 600);
    const consumerGroup = t.name("draining");
    const handled: string[] = [];
    for (let turn = 0; handled.length < sent.length; turn++) {
      assert.ok(turn < 20, `${handled.length} of ${sent.length} after ${turn} turns`);
      const consumer = t.consumer({
        consumerGroup,
        listener: async (message) => {
          await t.sleep(3);
          handled.push(message.text());
        },
      });
      consumer.subscribe(topic);
      await consumer.start();
      const before = handled.length;
      await t.eventually("some are handled", () => handled.length >= Math.min(before + 100, sent.length));
      await consumer.shutdown();
      const atShutdown = handled.length;
      assert.equal(await t.committed(consumerGroup, topic), atShutdown);
      await t.sleep(20);
      assert.equal(handled.length, atShutdown, "no handler runs after the shutdown");
    }
    assert.deepEqual(handled.toSorted(), sent.toSorted());
  },
};

export const patienceEnds: Scenario = {
  name:
    "a shutdown waits for handlers as long as it was told, then aborts their signals; the message comes again",
  async run(t) {
    const topic = await t.topic("patience", { queues: 1 });
    await t.fill(topic, 1);
    const consumerGroup = t.name("impatient");
    let signal: AbortSignal | undefined;
    let returned = false;
    const first = t.consumer({
      consumerGroup,
      shutdownTimeoutMs: 400,
      listener: async (message) => {
        signal = message.signal;
        await new Promise((resolve) => message.signal.addEventListener("abort", resolve, { once: true }));
        // its time is up: whatever it answers now comes too late
        await t.sleep(50);
        returned = true;
      },
    });
    first.subscribe(topic);
    await first.start();
    await t.eventually("it is being handled", () => signal !== undefined);
    const began = Date.now();
    await first.shutdown();
    const tookMs = Date.now() - began;
    assert.ok(signal!.aborted);
    assert.ok(tookMs >= 380 && tookMs < 5_000, `${tookMs} ms`);
    await t.eventually("the handler has returned", () => returned);
    assert.equal(await t.committed(consumerGroup, topic), 0);

    const second = t.consumer({ consumerGroup });
    second.subscribe(topic);
    await second.start();
    for await (const message of second.messages()) {
      assert.equal(message.text(), "0");
      break;
    }
  },
};

export const shutdownTwice: Scenario = {
  name:
    "shutdown may be called twice, at once, before start and by await using's method; afterwards nothing can be started",
  async run(t) {
    const topic = await t.topic("twice", { queues: 1 });
    const consumer = t.consumer();
    consumer.subscribe(topic);
    const stream = consumer.messages();
    await consumer.start();
    await Promise.all([consumer.shutdown(), consumer.shutdown(), consumer[Symbol.asyncDispose]()]);
    for await (const message of stream) assert.fail(`after the shutdown: ${message.text()}`);
    await consumer.shutdown();
    await assert.rejects(consumer.start());
    assert.throws(() => consumer.subscribe(topic), { code: "CONSUMER_STATE" });

    const never = t.consumer();
    await never.shutdown();
    await assert.rejects(never.start());
  },
};

export const handOverIsQuick: Scenario = {
  name: "what a member leaves behind goes to the next at once, not when the broker misses its heartbeats",
  async run(t) {
    const topic = await t.topic("hand-over", { queues: 2 });
    const consumerGroup = t.name("relay");
    const bodies: string[] = [];
    const [first, second] = [t.consumer({ consumerGroup }), t.consumer({ consumerGroup })];
    for (const member of [first, second]) {
      member.subscribe(topic, "*", (message) => void bodies.push(message.text()));
      await member.start();
    }
    await first.shutdown();
    const began = Date.now();
    const sent = await t.fill(topic, 20);
    await t.eventually("the other has all", () => bodies.length === sent.length);
    assert.ok(Date.now() - began < 10_000);
  },
};

export const lastCommitFails: Scenario = {
  name: "a broker that refuses the last commit of a shutdown is asked once more",
  async run(t) {
    const topic = await t.topic("last-commit", { queues: 2 });
    const sent = await t.fill(topic, 20);
    const proxy = await t.proxy();
    const consumer = t.consumer({ namesrvAddr: proxy.namesrvAddr });
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    await t.eventually("all are handled", () => bodies.length === sent.length);
    let asked = 0;
    proxy.tamper = ({ requestCode, requestFields, header }) => {
      if (requestCode !== RequestCode.UPDATE_CONSUMER_OFFSET || requestFields["topic"] !== topic) return;
      if (asked++ === 0) header.code = 1;
    };
    await consumer.shutdown();
    assert.equal(asked, 3, "one of two queues is asked for twice");
    assert.equal(await t.committed(consumer.consumerGroup, topic), sent.length);
  },
};
