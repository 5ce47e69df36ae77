/**
 * A consumer's inside without a network, for benchmarks: one pull with 256 messages of 1 KiB, a window to paste them onto, and
 * a listener that takes them.
 */
import type { ConsumerTracer } from "../src/core/tracer.ts";
import { Budget } from "../src/consumer/window/budget.ts";
import type { Delivery } from "../src/consumer/window/delivery.ts";
import type { Lane } from "../src/consumer/window/lane.ts";
import { ListenerPool } from "../src/consumer/taking/listener_pool.ts";
import type { MessageListener } from "../src/consumer/taking/listener.ts";
import { QueueWindow } from "../src/consumer/window/queue_window.ts";
import { newCounters } from "../src/consumer/statistics.ts";
import { scanRecords } from "../src/message/record_view.ts";
import { TraceOutcome } from "../src/telemetry/message_trace.ts";
import { systemClock as clock } from "../src/time/clock.ts";
import { encodeRecord } from "../src/wire/record.ts";

/** Messages of one pull. */
export const COUNT = 256;
/** Calls of an async listener that may be pending. */
export const SLOTS = 20;

const record = encodeRecord({
  queueId: 0,
  flag: 0,
  queueOffset: 0,
  physicalOffset: 123_456_789,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_000,
  bornHost: { host: "10.1.2.3", port: 50_000 },
  storeTimestamp: 1_700_000_000_001,
  storeHost: { host: "10.1.2.4", port: 10_911 },
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: new Uint8Array(1024).map((_, i) => i * 31),
  topic: "orders",
  properties: "UNIQ_KEY\u00017F00000100001234567812345678ABCD\u0002WAIT\u0001true\u0002TAGS\u0001paid\u0002",
});
/** The body of the answer to one pull. */
export const pull: Uint8Array = new Uint8Array(record.length * COUNT);
for (let i = 0; i < COUNT; i++) pull.set(record, i * record.length);

const never = (): Promise<boolean> => Promise.reject(new Error("nothing is sent back here"));

/** A window whose messages go where `onReady` takes them. */
export function newWindow(onReady: (lane: Lane) => void, tracer?: ConsumerTracer): QueueWindow {
  return new QueueWindow({
    queue: { topic: "orders", brokerName: "broker-a", queueId: 0 },
    generation: 1,
    isRetry: false,
    startOffset: 0,
    now: 0,
    settlement: { retry: never, deadLetter: never },
    budget: new Budget({ maxMessages: 50_000, maxBytes: 64 * 1024 * 1024 }),
    limits: { maxMessages: 1000, maxBytes: 32 * 1024 * 1024, maxWaiting: COUNT, maxSpan: 1e9 },
    listener: { onReady, onAck, onExtend: () => Promise.resolve(true), onLateSettlement: () => {} },
    tracer,
  });
}

function onAck(delivery: Delivery): void {
  delivery.outcome = TraceOutcome.SUCCESS;
  delivery.time(clock);
}

/** One pull's messages, pasted onto the window. */
export function paste(window: QueueWindow): void {
  const { records } = scanRecords(pull, { checkCrc: true });
  const received = window.tracer?.received({ queue: window.queue, askedAt: 0, messages: records });
  window.append(records, window.cursor + COUNT, pull.length, { received });
}

/** One run with a listener: resolves when the last message was handled. */
export function listening(
  makeListener: (handled: () => void) => MessageListener,
  tracer?: ConsumerTracer,
): () => Promise<void> {
  const pool = new ListenerPool({
    consumerGroup: "billing",
    clock,
    concurrency: { min: SLOTS, max: SLOTS },
    autoCommit: true,
    batchMaxSize: 1,
    counters: newCounters(),
    emit: () => {},
  });
  let left = 0;
  let finish = (): void => {};
  pool.register(undefined, makeListener(() => --left === 0 && finish()));
  const window = newWindow((lane) => pool.offer(lane), tracer);
  return () => {
    left = COUNT;
    paste(window);
    return new Promise((resolve) => finish = resolve);
  };
}
