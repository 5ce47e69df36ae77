/**
 * TransformStreams between a stream and its loop: what they drop is settled, what they pass on keeps its settlement.
 */
import { strict as assert } from "node:assert";
import {
  type ConsumedMessage,
  type Consumer,
  filterBy,
  filterBySql,
  filterByTag,
  parseJson,
  type StandardSchema,
} from "@contrail/rocketmq";
import type { Scenario, Stage } from "../scenario.ts";

/** Sends 12 messages, filters them, and gives what came through; all are settled in the end. */
async function through(
  t: Stage,
  filter: TransformStream<ConsumedMessage, ConsumedMessage>,
): Promise<string[]> {
  const topic = await t.topic("filtered", { queues: 1 });
  const producer = await t.producer();
  for (let at = 0; at < 12; at++) {
    await producer.send({ topic, body: `${at}`, tag: "abc"[at % 3]!, properties: { amount: String(at) } });
  }
  await producer.send({ topic, body: "end", tag: "a", properties: { amount: "7", end: "true" } });
  const consumer = t.consumer();
  consumer.subscribe(topic);
  await consumer.start();
  const passed: string[] = [];
  for await (const message of consumer.messages().pipeThrough(filter)) {
    if (message.text() === "end") {
      message.ack();
      break;
    }
    passed.push(message.text());
  }
  await consumer.shutdown();
  assert.equal(await t.committed(consumer.consumerGroup, topic), 13);
  return passed;
}

export const byTag: Scenario = {
  name: "filterByTag passes on the tags asked for and acks the others",
  async run(t) {
    assert.deepEqual(await through(t, filterByTag("a || b")), ["0", "1", "3", "4", "6", "7", "9", "10"]);
  },
};

export const bySql: Scenario = {
  name: "filterBySql passes on what meets the condition and acks the others",
  async run(t) {
    const filter = filterBySql<ConsumedMessage>("amount BETWEEN 3 AND 5 OR end IS NOT NULL");
    assert.deepEqual(await through(t, filter), ["3", "4", "5"]);
  },
};

export const byPredicate: Scenario = {
  name: "filterBy takes a sync or an async predicate",
  async run(t) {
    const isSmall = async (message: ConsumedMessage): Promise<boolean> => {
      await t.sleep(1);
      return message.text() === "end" || Number(message.text()) < 3;
    };
    assert.deepEqual(await through(t, filterBy(isSmall)), ["0", "1", "2"]);
  },
};

interface Order {
  id: number;
}

/** A schema as valibot or zod would make it. */
const orderSchema: StandardSchema<Order> = {
  "~standard": {
    version: 1,
    vendor: "contrail-tests",
    validate: (value) =>
      typeof (value as Order | null)?.id === "number"
        ? { value: value as Order }
        : { issues: [{ message: "id is not a number" }] },
  },
};

async function jsonTopic(t: Stage): Promise<{ topic: string; consumer: Consumer }> {
  const topic = await t.topic("json", { queues: 1 });
  const producer = await t.producer();
  for (const body of ['{"id":1}', "{", '{"id":"two"}', '{"id":3}']) await producer.send({ topic, body });
  const consumer = t.consumer();
  consumer.subscribe(topic);
  await consumer.start();
  return { topic, consumer };
}

export const parseJsonDeadLetter: Scenario = {
  name:
    "parseJson passes on what fits the schema, with its settlement, and dead-letters the rest with the reason",
  async run(t) {
    const { topic, consumer } = await jsonTopic(t);
    const reasons: (string | undefined)[] = [];
    const reading = (async () => {
      for await (const event of consumer.events()) {
        if (event.type === "deadLettered") reasons.push(event.reason);
      }
    })();
    const ids: number[] = [];
    for await (const parsed of consumer.messages().pipeThrough(parseJson(orderSchema))) {
      ids.push(parsed.value.id);
      assert.equal(parsed.message.topic, topic);
      if (parsed.value.id !== 3) continue;
      parsed.ack();
      assert.equal(parsed.settled, true);
      break;
    }
    assert.deepEqual(ids, [1, 3]);
    assert.deepEqual(
      (await t.deadLetters(consumer.consumerGroup, 2)).toSorted(),
      ["{", '{"id":"two"}'].toSorted(),
    );
    await consumer.shutdown();
    await reading;
    assert.match(`${reasons[0]}`, /not JSON/);
    assert.match(`${reasons[1]}`, /id is not a number/);
    assert.equal(await t.committed(consumer.consumerGroup, topic), 4);
  },
};

export const parseJsonRetryAndDrop: Scenario = {
  name: "parseJson sends back or drops what does not fit, if told so",
  async run(t) {
    for (const onInvalid of ["retry", "drop"] as const) {
      const topic = await t.topic(`json-${onInvalid}`, { queues: 1 });
      const producer = await t.producer({ producerGroup: t.name(`json-${onInvalid}`) });
      for (const body of ["no", '{"id":1}']) await producer.send({ topic, body });
      const consumer = t.consumer({ consumerGroup: t.name(`parse-${onInvalid}`) });
      consumer.subscribe(topic);
      await consumer.start();
      for await (const parsed of consumer.messages().pipeThrough(parseJson(orderSchema, { onInvalid }))) {
        parsed.ack();
        break;
      }
      await consumer.shutdown();
      const { acked, sentBack } = consumer.statistics();
      assert.deepEqual(
        { acked, sentBack },
        onInvalid === "retry" ? { acked: 1, sentBack: 1 } : { acked: 2, sentBack: 0 },
      );
      assert.equal(await t.committed(consumer.consumerGroup, topic), 2);
    }
  },
};
