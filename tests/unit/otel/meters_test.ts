import { assertEquals } from "@std/assert";
import type { BatchObservableCallback, Meter, Observable } from "@opentelemetry/api";
import { createConsumer, createProducer } from "../../../mod.ts";
import { observeMetrics } from "../../../src/otel/mod.ts";
import { metrics } from "../../../src/telemetry/metrics.ts";
import { startCluster } from "../../../src/testing/mod.ts";

/** A meter that tells what would be exported. */
function fakeMeter() {
  const kinds = new Map<string, string>();
  const callbacks = new Set<BatchObservableCallback>();
  const make = (kind: string) => (name: string): Observable => {
    kinds.set(name, kind);
    return { name } as unknown as Observable;
  };
  const meter = {
    createObservableCounter: make("counter"),
    createObservableGauge: make("gauge"),
    addBatchObservableCallback: (callback: BatchObservableCallback) => void callbacks.add(callback),
    removeBatchObservableCallback: (callback: BatchObservableCallback) => void callbacks.delete(callback),
  } as unknown as Meter;
  const collect = (): Record<string, number> => {
    const points: Record<string, number> = {};
    for (const callback of callbacks) {
      callback({
        observe: (instrument, value, attributes) => {
          const labels = Object.values(attributes ?? {}).join(",");
          points[`${(instrument as unknown as { name: string }).name}{${labels}}`] = value;
        },
      });
    }
    return points;
  };
  return { meter, kinds, collect };
}

Deno.test("every row of the table is an instrument of its kind", () => {
  const { meter, kinds } = fakeMeter();
  observeMetrics({ meter });
  assertEquals([...kinds], metrics.map(({ name, kind }) => [name, kind]));
});

Deno.test("a collection tells the lag of each queue and what was sent, until it is stopped", async () => {
  const cluster = await startCluster();
  try {
    await cluster.createTopic("orders", { queues: 2 });
    const { namesrvAddr } = cluster;
    const producer = createProducer({ producerGroup: "shop", namesrvAddr });
    const consumers = new Set<ReturnType<typeof createConsumer>>();
    const { meter, collect } = fakeMeter();
    const observation = observeMetrics({ consumers, producers: [producer], meter });
    await producer.start();
    for (let at = 0; at < 6; at++) await producer.send({ topic: "orders", body: `${at}` });
    const consumer = createConsumer({
      consumerGroup: "billing",
      namesrvAddr,
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    });
    consumers.add(consumer);
    consumer.subscribe("orders");
    await consumer.start();
    let left = 2;
    for await (const _message of consumer.messages()) if (--left === 0) break;
    const points = collect();
    const lags = Object.entries(points).filter(([name]) =>
      name.startsWith("rocketmq.consumer.lag{billing,orders")
    );
    assertEquals(lags.length, 2);
    assertEquals(lags.reduce((sum, [, lag]) => sum + lag, 0), 5);
    assertEquals(points["messaging.client.sent.messages{shop,orders}"], 6);
    assertEquals(points["messaging.client.consumed.messages{billing,orders}"], 1);
    observation.stop();
    assertEquals(collect(), {});
    await consumer.shutdown();
    await producer.shutdown();
  } finally {
    await cluster.stop();
  }
});
