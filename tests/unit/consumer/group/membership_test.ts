/**
 * What brokers hear from a member, and in which order: who subscribes to what, what is done with, who leaves.
 */
import { assertEquals, assertRejects } from "@std/assert";
import { type ConsumedMessage, ConsumerShutdownError, tag } from "../../../../mod.ts";
import { numbers, scene } from "../pop/pop_scene.ts";

const PULLS = { messageRequestMode: undefined };

Deno.test("brokers hear of a topic that a running consumer subscribes to before it is pulled", async () => {
  const t = await scene();
  t.cluster.createTopic("later", { queues: 1 });
  const got: string[] = [];
  const { consumer } = await t.join({ ...PULLS, listener: (message) => void got.push(message.text()) });
  await t.drive((await t.dial()).send("later", 0, "first"));
  consumer.subscribe("later");
  await t.pass(5_000);
  assertEquals(got, ["first"]);
  assertEquals(consumer.statistics().pullFailures, 0);
  await t.stop();
});

Deno.test("a message whose tag has the hash of one that was asked for is not handed out", async () => {
  const t = await scene();
  const got: string[] = [];
  const { consumer } = await t.join({ ...PULLS, listener: (message) => void got.push(message.text()) });
  consumer.unsubscribe("T");
  consumer.subscribe("T", tag("Aa"));
  await t.pass(5_000);
  const bare = await t.dial();
  for (const each of ["BB", "Aa"]) await t.drive(bare.send("T", 0, each, { TAGS: each }));
  await t.pass(5_000);
  assertEquals(got, ["Aa"]);
  assertEquals(consumer.statistics().filtered, 1);
  await t.stop();
});

Deno.test("a shutdown stores offsets before it leaves the group", async () => {
  const t = await scene();
  const { consumer } = await t.join({ ...PULLS, listener: () => {} });
  await t.send(3);
  await t.pass(100);
  t.cluster.wireLog.clear();
  await t.drive(consumer.shutdown());
  const requests = t.cluster.wireLog.lines.filter(({ kind }) => kind !== "response").map((line) =>
    line.operation
  );
  const stored = requests.lastIndexOf("updateConsumerOffset");
  assertEquals(stored >= 0 && stored < requests.indexOf("unregisterClient"), true, requests.join(", "));
  assertEquals(t.cluster.inspect.progress("G", "T").map(({ offset }) => offset), [3, 0]);
  await t.stop();
});

Deno.test("a queue that moves to another member is stored first: what is settled does not come again", async () => {
  const t = await scene();
  const got: ConsumedMessage[] = [];
  const listener = (message: ConsumedMessage): void => void got.push(message);
  await t.join({ ...PULLS, listener, persistIntervalMs: 3_600_000 });
  for (const queueId of [0, 1]) await t.send(3, queueId);
  await t.pass(100);
  await t.join({ ...PULLS, listener });
  await t.pass(60_000);
  assertEquals(got.map((message) => message.text()).sort(), [...numbers(3), ...numbers(3)].sort());
  await t.stop();
});

Deno.test("a member that a broker lists twice, over a connection that broke unnoticed too, has one share", async () => {
  const t = await scene();
  const got: string[] = [];
  const listener = (message: ConsumedMessage): void => void got.push(message.text());
  const first = await t.join({ ...PULLS, listener, rebalanceIntervalMs: 5_000 });
  const second = await t.join({ ...PULLS, listener, rebalanceIntervalMs: 5_000 });
  const [lower] = [first, second].map(({ consumer }) => consumer.client.clientId).sort();
  const broken = await t.dial();
  await t.drive(broken.heartbeat(lower!, "G", { T: "*" }));
  await t.pass(10_000);
  assertEquals(
    [first, second].map(({ consumer }) => consumer.assignment().filter(({ topic }) => topic === "T").length),
    [1, 1],
  );
  for (const queueId of [0, 1]) await t.send(2, queueId);
  await t.pass(5_000);
  assertEquals(got.sort(), ["0", "0", "1", "1"]);
  await t.stop();
});

for (const request of ["getRouteInfoByTopic", "heartBeat"] as const) {
  Deno.test(`a member that leaves while it joins, at its ${request}, leaves nothing running`, async () => {
    const t = await scene();
    const asked = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    t.cluster.once(request, async (_, proceed) => {
      asked.resolve();
      await answer.promise;
      return await proceed();
    }, { times: Infinity });
    const consumer = t.make({ ...PULLS, listener: () => {} });
    const started = assertRejects(() => consumer.start(), ConsumerShutdownError);
    await t.drive(asked.promise);
    const gone = consumer.shutdown();
    answer.resolve();
    await t.drive(Promise.all([gone, started]));
    t.cluster.wireLog.clear();
    await t.pass(120_000);
    assertEquals(t.cluster.wireLog.lines.filter(({ kind }) => kind === "request"), []);
    assertEquals(t.cluster.inspect.consumers("G"), []);
    await t.stop();
  });
}
