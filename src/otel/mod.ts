/**
 * OpenTelemetry for consumers and producers: spans that follow a message from service to service, and every metric that there is.
 *
 * Loads `@opentelemetry/api` and nothing else; without this entry point not even that is loaded.
 *
 * @module
 */
export { type Observation, observeMetrics, type ObserveOptions } from "./meters.ts";
export { openTelemetry, type OpenTelemetryOptions, withSpanOf } from "./tracer.ts";
export type {
  ConsumerTracer,
  DeliveryEnd,
  DeliveryTrail,
  ProducerTracer,
  SendTrail,
  TracedMessage,
  TracedParty,
  TracedPull,
  TracedQueue,
  TracedRecord,
  TracedSend,
  Tracer,
} from "../core/tracer.ts";
export type {
  ConsumerFigures,
  ConsumerSource,
  ProducerFigures,
  ProducerSource,
  QueueFigures,
  SendFigures,
} from "../telemetry/metric.ts";
