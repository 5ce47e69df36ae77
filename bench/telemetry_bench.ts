/**
 * What metrics and tracing cost: one run hands 256 messages of 1 KiB to a listener that returns at once, as in dispatch_bench.ts.
 * Divide by 256.
 *
 *     deno bench -A --no-check bench/telemetry_bench.ts
 *
 * Off is the library as it is without `tracer`. On without a provider is `./otel` in a program that exports nothing. On with
 * spans that are made and dropped is what tracing itself costs; exporting comes on top. A collection of metrics reads the
 * statistics of a consumer with 64 queues, which a scrape does every 15 s or so.
 */
import { ROOT_CONTEXT, type Span, trace, type Tracer as SpanTracer } from "@opentelemetry/api";
import type { ConsumerTracer } from "../src/core/tracer.ts";
import type { MessageListener } from "../src/consumer/taking/listener.ts";
import { createConsumer } from "../mod.ts";
import { openTelemetry } from "../src/otel/mod.ts";
import { takeReadings } from "../src/telemetry/metric.ts";
import { metrics } from "../src/telemetry/metrics.ts";
import { COUNT, listening } from "./dispatching.ts";

let bytes = 0;
const listener = (handled: () => void): MessageListener => ({ body }) => {
  bytes += body.length;
  handled();
};

/** Makes spans that hold what they are told, and drops them. */
const dropping: SpanTracer = {
  startSpan(name, options = {}, context = ROOT_CONTEXT) {
    const traceId = trace.getSpanContext(context)?.traceId ?? "0af7651916cd43dd8448eb211c80319c";
    const spanContext = { traceId, spanId: "b7ad6b7169203331", traceFlags: 1 };
    const span: Span = {
      spanContext: () => spanContext,
      setAttribute: () => span,
      setAttributes: () => span,
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: () => span,
      updateName: () => span,
      recordException: () => {},
      isRecording: () => true,
      end: () => void (bytes += name.length + Object.keys(options.attributes ?? {}).length),
    };
    return span;
  },
  startActiveSpan: () => {
    throw new Error("not called");
  },
};

function following(tracer?: SpanTracer): ConsumerTracer {
  return openTelemetry({ tracer }).consumer({
    group: "billing",
    clientId: () => "10.0.0.1@7#1",
    namespace: "",
    messageModel: "CLUSTERING",
    now: () => 0,
  });
}

const off = listening(listener);
Deno.bench(`${COUNT} messages: tracing off`, { group: "tracing", baseline: true }, async () => await off());

const again = listening(listener);
Deno.bench(`${COUNT} messages: tracing off, again`, { group: "tracing" }, async () => await again());

const idle = listening(listener, following());
Deno.bench(`${COUNT} messages: on, no provider`, { group: "tracing" }, async () => await idle());

const traced = listening(listener, following(dropping));
Deno.bench(`${COUNT} messages: on, spans dropped`, { group: "tracing" }, async () => await traced());

const consumer = createConsumer({ consumerGroup: "billing", namesrvAddr: "127.0.0.1:1" });
const queue = (queueId: number) => ({
  queue: { topic: "orders", brokerName: "a", queueId },
  commitOffset: 1,
  cursor: 1,
  lag: 1,
  cachedMessages: 1,
  cachedBytes: 1,
  inFlight: 1,
});
const figures = { ...consumer.statistics(), queues: Array.from({ length: 64 }, (_, at) => queue(at)) };
const source = { consumerGroup: "billing", phase: "running", statistics: () => figures };
Deno.bench("one collection of metrics, 64 queues", { group: "metrics" }, () => {
  const readings = takeReadings([source], []);
  for (const metric of metrics) bytes += metric.read(readings).length;
});
