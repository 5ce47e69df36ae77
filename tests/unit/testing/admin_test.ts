import { assertEquals } from "@std/assert";
import { consumerConnection, consumeStats, kvTable, resetOffset } from "../../../src/protocol/bodies.ts";
import * as operations from "../../../src/protocol/operations.ts";
import { stage } from "./bench_client.ts";

const reset = { topic: "T", group: "CG", timestamp: 0, isForce: true, queueId: -1, offset: -1 };

Deno.test("an offset reset waits for the next pull, which is told of it, and commits before are ignored", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  await client.heartbeat("c", "CG", { T: "*" });
  for (const text of ["a", "b"]) await client.send("T", 0, text);
  const commit = (commitOffset: number) =>
    client.call(operations.updateConsumerOffset, {
      consumerGroup: "CG",
      topic: "T",
      queueId: 0,
      commitOffset,
    });
  await commit(2);
  const done = await client.call(operations.invokeBrokerToResetOffset, reset);
  assertEquals([...resetOffset.read(done.body).offsetTable.values()], [0]);
  assertEquals((await commit(2)).remark, "Offset has been previously reset");
  const pull = await client.pull("T", 0, 2);
  assertEquals([pull.code, pull.remark, pull.header.nextBeginOffset], [21, "OFFSET_RESET", 0]);
  assertEquals((await commit(1)).code, 0);
  const stats = await client.call(operations.getConsumeStats, { consumerGroup: "CG" });
  const [progress] = consumeStats.read(stats.body).offsetTable.values();
  assertEquals([progress!.brokerOffset, progress!.consumerOffset], [2, 1]);
  await scene.stop();
});

Deno.test("a broker that behaves as before 5.2 pushes a reset to the members", async () => {
  const scene = await stage({ topics: { T: 1 }, broker: { useServerSideResetOffset: false } });
  const client = await scene.dial();
  assertEquals((await client.call(operations.invokeBrokerToResetOffset, reset)).code, 1);
  await client.heartbeat("c", "CG", { T: "*" });
  await client.send("T", 0, "a");
  await client.call(operations.updateConsumerOffset, {
    consumerGroup: "CG",
    topic: "T",
    queueId: 0,
    commitOffset: 1,
  });
  assertEquals((await client.call(operations.invokeBrokerToResetOffset, reset)).code, 0);
  await scene.clock.settle();
  const pushed = client.received.find((each) => each.command.code === 220)!;
  assertEquals([...resetOffset.read(pushed.body).offsetTable.values()], [0]);
  await scene.stop();
});

Deno.test("what is asked of a consumer is passed on, and its answer back, whatever it is", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const admin = await scene.dial();
  const consumer = await scene.dial();
  await consumer.heartbeat("c", "CG", { T: "a || b" });
  const ask = (clientId: string) =>
    admin.call(operations.getConsumerRunningInfo, { consumerGroup: "CG", clientId, jstackEnable: false });
  consumer.onRequest = () => ({ code: 0, body: new TextEncoder().encode("{}") });
  assertEquals(new TextDecoder().decode((await ask("c")).body), "{}");
  consumer.onRequest = () => ({ code: 1, remark: "not me" });
  const refused = await ask("c");
  assertEquals([refused.code, refused.remark], [1, "not me"]);
  assertEquals((await ask("d")).remark, "The Consumer <CG> <d> not online");
  consumer.onRequest = () => undefined;
  const late = ask("c");
  await scene.clock.advance(10_000);
  assertEquals((await late).code, 207);
  const { body } = await admin.call(operations.getConsumerConnectionList, { consumerGroup: "CG" });
  const { connectionSet, subscriptionTable } = consumerConnection.read(body);
  assertEquals(connectionSet.map((each) => each.clientId), ["c"]);
  assertEquals(subscriptionTable["T"]!.tagsSet, ["a", "b"]);
  await scene.stop();
});

Deno.test("while a group has members, its progress is told of what they subscribe to, unless topics are asked for", async () => {
  const scene = await stage({ topics: { T: 1, Former: 1 } });
  const client = await scene.dial();
  await client.heartbeat("c", "CG", { T: "*" });
  for (const topic of ["T", "Former"]) {
    await client.call(operations.updateConsumerOffset, {
      consumerGroup: "CG",
      topic,
      queueId: 0,
      commitOffset: 0,
    });
  }
  const told = async (more: { topic?: string; topicList?: string } = {}): Promise<string[]> => {
    const { body } = await client.call(operations.getConsumeStats, { consumerGroup: "CG", ...more });
    return [...consumeStats.read(body).offsetTable.keys()].map(({ topic }) => topic).sort();
  };
  assertEquals(await told(), ["T"]);
  assertEquals(await told({ topic: "Former" }), []);
  assertEquals(await told({ topicList: "Former;T" }), ["Former", "T"]);
  client.channel.close();
  await scene.clock.settle();
  const later = await scene.dial();
  const { body } = await later.call(operations.getConsumeStats, { consumerGroup: "CG" });
  assertEquals(
    consumeStats.read(body).offsetTable.size,
    2,
    "nobody is there to say what the group subscribes to",
  );
  await scene.stop();
});

Deno.test("the state of a broker tells how long it has run and what went through it", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  const state = async () => kvTable.read((await client.call(operations.getBrokerRuntimeInfo, {})).body).table;
  await scene.clock.advance(26 * 3_600_000 + 3 * 60_000 + 4000);
  for (const text of ["a", "b", "c"]) await client.send("T", 0, text);
  await client.send("RMQ_SYS_TRACE_TOPIC", 0, "of the system");
  await client.pull("T", 0, 1);
  const now = await state();
  assertEquals(now["runtime"], "[ 1 days, 2 hours, 3 minutes, 4 seconds ]");
  assertEquals([now["msgPutTotalTodayNow"], now["msgGetTotalTodayNow"]], ["3", "2"]);
  assertEquals([now["putMessageTimesTotal"], now["putMessageSizeTotal"]], ["4", now["commitLogMaxOffset"]]);
  assertEquals(now["getTransferredTps"]!.split(" ").map(Number), [0.2, 0.2, 2 / 600]);
  await scene.clock.advance(61_000);
  assertEquals((await state())["putTps"], `0.0 0.0 ${4 / 600}`);
  for (let i = 0; i < 2; i++) await client.send("T", 0, "later", { DELAY: "3" });
  await scene.clock.advance(10_000);
  assertEquals((await state())["scheduleMessageOffset_3"], "2,2");
  await scene.stop();
});

Deno.test("a broker that keeps nothing in RocksDB has exported it at once", async () => {
  const scene = await stage();
  const client = await scene.dial();
  const ask = (configType: string) => client.call(operations.exportRocksDbConfigToJson, { configType });
  const done = await ask("topics;subscriptionGroups;");
  assertEquals([done.code, done.remark], [0, "export done."]);
  assertEquals((await ask("timers")).code, 1);
  await scene.stop();
});
