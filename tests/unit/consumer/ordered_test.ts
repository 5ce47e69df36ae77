import { assert, assertEquals } from "@std/assert";
import type { ConsumerEvent } from "../../../src/consumer/events.ts";
import { LaneRing } from "../../../src/consumer/taking/lane_ring.ts";
import type { Lane } from "../../../src/consumer/window/lane.ts";
import { ListenerPool } from "../../../src/consumer/taking/listener_pool.ts";
import type { MessageListener } from "../../../src/consumer/taking/listener.ts";
import { LocalSettlement } from "../../../src/consumer/settlement/local_settlement.ts";
import { clampSuspend, OrderedCalls } from "../../../src/consumer/taking/ordered_calls.ts";
import { newCounters } from "../../../src/consumer/statistics.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { nextTurn } from "../../../src/time/turn.ts";
import { fakeRecord, fakeRecords, fakeWindow } from "./window/fake_window.ts";

const ORDERLY = { lockedUntil: Infinity };
const BY_KEY = {
  lockedUntil: Infinity,
  keyOf: (m: { properties: Record<string, string> }) => m.properties["k"]!,
};

/** Records of the offsets from 0 whose keys are the letters of `keys`. */
const keyed = (keys: string) => [...keys].map((k, at) => fakeRecord(at, { k }));

/** A window whose lanes are in a ring, taken from by hand. */
function byHand(order: { lockedUntil: number }) {
  const ring = new LaneRing();
  const scene = fakeWindow({ order, onReady: (lane) => ring.add(lane) });
  return { ...scene, ring, take: (now = 0) => ring.next(now), run: (max: number) => ring.nextRun(max, 0) };
}

/** An ordered pool over a window, with a clock to advance. */
function scene(listener: MessageListener, options: {
  max?: number;
  batch?: number;
  autoCommit?: boolean;
  giveUp?: () => Promise<void>;
  byKey?: boolean;
} = {}) {
  const clock = new ManualClock();
  const counters = newCounters();
  const events: ConsumerEvent[] = [];
  const given: number[] = [];
  const emit = (event: ConsumerEvent) => void events.push(event);
  const settlement = new LocalSettlement({
    clock,
    maxReconsumeTimes: options.max ?? Infinity,
    suspendMs: 1_000,
    giveUp: options.giveUp ?? (({ queueOffset }) => Promise.resolve(void given.push(queueOffset))),
    counters,
    emit,
  });
  const pool = new ListenerPool({
    consumerGroup: "G",
    clock,
    concurrency: { min: 4, max: 4 },
    batchMaxSize: options.batch ?? 1,
    ordered: new OrderedCalls(settlement, 1_000),
    autoCommit: options.autoCommit ?? true,
    counters,
    emit,
  });
  pool.register(undefined, listener);
  const order = options.byKey ? BY_KEY : ORDERLY;
  const { window, seen } = fakeWindow({ order, settlement, onReady: (lane: Lane) => pool.offer(lane) });
  const advance = async (ms: number) => {
    await clock.advance(ms);
    await nextTurn();
  };
  return { clock, counters, events, given, window, seen, advance };
}

Deno.test("an ordered window hands out one message, and the next when that is settled", () => {
  const { window, take } = byHand(ORDERLY);
  window.append(fakeRecords(0, 3), 3, 300);
  const first = take()!;
  assertEquals([first.queueOffset, take()], [0, undefined]);
  first.ack();
  assertEquals(take()?.queueOffset, 1);
});

Deno.test("a run of an ordered window is out as a whole, and the next follows when its last is settled", () => {
  const { window, run } = byHand(ORDERLY);
  window.append(fakeRecords(0, 5), 5, 500);
  const first = run(3);
  assertEquals(first.map(({ queueOffset }) => queueOffset), [0, 1, 2]);
  first[0]!.ack();
  first[2]!.ack();
  assertEquals([run(3), window.commitOffset], [[], 1]);
  first[1]!.ack();
  assertEquals(run(3).map(({ queueOffset }) => queueOffset), [3, 4]);
});

Deno.test("a message given back by its loop comes first again in its line", () => {
  const { window, take } = byHand(ORDERLY);
  window.append(fakeRecords(0, 2), 2, 200);
  window.giveBack(take()!);
  const again = take()!;
  assertEquals([again.queueOffset, again.attempt, take()], [0, 1, undefined]);
});

Deno.test("by key, one message of each key is out, and the lowest unsettled is committed", () => {
  const { window, take } = byHand(BY_KEY);
  window.append(keyed("abacab"), 6, 600);
  const out = [take()!, take()!, take()!];
  assertEquals(out.map(({ queueOffset }) => queueOffset), [0, 1, 3]);
  assertEquals(take(), undefined);
  out[1]!.ack();
  const b = take()!;
  assertEquals([b.queueOffset, window.commitOffset], [5, 0]);
  b.ack();
  out[2]!.ack();
  out[0]!.ack();
  assertEquals([take()!.queueOffset, window.commitOffset], [2, 2]);
});

Deno.test("by key, messages that wait behind a key at work do not stop the pulls for other keys", () => {
  const limits = { maxMessages: 1000, maxBytes: 1_000_000, maxWaiting: 2, maxSpan: 2000 };
  const [keys, whole] = [BY_KEY, ORDERLY].map((order) => fakeWindow({ order, limits }).window);
  for (const window of [keys!, whole!]) window.append(keyed("aaaaaa"), 6, 600);
  assertEquals([keys!.hasRoom, whole!.hasRoom], [true, false]);
});

Deno.test("the lines of keys that are done with are forgotten", () => {
  const { window, take } = byHand(BY_KEY);
  window.append(keyed("abcdefgh"), 8, 800);
  for (let next = take(); next; next = take()) next.ack();
  assertEquals([...window.lanes()].filter(({ key }) => key !== undefined), []);
});

Deno.test("nothing is handed out once the lock has run out, and all goes on when it is renewed in time", () => {
  const { window, take } = byHand({ lockedUntil: 100 });
  window.append(fakeRecords(0, 3), 3, 300);
  take(99)!.ack();
  assertEquals([take(100), window.isOpen, window.hasRoom], [undefined, false, false]);
  window.lock(200);
  assertEquals([take(150)?.queueOffset, window.hasRoom], [1, true]);
});

Deno.test("a closed window hands out nothing, even when its lock is renewed, and says when it is idle", async () => {
  const { window, take } = byHand(ORDERLY);
  window.append(fakeRecords(0, 2), 2, 200);
  const out = take()!;
  window.close(new Error("moved"));
  window.lock(1_000);
  let idle = false;
  const waiting = window.idle().then(() => idle = true);
  await nextTurn();
  assertEquals([idle, take()], [false, undefined]);
  out.ack();
  await waiting;
  assertEquals([window.commitOffset, take()], [1, undefined]);
});

Deno.test("by key, a closed window still hands out what lies below the highest settled message, and then is idle", async () => {
  const { window, take } = byHand(BY_KEY);
  window.append(keyed("aabbcaa"), 7, 700);
  const [a, , c] = [take()!, take()!, take()!];
  c.ack();
  window.close(new Error("moved"), { fillHoles: true });
  let idle = false;
  const waiting = window.idle().then(() => idle = true);
  a.ack();
  assertEquals([take()!, take()].map((each) => each?.queueOffset), [1, undefined], "b0 is out, a is at work");
  for (const out of [...window.outSince(Infinity)]) out.ack();
  await nextTurn();
  assertEquals([idle, take()?.queueOffset], [false, 3]);
  for (const out of [...window.outSince(Infinity)]) out.ack();
  await waiting;
  assertEquals([window.commitOffset, window.messages, take()], [5, 2, undefined]);
});

Deno.test("by key, a hole whose message fails while the window closes is left to the next owner", async () => {
  const calls: number[] = [];
  const gate = Promise.withResolvers<void>();
  const { window } = scene(async ({ queueOffset }) => {
    calls.push(queueOffset);
    if (queueOffset === 0) await gate.promise;
    if (queueOffset === 1) throw new Error("not here");
  }, { byKey: true });
  window.append(keyed("aaab"), 4, 400);
  await nextTurn();
  assertEquals(calls, [0, 3]);
  window.close(new Error("moved"), { fillHoles: true });
  gate.resolve();
  await window.idle();
  assertEquals([calls, window.commitOffset], [[0, 3, 1], 1]);
});

Deno.test("holes are not handed out once the lock has run out", async () => {
  const { window, take } = byHand({ ...BY_KEY, lockedUntil: 100 });
  window.append(keyed("aab"), 3, 300);
  const [a, b] = [take()!, take()!];
  b.ack();
  a.ack();
  window.close(new Error("moved"), { fillHoles: true });
  assertEquals(take(100), undefined);
  await window.idle();
  assertEquals(window.commitOffset, 1);
});

Deno.test("a throw holds the queue up: the same message again after the rest, one attempt further", async () => {
  const calls: string[] = [];
  const { window, advance, counters, events } = scene((message) => {
    calls.push(`${message.queueOffset}/${message.attempt}`);
    if (message.queueOffset === 1 && message.attempt < 3) throw new Error("not yet");
  });
  window.append(fakeRecords(0, 3), 3, 300);
  await nextTurn();
  assertEquals(calls, ["0/1", "1/1"]);
  await advance(999);
  assertEquals(calls.length, 2);
  await advance(1);
  assertEquals(calls, ["0/1", "1/1", "1/2"]);
  await advance(1_000);
  assertEquals(calls, ["0/1", "1/1", "1/2", "1/3", "2/1"]);
  assertEquals([window.commitOffset, counters.retriedLocally, counters.handlerFailures], [3, 2, 2]);
  assertEquals(events.map(({ type }) => type), ["handlerFailed"]);
});

Deno.test("by key, a failure holds up its key only", async () => {
  const calls: number[] = [];
  const { window, advance } = scene((message) => {
    calls.push(message.queueOffset);
    return message.queueOffset === 0 && message.attempt === 1 ? "SUSPEND_CURRENT_QUEUE_A_MOMENT" : "SUCCESS";
  }, { byKey: true });
  window.append(keyed("abab"), 4, 400);
  await nextTurn();
  assertEquals([calls, window.commitOffset], [[0, 1, 3], 0]);
  await advance(1_000);
  assertEquals([calls, window.commitOffset], [[0, 1, 3, 0, 2], 4]);
});

Deno.test("the context sets the rest, within 10 ms and 30 s", async () => {
  assertEquals([1, 10, 500, 30_000, 90_000].map(clampSuspend), [10, 10, 500, 30_000, 30_000]);
  const calls: number[] = [];
  const { window, advance } = scene({
    consumeMessageOrderly([message], context) {
      calls.push(message!.attempt);
      context.suspendCurrentQueueTimeMs = 3;
      return message!.attempt === 1 ? "SUSPEND_CURRENT_QUEUE_A_MOMENT" : "SUCCESS";
    },
  });
  window.append(fakeRecords(0, 1), 1, 100);
  await nextTurn();
  await advance(9);
  assertEquals(calls, [1]);
  await advance(1);
  assertEquals(calls, [1, 2]);
});

Deno.test("after maxReconsumeTimes a message is given up, and only then the queue goes on", async () => {
  const calls: string[] = [];
  const { window, advance, given } = scene((message) => {
    calls.push(`${message.queueOffset}/${message.attempt}`);
    if (message.queueOffset === 0) throw new Error("never");
  }, { max: 1 });
  window.append(fakeRecords(0, 2), 2, 200);
  await nextTurn();
  assertEquals(given, []);
  await advance(1_000);
  assertEquals([calls, given, window.commitOffset], [["0/1", "0/2", "1/1"], [0], 2]);
});

Deno.test("a message that could not be given up stays, and comes again after five seconds", async () => {
  let reachable = false;
  const { window, advance, counters, events } = scene(() => "SUSPEND_CURRENT_QUEUE_A_MOMENT", {
    max: 0,
    giveUp: () => reachable ? Promise.resolve() : Promise.reject(new Error("no broker")),
  });
  window.append(fakeRecords(0, 1), 1, 100);
  await nextTurn();
  assertEquals([window.commitOffset, counters.sendBackFailures, events[0]?.type], [0, 1, "sendBackFailed"]);
  reachable = true;
  await advance(5_000);
  assertEquals(window.commitOffset, 1);
});

Deno.test("the next message waits for the call that asked for the last one's redelivery itself", async () => {
  const gates: (() => void)[] = [];
  const calls: number[] = [];
  const { window, advance } = scene((message) => {
    calls.push(message.attempt);
    if (message.attempt === 1) void message.retry({ delayMs: 10 });
    return new Promise<void>((resolve) => gates.push(resolve));
  });
  window.append(fakeRecords(0, 1), 1, 100);
  await nextTurn();
  await advance(10);
  assertEquals(calls, [1], "the first call has not returned");
  gates[0]!();
  await nextTurn();
  assertEquals([calls, window.commitOffset], [[1, 2], 0]);
  gates[1]!();
  await nextTurn();
  assertEquals(window.commitOffset, 1);
});

Deno.test("what a former handler says of a redelivered message comes too late", async () => {
  const messages: { ack(): void; settled: boolean }[] = [];
  const { window, advance, seen } = scene((message) => {
    messages.push(message);
    return message.attempt === 1 ? "RECONSUME_LATER" : new Promise(() => {});
  });
  window.append(fakeRecords(0, 1), 1, 100);
  await nextTurn();
  await advance(1_000);
  messages[0]!.ack();
  assertEquals([messages.length, seen.late, window.commitOffset], [2, 1, 0]);
  assert(messages[0]!.settled && !messages[1]!.settled);
});

Deno.test("without autoCommit: set aside until COMMIT, and all of it again after ROLLBACK, no attempt counted", async () => {
  const calls: string[] = [];
  const answers = ["SUCCESS", "ROLLBACK", "SUCCESS", "COMMIT", "SUCCESS"] as const;
  const { window, advance } = scene({
    consumeMessageOrderly([message]) {
      calls.push(`${message!.queueOffset}/${message!.attempt}`);
      return answers[calls.length - 1]!;
    },
  }, { autoCommit: false });
  window.append(fakeRecords(0, 3), 3, 300);
  await nextTurn();
  assertEquals([calls, window.commitOffset], [["0/1", "1/1"], 0]);
  await advance(1_000);
  assertEquals([calls, window.commitOffset], [["0/1", "1/1", "0/1", "1/1", "2/1"], 2]);
  assertEquals(window.out, 0, "what is set aside does not hold up a shutdown");
});

Deno.test("a queue that closes does not wait out the rest of a failed message", async () => {
  const { window } = scene(() => "SUSPEND_CURRENT_QUEUE_A_MOMENT");
  window.append(fakeRecords(0, 2), 2, 200);
  await nextTurn();
  assertEquals(window.out, 1);
  window.close(new Error("moved"));
  await window.idle();
  assertEquals([window.out, window.commitOffset], [0, 0]);
});

Deno.test("a listener object gets runs of up to the batch size", async () => {
  const runs: number[][] = [];
  const { window } = scene({
    consumeMessageOrderly(messages) {
      runs.push(messages.map(({ queueOffset }) => queueOffset));
    },
  }, { batch: 3 });
  window.append(fakeRecords(0, 7), 7, 700);
  await nextTurn();
  assertEquals(runs, [[0, 1, 2], [3, 4, 5], [6]]);
  assertEquals(window.commitOffset, 7);
});
