/**
 * The producer against the embedded broker: what is sent is what is stored, whatever happens on the way.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { inflateSync } from "node:zlib";
import { ProducerError } from "../../../src/core/errors.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { ProducerOptions } from "../../../src/producer/options.ts";
import { createProducer, type Producer } from "../../../src/producer/producer.ts";
import type { ReceivedMessage } from "../../../src/producer/received_message.ts";
import type { TransactionState } from "../../../src/producer/transactions.ts";
import { type ClusterOptions, startCluster, type TestCluster } from "../../../src/testing/cluster.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import { createMemoryNetwork } from "../../../src/transport/memory.ts";

interface Stage {
  readonly cluster: TestCluster;
  readonly clock: ManualClock;
  /** A started producer, shut down at the end. */
  producer(options?: Partial<ProducerOptions>): Promise<Producer>;
}

/** Runs `body` with a cluster on a network in memory and a clock that stands still. */
async function onMemory(options: ClusterOptions, body: (stage: Stage) => Promise<void>): Promise<void> {
  const clock = new ManualClock();
  const random = seededRandom(11);
  const { connect, listen } = createMemoryNetwork({ clock, random });
  const cluster = await startCluster({ clock, random, connect, listen, ...options });
  const producers: Producer[] = [];
  try {
    await body({
      cluster,
      clock,
      async producer(more = {}) {
        const producer = createProducer(
          { producerGroup: "PG", namesrvAddr: cluster.namesrvAddr, ...more },
          { ...cluster.world, logger: silentLogger },
        );
        producers.push(producer);
        await clock.runUntil(producer.start());
        return producer;
      },
    });
  } finally {
    for (const producer of producers) await clock.runUntil(producer.shutdown());
    await cluster.stop();
  }
}

Deno.test("what is sent is what is stored, in the queue and at the offset that the result tells", () =>
  onMemory({ topics: { orders: 4 } }, async ({ cluster, producer }) => {
    const sender = await producer();
    const results = [];
    for (let i = 0; i < 8; i++) {
      results.push(
        await sender.send({
          topic: "orders",
          body: `body ${i}`,
          tag: "paid",
          keys: ["k", String(i)],
          properties: { region: "eu" },
        }),
      );
    }
    const stored = cluster.inspect.messages("orders");
    assertEquals(stored.length, 8);
    for (const [i, { queue, queueOffset, messageId, status }] of results.entries()) {
      const { text, properties } = stored.find((each) =>
        each.queueId === queue.queueId && each.queueOffset === queueOffset
      )!;
      assertEquals([text, properties.TAGS, properties.KEYS, properties.region, properties.UNIQ_KEY, status], [
        `body ${i}`,
        "paid",
        `k ${i}`,
        "eu",
        messageId,
        "SEND_OK",
      ]);
    }
  }));

Deno.test("a large body is stored compressed", () =>
  onMemory({ topics: { orders: 1 } }, async ({ cluster, producer }) => {
    const sender = await producer();
    await sender.send({ topic: "orders", body: "x".repeat(100_000) });
    const [stored] = cluster.inspect.messages("orders");
    assertEquals(stored!.sysFlag & 0x701, 0x301);
    assertEquals(inflateSync(stored!.body).length, 100_000);
  }));

Deno.test("a batch is stored as its messages, in order, in one queue", () =>
  onMemory({ topics: { orders: 4 } }, async ({ cluster, producer }) => {
    const sender = await producer();
    const { queue, queueOffset, messageId } = await sender.sendBatch(
      ["a", "b", "c"].map((body) => ({ topic: "orders", body })),
    );
    const stored = cluster.inspect.messages("orders");
    assertEquals(stored.map((each) => [each.text, each.queueId, each.queueOffset]), [
      ["a", queue.queueId, queueOffset],
      ["b", queue.queueId, queueOffset + 1],
      ["c", queue.queueId, queueOffset + 2],
    ]);
    assertEquals(stored.map((each) => each.properties.UNIQ_KEY).join(","), messageId);
  }));

Deno.test("messages of one sharding key are in one queue, in the order they were sent", () =>
  onMemory({ brokers: 2, topics: { orders: 4 } }, async ({ cluster, producer }) => {
    const sender = await producer();
    for (let i = 0; i < 12; i++) {
      await sender.sendOrderly({ topic: "orders", body: String(i) }, `order-${i % 3}`);
    }
    for (const key of ["order-0", "order-1", "order-2"]) {
      const stored = cluster.inspect.messages("orders").filter((each) =>
        each.properties.__SHARDINGKEY === key
      );
      assertEquals(new Set(stored.map((each) => `${each.brokerName} ${each.queueId}`)).size, 1);
      const numbers = stored.map((each) => Number(each.text));
      assertEquals(numbers, [...numbers].sort((a, b) => a - b));
    }
  }));

Deno.test("a topic that does not exist is created by its first message", () =>
  onMemory({}, async ({ cluster, producer }) => {
    const sender = await producer();
    await sender.send({ topic: "fresh", body: "first" });
    assertEquals(cluster.inspect.messages("fresh").map((each) => each.text), ["first"]);
  }));

Deno.test("a message whose answer is lost is sent again, with the same id", () =>
  onMemory({ topics: { orders: 1 } }, async ({ cluster, clock, producer }) => {
    const sender = await producer({ maxAttemptTimeoutMs: 500 });
    cluster.once("sendMessageV2", "dropReply");
    const { messageId } = await clock.runUntil(sender.send({ topic: "orders", body: "once or twice" }));
    const stored = cluster.inspect.messages("orders");
    assertEquals(stored.map((each) => each.properties.UNIQ_KEY), [messageId, messageId]);
  }));

Deno.test("a broker that closes its connection, is busy or is going away costs an attempt, not the message", () =>
  onMemory({ brokers: 2, topics: { orders: 2 } }, async ({ cluster, clock, producer }) => {
    const sender = await producer();
    for (const fault of ["disconnect", 2, 1500] as const) {
      const order = cluster.once("sendMessageV2", fault);
      assertEquals((await clock.runUntil(sender.send({ topic: "orders", body: "b" }))).status, "SEND_OK");
      assertEquals(order.hits, 1);
    }
    assertEquals(cluster.inspect.messages("orders").length, 3);
  }));

Deno.test("while one of two brokers is down, every message goes to the other", () =>
  onMemory({ brokers: 2, topics: { orders: 2 } }, async ({ cluster, clock, producer }) => {
    const sender = await producer({ topics: ["orders"] });
    await cluster.killBroker("broker-a");
    for (let i = 0; i < 10; i++) {
      const { queue } = await clock.runUntil(sender.send({ topic: "orders", body: String(i) }));
      assertEquals(queue.brokerName, "broker-b");
    }
  }));

Deno.test("a broker that comes back within the deadline gets the message after all", () =>
  onMemory({ topics: { orders: 1 } }, async ({ cluster, clock, producer }) => {
    const sender = await producer({ topics: ["orders"], retryTimesWhenSendFailed: 5 });
    await sender.send({ topic: "orders", body: "before" });
    await cluster.killBroker("broker-a");
    const sending = sender.send({ topic: "orders", body: "after" }, { timeoutMs: 10_000 });
    await clock.advance(150);
    await cluster.startBroker("broker-a");
    assertEquals((await clock.runUntil(sending)).status, "SEND_OK");
  }));

Deno.test("an illegal message is refused by the broker once, with its reason", () =>
  onMemory({ topics: { orders: 1 }, broker: { maxMessageSize: 1000 } }, async ({ cluster, producer }) => {
    const sender = await producer();
    const sending = () => sender.send({ topic: "orders", body: new Uint8Array(3000).map((_, i) => i * 7) });
    const error = await assertRejects(sending, ProducerError, "1 attempt");
    assertEquals(error.facts.responseCode, 13);
    assertEquals(cluster.inspect.messages("orders"), []);
  }));

Deno.test("a pipe of messages is stored as a whole when it closes", () =>
  onMemory({ topics: { orders: 4 } }, async ({ cluster, producer }) => {
    const sender = await producer();
    const messages = Array.from({ length: 200 }, (_, i) => ({ topic: "orders", body: String(i) }));
    await ReadableStream.from(messages).pipeTo(sender.writable({ maxInFlight: 8 }));
    const stored = cluster.inspect.messages("orders").map((each) => Number(each.text));
    assertEquals(stored.sort((a, b) => a - b), messages.map((_, i) => i));
  }));

Deno.test("a transaction is seen when it commits, and not when it rolls back", () =>
  onMemory({ topics: { orders: 1 } }, async ({ cluster, clock, producer }) => {
    const check = (): TransactionState => "UNKNOWN";
    const sender = await producer({ transactionListener: { check } });
    await sender.sendInTransaction({ topic: "orders", body: "kept" }, () => {
      assertEquals(cluster.inspect.messages("orders"), [], "the half message is hidden");
      return "COMMIT_MESSAGE";
    });
    await sender.sendInTransaction({ topic: "orders", body: "dropped" }, () => "ROLLBACK_MESSAGE");
    await clock.settle();
    assertEquals(cluster.inspect.messages("orders").map((each) => each.text), ["kept"]);
  }));

Deno.test("a transaction whose outcome is unknown is asked about, and then seen", () =>
  onMemory({ topics: { orders: 1 } }, async ({ cluster, clock, producer }) => {
    const asked: ReceivedMessage[] = [];
    const check = (half: ReceivedMessage): TransactionState => {
      asked.push(half);
      return asked.length === 1 ? "UNKNOWN" : "COMMIT_MESSAGE";
    };
    const sender = await producer({ transactionListener: { check } });
    const { messageId } = await sender.sendInTransaction({ topic: "orders", body: "slow" }, () => "UNKNOWN");
    await clock.advance(31_000);
    assertEquals(cluster.inspect.messages("orders"), []);
    await clock.advance(60_000);
    assertEquals(cluster.inspect.messages("orders").map((each) => each.text), ["slow"]);
    assertEquals(asked.map((half) => [half.text(), half.messageId]), [["slow", messageId], [
      "slow",
      messageId,
    ]]);
  }));

Deno.test("a reply finds the requester over its broker", () =>
  onMemory({ brokers: 2, topics: { questions: 1 } }, async ({ cluster, clock, producer }) => {
    const requester = await producer();
    const replier = await producer({ producerGroup: "replier" });
    const asking = requester.request({ topic: "questions", body: "6 × 7?" }, { timeoutMs: 5000 });
    await clock.settle();
    await clock.settle();
    const [question] = cluster.inspect.messages("questions");
    await clock.runUntil(replier.reply(question!, `${question!.text} 42`));
    const reply = await clock.runUntil(asking);
    assertEquals([reply.text(), reply.properties.CORRELATION_ID], [
      "6 × 7? 42",
      question!.properties.CORRELATION_ID!,
    ]);
  }));

Deno.test("a reply to a requester that is gone is refused, with the broker's reason", () =>
  onMemory({ topics: { questions: 1 } }, async ({ cluster, clock, producer }) => {
    const requester = await producer();
    const replier = await producer({ producerGroup: "replier" });
    const asking = assertRejects(() => requester.request({ topic: "questions", body: "?" }), ProducerError);
    await clock.settle();
    await clock.settle();
    const [question] = cluster.inspect.messages("questions");
    await clock.runUntil(requester.shutdown());
    await asking;
    const replying = () => clock.runUntil(replier.reply(question!, "42"));
    const error = await assertRejects(replying, ProducerError);
    assertEquals(error.facts.responseCode, 1);
  }));

Deno.test("a timed message comes at its time, and not at all when it was recalled", () =>
  onMemory({ topics: { reminders: 1 } }, async ({ cluster, clock, producer }) => {
    const sender = await producer();
    const kept = await sender.send({ topic: "reminders", body: "kept", delayMs: 60_000 });
    const recalled = await sender.send({ topic: "reminders", body: "recalled", delayMs: 60_000 });
    assert(kept.recallHandle !== undefined);
    assertEquals(await sender.recall("reminders", recalled.recallHandle!), recalled.messageId);
    await clock.advance(50_000);
    assertEquals(cluster.inspect.messages("reminders"), []);
    await clock.advance(15_000);
    assertEquals(cluster.inspect.messages("reminders").map((each) => each.text), ["kept"]);
  }));

Deno.test("over TCP, sends under way together are all stored", async () => {
  const cluster = await startCluster({ topics: { orders: 4 } });
  const producer = createProducer(
    { producerGroup: "PG", namesrvAddr: cluster.namesrvAddr },
    { ...cluster.world, logger: silentLogger },
  );
  try {
    await producer.start();
    const sends = Array.from({ length: 500 }, (_, i) => producer.send({ topic: "orders", body: String(i) }));
    const ids = new Set((await Promise.all(sends)).map((result) => result.messageId));
    assertEquals(ids.size, 500);
    assert(cluster.inspect.messages("orders").every((each) => ids.has(each.properties.UNIQ_KEY!)));
    assertEquals(cluster.inspect.messages("orders").length, 500);
  } finally {
    await producer.shutdown();
    await cluster.stop();
  }
});
