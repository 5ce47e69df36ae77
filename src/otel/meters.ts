/**
 * The table of metrics as OpenTelemetry meters: one observable instrument per row, read in one go when metrics are collected.
 *
 * Nothing is counted here. A collection takes one photograph of all statistics, so its numbers agree with each other; between
 * collections metrics cost nothing.
 */
import { type BatchObservableCallback, type Meter, metrics, type Observable } from "@opentelemetry/api";
import { type ConsumerSource, type ProducerSource, takeReadings } from "../telemetry/metric.ts";
import { metrics as table } from "../telemetry/metrics.ts";
import { SCOPE } from "./scope.ts";

/** What is to be observed. */
export interface ObserveOptions {
  /** Consumers; looked through at each collection, so a set may change meanwhile. None by default. */
  readonly consumers?: Iterable<ConsumerSource> | undefined;
  /** Producers, in the same way. None by default. */
  readonly producers?: Iterable<ProducerSource> | undefined;
  /** Where the instruments are made; the program's global meter provider by default. */
  readonly meter?: Meter | undefined;
}

/** Metrics that are being observed. */
export interface Observation {
  /** Ends it; the instruments stay, without values. */
  stop(): void;
}

/**
 * Exports the metrics of consumers and producers, the lag of each queue among them.
 *
 * @example
 * ```ts
 * import { createConsumer } from "@contrail/rocketmq";
 * import { observeMetrics } from "@contrail/rocketmq/otel";
 *
 * const consumer = createConsumer({ consumerGroup: "billing", namesrvAddr: "127.0.0.1:9876" });
 * const observation = observeMetrics({ consumers: [consumer] });
 * observation.stop();
 * ```
 */
export function observeMetrics({ consumers = [], producers = [], meter }: ObserveOptions): Observation {
  const source = meter ?? metrics.getMeter(SCOPE.name, SCOPE.version);
  const rows = table.map((metric) => {
    const options = { description: metric.help, unit: metric.unit };
    const instrument: Observable = metric.kind === "counter"
      ? source.createObservableCounter(metric.name, options)
      : source.createObservableGauge(metric.name, options);
    return { metric, instrument };
  });
  const observe: BatchObservableCallback = (result) => {
    const readings = takeReadings(consumers, producers);
    for (const { metric, instrument } of rows) {
      for (const { value, labels } of metric.read(readings)) result.observe(instrument, value, labels);
    }
  };
  const instruments = rows.map(({ instrument }) => instrument);
  source.addBatchObservableCallback(observe, instruments);
  return { stop: () => source.removeBatchObservableCallback(observe, instruments) };
}
