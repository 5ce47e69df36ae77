import { assertEquals } from "@std/assert";
import * as operations from "../../../src/protocol/operations.ts";
import { groupConfig } from "../../../src/testing/broker/group_table.ts";
import { subscriptionGroupConfig } from "../../../src/protocol/bodies.ts";
import { type Client, type Stage, stage, textsOf } from "./bench_client.ts";

async function stageOfPriorities(): Promise<{ scene: Stage; client: Client }> {
  const scene = await stage();
  scene.cluster.createTopic("T", { queues: 4, attributes: { "message.type": "PRIORITY" } });
  return { scene, client: await scene.dial() };
}

async function popOne(client: Client): Promise<string | undefined> {
  const { body } = await client.call(operations.popMessage, {
    consumerGroup: "CG",
    topic: "T",
    queueId: -1,
    maxMsgNums: 1,
    invisibleTime: 10_000,
    pollTime: 0,
    bornTime: client.clock.now(),
    initMode: 0,
    expType: "TAG",
    exp: "*",
  });
  return textsOf(body)[0];
}

async function popAll(client: Client): Promise<string[]> {
  const texts: string[] = [];
  for (let text = await popOne(client); text !== undefined; text = await popOne(client)) texts.push(text);
  return texts;
}

function send(client: Client, priority: string, more: Record<string, string> = {}) {
  return client.send("T", 0, priority, { _SYS_MSG_PRIORITY_: priority, ...more });
}

Deno.test("messages of a topic with priorities are popped in the order of their priorities", async () => {
  const { scene, client } = await stageOfPriorities();
  const queues: number[] = [];
  for (const priority of ["1", "3", "0", "2", "9", "1"]) {
    queues.push((await send(client, priority)).header.queueId);
  }
  assertEquals(queues, [1, 3, 0, 2, 3, 1], "one beyond the last queue goes there");
  assertEquals(await popAll(client), ["3", "9", "2", "1", "1", "0"]);
  await scene.stop();
});

Deno.test("what came back goes behind all priorities", async () => {
  const { scene, client } = await stageOfPriorities();
  await send(client, "3");
  assertEquals(await popAll(client), ["3"]);
  await scene.clock.advance(10_000);
  for (let i = 0; i < 20; i++) await send(client, "0");
  assertEquals((await popAll(client)).indexOf("3"), 20);
  await scene.stop();
});

Deno.test("a group whose priority factor is 0 pops the queues from anywhere on", async () => {
  const { scene, client } = await stageOfPriorities();
  const config = { ...groupConfig("CG"), attributes: { "+priority.factor": "0" } };
  await client.call(
    operations.updateAndCreateSubscriptionGroup,
    {},
    subscriptionGroupConfig.write(config),
  );
  const firsts = new Set<string>();
  for (let round = 0; round < 20; round++) {
    for (const priority of ["0", "1", "2", "3"]) await send(client, priority);
    firsts.add((await popAll(client))[0]!);
  }
  assertEquals(firsts.size, 4);
  await scene.stop();
});

Deno.test("a message of another type goes where it was sent, and loses its priority", async () => {
  const { scene, client } = await stageOfPriorities();
  assertEquals((await send(client, "3", { __SHARDINGKEY: "key" })).header.queueId, 0);
  assertEquals((await send(client, "none")).header.queueId, 0);
  const kept = scene.cluster.inspect.messages("T").map(({ properties }) => properties["_SYS_MSG_PRIORITY_"]);
  assertEquals(kept, [undefined, "none"]);
  await scene.stop();
});
