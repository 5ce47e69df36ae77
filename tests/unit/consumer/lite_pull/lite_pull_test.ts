/**
 * A lite pull consumer against the embedded broker: what goes over the wire, what the options do, what is refused.
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ConfigError,
  ConsumerStateError,
  createLitePullConsumer,
  createProducer,
  InvalidTopicError,
  type LitePullConsumer,
  type LitePullConsumerConfig,
  type MessageQueue,
  TopicNotSubscribedError,
} from "../../../../mod.ts";
import { startCluster, type TestCluster } from "../../../../src/testing/mod.ts";
import { systemClock } from "../../../../src/time/clock.ts";
import { nextTurn } from "../../../../src/time/turn.ts";

const silent = (): void => {};
const quiet = { debug: silent, info: silent, warn: silent, error: silent };
const NOWHERE = { consumerGroup: "G", namesrvAddr: "127.0.0.1:1" };
const QUEUE: MessageQueue = { topic: "T", brokerName: "b", queueId: 0 };

/** Runs `body` with a consumer of topic T, which holds `messages` in one queue, and shuts everything down. */
async function withConsumer(
  { messages = 0, bodyBytes = 8, version = 513, ...config }:
    & Partial<LitePullConsumerConfig>
    & { messages?: number; bodyBytes?: number; version?: number },
  body: (scene: { consumer: LitePullConsumer; cluster: TestCluster; queue: MessageQueue }) => Promise<void>,
): Promise<void> {
  const cluster = await startCluster({ topics: { T: 1 }, broker: { version } });
  const { namesrvAddr } = cluster;
  const consumer = createLitePullConsumer({
    consumerGroup: "G",
    namesrvAddr,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    ...config,
  }, { logger: quiet });
  try {
    const producer = createProducer({ producerGroup: "P", namesrvAddr });
    await producer.start();
    for (let at = 0; at < messages; at++) {
      await producer.send({ topic: "T", body: `${at}`.padEnd(bodyBytes, ".") });
    }
    await producer.shutdown();
    const queue = { topic: "T", brokerName: cluster.brokers[0]!, queueId: 0 };
    consumer.assign([queue]);
    await consumer.start();
    await body({ consumer, cluster, queue });
  } finally {
    await consumer.shutdown();
    await cluster.stop();
  }
}

/** Waits until `count` messages are cached, and sees that no more are pulled. */
async function cachesNoMoreThan(consumer: LitePullConsumer, count: number, why?: string): Promise<void> {
  while (consumer.statistics().cachedMessages < count) await systemClock.sleep(5);
  await systemClock.sleep(100);
  assertEquals(consumer.statistics().cachedMessages, count, why);
}

Deno.test("all problems of a configuration are told at once, each with its path", () => {
  const error = assertThrows(
    () =>
      createLitePullConsumer({
        consumerGroup: "a b",
        namesrvAddr: "127.0.0.1:9876",
        pullBatchSize: 0,
        autoCommitIntervalMs: 1.5,
        ordering: "orderly",
      } as LitePullConsumerConfig),
    ConfigError,
  );
  assertEquals(
    error.facts.problems?.map(({ path }) => path),
    ["consumerGroup", "autoCommitIntervalMs", "pullBatchSize", "ordering"],
  );
});

Deno.test("topics are subscribed or queues assigned, not both, and the first word decides", () => {
  const subscriber = createLitePullConsumer(NOWHERE);
  subscriber.subscribe("T");
  assertThrows(
    () => subscriber.assign([QUEUE]),
    ConsumerStateError,
    "Cannot assign 1 queues: it subscribes topics already",
  );
  assertThrows(() => subscriber.setSubExpressionForAssign("T", "a"), ConsumerStateError);
  assertThrows(() => subscriber.unsubscribe("other"), TopicNotSubscribedError);
  const assigner = createLitePullConsumer(NOWHERE);
  assertThrows(() => assigner.subscribe("a b"), InvalidTopicError);
  assigner.setSubExpressionForAssign("T", "a || b");
  assigner.assign([QUEUE]);
  assertThrows(
    () => assigner.subscribe("T"),
    ConsumerStateError,
    'Cannot subscribe "T": queues are assigned to it already',
  );
  assertThrows(() => assigner.assign([{ ...QUEUE, topic: "a b" }]), InvalidTopicError, "Cannot assign");
});

Deno.test("before the start there is nothing to poll, seek or commit", async () => {
  const consumer = createLitePullConsumer(NOWHERE);
  consumer.assign([QUEUE]);
  for (
    const call of [
      () => consumer.poll(),
      () => consumer.seek(QUEUE, 0),
      () => consumer.seekToBegin(QUEUE),
      () => consumer.seekToTimestamp(QUEUE, 0),
      () => consumer.offsetForTimestamp(QUEUE, 0),
      () => consumer.commit(),
      () => consumer.committed(QUEUE),
      () => consumer.fetchMessageQueues("T"),
    ]
  ) await assertRejects(call, ConsumerStateError, 'is "created"');
});

Deno.test("a poll refuses a time or a number that makes no sense", async () => {
  await withConsumer({}, async ({ consumer }) => {
    await assertRejects(() => consumer.poll({ timeoutMs: -1 }), ConfigError, "timeoutMs is -1");
    await assertRejects(() => consumer.poll({ timeoutMs: NaN }), ConfigError, "timeoutMs is NaN");
    await assertRejects(() => consumer.poll({ maxMessages: 0 }), ConfigError, "maxMessages is 0");
    await assertRejects(() => consumer.poll({ maxMessages: 1.5 }), ConfigError, "maxMessages is 1.5");
  });
});

Deno.test("a broker of 5.0 or later is asked by the request of lite pulls, an older one by the ordinary one", async () => {
  for (const [version, operation] of [[513, "litePullMessage"], [407, "pullMessage"]] as const) {
    await withConsumer({ version, messages: 1 }, async ({ consumer, cluster }) => {
      assertEquals((await consumer.poll()).length, 1);
      const asked = cluster.wireLog.lines.map((line) => line.operation).filter((name) => /pull/i.test(name));
      assertEquals(new Set(asked), new Set([operation]));
    });
  }
});

Deno.test("a queue holds no more messages than pullThresholdForQueue and the pull that passes it", async () => {
  await withConsumer({ messages: 60, pullThresholdForQueue: 25, pullBatchSize: 10 }, async ({ consumer }) => {
    await cachesNoMoreThan(consumer, 30);
    await consumer.poll();
    await consumer.poll();
    await cachesNoMoreThan(consumer, 30, "what is finished makes room");
  });
});

Deno.test("all queues hold no more messages than pullThresholdForAll and a pull", async () => {
  await withConsumer({ messages: 60, pullThresholdForAll: 15, pullBatchSize: 10 }, async ({ consumer }) => {
    await cachesNoMoreThan(consumer, 20);
  });
});

Deno.test("a queue holds no more bytes than pullThresholdSizeForQueueBytes and a pull", async () => {
  const limits = { pullThresholdSizeForQueueBytes: 5_000, pullBatchSize: 4 };
  await withConsumer({ messages: 40, bodyBytes: 1_000, ...limits }, async ({ consumer }) => {
    await cachesNoMoreThan(consumer, 8);
  });
});

Deno.test("a queue is not pulled further than consumeMaxSpan past what is not finished", async () => {
  await withConsumer({ messages: 60, consumeMaxSpan: 11, pullBatchSize: 10 }, async ({ consumer }) => {
    await cachesNoMoreThan(consumer, 20);
  });
});

Deno.test("pollTimeoutMs and pullBatchSize are what a poll goes by that does not say", async () => {
  await withConsumer({ messages: 5, pullBatchSize: 3, pollTimeoutMs: 40 }, async ({ consumer }) => {
    await cachesNoMoreThan(consumer, 5);
    assertEquals((await consumer.poll()).length, 3);
    assertEquals((await consumer.poll()).length, 2);
    const before = performance.now();
    assertEquals(await consumer.poll(), []);
    assert(performance.now() - before >= 35);
  });
});

Deno.test("queues that are assigned instead of others are pulled, and the others given up with their wishes", async () => {
  await withConsumer({ messages: 3 }, async ({ consumer, queue }) => {
    const elsewhere = { ...queue, queueId: 7 };
    consumer.pause([queue, elsewhere]);
    assertEquals([consumer.isPaused(queue), consumer.isPaused(elsewhere)], [true, false]);
    consumer.assign([]);
    while (consumer.assignment().length > 0) await nextTurn();
    assertEquals(consumer.isPaused(queue), false);
    await assertRejects(() => consumer.seek(queue, 1), ConsumerStateError, "is not assigned");
    consumer.assign([queue]);
    await consumer.seek(queue, 2);
    assertEquals((await consumer.poll()).map(({ queueOffset }) => queueOffset), [2]);
  });
});

Deno.test("a read of the committed offset disturbs no commit that is still to come", async () => {
  const config = { messages: 20, autoCommitIntervalMs: 3_600_000 };
  await withConsumer(config, async ({ consumer, queue }) => {
    assertEquals(await consumer.committed(queue), 0, "a broker says 0 while message 0 is in its memory");
    await consumer.poll();
    await consumer.commit([[queue, 15]]);
    assertEquals(await consumer.committed(queue), 15);
    await consumer.seek(queue, 4);
    assertEquals(await consumer.committed(queue), 15, "a seek by itself stores nothing");
    await consumer.commit();
    assertEquals(await consumer.committed(queue), 4);
    const elsewhere = { ...queue, brokerName: "nobody" };
    await assertRejects(() => consumer.committed(elsewhere), Error, "nobody");
  });
});

Deno.test("brokers hear of subscriptions, of none for assigned queues, and of the leaving", async () => {
  await withConsumer({}, async ({ consumer, cluster }) => {
    const subscriber = createLitePullConsumer(
      { consumerGroup: "S", namesrvAddr: cluster.namesrvAddr },
      { logger: quiet },
    );
    subscriber.subscribe("T", "a || b");
    await subscriber.start();
    const topics = (group: string) => cluster.inspect.consumers(group).map((member) => member.topics);
    assertEquals(topics("S"), [["T"]]);
    assertEquals(topics(consumer.consumerGroup), [[]]);
    await subscriber.shutdown();
    assertEquals(topics("S"), []);
  });
});
