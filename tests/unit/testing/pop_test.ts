import { assertEquals } from "@std/assert";
import {
  assignmentResult,
  batchAckRequest,
  queryAssignmentBody,
  requestModeSetting,
} from "../../../src/protocol/bodies.ts";
import * as operations from "../../../src/protocol/operations.ts";
import type { Of } from "../../../src/wire/schema.ts";
import { decodeProperties } from "../../../src/message/properties.ts";
import { type Client, recordsOf, stage, textsOf } from "./bench_client.ts";

type PopHeader = Of<typeof operations.popMessage.request>;

function pop(client: Client, more: Partial<PopHeader> = {}) {
  return client.call(operations.popMessage, {
    consumerGroup: "CG",
    topic: "T",
    queueId: -1,
    maxMsgNums: 32,
    invisibleTime: 10_000,
    pollTime: 15_000,
    bornTime: client.clock.now(),
    initMode: 0,
    expType: "TAG",
    exp: "*",
    order: false,
    ...more,
  });
}

function ack(client: Client, extraInfo: string, topic = "T") {
  const parts = extraInfo.split(" ");
  return client.call(operations.ackMessage, {
    consumerGroup: "CG",
    topic,
    queueId: Number(parts[6]),
    extraInfo,
    offset: parts[7]!,
  });
}

Deno.test("a popped message is gone while it is invisible, and back in the retry topic when it is not acknowledged", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  await client.send("T", 0, "acked");
  await client.send("T", 0, "lost");
  const first = await pop(client);
  assertEquals(textsOf(first.body), ["acked", "lost"]);
  assertEquals([first.header.startOffsetInfo, first.header.msgOffsetInfo], ["0 0 0", "0 0 0,1"]);
  assertEquals((await pop(client, { pollTime: 0 })).code, 210);
  const handle = (offset: number) =>
    `0 ${first.header.popTime} 10000 ${first.header.reviveQid} 0 broker-a 0 ${offset}`;
  assertEquals((await ack(client, handle(0))).code, 0);
  assertEquals(scene.cluster.inspect.popped("CG"), 1);
  await scene.clock.advance(10_000);
  const again = await pop(client);
  const [record] = recordsOf(again.body);
  assertEquals([record!.topic, record!.reconsumeTimes], ["T", 1]);
  const properties = decodeProperties(record!.properties);
  assertEquals(
    properties["POP_CK"],
    `0 ${again.header.popTime} 10000 ${again.header.reviveQid} 1 broker-a 0 0`,
  );
  assertEquals(properties["1ST_POP_TIME"], String(first.header.popTime));
  assertEquals((await ack(client, properties["POP_CK"]!, "%RETRY%CG_T")).code, 0);
  await scene.clock.advance(60_000);
  assertEquals((await pop(client, { pollTime: 0 })).code, 210);
  assertEquals(scene.cluster.inspect.popped("CG"), 0);
  await scene.stop();
});

Deno.test("a pop that finds nothing waits for a message, or for its patience to end", async () => {
  const scene = await stage({ topics: { T: 2 } });
  const client = await scene.dial();
  const waiting = pop(client);
  await scene.clock.settle();
  await client.send("T", 1, "now");
  assertEquals(textsOf((await waiting).body), ["now"]);
  const later = pop(client, { pollTime: 3000 });
  await scene.clock.advance(3000);
  const { code, remark } = await later;
  assertEquals([code, remark], [210, "NO_MESSAGE_IN_QUEUE"]);
  await scene.stop();
});

Deno.test("a waiting pop gets a message that comes back", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  await client.send("T", 0, "again");
  await pop(client);
  const waiting = pop(client);
  await scene.clock.advance(10_000);
  assertEquals(textsOf((await waiting).body), ["again"]);
  await scene.stop();
});

Deno.test("a message whose invisibility is changed comes back at the new time under a new handle", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  await client.send("T", 0, "later");
  const { header } = await pop(client);
  await scene.clock.advance(5000);
  const change = await client.call(operations.changeMessageInvisibleTime, {
    consumerGroup: "CG",
    topic: "T",
    queueId: 0,
    extraInfo: `0 ${header.popTime} 10000 ${header.reviveQid} 0 broker-a 0 0`,
    offset: "0",
    invisibleTime: 20_000,
  });
  assertEquals([change.code, change.header.popTime], [0, scene.clock.now()]);
  await scene.clock.advance(19_999);
  assertEquals(scene.cluster.inspect.popped("CG"), 1);
  await scene.clock.advance(1);
  assertEquals(scene.cluster.inspect.messages("%RETRY%CG_T").length, 1);
  await scene.stop();
});

Deno.test("several messages are acknowledged at once", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  for (const text of ["a", "b", "c"]) await client.send("T", 0, text);
  const { header } = await pop(client);
  const body = batchAckRequest.write({
    brokerName: "broker-a",
    acks: [{
      consumerGroup: "CG",
      topic: "T",
      retry: "0",
      startOffset: "0",
      queueId: 0,
      reviveQueueId: header.reviveQid,
      popTime: String(header.popTime),
      invisibleTime: "10000",
      bitSet: [0, 2],
    }],
  });
  assertEquals((await client.call(operations.batchAckMessage, {}, body)).code, 0);
  await scene.clock.advance(10_000);
  assertEquals(scene.cluster.inspect.messages("%RETRY%CG_T").map((each) => each.text), ["b"]);
  await scene.stop();
});

Deno.test("in order, the next messages leave only when the last are acknowledged or visible again", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  for (const text of ["a", "b"]) await client.send("T", 0, text);
  const ordered = { order: true, maxMsgNums: 1, pollTime: 0 };
  const first = await pop(client, ordered);
  assertEquals([textsOf(first.body), first.header.reviveQid], [["a"], 999]);
  assertEquals((await pop(client, ordered)).code, 210);
  const waiting = pop(client, { ...ordered, pollTime: 5000 });
  await scene.clock.settle();
  assertEquals((await ack(client, `0 ${first.header.popTime} 10000 999 0 broker-a 0 0`)).code, 0);
  assertEquals(textsOf((await waiting).body), ["b"]);
  await scene.clock.advance(10_000);
  const again = await pop(client, ordered);
  assertEquals(textsOf(again.body), ["b"]);
  assertEquals(again.header.orderCountInfo, "0 qo0%1 1;0 0 1");
  assertEquals(scene.cluster.inspect.progress("CG", "T")[0]!.offset, 1);
  await scene.stop();
});

Deno.test("an administrator sets a group to popping, and its members are assigned whole brokers", async () => {
  const scene = await stage({ brokers: 2, topics: { T: 2 } });
  const client = await scene.dial();
  await client.heartbeat("one", "CG", { T: "*" });
  const ask = async () =>
    assignmentResult.read(
      (await client.call(
        operations.queryAssignment,
        {},
        queryAssignmentBody.write({
          topic: "T",
          consumerGroup: "CG",
          clientId: "one",
          strategyName: "AVG",
          messageModel: "CLUSTERING",
        }),
      )).body,
    ).messageQueueAssignments!.map(({ messageQueue, mode }) =>
      `${mode} ${messageQueue!.brokerName} ${messageQueue!.queueId}`
    );
  assertEquals(await ask(), ["PULL broker-a 0", "PULL broker-a 1", "PULL broker-b 0", "PULL broker-b 1"]);
  const setting = { topic: "T", consumerGroup: "CG", mode: "POP" as const, popShareQueueNum: 0 };
  await client.call(operations.setMessageRequestMode, {}, requestModeSetting.write(setting));
  assertEquals(await ask(), ["POP broker-a -1", "POP broker-b -1"]);
  await scene.stop();
});

Deno.test("popped messages survive a restart, and a crash takes pops and offsets back together", async () => {
  const scene = await stage({ topics: { T: 1 } });
  let client = await scene.dial();
  await client.send("T", 0, "a");
  scene.cluster.flush();
  await pop(client);
  await scene.cluster.restartBroker("broker-a", { lose: true });
  client = await scene.dial();
  assertEquals(textsOf((await pop(client)).body), ["a"], "the pop was lost, so it is popped again");
  await scene.cluster.restartBroker("broker-a");
  await scene.clock.advance(10_000);
  assertEquals(scene.cluster.inspect.messages("%RETRY%CG_T").length, 1);
  await scene.stop();
});
