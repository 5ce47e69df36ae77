/**
 * What administrators ask of a running consumer through the embedded broker, on a manual clock and a network in memory.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ConsumerConfig, createConsumer, type MessageListener } from "../../../../mod.ts";
import {
  consumerRunningInfo,
  consumerStatus,
  type DirectConsumeResult,
  directConsumeResult,
  resetOffset,
} from "../../../../src/protocol/bodies.ts";
import type { MessageQueue } from "../../../../src/protocol/message_queue.ts";
import * as operations from "../../../../src/protocol/operations.ts";
import type { ClusterOptions } from "../../../../src/testing/mod.ts";
import { type Client, stage } from "../../testing/bench_client.ts";

const SECRET = "do-not-tell";

/** A consumer of topic T (two queues) with a listener, and an administrator. */
async function scene(
  listener: MessageListener,
  { config = {}, broker = {}, language = "JAVA" }: {
    config?: Partial<ConsumerConfig>;
    broker?: Exclude<ClusterOptions["broker"], undefined>;
    language?: string;
  } = {},
) {
  const { cluster, clock, dial, stop } = await stage({ topics: { T: 2 }, broker });
  const consumer = createConsumer({
    namesrvAddr: cluster.namesrvAddr,
    consumerGroup: "G",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    credentials: { accessKey: "who", secretKey: SECRET },
    listener,
    ...config,
  }, { ...cluster.world, host: "10.0.0.1" });
  consumer.subscribe("T", "a || b");
  const drive = <R>(work: Promise<R>): Promise<R> => clock.runUntil(work);
  await drive(consumer.start());
  const admin = await dial(undefined, language);
  return {
    cluster,
    clock,
    consumer,
    admin,
    drive,
    clientId: consumer.client.clientId,
    async stop() {
      await drive(consumer.shutdown());
      await stop();
    },
  };
}

/** Sends `count` messages to queue 0 and gives the offset id of the last. */
async function send(admin: Client, count: number, from = 0): Promise<string> {
  let id = "";
  for (let at = 0; at < count; at++) {
    const properties = { TAGS: "a", UNIQ_KEY: `K${from + at}` };
    id = (await admin.send("T", 0, `m${from + at}`, properties)).header.msgId ?? "";
  }
  return id;
}

const queue = (queueId: number): MessageQueue => ({ topic: "T", brokerName: "broker-a", queueId });

Deno.test("223 tells the offsets that a consumer holds of the topic, and of no other", async () => {
  const { admin, clock, clientId, stop } = await scene(() => {});
  await send(admin, 5);
  await clock.advance(100);
  const reply = await admin.call(operations.invokeBrokerToGetConsumerStatus, { topic: "T", group: "G" });
  const { consumerTable } = consumerStatus.read(reply.body);
  assertEquals(Object.keys(consumerTable), [clientId]);
  assertEquals(
    [...consumerTable[clientId]!].map(([{ topic, queueId }, offset]) => [topic, queueId, offset]),
    [
      ["T", 0, 5],
      ["T", 1, 0],
    ],
  );
  await stop();
});

for (const language of ["JAVA", "CPP"]) {
  Deno.test(`a reset pushed to the consumer (${language === "CPP" ? "list" : "map"} form) starts the queues afresh`, async () => {
    const seen: string[] = [];
    const setting = await scene((message) => void seen.push(message.text()), {
      broker: { useServerSideResetOffset: false },
      language,
    });
    const { admin, clock, consumer, cluster, drive } = setting;
    await send(admin, 5);
    await clock.advance(100);
    await drive(consumer.commit());
    const events: unknown[] = [];
    (async () => {
      for await (const event of consumer.events()) if (event.type === "offsetIllegal") events.push(event);
    })();
    consumer.pause([queue(1)]);
    const header = { topic: "T", group: "G", timestamp: 0, isForce: true };
    const asked = await admin.call(operations.invokeBrokerToResetOffset, header);
    assertEquals([...resetOffset.read(asked.body).offsetTable.values()], [0, 0]);
    await clock.advance(100);
    assertEquals(seen, ["m0", "m1", "m2", "m3", "m4", "m0", "m1", "m2", "m3", "m4"]);
    assertEquals(events, [
      { type: "offsetIllegal", queue: queue(0), from: 5, to: 0 },
      { type: "offsetIllegal", queue: queue(1), from: 0, to: 0 },
    ]);
    await drive(consumer.commit());
    assertEquals(cluster.inspect.progress("G", "T").map(({ offset }) => offset), [5, 0]);
    await admin.send("T", 1, "paused", { TAGS: "a" });
    await clock.advance(20_000);
    assertEquals(seen.length, 10, "a queue that was paused still is");
    await setting.stop();
  });
}

Deno.test("a message that was out when its queue was reset settles nothing any more and is told so", async () => {
  const held: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const setting = await scene((_message, { signal }) => {
    signals.push(signal);
    return new Promise((resolve) => held.push(resolve));
  }, { broker: { useServerSideResetOffset: false } });
  const { admin, clock, consumer, drive } = setting;
  const committable = () =>
    consumer.statistics().queues.filter((each) => each.queue.topic === "T").map((each) => each.commitOffset);
  await send(admin, 1);
  await clock.advance(100);
  await drive(consumer.commit());
  await admin.call(operations.invokeBrokerToResetOffset, {
    topic: "T",
    group: "G",
    timestamp: 0,
    isForce: true,
  });
  await clock.advance(100);
  assertEquals(signals.map((signal) => signal.aborted), [true, false]);
  held[0]!();
  await clock.advance(100);
  assertEquals(committable(), [0, 0]);
  held[1]!();
  await clock.advance(100);
  assertEquals(committable(), [1, 0]);
  await setting.stop();
});

Deno.test("307 tells subscriptions, queues and the configuration as texts, but no secret", async () => {
  let held: (() => void) | undefined;
  const setting = await scene(
    (message) => message.text() === "m2" ? new Promise((resolve) => held = resolve) : undefined,
    { config: { pullBatchSize: 7, tls: false } },
  );
  const { admin, clock, clientId, cluster } = setting;
  await send(admin, 5);
  await clock.advance(1_000);
  const header = { consumerGroup: "G", clientId, jstackEnable: true };
  const reply = await admin.call(operations.getConsumerRunningInfo, header);
  assertEquals(reply.code, 0, reply.remark);
  const about = consumerRunningInfo.read(reply.body);
  assertEquals(about.subscriptionSet.map(({ topic, subString }) => [topic, subString]), [
    ["T", "a || b"],
    ["%RETRY%G", "*"],
  ]);
  const expected = {
    PROP_NAMESERVER_ADDR: cluster.namesrvAddr,
    PROP_CONSUMEORDERLY: "false",
    PROP_CONSUME_TYPE: "CONSUME_PASSIVELY",
    PROP_CLIENT_VERSION: "V5_5_0",
    PROP_THREADPOOL_CORE_SIZE: "20",
    consumerGroup: "G",
    messageModel: "CLUSTERING",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    allocateStrategy: "AVG",
    pullBatchSize: "7",
    checkCrc: "true",
  };
  for (const [name, value] of Object.entries(expected)) assertEquals(about.properties[name], value, name);
  assert(Number(about.properties["PROP_CONSUMER_START_TIMESTAMP"]) <= clock.now());
  const text = new TextDecoder().decode(reply.body);
  assertEquals([text.includes(SECRET), text.includes("who"), "credentials" in about.properties], [
    false,
    false,
    false,
  ]);
  assertMatch(text, /"mqTable":\{\{"/, "the keys of a map of queues are objects");
  const [, status] = [...about.mqTable].find(([{ topic, queueId }]) => topic === "T" && queueId === 0)!;
  assertEquals(
    [status.commitOffset, status.cachedMsgMinOffset, status.cachedMsgMaxOffset, status.cachedMsgCount],
    [2, 2, 2, 1],
  );
  assertEquals([status.locked, status.droped, status.transactionMsgCount], [false, false, 0]);
  assert(status.lastPullTimestamp > 0 && status.lastConsumeTimestamp > 0);
  assertMatch(about.jstack ?? "", /^T broker-a 0 offset 2 K2: out for \d+ ms$/);
  held!();
  await clock.advance(100);
  const plain = await admin.call(operations.getConsumerRunningInfo, { consumerGroup: "G", clientId });
  assertEquals(consumerRunningInfo.read(plain.body).jstack, undefined);
  await setting.stop();
});

Deno.test("307 and statistics() tell the speed of each topic, a message that failed as one that failed", async () => {
  const setting = await scene((message) => message.text() === "m3" ? "RECONSUME_LATER" : undefined);
  const { admin, clock, clientId, consumer } = setting;
  await clock.advance(1_000);
  await send(admin, 4);
  await clock.advance(9_000);
  const reply = await admin.call(operations.getConsumerRunningInfo, { consumerGroup: "G", clientId });
  const { statusTable } = consumerRunningInfo.read(reply.body);
  assertEquals(Object.keys(statusTable).toSorted(), ["%RETRY%G", "T"]);
  const { pullRT, ...speed } = statusTable["T"]!;
  assert(pullRT >= 0);
  assertEquals(speed, {
    pullTPS: 4 / 10,
    consumeRT: 0,
    consumeOKTPS: 3 / 10,
    consumeFailedTPS: 1 / 10,
    consumeFailedMsgs: 1,
  });
  const told = consumer.statistics().topics.find(({ topic }) => topic === "T")!;
  assertEquals([told.minute.consumeOkTps, told.hour.consumeFailedTps, told.day.pullTps], [0.3, 0.1, 0.4]);
  await setting.stop();
});

Deno.test("the time of consuming runs from hand-out to settlement", async () => {
  const setting = await scene(() => setting.clock.sleep(70));
  const { admin, clock, consumer } = setting;
  await send(admin, 1);
  await clock.advance(500);
  assertEquals(consumer.statistics().topics.find(({ topic }) => topic === "T")!.minute.consumeRtMs, 70);
  await setting.stop();
});

Deno.test("309 has one message consumed by its listener, tells how it fared and commits nothing", async () => {
  let answer: MessageListener = () => {};
  const seen: string[] = [];
  const setting = await scene((message, context) => {
    seen.push(`${message.text()} ${message.queue.brokerName} ${message.queueOffset} ${context.attempt}`);
    return (answer as (...args: unknown[]) => undefined)(message, context);
  });
  const { admin, clock, clientId, consumer, drive } = setting;
  const msgId = await send(admin, 3);
  await clock.advance(100);
  const before = consumer.statistics();
  seen.length = 0;
  const consume = async (how: MessageListener): Promise<DirectConsumeResult> => {
    answer = how;
    const reply = await drive(
      admin.call(operations.consumeMessageDirectly, { consumerGroup: "G", clientId, msgId, topic: "T" }),
    );
    assertEquals(reply.code, 0, reply.remark);
    return directConsumeResult.read(reply.body);
  };
  const shared = { order: false, autoCommit: true };
  const at = ({ spentTimeMills: _, ...rest }: DirectConsumeResult) => rest;
  assertEquals(at(await consume(() => {})), { ...shared, consumeResult: "CR_SUCCESS" });
  assertEquals(at(await consume(() => "RECONSUME_LATER")), { ...shared, consumeResult: "CR_LATER" });
  assertEquals(at(await consume(async (message) => void await message.retry())), {
    ...shared,
    consumeResult: "CR_LATER",
  });
  assertEquals(at(await consume((message) => message.ack())), { ...shared, consumeResult: "CR_SUCCESS" });
  assertEquals(
    at(
      await consume(() => {
        throw new TypeError("no such account");
      }),
    ),
    { ...shared, consumeResult: "CR_THROW_EXCEPTION", remark: "TypeError: no such account" },
  );
  const slow = await consume(() => consumer.client.clock.sleep(50));
  assertEquals(slow.spentTimeMills, 50);
  assertEquals(seen, Array(6).fill("m2 broker-a 2 1"));
  const after = consumer.statistics();
  assertEquals([after.acked, after.sentBack, after.inFlight], [before.acked, before.sentBack, 0]);
  await setting.stop();
});

Deno.test("309 reaches a listener that takes batches", async () => {
  const sizes: number[] = [];
  const setting = await scene({ consumeMessageConcurrently: (messages) => void sizes.push(messages.length) });
  const { admin, clock, clientId } = setting;
  const msgId = await send(admin, 1);
  await clock.advance(100);
  const reply = await admin.call(operations.consumeMessageDirectly, { consumerGroup: "G", clientId, msgId });
  assertEquals(directConsumeResult.read(reply.body).consumeResult, "CR_SUCCESS");
  assertEquals(sizes, [1, 1]);
  await setting.stop();
});

Deno.test("309 is refused, with the reason, where a stream takes the topic", async () => {
  const { cluster, clock, dial, stop } = await stage({ topics: { T: 1 } });
  const consumer = createConsumer({ namesrvAddr: cluster.namesrvAddr, consumerGroup: "G" }, cluster.world);
  consumer.subscribe("T");
  const stream = consumer.messages();
  const starting = consumer.start();
  await clock.advance(1_000);
  await starting;
  const admin = await dial();
  const msgId = await send(admin, 1);
  const { clientId } = consumer.client;
  const reply = await admin.call(operations.consumeMessageDirectly, { consumerGroup: "G", clientId, msgId });
  assertEquals(reply.code, 1);
  assertEquals(reply.remark, 'Cannot consume message K0 directly: topic "T" has no listener');
  await stream.cancel();
  const stopping = consumer.shutdown();
  await clock.advance(1_000);
  await stopping;
  await stop();
});
