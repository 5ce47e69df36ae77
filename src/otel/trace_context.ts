/**
 * The context that travels in a message's properties: `traceparent` and `tracestate` (W3C Trace Context, level 1).
 *
 * Whatever propagator the program has registered goes first, so that baggage and other formats travel too. Where it leaves no
 * `traceparent`, or none is registered, this file writes and reads it itself: a trace never ends for want of a set-up.
 */
import {
  type Context,
  createTraceState,
  isSpanContextValid,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import type { TracedRecord } from "../core/tracer.ts";

const PARENT = "traceparent";
const STATE = "tracestate";
/** Version, trace id, span id, flags; later versions may have more behind. */
const FORMAT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-|$)/;

/** The properties that carry `span`'s context; none when nothing records. */
export function contextProperties(span: Span, context: Context): Record<string, string> {
  const properties: Record<string, string> = {};
  propagation.inject(context, properties);
  const spanContext = span.spanContext();
  if (properties[PARENT] !== undefined || !isSpanContextValid(spanContext)) return properties;
  const flags = spanContext.traceFlags.toString(16).padStart(2, "0");
  properties[PARENT] = `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`;
  const state = spanContext.traceState?.serialize();
  if (state) properties[STATE] = state;
  return properties;
}

const properties = {
  get: (record: TracedRecord, name: string): string | undefined => record.property(name),
  keys: (): string[] => [],
};

/** The context that a message brings; an empty one when it brings none, or one that cannot be read. */
export function contextOf(record: TracedRecord): Context {
  const context = propagation.extract(ROOT_CONTEXT, record, properties);
  if (trace.getSpanContext(context) !== undefined) return context;
  const spanContext = spanContextOf(record);
  return spanContext === undefined ? context : trace.setSpanContext(context, spanContext);
}

/** The span that sent a message, if it says so. */
export function spanContextOf(record: TracedRecord): SpanContext | undefined {
  const match = FORMAT.exec(record.property(PARENT) ?? "");
  if (match === null) return undefined;
  const [, version, traceId, spanId, flags, rest] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (version === "ff" || (version === "00" && rest === "-")) return undefined;
  const state = record.property(STATE);
  const spanContext: SpanContext = {
    traceId,
    spanId,
    traceFlags: parseInt(flags, 16) & 1,
    isRemote: true,
    ...(state === undefined ? {} : { traceState: createTraceState(state) }),
  };
  return isSpanContextValid(spanContext) ? spanContext : undefined;
}
