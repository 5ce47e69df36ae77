import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Poller } from "../../../../src/consumer/lite_pull/poller.ts";
import { ConsumerStateError } from "../../../../src/core/errors.ts";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";
import { fakeRecords, fakeWindow } from "../window/fake_window.ts";

/** A poller over two windows. */
function scene() {
  const clock = new ManualClock();
  const windows = [0, 1].map((queueId) => fakeWindow({ queueId, onReady: (lane) => poller.offer(lane) }));
  const poller: Poller = new Poller(clock, () => windows.map(({ window }) => window));
  const [first, second] = windows.map(({ window }) => window);
  const poll = (options: { timeoutMs?: number; maxMessages?: number; signal?: AbortSignal } = {}) =>
    poller.poll({ timeoutMs: 1_000, maxMessages: 10, signal: undefined, ...options });
  return { clock, poller, poll, first: first!, second: second!, windows };
}

const offsets = (messages: readonly { queueOffset: number }[]) =>
  messages.map(({ queueOffset }) => queueOffset);

Deno.test("polls take from the queues in turn, at most as many as they ask for", async () => {
  const { poll, first, second } = scene();
  first.append(fakeRecords(0, 5), 5, 500);
  second.append(fakeRecords(0, 2), 2, 200);
  const batches = [];
  for (let at = 0; at < 4; at++) {
    const batch = await poll({ maxMessages: 3 });
    batches.push([batch[0]!.queue.queueId, offsets(batch)]);
    if (at === 2) break;
  }
  assertEquals(batches, [[0, [0, 1, 2]], [1, [0, 1]], [0, [3, 4]]]);
});

Deno.test("asking for more finishes what was handed out before, and nothing else does", async () => {
  const { clock, poll, first } = scene();
  first.append(fakeRecords(0, 5), 5, 500);
  await poll({ maxMessages: 2 });
  assertEquals([first.commitOffset, first.out], [0, 2]);
  await poll({ maxMessages: 2 });
  assertEquals([first.commitOffset, first.out], [2, 2]);
  await poll({ maxMessages: 2 });
  assertEquals([first.commitOffset, first.out], [4, 1]);
  await clock.runUntil(poll());
  assertEquals([first.commitOffset, first.out], [5, 0]);
});

Deno.test("a poll that finds nothing waits for messages, or until its time is up", async () => {
  const { clock, poll, first } = scene();
  const empty = poll({ timeoutMs: 400 });
  const before = clock.now();
  assertEquals(await clock.runUntil(empty), []);
  assertEquals(clock.now() - before, 400);
  const waiting = poll({ timeoutMs: 400 });
  first.append(fakeRecords(0, 3), 3, 300);
  assertEquals(offsets(await waiting), [0, 1, 2]);
  assertEquals(clock.sleeping, 0);
  assertEquals(await poll({ timeoutMs: 0 }), []);
  assertEquals(clock.sleeping, 0);
});

Deno.test("a poll whose signal fires rejects with its reason, and has finished what was handed out", async () => {
  const { clock, poll, first } = scene();
  first.append(fakeRecords(0, 3), 3, 300);
  await poll();
  const waking = new AbortController();
  const woken = poll({ signal: waking.signal });
  waking.abort(new Error("enough"));
  await assertRejects(() => woken, Error, "enough");
  assertEquals([first.commitOffset, clock.sleeping], [3, 0]);
  await assertRejects(() => poll({ signal: waking.signal }), Error, "enough");
  first.append(fakeRecords(3, 4), 4, 100);
  assertEquals(offsets(await poll()), [3]);
});

Deno.test("a message that arrives in the turn in which the signal fires is handed out", async () => {
  const { poll, first } = scene();
  const waking = new AbortController();
  const waiting = poll({ signal: waking.signal });
  first.append(fakeRecords(0, 1), 1, 100);
  waking.abort(new Error("too late"));
  assertEquals(offsets(await waiting), [0]);
});

Deno.test("one at a time is handed messages: a poll or a stream", async () => {
  const { clock, poller, poll } = scene();
  const waiting = poll();
  await assertRejects(() => poll(), ConsumerStateError, "Cannot poll: a poll is waiting");
  assertThrows(() => poller.openStream(), ConsumerStateError, "Cannot open a stream: a poll is waiting");
  await clock.runUntil(waiting);
  const stream = poller.openStream();
  await assertRejects(() => poll(), ConsumerStateError, "Cannot poll: a stream takes the messages");
  assertThrows(() => poller.openStream(), ConsumerStateError);
  assert(poller.isStreaming);
  stream.end();
  assert(!poller.isStreaming);
  await clock.runUntil(poll());
});

Deno.test("what is cached is handed to whoever asks next, poll or stream", async () => {
  const { poller, poll, first, second } = scene();
  first.append(fakeRecords(0, 4), 4, 400);
  assertEquals(offsets(await poll({ maxMessages: 1 })), [0]);
  const stream = poller.openStream();
  assertEquals(first.commitOffset, 1);
  const item = await stream.next();
  assertEquals(item?.queueOffset, 1);
  second.append(fakeRecords(7, 8), 8, 100);
  stream.giveBack(item!);
  stream.end();
  assertEquals(offsets(await poll()), [1, 2, 3]);
  assertEquals(offsets(await poll()), [7]);
});

Deno.test("a commit by hand finishes what is in hand, but not what a waiting poll is just getting", async () => {
  const { poller, poll, first } = scene();
  first.append(fakeRecords(0, 4), 4, 400);
  await poll({ maxMessages: 3 });
  poller.finishAll();
  assertEquals([first.commitOffset, first.out], [3, 0]);
  await poll();
  const waiting = poll();
  first.append(fakeRecords(4, 6), 6, 200);
  poller.finishAll();
  assertEquals(first.commitOffset, 4);
  assertEquals(offsets(await waiting), [4, 5]);
});

Deno.test("what was handed out of a queue that is lost since does not count", async () => {
  const { clock, poll, first, windows } = scene();
  first.append(fakeRecords(0, 4), 4, 400);
  await poll();
  first.drop(new Error("moved"));
  await clock.runUntil(poll());
  assertEquals(windows[0]!.seen, { acks: 0, late: 4 });
});

Deno.test("at the end a waiting poll gets nothing, and a stream is done", async () => {
  const { poller, poll } = scene();
  const waiting = poll();
  poller.end();
  assertEquals(await waiting, []);
  const stream = poller.openStream();
  const next = stream.next();
  poller.end();
  assertEquals(await next, undefined);
});
