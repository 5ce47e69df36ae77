import { assertEquals } from "@std/assert";
import { LATENCY_PENALTIES, LatencyFaults, penaltyFor } from "../../../src/producer/latency_faults.ts";
import { vectors } from "../vectors.ts";

const { cases } = vectors("delay.json");
// deno-lint-ignore no-explicit-any
const ofKind = (kind: string): any[] => cases.filter((c: { kind: string }) => c.kind === kind);

Deno.test("the latency table is Java's", () => {
  const tables = ofKind("latencyTables");
  assertEquals(tables.length, 1);
  assertEquals(LATENCY_PENALTIES.map((row) => row.latencyMs), tables[0].latencyMax);
  assertEquals(LATENCY_PENALTIES.map((row) => row.penaltyMs), tables[0].notAvailableDuration);
});

Deno.test("a latency costs what MQFaultStrategy says", () => {
  const durations = ofKind("notAvailableDuration");
  assertEquals(durations.length, 34);
  for (const { latency, duration } of durations) assertEquals(penaltyFor(Number(latency)), Number(duration));
});

Deno.test("the table steps as LatencyFaultToleranceImpl does", () => {
  const [{ steps }] = ofKind("faultSteps");
  const faults = new LatencyFaults();
  const now = 1_700_000_000_000;
  for (const { update: [broker, latencyMs, penaltyMs, reachable], then } of steps) {
    faults.update(broker, latencyMs, penaltyMs, reachable, now);
    for (const [name, expected] of Object.entries(then)) {
      const met = { available: faults.isAvailable(name, now), reachable: faults.isReachable(name) };
      assertEquals(met, expected as typeof met, `${name} after ${broker}`);
    }
  }
});

Deno.test("a penalty ends by itself and is never shortened", () => {
  const faults = new LatencyFaults();
  faults.failed("a", 20, 1000);
  faults.answered("a", 600, 2000);
  assertEquals(faults.isAvailable("a", 10_999), false);
  assertEquals(faults.isAvailable("a", 11_000), true);
});

Deno.test("available brokers sort before penalised ones, then by latency, then by the end of the penalty", () => {
  const faults = new LatencyFaults();
  faults.update("late", 5, 9000, true, 0);
  faults.update("soon", 5, 3000, true, 0);
  faults.update("slow", 40, 0, true, 0);
  faults.update("fast", 10, 0, true, 0);
  assertEquals(faults.sorted(0).map((fault) => fault.broker), ["fast", "slow", "soon", "late"]);
  assertEquals(faults.sorted(3000).map((fault) => fault.broker), ["soon", "fast", "slow", "late"]);
});

Deno.test("queues of available brokers are preferred, then of reachable ones, then all are taken", () => {
  const queues = ["a", "b"].map((brokerName) => ({ brokerName }));
  const faults = new LatencyFaults();
  assertEquals(faults.prefer(queues, 0), queues);
  faults.failed("a", 20, 0);
  assertEquals(faults.prefer(queues, 0), [queues[1]!]);
  faults.answered("b", 600, 0);
  assertEquals(faults.prefer(queues, 0), [queues[1]!], "b is slow, but it answers");
  faults.failed("b", 600, 0);
  assertEquals(faults.prefer(queues, 0), queues);
});
