/**
 * A program of two services on Deno's own OpenTelemetry, with no set-up at all: one sends, the other fails once and succeeds.
 *
 *     OTEL_DENO=true deno run -A tests/unit/otel/otel_program.ts
 */
import { createConsumer, createProducer } from "../../../mod.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { observeMetrics, openTelemetry } from "../../../src/otel/mod.ts";
import { startCluster } from "../../../src/testing/mod.ts";

const cluster = await startCluster({ broker: { delayLevelsMs: [50, 50, 50, 50] } });
await cluster.createTopic("orders", { queues: 1 });
const { namesrvAddr } = cluster;
const tracer = openTelemetry();
const consumer = createConsumer({
  consumerGroup: "billing",
  namesrvAddr,
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
}, { tracer, logger: silentLogger });
const handled = Promise.withResolvers<void>();
consumer.subscribe("orders", "*", (message) => {
  if (message.attempt === 1) throw new RangeError("not yet");
  handled.resolve();
});
const producer = createProducer({ producerGroup: "shop", namesrvAddr }, { tracer, logger: silentLogger });
observeMetrics({ consumers: [consumer], producers: [producer] });
await consumer.start();
await producer.start();
await producer.send({ topic: "orders", body: "7" });
await handled.promise;
await producer.shutdown();
await consumer.shutdown();
await cluster.stop();
