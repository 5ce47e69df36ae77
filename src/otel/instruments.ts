/**
 * What the spans of one tracer share: where they are made, and where their times are counted.
 */
import {
  type Attributes,
  type Histogram,
  type Meter,
  type Span,
  SpanStatusCode,
  type Tracer,
} from "@opentelemetry/api";
import { Attribute, Duration, DURATION_BOUNDS } from "./attributes.ts";

/** Makes spans, counts times. */
export interface Instruments {
  /** Makes spans. */
  readonly tracer: Tracer;
  /** Times of send, receive and settle. */
  readonly operations: Histogram;
  /** Times from hand-out to the end of the work. */
  readonly processing: Histogram;
}

/** The instruments over `tracer` and `meter`. */
export function instruments(tracer: Tracer, meter: Meter): Instruments {
  const histogram = (name: string, description: string): Histogram =>
    meter.createHistogram(name, {
      description,
      unit: "s",
      advice: { explicitBucketBoundaries: DURATION_BOUNDS },
    });
  return {
    tracer,
    operations: histogram(Duration.OPERATION, "Time of send, receive and settle operations."),
    processing: histogram(Duration.PROCESS, "Time from hand-out of a message to the end of the work on it."),
  };
}

/** What an error is called in `error.type`. */
export function errorType(error: unknown): string {
  return error instanceof Error ? error.name : "_OTHER";
}

/** Tells a span of an error; the body of a message is in none. */
export function failSpan(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.recordException(error instanceof Error ? error : message);
  span.setAttribute(Attribute.ERROR_TYPE, errorType(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** Counts `ms` with those attributes that few values have. */
export function recordMs(histogram: Histogram, ms: number, attributes: Attributes, error?: string): void {
  histogram.record(
    Math.max(0, ms) / 1000,
    error === undefined ? attributes : { ...attributes, [Attribute.ERROR_TYPE]: error },
  );
}
