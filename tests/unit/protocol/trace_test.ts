import { assertEquals } from "@std/assert";
import { encodeTrace, splitTrace, TRACE_MESSAGE_TYPES } from "../../../src/protocol/trace.ts";
import { vectors } from "../vectors.ts";

const file = vectors("trace.json");

Deno.test("traces are written as TraceDataEncoder writes them", () => {
  for (const { in: context, out } of file.cases) {
    const { data, keys } = encodeTrace(context);
    assertEquals(data, out.transData);
    assertEquals([...keys].sort(), out.transKey);
  }
});

Deno.test("a trace falls into its records and fields again", () => {
  for (const { in: context, out } of file.cases) {
    const records = splitTrace(out.transData);
    const many = context.traceType.startsWith("Sub");
    assertEquals(records.length, many ? context.beans.length : 1);
    assertEquals(records.every(([kind]) => kind === context.traceType), true);
  }
});

Deno.test("message types have Java's numbers", () => {
  const types = (file as unknown as { messageTypes: string[] }).messageTypes;
  assertEquals(TRACE_MESSAGE_TYPES.map((name, i) => `${i} ${name}`), types);
});
