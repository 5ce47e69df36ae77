/**
 * What handing messages out costs, without a network: one run scans the body of one pull with 256 messages of 1 KiB, pastes them
 * onto a window, hands every one of them to its taker, who reads the body's length, and settles it. Divide by `COUNT`.
 *
 *     deno bench -A --no-check bench/dispatch_bench.ts
 *
 * Deno awaits what is declared `async` and nothing else: a plain function that gives a promise would be timed until it returns.
 */
import { Budget } from "../src/consumer/budget.ts";
import type { Lane } from "../src/consumer/lane.ts";
import { ListenerPool } from "../src/consumer/listener_pool.ts";
import type { MessageListener } from "../src/consumer/listener.ts";
import { MessageStream } from "../src/consumer/message_stream.ts";
import { QueueWindow } from "../src/consumer/queue_window.ts";
import { newCounters } from "../src/consumer/statistics.ts";
import { type ItemShape, runShape, singleShape, StreamSource } from "../src/consumer/stream_source.ts";
import { scanRecords } from "../src/message/record_view.ts";
import { systemClock as clock } from "../src/time/clock.ts";
import { encodeRecord } from "../src/wire/record.ts";

const COUNT = 256;
const SLOTS = 20;

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
const pull = new Uint8Array(record.length * COUNT);
for (let i = 0; i < COUNT; i++) pull.set(record, i * record.length);

const never = (): Promise<boolean> => Promise.reject(new Error("nothing is sent back here"));

/** A window whose messages go where `onReady` takes them. */
function newWindow(onReady: (lane: Lane) => void): QueueWindow {
  return new QueueWindow({
    queue: { topic: "orders", brokerName: "broker-a", queueId: 0 },
    generation: 1,
    isRetry: false,
    startOffset: 0,
    now: 0,
    settlement: { retry: never, deadLetter: never },
    budget: new Budget({ maxMessages: 50_000, maxBytes: 64 * 1024 * 1024 }),
    limits: { maxMessages: 1000, maxBytes: 32 * 1024 * 1024, maxWaiting: COUNT, maxSpan: 1e9 },
    listener: { onReady, onAck: () => {}, onExtend: () => Promise.resolve(true), onLateSettlement: () => {} },
  });
}

/** One pull's messages, pasted onto the window. */
function paste(window: QueueWindow): void {
  const { records } = scanRecords(pull, { checkCrc: true });
  window.append(records, window.cursor + COUNT, pull.length);
}

/** One run with a listener: resolves when the last message was handled. */
function listening(makeListener: (handled: () => void) => MessageListener): () => Promise<void> {
  const pool = new ListenerPool({
    consumerGroup: "billing",
    clock,
    concurrency: { min: SLOTS, max: SLOTS },
    batchMaxSize: 1,
    counters: newCounters(),
    emit: () => {},
  });
  let left = 0;
  let finish = (): void => {};
  pool.register(undefined, makeListener(() => --left === 0 && finish()));
  const window = newWindow((lane) => pool.offer(lane));
  return () => {
    left = COUNT;
    paste(window);
    return new Promise((resolve) => finish = resolve);
  };
}

/** One run with a loop over a stream that stays open. */
function looping<T>(shape: ItemShape<T>, count: (item: T) => number): () => Promise<void> {
  const source = new StreamSource<T>({ topic: undefined, shape, clock, onEnd: () => {} });
  const window = newWindow((lane) => source.offer(lane));
  const iterator = new MessageStream(source, "auto", () => {})[Symbol.asyncIterator]();
  return async () => {
    paste(window);
    for (let left = COUNT; left > 0;) {
      const { value, done } = await iterator.next();
      if (done) throw new Error("the stream has ended");
      left -= count(value);
    }
  };
}

let bytes = 0;

Deno.bench(`${COUNT} messages: scan alone`, { baseline: true }, () => {
  for (const { body } of scanRecords(pull, { checkCrc: true }).records) bytes += body.length;
});

const synchronous = listening((handled) => ({ body }) => {
  bytes += body.length;
  handled();
});
Deno.bench(`${COUNT} messages: to a listener`, async () => await synchronous());

const asynchronous = listening((handled) => async ({ body }) => {
  bytes += body.length;
  await undefined;
  handled();
});
Deno.bench(`${COUNT} messages: to an async listener, ${SLOTS} slots`, async () => await asynchronous());

const single = looping(singleShape, ({ body }) => {
  bytes += body.length;
  return 1;
});
Deno.bench(`${COUNT} messages: to a for-await loop`, async () => await single());

const runs = looping(runShape(32), (batch) => {
  for (const { body } of batch) bytes += body.length;
  return batch.length;
});
Deno.bench(`${COUNT} messages: to a loop over batches of 32`, async () => await runs());
