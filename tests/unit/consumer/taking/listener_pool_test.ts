import { assert, assertEquals } from "@std/assert";
import type { ConsumedMessage } from "../../../../src/consumer/consumed_message.ts";
import type { ConsumerEvent } from "../../../../src/consumer/events.ts";
import { ListenerPool } from "../../../../src/consumer/taking/listener_pool.ts";
import type { ConsumeContext, MessageListener } from "../../../../src/consumer/taking/listener.ts";
import { RateLimit } from "../../../../src/consumer/taking/rate_limit.ts";
import { newCounters } from "../../../../src/consumer/statistics.ts";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";
import type { Clock } from "../../../../src/time/clock.ts";
import { nextTurn } from "../../../../src/time/turn.ts";
import { fakeRecords, fakeWindow } from "../window/fake_window.ts";

function scene(
  listener: MessageListener,
  options: {
    min?: number;
    max?: number;
    batch?: number;
    autoCommit?: boolean;
    rate?: RateLimit;
    clock?: Clock;
  } = {},
) {
  const counters = newCounters();
  const events: ConsumerEvent[] = [];
  const pool = new ListenerPool({
    consumerGroup: "G",
    clock: options.clock ?? { now: () => 5, sleep: () => Promise.resolve() },
    rate: options.rate,
    concurrency: { min: options.min ?? 2, max: options.max ?? 4 },
    autoCommit: options.autoCommit ?? true,
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

Deno.test("while more waits at the broker the next pull leaves before the hand-out, at a queue's end after it", async () => {
  const story: string[] = [];
  const { open } = scene((message) => void story.push(`handled ${message.queueOffset}`));
  const { window } = open();
  /** What a puller does with an answer: paste it on, and ask on its way back. */
  const answered = async (offset: number, maxOffset: number): Promise<void> => {
    window.maxOffset = maxOffset;
    await Promise.resolve().then(() => window.append(fakeRecords(offset, offset + 1), offset + 1, 100));
    story.push("asked");
  };
  await answered(0, 2);
  await nextTurn();
  await answered(1, 2);
  assertEquals(story, ["asked", "handled 0", "handled 1", "asked"]);
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

Deno.test("a batch that was handled is settled whole, whether the answer comes at once or later", async () => {
  for (const answer of ["CONSUME_SUCCESS" as const, Promise.resolve("CONSUME_SUCCESS" as const)]) {
    const { open } = scene({ consumeMessageConcurrently: () => answer }, { batch: 3 });
    const { window, seen } = open();
    window.append(fakeRecords(0, 3), 3, 300);
    for (let i = 0; i < 4; i++) await nextTurn();
    assertEquals([seen.acks, window.commitOffset], [3, 3]);
  }
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

Deno.test("slots open while all are taken, messages wait and calls end well, and close when they are not needed", async () => {
  const done: (() => void)[] = [];
  const { pool, open } = scene(() => new Promise<void>((resolve) => done.push(resolve)), { min: 2, max: 5 });
  const { window } = open();
  window.append(fakeRecords(0, 20), 20, 2000);
  await nextTurn();
  assertEquals([pool.concurrency, pool.pending], [2, 2]);
  for (let i = 0; i < 4; i++) {
    done[i]!();
    await nextTurn();
  }
  pool.adapt();
  assertEquals([pool.concurrency, pool.pending], [3, 3]);
  for (let i = 4; i < done.length; i++) {
    done[i]!();
    await nextTurn();
  }
  assertEquals([done.length, pool.pending], [20, 0]);
  for (let i = 0; i < 4; i++) pool.adapt();
  assertEquals(pool.concurrency, 2);
});

Deno.test("new bounds hold from now on, for messages that wait already too", async () => {
  const { pool, open } = scene(() => new Promise<void>(() => {}), { min: 2, max: 2 });
  const { window } = open();
  window.append(fakeRecords(0, 20), 20, 2000);
  await nextTurn();
  assertEquals(pool.pending, 2);
  pool.bounds = { min: 7, max: 9 };
  assertEquals([pool.concurrency, pool.pending], [7, 7]);
  pool.bounds = { min: 1, max: 1 };
  assertEquals([pool.concurrency, pool.pending], [1, 7]);
});

Deno.test("slots do not open for calls that fail", async () => {
  const { pool, open } = scene(() => Promise.reject(new Error("overloaded")), { min: 2, max: 9 });
  const { window } = open();
  for (let look = 0; look < 40; look++) {
    window.append(fakeRecords(look * 10, look * 10 + 10), look * 10 + 10, 1000);
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    pool.adapt();
    assert(pool.concurrency <= 4, `${pool.concurrency} at look ${look}`);
  }
});

Deno.test("with a rate limit a listener gets what the bucket holds, the rest as it fills", async () => {
  const clock = new ManualClock();
  const over = new AbortController();
  const rate = new RateLimit(20, clock, over.signal);
  let calls = 0;
  const { open } = scene(() => void calls++, { rate, clock });
  open().window.append(fakeRecords(0, 40), 40, 4000);
  await clock.settle();
  assertEquals(calls, 2, "a tenth of a second's worth");
  await clock.advance(1_000);
  assertEquals(calls, 22);
  await clock.advance(1_000);
  assertEquals(calls, 40);
  over.abort();
});

Deno.test("a batch counts in full against the rate limit", async () => {
  const clock = new ManualClock();
  const over = new AbortController();
  const rate = new RateLimit(10, clock, over.signal);
  const sizes: number[] = [];
  const listener = {
    consumeMessageConcurrently: (messages: readonly ConsumedMessage[]) => void sizes.push(messages.length),
  };
  const { open } = scene(listener, { rate, clock, batch: 10 });
  open().window.append(fakeRecords(0, 40), 40, 4000);
  await clock.settle();
  assertEquals(sizes, [10]);
  await clock.advance(900);
  assertEquals(sizes, [10]);
  await clock.advance(200);
  assertEquals(sizes, [10, 10]);
  over.abort();
});

Deno.test("a stopped pool hands nothing out", async () => {
  let called = false;
  const { pool, open } = scene(() => void (called = true));
  pool.stop();
  open().window.append(fakeRecords(0, 1), 1, 100);
  await nextTurn();
  assert(!called);
});

Deno.test("without autoCommit success settles nothing: the handler does, and a failure is sent back all the same", async () => {
  const { open } = scene((message) => {
    if (message.queueOffset === 1) message.ack();
    return message.queueOffset === 2 ? "RECONSUME_LATER" : "CONSUME_SUCCESS";
  }, { autoCommit: false });
  const { window, seen, sentBack } = open();
  window.append(fakeRecords(0, 4), 4, 400);
  for (let i = 0; i < 4; i++) await nextTurn();
  assertEquals([seen.acks, sentBack.map(({ offset }) => offset)], [1, [2]]);
  assertEquals([window.commitOffset, window.out], [0, 2]);
});

Deno.test("a handler's context has the queue, the attempt, a signal and the delay level of the next delivery", async () => {
  const contexts: ConsumeContext[] = [];
  const { open } = scene((_message, context) => {
    contexts.push(context);
    return new Promise(() => {});
  });
  const { window } = open(3);
  window.append(fakeRecords(0, 1), 1, 100);
  await nextTurn();
  const [context] = contexts;
  assertEquals([context!.consumerGroup, context!.queue.queueId, context!.attempt], ["G", 3, 1]);
  assertEquals(context!.delayLevelWhenNextConsume, 0);
  assertEquals(context!.signal.aborted, false);
  window.drop(new Error("the queue is lost"));
  assertEquals(context!.signal.reason, new Error("the queue is lost"));
});
