/**
 * One message followed through two services and a retry, by OpenTelemetry.
 */
import { openTelemetry, withSpanOf } from "@contrail/rocketmq/otel";
import { strict as assert } from "node:assert";
import type { Scenario, Stage } from "../scenario.ts";
import { type CollectedSpan, Collector, SpanRecorder, useAsyncContexts } from "../span_recorder.ts";

const PRODUCER = 4;
const CONSUMER = 5;
const CLIENT = 3;
const ERROR = 2;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/** Shop sends an order, billing fails once and then sends a receipt, post takes the receipt from a stream. */
async function story(t: Stage, endpoint: string, done: () => boolean): Promise<void> {
  const [orders, receipts] = [
    await t.topic("orders", { queues: 1 }),
    await t.topic("receipts", { queues: 1 }),
  ];
  const [shop, billing, post] = [
    new SpanRecorder("shop"),
    new SpanRecorder("billing"),
    new SpanRecorder("post"),
  ];
  const world = ({ tracer }: SpanRecorder) => ({ logger: quiet, tracer: openTelemetry({ tracer }) });

  const billingProducer = await t.producer({ producerGroup: t.name("billing-p") }, world(billing));
  const charging = t.consumer({ consumerGroup: t.name("billing") }, world(billing));
  charging.subscribe(orders, "*", async (message, context) => {
    if (message.attempt === 1) {
      context.delayLevelWhenNextConsume = 1;
      throw new RangeError("the card machine is off");
    }
    await billingProducer.send({ topic: receipts, body: message.body });
  });
  await charging.start();

  const posting = t.consumer({ consumerGroup: t.name("post") }, world(post));
  posting.subscribe(receipts);
  await posting.start();
  const loop = (async () => {
    for await (const message of posting.messages()) {
      withSpanOf(message, () => post.tracer.startSpan("print").end());
    }
  })();

  const shopProducer = await t.producer({ producerGroup: t.name("shop") }, world(shop));
  await shop.tracer.startActiveSpan("checkout", async (span) => {
    await shopProducer.send({ topic: orders, tag: "paid", keys: ["order-7"], body: "7" });
    span.end();
  });
  await t.eventually("the story is over", async () => {
    for (const service of [shop, billing, post]) await service.export(endpoint);
    return done();
  }, 40_000);
  await posting.shutdown();
  await loop;
  for (const service of [shop, billing, post]) await service.export(endpoint);
}

function only(spans: readonly CollectedSpan[], service: string, name: string): CollectedSpan[] {
  return spans.filter((span) => span.service === service && span.name.startsWith(name))
    .sort((a, b) => a.startMs - b.startMs || Number(a.attributes["rocketmq.message.attempt"] ?? 0));
}

export const followedThroughServices: Scenario = {
  name: "a message is followed through two services and a retry by OpenTelemetry, and parent links hold",
  async run(t) {
    useAsyncContexts();
    const collector = new Collector();
    const endpoint = await collector.open();
    t.defer(() => collector.close());
    const { spans } = collector;
    await story(t, endpoint, () => only(spans, "post", "process").length === 1);

    const [checkout] = only(spans, "shop", "checkout");
    const [sentOrder] = only(spans, "shop", "send ");
    const [failed, charged] = only(spans, "billing", "process ");
    const [nack] = only(spans, "billing", "nack ");
    const [ack] = only(spans, "billing", "ack ");
    const [sentReceipt] = only(spans, "billing", "send ");
    const [printed] = only(spans, "post", "process ");
    const [print] = only(spans, "post", "print");
    const ofTrace = spans.filter(({ traceId }) => traceId === checkout!.traceId);
    assert.equal(ofTrace.filter(({ name }) => !name.startsWith("receive")).length, 10);

    const parents = (child: CollectedSpan | undefined, parent: CollectedSpan | undefined, kind: number) => {
      assert.deepEqual([child!.parentSpanId, child!.traceId], [parent!.spanId, parent!.traceId], child!.name);
      assert.equal(child!.kind, kind, child!.name);
    };
    parents(sentOrder, checkout, PRODUCER);
    parents(failed, sentOrder, CONSUMER);
    parents(nack, failed, CLIENT);
    parents(charged, sentOrder, CONSUMER);
    parents(ack, charged, CLIENT);
    parents(sentReceipt, charged, PRODUCER);
    parents(printed, sentReceipt, CONSUMER);
    assert.equal(print!.parentSpanId, printed!.spanId);

    assert.deepEqual([failed!.status, failed!.attributes["error.type"]], [ERROR, "RangeError"]);
    assert.deepEqual(
      [failed, charged].map((span) => span!.attributes["rocketmq.message.attempt"]),
      [1, 2],
    );
    assert.equal(charged!.status, 0);
    assert.equal(sentOrder!.attributes["messaging.message.id"], failed!.attributes["messaging.message.id"]);
    assert.deepEqual(failed!.attributes["rocketmq.message.keys"], ["order-7"]);

    const received = only(spans, "billing", "receive ");
    assert.equal(received.length, 2, "one for the topic, one for its retries");
    assert.deepEqual(received.map(({ links }) => links), [[sentOrder!.spanId], [sentOrder!.spanId]]);
    assert.deepEqual(
      [failed!.links, charged!.links].flat().sort(),
      received.map(({ spanId }) => spanId).sort(),
    );
  },
};

export const polledIsFollowed: Scenario = {
  name: "a polled message is followed: its span begins with the poll that brings it and ends with the next",
  async run(t) {
    useAsyncContexts();
    const topic = await t.topic("polled", { queues: 1 });
    const [shop, audit] = [new SpanRecorder("shop"), new SpanRecorder("audit")];
    const world = ({ tracer }: SpanRecorder) => ({ logger: quiet, tracer: openTelemetry({ tracer }) });
    const producer = await t.producer({ producerGroup: t.name("shop") }, world(shop));
    const consumer = t.litePull({ consumerGroup: t.name("audit") }, world(audit));
    consumer.subscribe(topic);
    await consumer.start();
    const next = async () => {
      for (;;) {
        const [message] = await consumer.poll({ timeoutMs: 1_000, maxMessages: 1 });
        if (message) return message;
      }
    };
    const ended = (name: string) => audit.ended.filter((span) => span.name === `${name} ${topic}`);
    const sent = () => shop.ended.map((span) => span.spanContext().spanId);

    await producer.send({ topic, body: "1" });
    const first = await next();
    withSpanOf(first, () => audit.tracer.startSpan("print").end());
    assert.deepEqual([ended("process").length, ended("ack").length], [0, 0]);
    await producer.send({ topic, body: "2" });
    await next();
    const [processed] = ended("process"), [acked] = ended("ack"), received = ended("receive");
    assert.equal(processed!.parent?.spanId, sent()[0]);
    assert.equal(acked!.parent?.spanId, processed!.spanContext().spanId);
    assert.deepEqual(processed!.links.map((link) => link.context), [received[0]!.spanContext()]);
    const print = audit.ended.find((span) => span.name === "print");
    assert.equal(print!.parent?.traceId, processed!.spanContext().traceId);
    await consumer.commit();
    assert.deepEqual(ended("process").map((span) => span.parent?.spanId), sent());
    assert.deepEqual(ended("process").map((span) => span.status.code), [0, 0]);
    await producer.send({ topic, body: "3" });
    await next();
    await consumer.shutdown();
    assert.equal(ended("process")[2]!.attributes["error.type"], "lost", "what was in hand at the end");
    assert.equal(ended("ack").length, 2);
  },
};
