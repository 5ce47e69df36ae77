/**
 * What becomes of popped messages when a member leaves, a queue moves or the mode changes.
 */
import { assertEquals } from "@std/assert";
import { driven, numbers, scene } from "./pop_scene.ts";

Deno.test("a shutdown answers for what is settled and lets others have the rest at once", async () => {
  const t = await scene();
  await t.send(20);
  const { consumer } = await t.join({ popInvisibleTimeMs: 300_000 });
  const taken: string[] = [];
  for await (const message of driven(t, consumer)) {
    taken.push(message.text());
    if (taken.length === 5) break; // the fifth is given back
  }
  await t.drive(consumer.shutdown());
  const rest: string[] = [];
  await t.join({ listener: (message) => void rest.push(message.text()) });
  await t.pass(2_000);
  assertEquals([...taken.slice(0, 4), ...rest].toSorted(), numbers(20).toSorted());
  await t.stop();
});

Deno.test("a shutdown keeps what is out for as long as it waits for it", async () => {
  const t = await scene();
  await t.send(1);
  const handlers: PromiseWithResolvers<void>[] = [];
  const listener = () => {
    handlers.push(Promise.withResolvers());
    return handlers.at(-1)!.promise;
  };
  const { consumer } = await t.join({ popInvisibleTimeMs: 5_000, shutdownTimeoutMs: 20_000, listener });
  await t.pass(100);
  const seen: string[] = [];
  await t.join({ listener: (message) => void seen.push(message.text()) });
  const down = consumer.shutdown();
  await t.pass(15_000);
  handlers[0]!.resolve();
  await t.drive(down);
  await t.pass(60_000);
  assertEquals(handlers.length, 1);
  assertEquals(seen, []);
  await t.stop();
});

Deno.test("in order, another member goes on where one left, with what it had not settled", async () => {
  const t = await scene();
  await t.send(10, 0);
  const { consumer } = await t.join({ ordering: "orderly", popInvisibleTimeMs: 300_000 });
  const taken: string[] = [];
  for await (const message of driven(t, consumer)) {
    taken.push(message.text());
    if (taken.length === 4) break;
  }
  await t.drive(consumer.shutdown());
  const rest: string[] = [];
  await t.join({ ordering: "orderly", listener: (message) => void rest.push(message.text()) });
  await t.pass(2_000);
  assertEquals(taken, ["0", "1", "2", "3"]);
  assertEquals(rest, ["3", "4", "5", "6", "7", "8", "9"]);
  await t.stop();
});

Deno.test("a queue that moves to another member takes nothing back from handlers, and leaves nothing waiting", async () => {
  const t = await scene();
  await t.send(10, 0);
  const { consumer: first } = await t.join({
    popInvisibleTimeMs: 300_000,
    consumeConcurrencyMin: 1,
    consumeConcurrencyMax: 1,
  });
  const handled: string[] = [];
  const gate = Promise.withResolvers<void>();
  first.registerMessageListener(async (message) => {
    await gate.promise;
    handled.push(message.text());
  });
  await t.pass(100);
  assertEquals(first.statistics().inFlight, 1);
  first.unsubscribe("T");
  await t.pass(1_500);
  const seen: string[] = [];
  await t.join({ listener: (message) => void seen.push(message.text()) });
  await t.pass(1_500);
  assertEquals(seen.length, 9, "what waited came at once");
  gate.resolve();
  await t.pass(400_000);
  assertEquals([...handled, ...seen].toSorted(), numbers(10).toSorted());
  assertEquals(first.statistics().lateSettlements, 0);
  await t.stop();
});

Deno.test("where a broker knows no POP the members divide and pull, and it is told", async () => {
  const t = await scene();
  await t.send(5);
  for (const name of ["setMessageRequestMode", "queryAssignment"] as const) {
    t.cluster.once(name, { code: 3, remark: "request type not supported" });
  }
  const seen: string[] = [];
  const { consumer, events } = await t.join({ listener: (message) => void seen.push(message.text()) });
  await t.pass(1_000);
  assertEquals(seen.length, 5);
  assertEquals(events.filter(({ type }) => type === "popUnavailable").length, 1);
  assertEquals(
    consumer.assignment().filter(({ topic }) => topic === "T").map(({ queueId }) => queueId),
    [0, 1],
  );
  await t.stop();
});

Deno.test("a group changes from pulling to popping and back while it runs", async () => {
  const t = await scene();
  const seen: string[] = [];
  const { consumer } = await t.join({
    messageRequestMode: undefined,
    clientRebalance: false,
    listener: (message) => void seen.push(message.text()),
  });
  const held = () => consumer.assignment().filter(({ topic }) => topic === "T").map(({ queueId }) => queueId);
  assertEquals(held(), [0, 1]);
  await t.send(5);
  await t.pass(1_000);
  await t.drive(consumer.setMessageRequestMode("POP"));
  await t.pass(1_000);
  assertEquals(held(), [-1]);
  await t.send(5);
  await t.pass(1_000);
  await t.drive(consumer.setMessageRequestMode("PULL", { topic: "T" }));
  await t.pass(1_000);
  assertEquals(held(), [0, 1]);
  await t.send(5);
  await t.pass(100_000);
  assertEquals(seen.length, 15);
  await t.stop();
});

Deno.test("what was popped and not settled comes to a group that pulls again, from both forms of the retry topic", async () => {
  for (const enableRetryTopicV2 of [false, true]) {
    const t = await scene({ enableRetryTopicV2 });
    const came: string[] = [];
    const { consumer } = await t.join({
      listener: async (message) => {
        came.push(`${message.topic} ${message.text()} ${message.attempt}`);
        if (message.attempt === 1) await message.retry({ delayMs: 30_000 });
      },
    });
    await t.send(2);
    await t.pass(1_000);
    assertEquals(came, ["T 0 1", "T 1 1"]);
    await t.drive(consumer.setMessageRequestMode("PULL"));
    await t.pass(120_000);
    assertEquals(came.slice(2).toSorted(), ["T 0 2", "T 1 2"]);
    await t.stop();
  }
});

Deno.test("pause holds for queues that are popped later, and resume lets them go", async () => {
  const t = await scene();
  const seen: string[] = [];
  const { consumer } = await t.join({
    messageRequestMode: undefined,
    clientRebalance: false,
    listener: (message) => void seen.push(message.text()),
  });
  consumer.pause(["T"]);
  await t.drive(consumer.setMessageRequestMode("POP"));
  await t.pass(1_000);
  const paused = () => {
    const mine = consumer.statistics().queues.filter(({ queue }) => queue.topic === "T");
    return mine.map(({ queue, paused }) => [queue.queueId, paused]);
  };
  assertEquals(paused(), [[-1, true]]);
  await t.send(5);
  await t.pass(30_000);
  assertEquals([seen, t.cluster.inspect.popped("G")], [[], 0]);
  consumer.resume(["T"]);
  await t.pass(1_000);
  assertEquals([paused(), seen.length], [[[-1, false]], 5]);
  await t.stop();
});
