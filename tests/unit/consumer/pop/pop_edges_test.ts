/**
 * Where popping could go wrong: answers that come late, times that cannot be changed, clocks that differ, limits.
 */
import { assert, assertEquals } from "@std/assert";
import { NetworkError } from "../../../../src/core/errors.ts";
import type { RocketMQClient } from "../../../../src/client/client.ts";
import { HoldKeeper } from "../../../../src/consumer/pop/hold_keeper.ts";
import { Invisibility } from "../../../../src/consumer/pop/invisibility.ts";
import { receiptsOf } from "../../../../src/consumer/pop/popped_records.ts";
import type { PopReceipt } from "../../../../src/consumer/pop/receipt.ts";
import { newCounters } from "../../../../src/consumer/statistics.ts";
import { PopHandle } from "../../../../src/protocol/pop.ts";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";
import { fakeRecord, fakeWindow } from "../window/fake_window.ts";
import { fakeReceipt } from "./fake_receipt.ts";
import { scene } from "./pop_scene.ts";

/** Changes of invisibility whose calls are written down; `answer` is what comes of each. */
function changing(answer: () => Error | undefined | Promise<undefined> = () => undefined) {
  const clock = new ManualClock();
  const calls: { topic: string; offset: string; extraInfo: string; invisibleTime: number }[] = [];
  const client = {
    clock,
    async call(_broker: string, _operation: unknown, header: (typeof calls)[number]) {
      calls.push(header);
      await clock.sleep(10);
      const error = await answer();
      if (error) throw error;
      return { header: { popTime: clock.now(), invisibleTime: header.invisibleTime, reviveQid: 4 } };
    },
  } as unknown as RocketMQClient;
  const counters = newCounters();
  const invisibility = new Invisibility(client, "G", counters);
  return { clock, calls, client, counters, invisibility };
}

const LOST = new NetworkError("Cannot send: the line is dead");

Deno.test("a change names the topic that the message lies in, and makes the handle for the next", async () => {
  const { clock, calls, invisibility } = changing();
  const receipt = fakeReceipt(7, { from: 5, isRetry: true });
  const first = invisibility.change(receipt, 20_000);
  const second = invisibility.change(receipt, 30_000);
  await clock.runUntil(Promise.all([first, second]));
  assertEquals(calls.map(({ topic, offset }) => [topic, offset]), [["%RETRY%G_T", "7"], ["%RETRY%G_T", "7"]]);
  const [, next] = calls.map(({ extraInfo }) => new PopHandle(extraInfo));
  assertEquals([next!.checkpointOffset, next!.queueOffset, next!.reviveQueueId, next!.flag], [
    "7",
    "7",
    4,
    "1",
  ]);
  assertEquals(next!.invisibleTime, 20_000);
  assertEquals(new PopHandle(receipt.handle).invisibleTime, 30_000);
  assertEquals(receipt.pending, undefined);
});

Deno.test("a change that is not answered leaves the handle as it was, and the next goes on from there", async () => {
  let isAway = true;
  const { clock, calls, invisibility } = changing(() => isAway ? LOST : undefined);
  const receipt = fakeReceipt(7);
  const { handle } = receipt;
  const failed = invisibility.change(receipt, 20_000).then(() => "changed", () => "failed");
  assertEquals(await clock.runUntil(failed), "failed");
  assertEquals(receipt.handle, handle);
  isAway = false;
  await clock.runUntil(invisibility.change(receipt, 20_000));
  assertEquals(calls.map(({ extraInfo }) => extraInfo), [handle, handle]);
});

Deno.test("a handle is not changed in the millisecond in which it came", async () => {
  const { clock, calls, invisibility } = changing();
  const receipt = { ...fakeReceipt(7), since: clock.now() };
  const change = invisibility.change(receipt, 20_000);
  await clock.settle();
  assertEquals(calls.length, 0);
  await clock.runUntil(change);
  assertEquals(calls.length, 1);
});

/** A window of two popped messages of 10 s, the first of which is out. */
function holding(answer?: () => Error | undefined | Promise<undefined>, order = false) {
  const scene = changing(answer);
  const { window } = fakeWindow();
  const receipts = [fakeReceipt(0), fakeReceipt(1)];
  for (const receipt of receipts) receipt.visibleAt = scene.clock.now() + 10_000;
  window.append([fakeRecord(0), fakeRecord(1)], 0, 200, { receipts });
  const [lane] = window.lanes();
  const out = lane!.take(scene.clock.now())!;
  const keeper = new HoldKeeper({ ...scene, invisibleMs: 10_000, order });
  return { ...scene, window, out, keeper, receipts };
}

Deno.test("what is here is kept when half of its time is gone, not before", async () => {
  const { keeper, window, clock, calls, receipts } = holding();
  await clock.advance(4_000);
  keeper.keep([window]);
  await clock.settle();
  assertEquals(calls.length, 0);
  await clock.advance(1_000);
  const askedAt = clock.now();
  keeper.keep([window]);
  await clock.advance(20);
  assertEquals(calls.map(({ invisibleTime }) => invisibleTime), [10_000, 10_000]);
  assertEquals(receipts.map(({ visibleAt }) => visibleAt - askedAt), [10_000, 10_000]);
});

Deno.test("what cannot be kept is given up: what waits leaves, a handler at work is told", async () => {
  const { keeper, window, clock, counters, out } = holding(() => LOST);
  const { signal } = out;
  await clock.advance(8_000);
  keeper.keep([window]);
  await clock.settle();
  assertEquals([window.messages, signal.aborted], [1, false]);
  await clock.advance(2_000);
  keeper.keep([window]);
  await clock.settle();
  assertEquals([window.messages, signal.aborted, counters.expired], [1, true, 2]);
  keeper.keep([window]);
  await clock.settle();
  assertEquals(counters.expired, 2, "it is told once");
});

Deno.test("a handler whose message is out of time is told although the broker has not answered yet", async () => {
  const silent = Promise.withResolvers<undefined>();
  const { keeper, window, clock, out } = holding(() => silent.promise);
  const { signal } = out;
  await clock.advance(5_000);
  keeper.keep([window]);
  await clock.advance(5_000);
  keeper.keep([window]);
  assertEquals([window.messages, signal.aborted], [1, true]);
  silent.resolve(undefined);
  await clock.settle();
});

Deno.test("in order, what follows a message that is given up is given up with it, and others may have it at once", async () => {
  const { keeper, window, clock, calls, receipts, out } = holding(undefined, true);
  const { signal } = out;
  receipts[1]!.visibleAt += 60_000;
  await clock.advance(10_000);
  keeper.keep([window]);
  await clock.advance(20);
  assertEquals([window.messages, signal.aborted], [1, true]);
  assertEquals(calls.map(({ offset, invisibleTime }) => [offset, invisibleTime]), [["1", 0]]);
});

Deno.test("in order, what follows a settled message that no broker hears of is given up before others may have that", async () => {
  const { keeper, window, clock, out } = holding();
  const { signal } = out;
  const settled = { ...fakeReceipt(-1), visibleAt: clock.now() + 5_000 };
  const ofOthers = { ...settled, queue: { ...settled.queue, queueId: 1 } };
  await clock.advance(2_000);
  keeper.keepOrder(settled, [window]);
  assertEquals([window.messages, signal.aborted], [2, false]);
  await clock.advance(1_000);
  keeper.keepOrder(ofOthers, [window]);
  assertEquals([window.messages, signal.aborted], [2, false]);
  keeper.keepOrder(settled, [window]);
  assertEquals([window.messages, signal.aborted], [1, true]);
  await clock.advance(20);
});

Deno.test("what is let go of is seen again at once, and what is out stays", async () => {
  const { keeper, window, clock, calls } = holding();
  await clock.runUntil(keeper.release([window]));
  assertEquals(calls.map(({ offset, invisibleTime }) => [offset, invisibleTime]), [["1", 0]]);
  assertEquals([window.messages, window.out], [1, 1]);
});

Deno.test("a broker's clock that goes wrong does not make a hold seem longer than it is", () => {
  const visibleAt = (popTime: number): number => {
    const [receipt] = receiptsOf(
      { popTime, invisibleTime: 60_000, reviveQid: 1, startOffsetInfo: "0 0 5", msgOffsetInfo: "0 0 5" },
      [Object.assign(fakeRecord(5), { topic: "T", queueId: 0 })],
      { topic: "T", brokerName: "b", order: false, askedAt: 1_000, answeredAt: 9_000 },
    );
    return (receipt as PopReceipt).visibleAt;
  };
  assertEquals(visibleAt(8_500), 68_500, "within question and answer it is believed");
  assertEquals(visibleAt(500_000), 69_000, "a clock that is ahead");
  assertEquals(visibleAt(-500_000), 61_000, "a clock that is behind");
});

Deno.test("retries come from the second form of the retry topic too, to the taker of their topic", async () => {
  const t = await scene({ enableRetryTopicV2: true });
  await t.send(3);
  const came: string[] = [];
  const { consumer } = await t.join({
    listener: async (message) => {
      came.push(`${message.topic} ${message.text()} ${message.attempt}`);
      if (message.attempt < 3) await message.retry({ delayMs: 2_000 });
    },
  });
  await t.pass(300_000);
  assertEquals(came.length, 9);
  assertEquals(came.slice(6).toSorted(), ["T 0 3", "T 1 3", "T 2 3"]);
  assertEquals(consumer.statistics().ackFailures, 0);
  await t.stop();
});

Deno.test("a popped queue holds so many unsettled messages and no more", async () => {
  const t = await scene();
  await t.send(60);
  const { consumer } = await t.join({
    popBatchNums: 8,
    popThresholdForQueue: 16,
    consumeConcurrencyMin: 64,
    consumeConcurrencyMax: 64,
    listener: () => new Promise<void>(() => {}),
    shutdownTimeoutMs: 0,
  });
  await t.pass(10_000);
  assertEquals(consumer.statistics().cachedMessages, 16);
  await t.stop();
});

Deno.test("of a batch that asks for another delivery, what was acknowledged does not come again", async () => {
  const t = await scene();
  await t.send(4);
  const calls: string[][] = [];
  await t.join({
    consumeMessageBatchMaxSize: 4,
    listener: {
      consumeMessageConcurrently(messages) {
        calls.push(messages.map((message) => message.text()));
        if (calls.length > 1) return "CONSUME_SUCCESS";
        messages[0]!.ack();
        messages[1]!.ack();
        return "RECONSUME_LATER";
      },
    },
  });
  await t.pass(300_000);
  assertEquals(calls[0], ["0", "1", "2", "3"]);
  assertEquals(calls.slice(1).flat().toSorted(), ["2", "3"]);
  await t.stop();
});

Deno.test("messages of a pop that is answered when its queue is no longer popped go to others at once", async () => {
  const t = await scene();
  const late: string[] = [];
  const { consumer } = await t.join({
    popInvisibleTimeMs: 300_000,
    listener: (message) => void late.push(message.text()),
  });
  // the answer is held up until the queue has been given up
  t.cluster.once("popMessage", { delayMs: 3_000 });
  await t.pass(15_000);
  await t.send(5);
  await t.pass(100);
  consumer.unsubscribe("T");
  const seen: string[] = [];
  await t.pass(100);
  await t.join({ listener: (message) => void seen.push(message.text()) });
  await t.pass(10_000);
  assertEquals([...late, ...seen].toSorted(), ["0", "1", "2", "3", "4"]);
  await t.stop();
});

Deno.test("an ack that a broker has not answered is given again, so that nothing settled comes again", async () => {
  const t = await scene();
  await t.send(20);
  t.cluster.once("batchAckMessage", "disconnect");
  t.cluster.once("batchAckMessage", "dropReply");
  const seen: string[] = [];
  const { consumer, events } = await t.join({ listener: (message) => void seen.push(message.text()) });
  await t.pass(400_000);
  assertEquals(seen.length, 20);
  assertEquals(consumer.statistics().ackFailures, 0);
  assert(events.some(({ type }) => type === "ackFailed"));
  await t.stop();
});

Deno.test("a pop in order whose answer was lost is asked again under its name: its messages are not thought to be out", async () => {
  const t = await scene();
  await t.send(10);
  t.cluster.once("popMessage", "disconnectAfter");
  const seen: string[] = [];
  await t.join({
    ordering: "orderly",
    popInvisibleTimeMs: 300_000,
    listener: (message) => void seen.push(`${message.text()}:${message.attempt}`),
  });
  await t.pass(20_000);
  assertEquals(seen, Array.from({ length: 10 }, (_, at) => `${at}:1`));
  await t.stop();
});

Deno.test("what an ordered pop brings that was given up and asked again is not let go of while it is handled", async () => {
  const t = await scene();
  let refused = true;
  t.cluster.once(
    "popMessage",
    async (_, proceed) => refused ? { code: 1, remark: "not now" } : await proceed(),
    {
      times: Infinity,
    },
  );
  const seen: string[] = [];
  const { events } = await t.join({
    ordering: "orderly",
    listener: async (message) => {
      seen.push(`${message.text()}:${message.attempt}`);
      await t.clock.sleep(500);
    },
  });
  await t.pass(112_000);
  refused = false;
  await t.pass(15_000);
  assert(
    events.some(({ type }) => type === "stalled"),
    "the pop that waits at the broker is given up, and asked again",
  );
  await t.send(3); // both wait at the broker, under one name
  await t.pass(5_000);
  assertEquals(seen, ["0:1", "1:1", "2:1"]);
  await t.stop();
});
