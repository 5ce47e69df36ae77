import { assert, assertEquals } from "@std/assert";
import { seededRandom, shuffled } from "../../../../src/core/random.ts";
import { Budget } from "../../../../src/consumer/window/budget.ts";
import type { Delivery } from "../../../../src/consumer/window/delivery.ts";
import { fakeRecord, fakeRecords, fakeWindow } from "./fake_window.ts";

function takeAll(window: ReturnType<typeof fakeWindow>["window"], topic = "T"): Delivery[] {
  const out: Delivery[] = [];
  for (let next = window.lane(topic).take(1); next; next = window.lane(topic).take(1)) out.push(next);
  return out;
}

Deno.test("a window commits its start offset before anything was pulled", () => {
  assertEquals(fakeWindow({ start: 42 }).window.commitOffset, 42);
});

Deno.test("a window commits the lowest unsettled offset, and the cursor when all is settled", () => {
  const { window } = fakeWindow({ start: 10 });
  window.append(fakeRecords(10, 13), 15, 300);
  const [a, b, c] = takeAll(window) as [Delivery, Delivery, Delivery];
  assertEquals(window.commitOffset, 10);
  c.ack();
  assertEquals(window.commitOffset, 10);
  a.ack();
  assertEquals(window.commitOffset, 11);
  b.ack();
  assertEquals(window.commitOffset, 15);
});

Deno.test("the commit offset never passes an unsettled message, whatever the order of completion", () => {
  const random = seededRandom(7);
  for (let round = 0; round < 200; round++) {
    const { window, budget } = fakeWindow();
    const pending: Delivery[] = [];
    let cursor = 0;
    const unsettled = new Set<number>();
    for (let step = 0; step < 60; step++) {
      if (random.next() < 0.3) {
        const count = random.int(40);
        window.append(fakeRecords(cursor, cursor + count), cursor + count, count * 100);
        for (let i = cursor; i < cursor + count; i++) unsettled.add(i);
        cursor += count;
        pending.push(...takeAll(window));
      }
      for (const delivery of shuffled(pending, random).slice(0, random.int(20))) {
        pending.splice(pending.indexOf(delivery), 1);
        if (random.next() < 0.2) {
          window.giveBack(delivery);
          continue;
        }
        delivery.ack();
        unsettled.delete(delivery.queueOffset);
      }
      pending.push(...takeAll(window));
      assertEquals(window.commitOffset, unsettled.size === 0 ? cursor : Math.min(...unsettled));
      assertEquals(window.messages, unsettled.size);
      assertEquals(budget.messages, unsettled.size);
    }
    for (const delivery of pending) delivery.ack();
    assertEquals([budget.messages, budget.bytes, window.out], [0, 0, 0]);
  }
});

Deno.test("the first settlement wins, and later ones are counted", () => {
  const { window, seen } = fakeWindow();
  window.append(fakeRecords(0, 1), 1, 100);
  const [message] = takeAll(window) as [Delivery];
  message.ack();
  message.ack();
  assertEquals([seen, window.out], [{ acks: 1, late: 1 }, 0]);
});

Deno.test("a message that is on its way back to its broker is not acknowledged any more", () => {
  const { window, ready, seen } = fakeWindow();
  window.append(fakeRecords(0, 1), 1, 100);
  const delivery = ready[0]!.take(1)!;
  assertEquals(window.beginSettling(delivery), true);
  delivery.ack();
  assertEquals([seen.acks, seen.late, window.commitOffset], [0, 1, 0]);
});

Deno.test("the time of a message counts from its hand-out, not from its pull", () => {
  const { window } = fakeWindow();
  window.append(fakeRecords(0, 2), 2, 200);
  const lane = window.lane("T");
  const first = lane.take(1_000)!, second = lane.take(60_000)!;
  assertEquals([first.handedOutAt, second.handedOutAt], [1_000, 60_000]);
  assertEquals([...window.outSince(30_000)], [first]);
});

Deno.test("a message given back comes first again, before those that were never handed out", () => {
  const { window } = fakeWindow();
  window.append(fakeRecords(0, 4), 4, 400);
  const lane = window.lane("T");
  const first = lane.take(1)!, second = lane.take(1)!;
  window.giveBack(second);
  window.giveBack(first);
  assertEquals(takeAll(window).map((each) => each.queueOffset), [0, 1, 2, 3]);
});

Deno.test("a message settled after it was given back is not handed out again", () => {
  const { window } = fakeWindow();
  window.append(fakeRecords(0, 2), 2, 200);
  const first = window.lane("T").take(1)!;
  window.giveBack(first);
  first.ack();
  assertEquals(takeAll(window).map((each) => each.queueOffset), [1]);
  assertEquals(window.commitOffset, 1);
});

Deno.test("a dropped window takes no settlement, fires the signals of what is out and frees the budget", () => {
  const { window, budget, seen } = fakeWindow();
  window.append(fakeRecords(0, 3), 3, 5000);
  const message = window.lane("T").take(1)!;
  const signal = message.signal;
  window.drop(new Error("lost"));
  assert(signal.aborted);
  message.ack();
  assertEquals([seen.acks, seen.late], [0, 1]);
  assertEquals([budget.messages, budget.bytes, window.out], [0, 0, 0]);
  assertEquals(window.lane("T").take(1), undefined);
});

Deno.test("a signal asked for after the queue was lost is aborted already", () => {
  const { window } = fakeWindow();
  window.append(fakeRecords(0, 1), 1, 100);
  const message = window.lane("T").take(1)!;
  window.drop("lost");
  assert(message.signal.aborted);
  assertEquals(message.signal.reason, "lost");
});

Deno.test("a frame counts in full while there is room for it, however little of it lives", () => {
  const { window, budget } = fakeWindow();
  const records = fakeRecords(0, 100) as ReturnType<typeof fakeRecord>[];
  window.append(records, 100, 10_000);
  const out = takeAll(window);
  for (let i = 1; i < 100; i++) out[i]!.ack();
  assertEquals(budget.bytes, 10_000);
  assert(!records[0]!.compacted);
  out[0]!.ack();
  assertEquals([budget.bytes, budget.messages], [0, 0]);
});

Deno.test("when room is short, what lives of a frame is copied out once that is less than a quarter", () => {
  const budget = new Budget({ maxMessages: 1000, maxBytes: 20_000 });
  const { window } = fakeWindow({ budget });
  const records = fakeRecords(0, 200) as ReturnType<typeof fakeRecord>[];
  window.append(records.slice(0, 100), 100, 10_000);
  window.append(records.slice(100), 200, 10_000);
  const out = takeAll(window);
  for (let i = 0; i < 76; i++) out[99 - i]!.ack();
  assert(!records[0]!.compacted);
  let woken = 0;
  budget.enqueue(() => woken++);
  assertEquals([budget.bytes, woken, records[0]!.compacted], [12_400, 1, true]);
  assert(!records[100]!.compacted);
  budget.take(0, 10_000);
  budget.enqueue(() => woken++);
  for (let i = 0; i < 76; i++) out[199 - i]!.ack();
  assertEquals([budget.bytes, woken, records[100]!.compacted], [14_800, 2, true]);
  for (let i = 0; i < 24; i++) {
    out[i]!.ack();
    out[100 + i]!.ack();
  }
  assertEquals([budget.bytes, budget.messages], [10_000, 0]);
});

Deno.test("a frame of which nothing lives any more is never copied out of", () => {
  const budget = new Budget({ maxMessages: 1000, maxBytes: 20_000 });
  const { window } = fakeWindow({ budget });
  window.append(fakeRecords(0, 100), 100, 10_000);
  for (const message of takeAll(window)) message.ack();
  budget.take(0, 20_000);
  budget.enqueue(() => {});
  assertEquals(budget.bytes, 20_000);
});

Deno.test("messages of a retry queue wait in the lane of the topic they came from", () => {
  const { window } = fakeWindow({ isRetry: true });
  window.append(
    [
      fakeRecord(0, { RETRY_TOPIC: "A" }),
      fakeRecord(1, { RETRY_TOPIC: "B" }),
      fakeRecord(2, { RETRY_TOPIC: "A" }),
    ],
    3,
    300,
  );
  assertEquals(takeAll(window, "A").map((each) => [each.topic, each.queueOffset]), [["A", 0], ["A", 2]]);
  assertEquals(takeAll(window, "B").map((each) => [each.topic, each.queueOffset]), [["B", 1]]);
  assertEquals(window.commitOffset, 0);
});

Deno.test("a window is full at its limit of messages, bytes or span, and wakes its puller when there is room", async () => {
  for (
    const limits of [
      { maxMessages: 2, maxBytes: 1e9, maxWaiting: 1e9, maxSpan: 1e9 },
      { maxMessages: 1e9, maxBytes: 200, maxWaiting: 1e9, maxSpan: 1e9 },
      { maxMessages: 1e9, maxBytes: 1e9, maxWaiting: 1e9, maxSpan: 2 },
    ]
  ) {
    const { window } = fakeWindow({ limits });
    window.append(fakeRecords(0, 2), 2, 200);
    assert(!window.hasRoom);
    const [first] = takeAll(window) as [Delivery];
    const room = window.waitForRoom();
    first.ack();
    await room;
    assert(window.hasRoom);
  }
});

Deno.test("while more than a batch waits to be handed out no pull leaves, but what is out does not count", async () => {
  const limits = { maxMessages: 1e9, maxBytes: 1e9, maxWaiting: 2, maxSpan: 1e9 };
  const { window } = fakeWindow({ limits });
  window.append(fakeRecords(0, 2), 2, 200);
  assert(window.hasRoom);
  window.append(fakeRecords(2, 4), 4, 200);
  assert(!window.hasRoom);
  const room = window.waitForRoom();
  window.lane("T").take(1);
  assert(!window.hasRoom);
  const second = window.lane("T").take(1)!;
  await room;
  assert(window.hasRoom);
  window.giveBack(second);
  assert(!window.hasRoom);
});

Deno.test("what waits for one topic on a retry queue does not stop the messages of another", () => {
  const limits = { maxMessages: 10, maxBytes: 1e9, maxWaiting: 2, maxSpan: 1e9 };
  const { window } = fakeWindow({ limits, isRetry: true });
  window.append([0, 1, 2].map((offset) => fakeRecord(offset, { RETRY_TOPIC: "A" })), 3, 300);
  assert(window.hasRoom);
});

Deno.test("a full budget wakes waiting windows in the order they came, one per release", async () => {
  const budget = new Budget({ maxMessages: 2, maxBytes: 1e9 });
  const full = fakeWindow({ budget });
  full.window.append(fakeRecords(0, 2), 2, 200);
  const woken: string[] = [];
  const a = fakeWindow({ budget }).window, b = fakeWindow({ budget }).window;
  a.waitForRoom().then(() => woken.push("a"));
  b.waitForRoom().then(() => woken.push("b"));
  const [first, second] = takeAll(full.window) as [Delivery, Delivery];
  first.ack();
  await Promise.resolve();
  assertEquals(woken, ["a"]);
  second.ack();
  await Promise.resolve();
  assertEquals(woken, ["a", "b"]);
});

Deno.test("a window woken by something else passes its turn at the budget on", async () => {
  const budget = new Budget({ maxMessages: 1, maxBytes: 1e9 });
  const full = fakeWindow({ budget });
  full.window.append(fakeRecords(0, 1), 1, 100);
  const woken: string[] = [];
  const a = fakeWindow({ budget }).window, b = fakeWindow({ budget }).window;
  a.waitForRoom().then(() => woken.push("a"));
  b.waitForRoom().then(() => woken.push("b"));
  a.lookAgain();
  await Promise.resolve();
  assertEquals(woken, ["a"]);
  (takeAll(full.window)[0] as Delivery).ack();
  await Promise.resolve();
  assertEquals(woken, ["a", "b"]);
});
