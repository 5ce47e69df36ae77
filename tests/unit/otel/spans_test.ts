import { assert, assertEquals, assertRejects } from "@std/assert";
import { createConsumer, createProducer, ValidationError } from "../../../mod.ts";
import { openTelemetry, withSpanOf } from "../../../src/otel/mod.ts";
import { ConsumerSpans } from "../../../src/otel/consumer_spans.ts";
import { instruments } from "../../../src/otel/instruments.ts";
import { startCluster } from "../../../src/testing/mod.ts";
import { metrics } from "@opentelemetry/api";
import { type KeptSpan, SpanRecorder } from "../../conformance/span_recorder.ts";

const record = { property: (): undefined => undefined };
const queue = { topic: "orders", brokerName: "a", queueId: 3 };
const message = {
  topic: "orders",
  queue,
  queueOffset: 7,
  messageId: "M",
  tag: "paid",
  keys: ["k"],
  attempt: 2,
  record,
};

/** Histogram name → what was recorded. */
function recording() {
  const recorder = new SpanRecorder("test");
  const times: [string, number, string | undefined][] = [];
  const meter = metrics.getMeter("none");
  const counting = Object.create(meter, {
    createHistogram: {
      value: (name: string) => ({
        record: (value: number, attributes: Record<string, string>) =>
          times.push([name.split(".").at(-2)!, value, attributes["error.type"]]),
      }),
    },
  });
  let now = 1_000;
  const spans = new ConsumerSpans(instruments(recorder.tracer, counting), {
    group: "billing",
    clientId: () => "c",
    namespace: "",
    messageModel: "CLUSTERING",
    now: () => now,
  });
  return { recorder, spans, times, pass: (ms: number) => now += ms };
}

const shown = (spans: readonly KeptSpan[]) =>
  spans.map((span) => `${span.name} ${span.status.code} ${span.attributes["error.type"] ?? "-"}`);

Deno.test("a delivery that is acked is two spans, and its times are counted", () => {
  const { recorder, spans, times, pass } = recording();
  const trail = spans.handedOut(message, undefined);
  pass(250);
  trail.ended("ack");
  assertEquals(shown(recorder.ended), ["process orders 0 -", "ack orders 0 -"]);
  assertEquals(times, [["process", 0.25, undefined], ["operation", 0, undefined]]);
  const { attributes } = recorder.ended[0]!;
  assertEquals(attributes["messaging.system.name"], "rocketmq");
  assertEquals(attributes["messaging.destination.partition.id"], "3");
  assertEquals(attributes["rocketmq.message.tag"], "paid");
  assertEquals(attributes["rocketmq.consumption_model"], "clustering");
});

Deno.test("the span of a settlement lasts until the broker has confirmed, or has not", () => {
  const { recorder, spans, times, pass } = recording();
  const first = spans.handedOut(message, undefined);
  first.failed(new RangeError("boom"));
  first.ended("nack");
  assertEquals(shown(recorder.ended), ["process orders 2 RangeError"]);
  pass(40);
  first.settled();
  first.settled();
  assertEquals(shown(recorder.ended.splice(0)), ["process orders 2 RangeError", "nack orders 0 -"]);
  assertEquals(times.at(-1), ["operation", 0.04, undefined]);
  const second = spans.handedOut(message, undefined);
  second.ended("timeout");
  second.settled(new TypeError("no broker"));
  assertEquals(shown(recorder.ended), ["process orders 2 timeout", "nack orders 2 TypeError"]);
});

Deno.test("a delivery that is given back or lost ends its span and settles nothing; the first word counts", () => {
  const { recorder, spans } = recording();
  const returned = spans.handedOut(message, undefined);
  returned.ended("returned");
  returned.ended("ack");
  returned.settled();
  spans.handedOut(message, undefined).ended("lost");
  assertEquals(shown(recorder.ended), ["process orders 0 returned", "process orders 2 lost"]);
});

Deno.test("an answer of the broker is one span from the question on, and none when it brought nothing", () => {
  const { recorder, spans } = recording();
  assertEquals(spans.received({ queue, askedAt: 900, messages: [] }), undefined);
  const context = spans.received({ queue, askedAt: 900, messages: [record, record] });
  assertEquals(recorder.ended[0]!.spanContext(), context);
  assertEquals(recorder.ended[0]!.attributes["messaging.batch.message_count"], 2);
  const trail = spans.handedOut(message, context);
  trail.ended("ack");
  assertEquals(recorder.ended[1]!.links.map((link) => link.context), [context!]);
});

Deno.test("what keeps a message in order and what it waits for is told of its delivery, and of its link from the answer", () => {
  const { recorder, spans } = recording();
  const stored = (properties: Record<string, string>) => ({
    property: (name: string) => properties[name],
  });
  const told = (properties: Record<string, string>) => {
    spans.handedOut({ ...message, record: stored(properties) }, undefined).ended("returned");
    return waiting(recorder.ended.pop()!.attributes);
  };
  assertEquals(told({}), {});
  assertEquals(told({ __SHARDINGKEY: "order 7", DELAY: "3" }), { group: "order 7", delay_time_level: 3 });
  assertEquals(told({ TIMER_DELIVER_MS: "5000" }), { delivery_timestamp: 5000 });
  assertEquals(told({ TIMER_OUT_MS: "6000", TIMER_DELIVER_MS: "5000" }), { delivery_timestamp: 6000 });
  assertEquals(told({ DELAY: "soon", TIMER_OUT_MS: "-1", TIMER_DELIVER_MS: "5000" }), {});
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  spans.received({ queue, askedAt: 900, messages: [stored({ traceparent, __SHARDINGKEY: "k" })] });
  assertEquals(recorder.ended[0]!.links.map((link) => link.attributes), [{ "rocketmq.message.group": "k" }]);
});

Deno.test("a delayed send tells its level or its time, and its delivery the time that the broker made of it", async () => {
  const cluster = await startCluster({ topics: { orders: 1 }, broker: { delayLevelsMs: [10, 20, 30] } });
  try {
    const { namesrvAddr } = cluster;
    const [shop, billing] = [new SpanRecorder("shop"), new SpanRecorder("billing")];
    const producer = createProducer({ producerGroup: "shop", namesrvAddr }, {
      tracer: openTelemetry({ tracer: shop.tracer }),
    });
    const consumer = createConsumer(
      { consumerGroup: "billing", namesrvAddr, consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" },
      { tracer: openTelemetry({ tracer: billing.tracer }) },
    );
    consumer.subscribe("orders");
    await producer.start();
    await consumer.start();
    const before = Date.now();
    await producer.send({ topic: "orders", body: "1", delayLevel: 2 });
    await producer.send({ topic: "orders", body: "2", delayMs: 50 });
    await producer.send({ topic: "orders", body: "3", deliverAt: before + 60 });
    await producer.sendOrderly({ topic: "orders", body: "4" }, "order 7");
    const [level, delayed, timed, fifo] = shop.ended.map(({ attributes }) => waiting(attributes));
    assertEquals([level, timed, fifo], [
      { delay_time_level: 2 },
      { delivery_timestamp: before + 60 },
      { group: "order 7" },
    ]);
    const due = Number(delayed!["delivery_timestamp"]);
    assert(due >= before + 50 && due <= Date.now() + 50, `${due - before}`);
    const got = new Set<string>();
    for await (const message of consumer.messages()) if (got.add(message.text()).size === 4) break;
    await consumer.shutdown();
    await producer.shutdown();
    const processed = billing.ended.filter(({ name }) => name === "process orders");
    const times = processed.map(({ attributes }) => waiting(attributes)["delivery_timestamp"]);
    assertEquals(times.filter((time) => time !== undefined).length, 2, `${times}`);
    assert(processed.some(({ attributes }) => waiting(attributes)["group"] === "order 7"));
  } finally {
    await cluster.stop();
  }
});

/** What is told of order and delay. */
function waiting(attributes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = ["group", "delay_time_level", "delivery_timestamp"];
  return Object.fromEntries(
    names.map((name) => [name, attributes[`rocketmq.message.${name}`]]).filter(([, value]) =>
      value !== undefined
    ),
  );
}

Deno.test("a message that nobody follows is no hindrance to withSpanOf", () => {
  assertEquals(withSpanOf({}, () => 7), 7);
});

Deno.test("batches, one-way sends and refused messages have a span each; every message of a batch carries its context", async () => {
  const cluster = await startCluster();
  try {
    await cluster.createTopic("orders", { queues: 1 });
    const recorder = new SpanRecorder("shop");
    const world = { tracer: openTelemetry({ tracer: recorder.tracer }) };
    const { namesrvAddr } = cluster;
    const producer = createProducer({ producerGroup: "shop", namesrvAddr }, world);
    await producer.start();
    await producer.sendBatch([{ topic: "orders", body: "1" }, { topic: "orders", body: "2" }]);
    await producer.sendOneway({ topic: "orders", body: "3", delayLevel: 0 });
    await assertRejects(() => producer.send({ topic: "orders", body: "" }), ValidationError);
    await producer.sendOrderly({ topic: "orders", body: "4" }, "key");
    await producer.shutdown();
    assertEquals(shown(recorder.ended), [
      "send orders 0 -",
      "send orders 0 -",
      "send orders 2 ValidationError",
      "send orders 0 -",
    ]);
    assertEquals(recorder.ended.map((span) => span.attributes["rocketmq.message.type"]), [
      "normal",
      "normal",
      "normal",
      "fifo",
    ]);
    assertEquals(recorder.ended[0]!.attributes["messaging.batch.message_count"], 2);
    const parents = await taken(namesrvAddr, 4);
    const [batch, oneway, , fifo] = recorder.ended.map((span) => span.spanContext().spanId);
    assertEquals(parents, { 1: batch, 2: batch, 3: oneway, 4: fifo });
  } finally {
    await cluster.stop();
  }
});

/** Body → the span that its message names as its sender; taken by a loop that is left while the last is out. */
async function taken(namesrvAddr: string, count: number): Promise<Record<string, string | undefined>> {
  const recorder = new SpanRecorder("billing");
  const consumer = createConsumer(
    { consumerGroup: "billing", namesrvAddr, consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" },
    { tracer: openTelemetry({ tracer: recorder.tracer }) },
  );
  consumer.subscribe("orders");
  await consumer.start();
  const parents: Record<string, string | undefined> = {};
  for await (const message of consumer.messages()) {
    parents[message.text()] = message.properties.traceparent?.split("-")[2];
    if (--count === 0) break;
  }
  await consumer.shutdown();
  const ends = recorder.ended.filter(({ name }) => name === "process orders");
  assertEquals(ends.map((span) => span.attributes["error.type"]), [
    undefined,
    undefined,
    undefined,
    "returned",
  ]);
  assert(ends.every((span) => span.parent?.spanId !== undefined));
  return parents;
}
