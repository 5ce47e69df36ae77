/**
 * The trace of consumption against the embedded broker, on a manual clock and a network in memory.
 */
import { assert, assertEquals } from "@std/assert";
import { createClient } from "../../../mod.ts";
import type { RecordView } from "../../../src/message/record_view.ts";
import { TRACE_TOPIC } from "../../../src/protocol/names.ts";
import { splitTrace } from "../../../src/protocol/trace.ts";
import { MessageTrace, TraceOutcome } from "../../../src/telemetry/message_trace.ts";
import { stage } from "../testing/bench_client.ts";

/** A record with an id and properties, and nothing else. */
function record(messageId: string, properties: Record<string, string> = {}): RecordView {
  const fields = { messageId, storedBodyBytes: 1, reconsumeTimes: 0 };
  return { ...fields, property: (name: string) => properties[name] } as unknown as RecordView;
}

/** A started client, and a trace that nobody has asked to flush yet. */
async function scene({ enabled = true, traceTopic = TRACE_TOPIC } = {}) {
  const { cluster, clock, stop } = await stage();
  const warnings: string[] = [];
  const silent = (): void => {};
  const logger = {
    debug: silent,
    info: silent,
    warn: (line: string) => void warnings.push(line),
    error: silent,
  };
  const client = createClient({ namesrvAddr: cluster.namesrvAddr }, {
    ...cluster.world,
    host: "10.0.0.1",
    logger,
  });
  await clock.runUntil(client.start());
  let batches = 0;
  const trace = new MessageTrace(client, "G", {
    enabled,
    kind: "CONSUME",
    traceTopic,
    onBatch: () => batches++,
  });
  return {
    cluster,
    clock,
    trace,
    warnings,
    batches: () => batches,
    flush: () => clock.runUntil(trace.flush()),
    stored: () => cluster.inspect.messages(traceTopic),
    async stop() {
      await clock.runUntil(client.shutdown());
      await stop();
    },
  };
}

Deno.test("hand-out and settlement share a request id, and are found by message id and keys", async () => {
  const { trace, flush, stored, stop } = await scene();
  await flush();
  const message = record("ID1", { KEYS: "k1 k2", MSG_REGION: "eu" });
  const id = trace.begin(message, "T", 1_000);
  trace.end(id, message, "T", { now: 1_250, costTime: 250, outcome: TraceOutcome.TIME_OUT });
  await flush();
  const [only, ...more] = stored();
  assertEquals(more, []);
  assertEquals(splitTrace(only!.text), [
    ["SubBefore", "1000", "eu", "G", id, "ID1", "0", "k1 k2"],
    ["SubAfter", id, "ID1", "250", "false", "k1 k2", "1", "1250", "G"],
  ]);
  assertEquals(only!.properties["KEYS"], "ID1 k1 k2");
  assertEquals(trace.statistics(), { active: true, sent: 2, dropped: 0, queued: 0 });
  await stop();
});

Deno.test("a message without keys or region has the word null in their place, which Java's reader needs", async () => {
  const { trace, flush, stored, stop } = await scene();
  await flush();
  const id = trace.begin(record("ID1", { KEYS: "" }), "T", 1_000);
  await flush();
  assertEquals(splitTrace(stored()[0]!.text), [["SubBefore", "1000", "null", "G", id, "ID1", "0", "null"]]);
  await stop();
});

Deno.test("nothing is written while the trace topic has no route, nor is it made; it is found once it is there", async () => {
  const { cluster, clock, trace, flush, stored, warnings, stop } = await scene();
  cluster.deleteTopic(TRACE_TOPIC);
  await flush();
  assertEquals(trace.begin(record("ID1"), "T", 1), "");
  await clock.advance(10_000);
  await flush();
  assertEquals([trace.statistics().active, cluster.inspect.topics().includes(TRACE_TOPIC)], [false, false]);
  cluster.createTopic(TRACE_TOPIC, { queues: 1 });
  await clock.advance(20_000);
  await flush();
  assert(trace.begin(record("ID2"), "T", 1) !== "");
  await flush();
  assertEquals(stored().length, 1);
  assertEquals(warnings, []);
  await stop();
});

Deno.test("past 2,048 records that wait, more are dropped and counted", async () => {
  const { trace, flush, stored, batches, stop } = await scene();
  await flush();
  const ids = Array.from({ length: 2_050 }, (_, at) => trace.begin(record(`ID${at}`), "T", at));
  assertEquals(ids.filter((id) => id === "").length, 2);
  trace.end(ids[0]!, record("ID0"), "T", { now: 1, costTime: 1, outcome: TraceOutcome.SUCCESS });
  assertEquals(trace.statistics(), { active: true, sent: 0, dropped: 3, queued: 2_048 });
  assertEquals(batches(), 1, "whoever flushes is woken when a message is full");
  await flush();
  assertEquals(trace.statistics(), { active: true, sent: 2_048, dropped: 3, queued: 0 });
  assertEquals(stored().length, 2_048 / 64);
  await stop();
});

Deno.test("a round sends what waited when it began, and the next begins 100 ms later, or at once at a shutdown", async () => {
  const { clock, trace, flush, stop } = await scene();
  await flush();
  const fill = (count: number): void => {
    for (let i = 0; i < count; i++) trace.begin(record(`M${i}`), "T", 1_000);
  };
  const { signal } = new AbortController();
  fill(100);
  const startedAt = clock.now();
  await clock.runUntil(trace.flush(signal));
  const firstMs = clock.now() - startedAt;
  assertEquals(trace.statistics().sent, 100);
  fill(10);
  await clock.runUntil(trace.flush(signal));
  assert(clock.now() - startedAt - firstMs >= 100, "the second round did not rest");
  assertEquals(trace.statistics().sent, 110);
  fill(10);
  const lastAt = clock.now();
  await flush();
  assert(clock.now() - lastAt < 100, "a shutdown waited for the rest");
  assertEquals(trace.statistics(), { active: true, sent: 120, dropped: 0, queued: 0 });
  await stop();
});

Deno.test("a message of the trace stays small, however long the keys are", async () => {
  const { trace, flush, stored, stop } = await scene();
  await flush();
  for (let at = 0; at < 20; at++) {
    trace.begin(record(`ID${at}`, { KEYS: `${at}`.padEnd(3_000, "k") }), "T", 1);
  }
  await flush();
  assertEquals(stored().length, 10);
  assert(stored().every((message) => message.properties["KEYS"]!.length <= 8_000));
  assertEquals(trace.statistics().sent, 20);
  await stop();
});

Deno.test("one refusal of permission ends tracing, with one warning", async () => {
  const { cluster, trace, flush, warnings, stop } = await scene();
  await flush();
  for (let at = 0; at < 100; at++) trace.begin(record(`ID${at}`), "T", 1);
  const order = cluster.once("sendMessageV2", 16, { times: Infinity });
  await flush();
  assertEquals(trace.begin(record("late"), "T", 1), "");
  assertEquals(trace.of("T"), undefined);
  await flush();
  assertEquals(order.hits, 1);
  assertEquals(trace.statistics(), { active: false, sent: 0, dropped: 100, queued: 0 });
  assertEquals(warnings, [
    'Messages of group "G" are not traced any more: no permission to send to RMQ_SYS_TRACE_TOPIC',
  ]);
  await stop();
});

Deno.test("what a broker does not store is dropped and counted, and the next flush goes on", async () => {
  const { cluster, trace, flush, stored, stop } = await scene();
  await flush();
  for (let at = 0; at < 100; at++) trace.begin(record(`ID${at}`), "T", 1);
  cluster.once("sendMessageV2", 2);
  await flush();
  assertEquals(trace.statistics(), { active: true, sent: 0, dropped: 64, queued: 36 });
  await flush();
  assertEquals(trace.statistics(), { active: true, sent: 36, dropped: 64, queued: 0 });
  assertEquals(stored().length, 1);
  await stop();
});

Deno.test("messages of the system, and those whose broker wants no trace, are not traced", async () => {
  const { trace, flush, stop } = await scene();
  await flush();
  assertEquals([trace.of(TRACE_TOPIC), trace.of("T")], [undefined, trace]);
  assertEquals(trace.begin(record("ID", { TRACE_ON: "false" }), "T", 1), "");
  assertEquals(trace.statistics().queued, 0);
  await stop();
});

Deno.test("a trace that is switched off asks nobody for anything", async () => {
  const { cluster, trace, flush, stop } = await scene({ enabled: false });
  const order = cluster.once("getRouteInfoByTopic", 1, { when: ({ topic }) => topic === TRACE_TOPIC });
  await flush();
  assertEquals([order.hits, trace.of("T"), trace.statistics().active], [0, undefined, false]);
  await stop();
});

Deno.test("a trace topic of one's own is used, and is itself not traced", async () => {
  const { cluster, trace, flush, stored, stop } = await scene({ traceTopic: "our-trace" });
  cluster.createTopic("our-trace", { queues: 1 });
  await flush();
  assertEquals([trace.of("our-trace"), trace.of(TRACE_TOPIC), trace.of("T")], [undefined, undefined, trace]);
  trace.begin(record("ID1"), "T", 1);
  await flush();
  assertEquals([stored().length, cluster.inspect.messages(TRACE_TOPIC).length], [1, 0]);
  await stop();
});
