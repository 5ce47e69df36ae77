import { assertEquals } from "@std/assert";
import type { FrameEvent } from "../../../src/remoting/call.ts";
import { WireLog } from "../../../src/testing/wire_log.ts";

/** A heartbeat that comes in. */
function heartbeat(opaque: number): FrameEvent {
  const command = { code: 34, language: "JAVA", version: 513, opaque, flag: 0 };
  return { direction: "in", command, bodyBytes: 0, sizeBytes: 100 };
}

Deno.test("a wire log keeps its limit of lines at least, and at most twice as many", () => {
  const log = new WireLog(10);
  for (let opaque = 0; opaque < 100; opaque++) log.note("broker-a", "10.0.0.1:1", 0, heartbeat(opaque));
  assertEquals(log.lines.length >= 10 && log.lines.length <= 20, true);
  assertEquals(log.lines.at(-1)?.opaque, 99);
});

Deno.test("a wire log of no lines is off", () => {
  const log = new WireLog(0);
  log.note("broker-a", "10.0.0.1:1", 0, heartbeat(1));
  assertEquals(log.lines, []);
});
