import { assert, assertEquals } from "@std/assert";
import type { ConsumedMessage } from "../../../src/consumer/consumed_message.ts";
import type { ConsumerEvent } from "../../../src/consumer/events.ts";
import { ListenerPool } from "../../../src/consumer/listener_pool.ts";
import type { ConsumeContext, MessageListener } from "../../../src/consumer/listener.ts";
import { newCounters } from "../../../src/consumer/statistics.ts";
import { nextTurn } from "../../../src/time/turn.ts";
import { fakeRecords, fakeWindow } from "./fake_window.ts";

function scene(listener: MessageListener, options: { min?: number; max?: number; batch?: number } = {}) {
  const counters = newCounters();
  const events: ConsumerEvent[] = [];
  const pool = new ListenerPool({
    consumerGroup: "G",
    clock: { now: () => 5, sleep: () => Promise.resolve() },
    minConcurrency: options.min ?? 2,
    maxConcurrency: options.max ?? 4,
    batchMaxSize: options.batch ?? 1,
    counters,
    emit: (event) => events.push(event),
  });
  pool.register(undefined, listener);
  const open = (queueId = 0) => fakeWindow({ queueId, onReady: (lane) => pool.offer(lane) });
  return { pool, counters, events, open };
}

Deno.test("a synchronous listener handles all messages of a turn and acks each on return", async () => {
  const seen: number[] = [];
  const { open } = scene((message) => void seen.push(message.queueOffset));
  const { window } = open();
  window.append(fakeRecords(0, 5), 5, 500);
  assertEquals(seen, [], "nothing is handed out before the next pull could leave");
  await nextTurn();
  assertEquals(seen, [0, 1, 2, 3, 4]);
  assertEquals([window.commitOffset, window.out], [5, 0]);
});

Deno.test("no more calls are pending than there are slots, over all queues, taken in turn", async () => {
  const waiting: { message: ConsumedMessage; done: () => void }[] = [];
  const { open } = scene((message) => new Promise<void>((done) => waiting.push({ message, done })), {
    min: 3,
  });
  const a = open(0).window, b = open(1).window;
  a.append(fakeRecords(0, 4), 4, 400);
  b.append(fakeRecords(0, 4), 4, 400);
  await nextTurn();
  assertEquals(waiting.map(({ message }) => [message.queue.queueId, message.queueOffset]), [[0, 0], [1, 0], [
    0,
    1,
  ]]);
  waiting[1]!.done();
  await nextTurn();
  assertEquals(waiting.length, 4);
  assertEquals([waiting[3]!.message.queue.queueId, b.commitOffset, a.commitOffset], [1, 1, 0]);
  for (let i = 0; i < waiting.length; i++) {
    waiting[i]!.done();
    await nextTurn();
  }
  assertEquals([waiting.length, a.commitOffset, b.commitOffset], [8, 4, 4]);
});

Deno.test("a throw, a rejection and RECONSUME_LATER send the message back; the first of a run is told", async () => {
  const { open, counters, events } = scene((message) => {
    if (message.queueOffset === 0) throw new Error("sync");
    if (message.queueOffset === 1) return Promise.reject(new Error("async"));
    return message.queueOffset === 2 ? "RECONSUME_LATER" : undefined;
  });
  const { window, sentBack } = open();
  window.append(fakeRecords(0, 4), 4, 400);
  for (let i = 0; i < 4; i++) await nextTurn();
  assertEquals(sentBack.map(({ offset }) => offset).sort(), [0, 1, 2]);
  assertEquals([window.commitOffset, counters.handlerFailures], [4, 2]);
  assertEquals(events.map((event) => event.type), ["handlerFailed"]);
});

Deno.test("a batch's result concerns the messages that were not settled one by one", async () => {
  const sizes: number[] = [];
  const { open } = scene({
    consumeMessageConcurrently(messages: readonly ConsumedMessage[]) {
      sizes.push(messages.length);
      messages[0]!.ack();
      return "RECONSUME_LATER";
    },
  }, { batch: 3 });
  const { window, sentBack, seen } = open();
  window.append(fakeRecords(0, 4), 4, 400);
  for (let i = 0; i < 4; i++) await nextTurn();
  assertEquals(sizes, [3, 1]);
  assertEquals([seen.acks, sentBack.map(({ offset }) => offset)], [2, [1, 2]]);
});

Deno.test("delayLevelWhenNextConsume below zero goes to the dead letters", async () => {
  const { open } = scene((_message: ConsumedMessage, context: ConsumeContext) => {
    context.delayLevelWhenNextConsume = -1;
    return "RECONSUME_LATER" as const;
  });
  const { window, sentBack } = open();
  window.append(fakeRecords(0, 1), 1, 100);
  await nextTurn();
  assertEquals(sentBack, [{ offset: 0, how: "deadLetter" }]);
});

Deno.test("slots grow by two while all are taken and messages wait, up to the maximum, and shrink when idle", async () => {
  const done: (() => void)[] = [];
  const { pool, open } = scene(() => new Promise<void>((resolve) => done.push(resolve)), { min: 2, max: 5 });
  const { window } = open();
  window.append(fakeRecords(0, 10), 10, 1000);
  await nextTurn();
  assertEquals([pool.concurrency, done.length], [2, 2]);
  pool.adapt();
  assertEquals([pool.concurrency, done.length], [4, 4]);
  pool.adapt();
  assertEquals([pool.concurrency, done.length], [5, 5]);
  for (let i = 0; i < done.length; i++) {
    done[i]!();
    await nextTurn();
  }
  pool.adapt();
  pool.adapt();
  assertEquals(pool.concurrency, 2);
});

Deno.test("a stopped pool hands nothing out", async () => {
  let called = false;
  const { pool, open } = scene(() => void (called = true));
  pool.stop();
  open().window.append(fakeRecords(0, 1), 1, 100);
  await nextTurn();
  assert(!called);
});
