/**
 * The tracer that makes OpenTelemetry spans, and the way into a delivery's span for those who take messages from a stream.
 */
import { type Meter, metrics, trace, type Tracer as SpanTracer } from "@opentelemetry/api";
import type { Followed, Tracer } from "../core/tracer.ts";
import { ConsumerSpans } from "./consumer_spans.ts";
import { instruments } from "./instruments.ts";
import { ProducerSpans } from "./producer_spans.ts";
import { SCOPE } from "./scope.ts";

/** Where spans and times go. */
export interface OpenTelemetryOptions {
  /** Makes spans; the program's global tracer provider by default. */
  readonly tracer?: SpanTracer | undefined;
  /** Counts the times of operations; the program's global meter provider by default. */
  readonly meter?: Meter | undefined;
}

/**
 * Makes spans of sending, receiving, processing and settling, by the messaging conventions. To be given as `tracer` of the
 * world, the last argument of `createConsumer` and `createProducer`.
 *
 * On Deno, `OTEL_DENO=true` is all the set-up there is; on Bun and Node a provider and a context manager of the OpenTelemetry
 * SDK are registered before, as for any other library.
 *
 * @example
 * ```ts
 * import { createConsumer } from "@contrail/rocketmq";
 * import { openTelemetry } from "@contrail/rocketmq/otel";
 *
 * const config = { consumerGroup: "billing", namesrvAddr: "127.0.0.1:9876" };
 * const consumer = createConsumer(config, { tracer: openTelemetry() });
 * consumer.subscribe("orders");
 * ```
 */
export function openTelemetry({ tracer, meter }: OpenTelemetryOptions = {}): Tracer {
  const shared = instruments(
    tracer ?? trace.getTracer(SCOPE.name, SCOPE.version),
    meter ?? metrics.getMeter(SCOPE.name, SCOPE.version),
  );
  return {
    producer: (party) => new ProducerSpans(shared, party),
    consumer: (party) => new ConsumerSpans(shared, party),
  };
}

/**
 * Calls `work` within the span of `message`, so that what it sends or calls is a child of it. Listeners and `settle` are
 * called like that by themselves; the body of a `for await` loop is not, because a loop cannot be entered from outside.
 * A message that nobody follows, or that is settled, is no hindrance: `work` is called as it is.
 *
 * @example
 * ```ts ignore
 * for await (const message of consumer.messages()) {
 *   await withSpanOf(message, () => producer.send({ topic: "receipts", body: message.body }));
 * }
 * ```
 */
export function withSpanOf<T>(message: object, work: () => T): T {
  const { trail } = message as Followed;
  return trail === undefined ? work() : trail.run(work);
}
