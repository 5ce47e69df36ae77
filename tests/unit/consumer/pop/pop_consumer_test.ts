/**
 * A consumer that pops, from the first message to the dead letters.
 */
import { assert, assertEquals } from "@std/assert";
import { scene } from "./pop_scene.ts";
import { ResponseCode } from "../../../../src/protocol/response_codes.ts";

Deno.test("every message comes once, and is acknowledged once it is settled", async () => {
  const t = await scene();
  await t.send(40, 0);
  await t.send(40, 1);
  const seen: string[] = [];
  const { consumer } = await t.join({
    listener: (message) => void seen.push(`${message.queue.queueId}:${message.text()}`),
  });
  await t.pass(100);
  assertEquals(seen.length, 80);
  assertEquals(new Set(seen).size, 80);
  await t.pass(200_000);
  assertEquals(seen.length, 80, "nothing comes again");
  const { acked, ackCalls } = consumer.statistics();
  assertEquals(acked, 80);
  assert(ackCalls < 20, `${ackCalls} calls for 80 messages`);
  assertEquals(
    consumer.assignment().filter(({ topic }) => topic === "T"),
    [{ topic: "T", brokerName: "broker-a", queueId: -1 }],
  );
  await t.stop();
});

Deno.test("a message is kept for a handler that outlives its time, and does not come again", async () => {
  const t = await scene();
  await t.send(1);
  const gates: PromiseWithResolvers<void>[] = [];
  const { consumer } = await t.join({
    popInvisibleTimeMs: 5_000,
    consumeTimeoutMs: 600_000,
    listener: () => {
      gates.push(Promise.withResolvers());
      return gates.at(-1)!.promise;
    },
  });
  await t.pass(60_000);
  assertEquals(gates.length, 1);
  assert(consumer.statistics().invisibleTimeChanges >= 12);
  gates[0]!.resolve();
  await t.pass(60_000);
  assertEquals(gates.length, 1);
  assertEquals(consumer.statistics().acked, 1);
  assertEquals(consumer.statistics().expired, 0);
  await t.stop();
});

Deno.test("what waits for a slow loop is kept too: no delivery is counted that nobody saw", async () => {
  const t = await scene();
  await t.send(30);
  const { consumer } = await t.join({ popInvisibleTimeMs: 5_000 });
  const attempts: number[] = [];
  const loop = (async () => {
    for await (const message of consumer.messages()) {
      attempts.push(message.attempt);
      await t.clock.sleep(1_000);
    }
  })();
  await t.pass(40_000);
  assertEquals(attempts, Array(30).fill(1));
  await t.stop();
  await loop;
});

Deno.test("what a paused queue holds is not kept: it goes to others", async () => {
  const t = await scene();
  await t.send(10);
  const { consumer: first } = await t.join({ popInvisibleTimeMs: 5_000, popShareQueueNum: 0 });
  const stream = first.messages({ settle: "manual" });
  const reader = stream.getReader();
  const got = await t.drive(reader.read());
  first.pause();
  const seen: string[] = [];
  const { consumer: second } = await t.join({ listener: (message) => void seen.push(message.text()) });
  await t.pass(10_000);
  assertEquals(seen.length, 9, "all but the one that is out");
  got.value!.ack();
  assertEquals(first.statistics().cachedMessages, 0);
  await t.pass(100_000);
  assertEquals(seen.length, 9);
  assertEquals(second.statistics().acked, 9);
  await t.stop();
});

Deno.test("a retry comes after exactly the delay that was asked for, with its attempt counted", async () => {
  const t = await scene();
  await t.send(1);
  const came: { at: number; attempt: number; topic: string }[] = [];
  await t.join({
    listener: async (message) => {
      came.push({ at: t.clock.now(), attempt: message.attempt, topic: message.queue.topic });
      if (message.attempt === 1) assert(await message.retry({ delayMs: 7_321 }));
    },
  });
  await t.pass(60_000);
  assertEquals(came.map(({ attempt, topic }) => [attempt, topic]), [[1, "T"], [2, "T"]]);
  const laterMs = came[1]!.at - came[0]!.at;
  assert(laterMs >= 7_321 && laterMs < 7_325, `it came after ${laterMs} ms`);
  await t.stop();
});

Deno.test("a failure without a wish rests longer with every delivery, then goes to the dead letters", async () => {
  const t = await scene();
  await t.send(1);
  const at: number[] = [];
  const { consumer, events } = await t.join({
    maxReconsumeTimes: 3,
    listener: () => {
      at.push(t.clock.now());
      throw new Error("it cannot be handled");
    },
  });
  await t.pass(600_000);
  assertEquals(at.slice(1).map((time, i) => Math.floor((time - at[i]!) / 1_000)), [10, 30, 60]);
  assertEquals(events.filter(({ type }) => type === "deadLettered").length, 1);
  const { sentBack, deadLettered } = consumer.statistics();
  assertEquals([sentBack, deadLettered], [3, 1]);
  assertEquals(t.cluster.inspect.messages("%DLQ%G").length, 1);
  await t.stop();
});

Deno.test("a dead letter is stored before its message is acknowledged, and does not come again", async () => {
  const t = await scene();
  await t.send(1);
  const answers: boolean[] = [];
  const { consumer } = await t.join({
    listener: async (message) => void answers.push(await message.deadLetter("no good")),
  });
  await t.pass(300_000);
  assertEquals(answers, [true]);
  assertEquals(t.cluster.inspect.messages("%DLQ%G").length, 1);
  assertEquals(consumer.statistics().cachedMessages, 0);
  await t.stop();
});

Deno.test("a message that could not be stored with the dead letters is not acknowledged: it comes again", async () => {
  const t = await scene();
  await t.send(1);
  t.cluster.once("sendMessageV2", ResponseCode.SYSTEM_ERROR, { times: 3 });
  const answers: boolean[] = [];
  const { events } = await t.join({
    popInvisibleTimeMs: 20_000,
    listener: async (message) => void answers.push(await message.deadLetter("no good")),
  });
  await t.pass(300_000);
  assertEquals(answers.slice(0, 1), [false]);
  assertEquals(answers.at(-1), true);
  assertEquals(events.some(({ type }) => type === "sendBackFailed"), true);
  assertEquals(t.cluster.inspect.messages("%DLQ%G").length, 1);
  await t.stop();
});

Deno.test("extend keeps a message longer than the consume timeout", async () => {
  const t = await scene();
  await t.send(1);
  const answers: boolean[] = [];
  const { events } = await t.join({
    popInvisibleTimeMs: 5_000,
    consumeTimeoutMs: 2_000,
    listener: async (message) => {
      answers.push(await message.extend(60_000));
      await t.clock.sleep(50_000);
      message.ack();
      answers.push(await message.extend(1_000));
    },
  });
  await t.pass(100_000);
  assertEquals(answers, [true, false]);
  assertEquals(events.filter(({ type }) => type === "consumeTimeout"), []);
  await t.stop();
});

Deno.test("at the consume timeout a message is sent back, as in pull", async () => {
  const t = await scene();
  await t.send(1);
  const attempts: number[] = [];
  await t.join({
    consumeTimeoutMs: 2_000,
    listener: (message) => {
      attempts.push(message.attempt);
      return message.attempt === 1 ? new Promise<void>(() => {}) : undefined;
    },
  });
  await t.pass(30_000);
  assertEquals(attempts, [1, 2]);
  await t.stop();
});

Deno.test("in order, a queue hands out one message at a time, a failure first, other queues beside it", async () => {
  const t = await scene();
  await t.send(6, 0);
  await t.send(6, 1);
  const seen: string[] = [];
  const out = new Set<number>();
  let together = 0;
  const { consumer } = await t.join({
    ordering: "orderly",
    popInvisibleTimeMs: 5_000,
    suspendCurrentQueueTimeMs: 20_000,
    listener: async (message) => {
      const { queueId } = message.queue;
      assert(!out.has(queueId), "one of a queue at a time");
      out.add(queueId);
      together = Math.max(together, out.size);
      await t.clock.sleep(100);
      seen.push(`${queueId}:${message.text()}:${message.attempt}`);
      out.delete(queueId);
      if (queueId === 0 && message.text() === "2" && message.attempt < 3) throw new Error("not yet");
    },
  });
  await t.pass(120_000);
  const of = (queueId: number) => seen.filter((each) => each.startsWith(`${queueId}:`));
  assertEquals(of(0), ["0:0:1", "0:1:1", "0:2:1", "0:2:2", "0:2:3", "0:3:1", "0:4:1", "0:5:1"]);
  assertEquals(of(1), ["1:0:1", "1:1:1", "1:2:1", "1:3:1", "1:4:1", "1:5:1"]);
  assertEquals(together, 2);
  assertEquals(consumer.statistics().acked, 12);
  await t.stop();
});
