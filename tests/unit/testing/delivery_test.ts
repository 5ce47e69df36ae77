import { assert, assertEquals } from "@std/assert";
import { decodeProperties } from "../../../src/message/properties.ts";
import { checkClientConfigBody } from "../../../src/protocol/bodies.ts";
import * as operations from "../../../src/protocol/operations.ts";
import { parseSubscription } from "../../../src/protocol/subscription_data.ts";
import { recordsOf, stage, textsOf } from "./bench_client.ts";

Deno.test("a message with a delay level comes after its time, with the properties a Java broker leaves", async () => {
  const scene = await stage({ topics: { T: 2 }, broker: { delayLevelsMs: [1000, 5000] } });
  const client = await scene.dial();
  const sent = await client.send("T", 1, "later", { DELAY: "2", UNIQ_KEY: "K" });
  assertEquals([sent.header.queueId, sent.header.queueOffset], [1, 0]);
  await scene.clock.advance(4999);
  assertEquals(scene.cluster.inspect.messages("T"), []);
  await scene.clock.advance(1);
  const [message] = scene.cluster.inspect.messages("T");
  assertEquals([message!.queueId, message!.text], [1, "later"]);
  assertEquals(message!.properties["DELAY"], "2");
  assertEquals([message!.properties["REAL_TOPIC"], message!.properties["REAL_QID"]], ["T", "1"]);
  await scene.stop();
});

Deno.test("a delay survives a restart of its broker", async () => {
  const scene = await stage({ topics: { T: 1 }, broker: { delayLevelsMs: [1000] } });
  const client = await scene.dial();
  await client.send("T", 0, "later", { DELAY: "1" });
  await scene.cluster.restartBroker("broker-a");
  await scene.clock.advance(1000);
  assertEquals(scene.cluster.inspect.messages("T").map((each) => each.text), ["later"]);
  await scene.stop();
});

Deno.test("a timed message comes at its time, and not at all when it is recalled", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  const kept = await client.send("T", 0, "kept", { TIMER_DELAY_SEC: "10", UNIQ_KEY: "A" });
  const recalled = await client.send("T", 0, "recalled", { TIMER_DELAY_MS: "10000", UNIQ_KEY: "B" });
  assert(kept.header.recallHandle !== undefined);
  const recall = await client.call(operations.recallMessage, {
    producerGroup: "PG",
    topic: "T",
    recallHandle: recalled.header.recallHandle!,
  });
  assertEquals([recall.code, recall.header.msgId], [0, "B"]);
  await scene.clock.advance(8999);
  assertEquals(scene.cluster.inspect.messages("T"), []);
  await scene.clock.advance(1001);
  assertEquals(scene.cluster.inspect.messages("T").map((each) => each.text), ["kept"]);
  const tooLong = await client.send("T", 0, "x", { TIMER_DELAY_SEC: String(4 * 24 * 3600) });
  assertEquals(tooLong.code, 13);
  await scene.stop();
});

Deno.test("a message that is sent back waits in its retry topic and ends among the dead letters", async () => {
  const scene = await stage({ topics: { T: 1 }, broker: { delayLevelsMs: [1000, 2000, 3000, 4000] } });
  const client = await scene.dial();
  await client.heartbeat("c", "CG", { T: "*" });
  await client.send("T", 0, "again", { UNIQ_KEY: "K" });
  const back = (offset: number, more = {}) =>
    client.call(operations.consumerSendMsgBack, {
      offset,
      group: "CG",
      delayLevel: 0,
      maxReconsumeTimes: 1,
      ...more,
    });
  assertEquals((await back(0)).code, 0);
  await scene.clock.advance(3000);
  const [retried] = scene.cluster.inspect.messages("%RETRY%CG");
  assertEquals([retried!.reconsumeTimes, retried!.properties["RETRY_TOPIC"]], [1, "T"]);
  const original = scene.cluster.inspect.messages("T")[0]!;
  assertEquals(
    retried!.properties["ORIGIN_MESSAGE_ID"]!.slice(-16),
    original.physicalOffset.toString(16).padStart(16, "0"),
  );
  assertEquals((await back(retried!.physicalOffset)).code, 0);
  const [dead] = scene.cluster.inspect.messages("%DLQ%CG");
  assertEquals([dead!.reconsumeTimes, dead!.properties["DELAY"]], [2, "0"]);
  assertEquals((await back(12345)).remark, "look message by offset failed, 12345");
  await scene.stop();
});

Deno.test("a half message is seen only after its commit, and its producer is asked while it waits", async () => {
  const scene = await stage({
    topics: { T: 1 },
    broker: { transactionTimeoutMs: 3000, transactionCheckIntervalMs: 1000 },
  });
  const client = await scene.dial();
  await client.heartbeat("c", "CG", {});
  const half = { TRAN_MSG: "true", PGROUP: "PG", UNIQ_KEY: "K" };
  const sent = await client.send("T", 0, "half", half, { sysFlag: 4 });
  assertEquals(sent.code, 0);
  await scene.clock.advance(4000);
  const check = client.received.find((each) => each.command.code === 39)!;
  const [asked] = recordsOf(check.body);
  assertEquals([asked!.topic, asked!.sysFlag], ["T", 0]);
  assertEquals(decodeProperties(asked!.properties)["TRANSACTION_CHECK_TIMES"], "1");
  const fields = check.command.extFields!;
  const end = (more: object) =>
    client.call(operations.endTransaction, {
      producerGroup: "PG",
      tranStateTableOffset: Number(fields["tranStateTableOffset"]),
      commitLogOffset: Number(fields["commitLogOffset"]),
      commitOrRollback: 8,
      fromTransactionCheck: true,
      msgId: "K",
      ...more,
    });
  assertEquals((await end({ producerGroup: "other" })).remark, "The producer group wrong");
  assertEquals((await end({})).code, 0);
  const [committed] = scene.cluster.inspect.messages("T");
  assertEquals([committed!.text, committed!.sysFlag], ["half", 8]);
  client.received.length = 0;
  await scene.clock.advance(60_000);
  assertEquals(client.received.filter((each) => each.command.code === 39), []);
  await scene.stop();
});

Deno.test("a reply is pushed to the client that asked before the replier is answered", async () => {
  const scene = await stage();
  const asker = await scene.dial();
  const replier = await scene.dial();
  await asker.heartbeat("asker", "CG", {});
  const reply = await replier.call(operations.sendReplyMessageV2, {
    producerGroup: "PG",
    topic: "DefaultCluster_REPLY_TOPIC",
    defaultTopic: "TBW102",
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: 1,
    flag: 0,
    properties: "REPLY_TO_CLIENT\u0001asker\u0002CORRELATION_ID\u00017\u0002",
  }, new TextEncoder().encode("answer"));
  assertEquals([reply.code, reply.header.queueOffset], [0, 0]);
  const push = asker.received.find((each) => each.command.code === 326)!;
  assertEquals(new TextDecoder().decode(push.body), "answer");
  assertEquals(decodeProperties(push.command.extFields!["properties"]!)["CORRELATION_ID"], "7");
  await scene.stop();
});

Deno.test("an SQL92 subscription is filtered by the broker, and a broken one is refused", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  for (const a of ["1", "2", "3"]) await client.send("T", 0, a, { a });
  const pull = await client.pull("T", 0, 0, { subscription: "a > 1", expressionType: "SQL92" });
  assertEquals(textsOf(pull.body), ["2", "3"]);
  const check = (expression: string) =>
    client.call(
      operations.checkClientConfig,
      {},
      checkClientConfigBody.write({
        clientId: "c",
        group: "CG",
        subscriptionData: parseSubscription("T", expression, "SQL92", 1),
      }),
    );
  assertEquals((await check("a > 1")).code, 0);
  assertEquals((await check("a >")).code, 23);
  await scene.stop();
});

Deno.test("queue locks belong to one client until they are given back or not renewed for a minute", async () => {
  const scene = await stage({ topics: { T: 2 } });
  const { lockBatch, lockBatchResult } = await import("../../../src/protocol/bodies.ts");
  const client = await scene.dial();
  const mqSet = [0, 1].map((queueId) => ({ topic: "T", brokerName: "broker-a", queueId }));
  const body = (clientId: string) =>
    lockBatch.write({ consumerGroup: "CG", clientId, onlyThisBroker: false, mqSet });
  const lock = async (clientId: string) =>
    lockBatchResult.read((await client.call(operations.lockBatchMq, {}, body(clientId))).body).lockOKMQSet
      .length;
  assertEquals([await lock("a"), await lock("b")], [2, 0]);
  await client.call(operations.unlockBatchMq, {}, body("a"));
  assertEquals([await lock("b"), await lock("a")], [2, 0]);
  await scene.clock.advance(60_001);
  assertEquals(await lock("a"), 2);
  assertEquals(scene.cluster.inspect.locks("CG").map((each) => each.clientId), ["a", "a"]);
  await scene.stop();
});
