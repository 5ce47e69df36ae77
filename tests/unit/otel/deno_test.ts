import { assertEquals } from "@std/assert";
import { Collector } from "../../conformance/span_recorder.ts";

Deno.test("on Deno, OTEL_DENO=true is all the set-up that tracing needs", async () => {
  const collector = new Collector();
  const endpoint = await collector.open();
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "tests/unit/otel/otel_program.ts"],
      env: {
        OTEL_DENO: "true",
        OTEL_SERVICE_NAME: "both",
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      },
    }).output();
    assertEquals([success, new TextDecoder().decode(stderr)], [true, ""]);
  } finally {
    await collector.close();
  }
  const of = (name: string) =>
    collector.spans.filter((span) => span.name === name).sort((a, b) => a.startMs - b.startMs);
  const [sent] = of("send orders");
  const processed = of("process orders");
  assertEquals(processed.map(({ parentSpanId }) => parentSpanId), [sent!.spanId, sent!.spanId]);
  assertEquals(processed.map(({ status }) => status), [2, 0]);
  assertEquals(of("nack orders").map(({ parentSpanId }) => parentSpanId), [processed[0]!.spanId]);
  assertEquals(of("ack orders").map(({ parentSpanId }) => parentSpanId), [processed[1]!.spanId]);
  assertEquals(sent!.service, "both");
});
