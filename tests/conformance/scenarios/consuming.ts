/**
 * The main job: what was sent is handed out, once, as it was sent.
 */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { BrokerError, ConsumeResult, ConsumerStartError } from "@contrail/rocketmq";
import { queuesHeld } from "../stage.ts";
import type { Scenario } from "../scenario.ts";

const MIB = 1024 * 1024;

export const everyMessageOnce: Scenario = {
  name: "every message is produced and consumed once, and its offset committed",
  async run(t) {
    const topic = await t.topic("once", { queues: 4, brokers: t.brokers });
    const consumer = t.consumer();
    consumer.subscribe(topic);
    const { bodies, ended } = t.collect(consumer);
    await consumer.start();
    const sent = await t.fill(topic, 500);
    await t.eventually("all are consumed", () => bodies.length >= sent.length);
    await consumer.shutdown();
    await ended;
    assert.deepEqual(bodies.toSorted(), sent.toSorted());
    assert.equal(await t.committed(consumer.consumerGroup, topic), sent.length);
  },
};

export const messageAsItWasSent: Scenario = {
  name: "a message arrives with the body, tag, keys, properties, ids, times and place that it was sent with",
  async run(t) {
    const topic = await t.topic("fields", { queues: 1 });
    const producer = await t.producer();
    const before = Date.now() - 5_000;
    const body = "Grüße, 世界 🚀";
    const result = await producer.send({
      topic,
      body,
      tag: "paid",
      keys: ["order-7", "customer-9"],
      properties: { region: "eu", "empty value": "x y" },
      flag: 7,
    });
    const consumer = t.consumer();
    consumer.subscribe(topic);
    await consumer.start();
    for await (const message of consumer.messages()) {
      assert.equal(message.topic, topic);
      assert.equal(message.text(), body);
      assert.deepEqual([...message.body], [...new TextEncoder().encode(body)]);
      assert.equal(message.tag, "paid");
      assert.deepEqual([...message.keys], ["order-7", "customer-9"]);
      assert.equal(message.properties["region"], "eu");
      assert.equal(message.properties["empty value"], "x y");
      assert.equal(message.messageId, result.messageId);
      assert.equal(message.offsetMessageId, result.offsetMessageId);
      assert.deepEqual(
        { ...message.queue },
        { topic, brokerName: result.queue.brokerName, queueId: result.queue.queueId },
      );
      assert.equal(message.queueOffset, result.queueOffset);
      assert.equal(message.attempt, 1);
      assert.equal(message.settled, false);
      assert.equal(message.flag, 7);
      for (const host of [message.bornHost, message.storeHost]) assert.match(host, /^127\.0\.0\.1:\d+$/);
      assert.notEqual(message.bornHost, message.storeHost);
      for (const time of [message.bornAt, message.storedAt]) {
        assert.ok(time.getTime() > before && time.getTime() < Date.now() + 5_000, `${time} is now`);
      }
      break;
    }
  },
};

export const twoGroupsGetAll: Scenario = {
  name: "two groups each get every message",
  async run(t) {
    const topic = await t.topic("two-groups");
    const groups = ["first", "second"].map((base) => {
      const consumer = t.consumer({ consumerGroup: t.name(base) });
      consumer.subscribe(topic);
      return { consumer, collected: t.collect(consumer) };
    });
    for (const { consumer } of groups) await consumer.start();
    const sent = await t.fill(topic, 100);
    for (const { consumer, collected } of groups) {
      await t.eventually(`${consumer.consumerGroup} has all`, () => collected.bodies.length >= sent.length);
      assert.deepEqual(collected.bodies.toSorted(), sent.toSorted());
    }
  },
};

export const topicThatIsMissing: Scenario = {
  name: "a topic that does not exist yet is an event, and consumed within a route poll of its creation",
  async run(t) {
    const topic = t.name("missing");
    const consumer = t.consumer({ routePollIntervalMs: 300 });
    const events: string[] = [];
    const reading = (async () => {
      for await (const event of consumer.events()) events.push(event.type);
    })();
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    await t.eventually("the event topicMissing", () => events.includes("topicMissing"));
    // its first message makes the topic
    const sent = await t.fill(topic, 20);
    await t.eventually("all are consumed", () => bodies.length >= sent.length);
    assert.deepEqual(bodies.toSorted(), sent.toSorted());
    assert.equal(events.filter((type) => type === "topicMissing").length, 1);
    await consumer.shutdown();
    await reading;
  },
};

export const topicThatMustExist: Scenario = {
  name: 'with missingTopic: "fail" a start without its topic is refused, and one with it is not',
  async run(t) {
    const missing = t.name("must-exist");
    const consumer = t.consumer({ missingTopic: "fail" });
    consumer.subscribe(missing);
    await assert.rejects(consumer.start(), (error) => {
      assert.ok(error instanceof ConsumerStartError);
      assert.match(error.message, new RegExp(`Cannot find the route of "${missing}".*create it`));
      assert.ok(error.cause instanceof BrokerError);
      return true;
    });
    assert.equal(consumer.phase, "failed");
    const puller = t.litePull({ missingTopic: "fail" });
    puller.subscribe(missing);
    await assert.rejects(puller.start(), ConsumerStartError);
    // its retry topic comes with the first message that fails
    const topic = await t.topic("exists");
    const other = t.consumer({ missingTopic: "fail" });
    other.subscribe(topic);
    const { bodies } = t.collect(other);
    await other.start();
    const sent = await t.fill(topic, 5);
    await t.eventually("all are consumed", () => bodies.length >= sent.length);
  },
};

export const largeBodies: Scenario = {
  name: "bodies of 1 MiB arrive byte for byte",
  async run(t) {
    const topic = await t.topic("large");
    const producer = await t.producer({ compressBodyOverBytes: Infinity });
    const hashes: string[] = [];
    for (let at = 0; at < 8; at++) {
      const body = new Uint8Array(MIB);
      for (let index = 0; index < body.length; index++) {
        body[index] = (index * 31 + (index >> 8) * 7 + at) & 0xff;
      }
      hashes.push(createHash("sha1").update(body).digest("hex"));
      await producer.send({ topic, body });
    }
    const consumer = t.consumer();
    consumer.subscribe(topic);
    await consumer.start();
    const received: string[] = [];
    for await (const message of consumer.messages()) {
      assert.equal(message.body.length, MIB);
      received.push(createHash("sha1").update(message.bytes()).digest("hex"));
      if (received.length === hashes.length) break;
    }
    assert.deepEqual(received.toSorted(), hashes.toSorted());
  },
};

export const compressedBodies: Scenario = {
  name: "bodies compressed with zlib, LZ4 and ZSTD are read as they were written",
  async run(t) {
    const topic = await t.topic("compressed");
    const text = "all work and no play makes Jack a dull boy. ".repeat(3_000);
    const types = ["ZLIB", "LZ4", "ZSTD"] as const;
    for (const compressType of types) {
      const producer = await t.producer({ compressType, producerGroup: t.name(`packer-${compressType}`) });
      await producer.send({ topic, body: compressType + text });
    }
    const consumer = t.consumer();
    consumer.subscribe(topic);
    await consumer.start();
    const received = new Set<string>();
    for await (const message of consumer.messages()) {
      const body = message.text();
      const type = types.find((type) => body.startsWith(type))!;
      assert.ok(body === type + text, `the body of ${type} is whole`);
      received.add(type);
      if (received.size === types.length) break;
    }
    const { cachedBytes } = consumer.statistics();
    assert.ok(
      cachedBytes < text.length,
      `it travelled compressed: ${cachedBytes} bytes are kept of ${3 * text.length}`,
    );
  },
};

export const manyQueues: Scenario = {
  name: "64 queues over two brokers are consumed by one member",
  async run(t) {
    const topic = await t.topic("many", { queues: 32, brokers: t.brokers.slice(0, 2) });
    const sent = await t.fill(topic, 640);
    const consumer = t.consumer();
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    await t.eventually("all queues are held", () => queuesHeld(consumer, topic) === 64);
    await t.eventually("all are consumed", () => bodies.length >= sent.length);
    await consumer.shutdown();
    assert.deepEqual(bodies.toSorted(), sent.toSorted());
    assert.equal(await t.committed(consumer.consumerGroup, topic), sent.length);
  },
};

export const batchesAsStream: Scenario = {
  name: "batches() hands out runs of one queue in its order, and acks a run when the next is asked for",
  async run(t) {
    const topic = await t.topic("runs", { queues: 2 });
    const sent = await t.fill(topic, 200);
    const consumer = t.consumer();
    consumer.subscribe(topic);
    await consumer.start();
    const received: string[] = [];
    const next = new Map<number, number>();
    let runs = 0;
    for await (const run of consumer.batches({ maxMessages: 10 })) {
      runs++;
      assert.ok(run.length >= 1 && run.length <= 10, `a run of ${run.length}`);
      for (const message of run) {
        const { queueId } = message.queue;
        assert.equal(queueId, run[0]!.queue.queueId);
        assert.equal(message.queueOffset, next.get(queueId) ?? 0);
        next.set(queueId, message.queueOffset + 1);
        received.push(message.text());
      }
      if (received.length === sent.length) {
        for (const message of run) message.ack();
        break;
      }
    }
    assert.ok(runs < sent.length, `${runs} runs for ${sent.length} messages`);
    assert.deepEqual(received.toSorted(), sent.toSorted());
    await consumer.shutdown();
    assert.equal(await t.committed(consumer.consumerGroup, topic), sent.length);
  },
};

export const listenerBatches: Scenario = {
  name: "a listener gets batches of one queue, up to the size that was asked for",
  async run(t) {
    const topic = await t.topic("listener", { queues: 2 });
    const sent = await t.fill(topic, 200);
    const received: string[] = [];
    const sizes: number[] = [];
    const consumer = t.consumer({
      consumeMessageBatchMaxSize: 8,
      listener: {
        async consumeMessageConcurrently(messages, context) {
          sizes.push(messages.length);
          for (const message of messages) assert.equal(message.queue.queueId, context.queue.queueId);
          assert.equal(context.consumerGroup, consumer.consumerGroup);
          await t.sleep(1);
          received.push(...messages.map((message) => message.text()));
          return ConsumeResult.CONSUME_SUCCESS;
        },
      },
    });
    consumer.subscribe(topic);
    await consumer.start();
    await t.eventually("all are consumed", () => received.length >= sent.length);
    await consumer.shutdown();
    assert.deepEqual(received.toSorted(), sent.toSorted());
    assert.ok(Math.max(...sizes) > 1 && Math.max(...sizes) <= 8, `sizes ${sizes}`);
    assert.equal(await t.committed(consumer.consumerGroup, topic), sent.length);
  },
};

export const listenerOrStream: Scenario = {
  name: "one topic may go to a listener and another to a stream, and each has one taker only",
  async run(t) {
    const [orders, payments] = [await t.topic("orders"), await t.topic("payments")];
    const heard: string[] = [];
    const consumer = t.consumer();
    consumer.subscribe(orders, "*", (message) => void heard.push(message.text()));
    consumer.subscribe(payments);
    const { bodies } = t.collect(consumer, { topic: payments });
    assert.throws(() => consumer.messages({ topic: payments }), { code: "CONSUMER_STATE" });
    assert.throws(() => consumer.messages({ topic: orders }), { code: "CONSUMER_STATE" });
    assert.throws(() => consumer.messages(), { code: "CONSUMER_STATE" });
    await consumer.start();
    const sentOrders = await t.fill(orders, 20, { prefix: "order-" });
    const sentPayments = await t.fill(payments, 20, { prefix: "payment-" });
    await t.eventually("both are consumed", () => heard.length + bodies.length >= 40);
    assert.deepEqual(heard.toSorted(), sentOrders.toSorted());
    assert.deepEqual(bodies.toSorted(), sentPayments.toSorted());
  },
};
