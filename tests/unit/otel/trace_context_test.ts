import { assertEquals } from "@std/assert";
import { createTraceState, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import { contextOf, contextProperties, spanContextOf } from "../../../src/otel/trace_context.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";

const record = (properties: Record<string, string>) => ({
  property: (name: string): string | undefined => properties[name],
});

Deno.test("a span's context goes out as traceparent and tracestate, and comes in again", () => {
  const traceState = createTraceState("vendor=x");
  const span = trace.wrapSpanContext({ traceId: TRACE, spanId: SPAN, traceFlags: 1, traceState });
  const properties = contextProperties(span, trace.setSpan(ROOT_CONTEXT, span));
  assertEquals(properties, { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: "vendor=x" });
  const read = trace.getSpanContext(contextOf(record(properties)));
  assertEquals([read?.traceId, read?.spanId, read?.traceFlags, read?.isRemote], [TRACE, SPAN, 1, true]);
  assertEquals(read?.traceState?.get("vendor"), "x");
});

Deno.test("nothing goes out where no span is recorded", () => {
  const span = trace.wrapSpanContext({ traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 });
  assertEquals(contextProperties(span, ROOT_CONTEXT), {});
});

Deno.test("a traceparent that breaks the format is taken for none", () => {
  for (
    const traceparent of [
      "",
      "junk",
      `00-${TRACE}-${SPAN}`,
      `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      `ff-${TRACE}-${SPAN}-01`,
      `00-${"0".repeat(32)}-${SPAN}-01`,
      `00-${TRACE}-${"0".repeat(16)}-01`,
      `00-${TRACE}-${SPAN}-01-more`,
      ` 00-${TRACE}-${SPAN}-01`,
    ]
  ) {
    assertEquals(spanContextOf(record({ traceparent })), undefined, traceparent);
    assertEquals(trace.getSpanContext(contextOf(record({ traceparent }))), undefined);
  }
});

Deno.test("a later version of the format is read as far as it is known", () => {
  const read = spanContextOf(record({ traceparent: `01-${TRACE}-${SPAN}-03-more` }));
  assertEquals([read?.spanId, read?.traceFlags], [SPAN, 1]);
});
