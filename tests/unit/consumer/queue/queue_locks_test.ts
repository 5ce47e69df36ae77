import { assertEquals } from "@std/assert";
import type { RocketMQClient } from "../../../../src/client/client.ts";
import { Departures } from "../../../../src/consumer/queue/departures.ts";
import type { Delivery } from "../../../../src/consumer/window/delivery.ts";
import type { Lane } from "../../../../src/consumer/window/lane.ts";
import { LOCK_LIVE_MS, QueueLocks } from "../../../../src/consumer/queue/queue_locks.ts";
import { MemoryOffsetStore } from "../../../../src/offsets/memory.ts";
import { lockBatch, lockBatchResult } from "../../../../src/protocol/bodies.ts";
import type { MessageQueue } from "../../../../src/protocol/message_queue.ts";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";
import { nextTurn } from "../../../../src/time/turn.ts";
import { fakeRecords, fakeWindow } from "../window/fake_window.ts";

const queue = (brokerName: string, queueId: number): MessageQueue => ({ topic: "T", brokerName, queueId });

/** A client whose brokers grant what `grants` says; a broker that throws is away. Every call is written down, and takes `answerMs`. */
function lockClient(grants: (brokerName: string, queueId: number) => boolean, answerMs = 0) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const call = (broker: string, { name }: { name: string }, _: unknown, options: { body: Uint8Array }) => {
    const { mqSet, clientId, consumerGroup } = lockBatch.read(options.body);
    asked.push(`${name} ${broker} ${mqSet.map(({ queueId }) => queueId)} ${clientId} ${consumerGroup}`);
    const lockOKMQSet = mqSet.filter(({ brokerName, queueId }) => grants(brokerName, queueId));
    return { body: lockBatchResult.write({ lockOKMQSet }) };
  };
  const client = {
    clientId: "me",
    clock,
    call: async (...args: Parameters<typeof call>) => {
      if (answerMs > 0) await clock.sleep(answerMs);
      return call(...args);
    },
  } as unknown as RocketMQClient;
  return { client, clock, asked, locks: new QueueLocks(client, "G") };
}

Deno.test("each broker is asked once for its queues, and a lock counts from the asking", async () => {
  const { locks, clock, asked } = lockClient((_, queueId) => queueId !== 1, 3_000);
  const until = clock.now() + LOCK_LIVE_MS;
  const answers = await clock.runUntil(locks.acquire([queue("a", 0), queue("b", 0), queue("a", 1)]));
  assertEquals(answers.map(({ state }) => state), ["held", "held", "refused"]);
  assertEquals(answers[0]!.until, until);
  assertEquals(asked, ["LOCK_BATCH_MQ a 0,1 me G", "LOCK_BATCH_MQ b 0 me G"]);
});

Deno.test("a broker that does not answer neither grants nor refuses", async () => {
  const { locks } = lockClient((brokerName) => {
    if (brokerName === "away") throw new Error("no route to host");
    return true;
  });
  const answers = await locks.acquire([queue("away", 0), queue("a", 0)]);
  assertEquals(answers.map(({ state }) => state), ["unknown", "held"]);
  await locks.release([queue("away", 0)]);
});

/** A window of two messages, the first of which is out by a call of a listener, on its way to another member. */
async function departing() {
  const { client, clock, asked, locks } = lockClient(() => true);
  const stored = new Map<string, number>();
  const gone: string[] = [];
  const departures = new Departures({
    storesProgress: true,
    clock,
    store: new MemoryOffsetStore(stored),
    locks,
    emit: () => {},
    onGone: () => gone.push("gone"),
  });
  let lane!: Lane;
  const { window } = fakeWindow({
    order: { lockedUntil: Infinity },
    onReady: (ready) => lane = ready,
  });
  window.append(fakeRecords(0, 2), 2, 200);
  const out: Delivery = lane.take(0)!;
  window.enter(lane);
  const { signal } = out;
  departures.leave(window, new Error("moved"), () => Promise.resolve());
  await nextTurn();
  return { client, clock, asked, stored, gone, departures, window, lane, out, signal };
}

Deno.test("a lost queue is unlocked when its running handler is done, with its progress stored before", async () => {
  const { asked, stored, gone, departures, window, lane, out, signal } = await departing();
  assertEquals([asked, departures.has("T-b-0") || departures.outstanding > 0], [[], true]);
  out.ack();
  window.leave(lane);
  await nextTurn();
  assertEquals([[...stored.values()], asked, gone, signal.aborted], [
    [1],
    ["UNLOCK_BATCH_MQ b 0 me G"],
    ["gone"],
    false,
  ]);
});

Deno.test("a handler that goes on is told after half a second, and given up after twenty more", async () => {
  const { asked, stored, clock, signal, out } = await departing();
  await clock.advance(499);
  assertEquals(signal.aborted, false);
  await clock.advance(1);
  assertEquals([signal.aborted, asked], [true, []]);
  await clock.advance(20_000);
  assertEquals([asked, [...stored.values()]], [["UNLOCK_BATCH_MQ b 0 me G"], [0]]);
  out.ack();
  assertEquals(out.state, "stale");
});

Deno.test("a shutdown does not wait for the handlers of lost queues any longer", async () => {
  const { departures, asked } = await departing();
  await departures.finish();
  assertEquals(asked, ["UNLOCK_BATCH_MQ b 0 me G"]);
});

Deno.test("a queue whose lock is another's commits nothing, and is gone when its handler has returned", async () => {
  const { clock, asked, locks } = lockClient(() => true);
  const stored = new Map<string, number>();
  const gone: string[] = [];
  const departures = new Departures({
    storesProgress: true,
    clock,
    store: new MemoryOffsetStore(stored),
    locks,
    emit: () => {},
    onGone: () => gone.push("gone"),
  });
  let lane!: Lane;
  const { window } = fakeWindow({ order: { lockedUntil: Infinity }, onReady: (ready) => lane = ready });
  window.append(fakeRecords(0, 2), 2, 200);
  const out = lane.take(0)!;
  window.enter(lane);
  out.ack();
  departures.forsake(window, new Error("lost"));
  await nextTurn();
  assertEquals(gone, []);
  window.leave(lane);
  await nextTurn();
  assertEquals([gone, asked, stored.size], [["gone"], [], 0]);
});
