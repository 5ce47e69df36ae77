import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { constants, deflateSync, inflateSync, zstdCompressSync } from "node:zlib";
import { ProducerError, TimeoutError, ValidationError } from "../../../src/core/errors.ts";
import type { QueueSelector } from "../../../src/producer/queue_selector.ts";
import { type ScriptedCluster, started, stored, withCluster } from "./scripted_cluster.ts";

const TWO_BROKERS = { T: { "broker-a": 2, "broker-b": 2 } };

/** Options that make the first choice `broker-a`: queues are taken in order. */
const inOrder = (): { queueSelector: QueueSelector } => {
  let turn = 0;
  return { queueSelector: { select: (_message, queues) => queues[turn++ % queues.length]! } };
};

function refusing(cluster: ScriptedCluster, refusals: Record<string, number>): void {
  cluster.answer = (send) => {
    const code = refusals[send.broker];
    return code === undefined ? stored(send) : { code, remark: `no, says ${send.broker}` };
  };
}

Deno.test("a stored message comes back with its ids, its queue and its offset", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    cluster.answer = (send) => stored(send, { recallHandle: "h", TRACE_ON: "false", MSG_REGION: "eu" });
    const result = await producer.send({ topic: "T", body: "hello" });
    assertEquals(result, {
      status: "SEND_OK",
      messageId: cluster.sends[0]!.properties.UNIQ_KEY!,
      offsetMessageId: "7F00000100002A9F00000000000003E8",
      queue: { topic: "T", brokerName: "broker-a", queueId: 0 },
      queueOffset: 5,
      transactionId: cluster.sends[0]!.properties.UNIQ_KEY!,
      regionId: "eu",
      traceOn: false,
      recallHandle: "h",
    });
  }));

Deno.test("the three codes for stored but unconfirmed are a status, not an error", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    const statuses = [];
    for (const code of [10, 11, 12]) {
      cluster.answer = (send) => stored(send, {}, code);
      statuses.push((await producer.send({ topic: "T", body: "b" })).status);
    }
    assertEquals(statuses, ["FLUSH_DISK_TIMEOUT", "SLAVE_NOT_AVAILABLE", "FLUSH_SLAVE_TIMEOUT"]);
    assertEquals(cluster.sends.length, 3);
  }));

Deno.test("with retryAnotherBrokerWhenNotStoreOk an unconfirmed message goes to another broker, and the last result counts", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    const producer = await started(cluster, { retryAnotherBrokerWhenNotStoreOk: true, ...inOrder() });
    cluster.answer = (send, number) => stored(send, {}, number === 1 ? 10 : 0);
    assertEquals((await producer.send({ topic: "T", body: "b" })).status, "SEND_OK");
    assertEquals(cluster.sends.map((send) => send.broker), ["broker-a", "broker-b"]);
    cluster.answer = (send) => stored(send, {}, 12);
    assertEquals((await producer.send({ topic: "T", body: "b" })).status, "FLUSH_SLAVE_TIMEOUT");
    assertEquals(cluster.sends.length, 5);
  }));

Deno.test("a refusal that is worth it is tried on the other broker, with the same message id", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    refusing(cluster, { "broker-a": 2 });
    const producer = await started(cluster, inOrder());
    const { queue, messageId } = await producer.send({ topic: "T", body: "b" });
    assertEquals(queue.brokerName, "broker-b");
    assertEquals(cluster.sends.map((send) => send.broker), ["broker-a", "broker-b"]);
    assertEquals(cluster.sends.map((send) => send.properties.UNIQ_KEY), [messageId, messageId]);
  }));

Deno.test("a refusal that is final is not tried again", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    refusing(cluster, { "broker-a": 13, "broker-b": 13 });
    const producer = await started(cluster);
    const error = await assertRejects(() => producer.send({ topic: "T", body: "b" }), ProducerError);
    assertEquals(cluster.sends.length, 1);
    assertEquals(error.facts.responseCode, 13);
  }));

Deno.test("after 1 + retryTimesWhenSendFailed attempts the error tells all of them", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    refusing(cluster, { "broker-a": 2, "broker-b": 14 });
    const producer = await started(cluster, inOrder());
    const error = await assertRejects(() => producer.send({ topic: "T", body: "b" }), ProducerError);
    assertEquals(cluster.sends.map((send) => send.broker), ["broker-a", "broker-b", "broker-a"]);
    assertStringIncludes(error.message, 'broker-a: answered SYSTEM_BUSY (2) "no, says broker-a"');
    assertStringIncludes(error.message, 'broker-b: answered SERVICE_NOT_AVAILABLE (14) "no, says broker-b"');
    assertEquals([error.facts.attempts, error.facts.topic, error.facts.timeoutMs], [3, "T", 3000]);
  }));

Deno.test("retryResponseCodes and retryTimesWhenSendFailed are the user's to set", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    refusing(cluster, { "broker-a": 13, "broker-b": 13 });
    const producer = await started(cluster, { retryResponseCodes: [13], retryTimesWhenSendFailed: 4 });
    await assertRejects(() => producer.send({ topic: "T", body: "b" }), ProducerError, "5 attempts");
    assertEquals(cluster.sends.length, 5);
  }));

Deno.test("a broker that cannot be reached is passed over", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    const producer = await started(cluster, inOrder());
    cluster.network.cut({ host: cluster.brokerHost("broker-a") });
    const result = await cluster.clock.runUntil(producer.send({ topic: "T", body: "b" }));
    assertEquals(result.queue.brokerName, "broker-b");
  }));

Deno.test("one deadline holds for all attempts together", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    cluster.answer = () => undefined;
    const producer = await started(cluster, { maxAttemptTimeoutMs: 800 });
    const before = cluster.clock.now();
    const error = await assertRejects(
      () => cluster.clock.runUntil(producer.send({ topic: "T", body: "b" }, { timeoutMs: 2000 })),
      ProducerError,
      "3 attempts within 2000 ms",
    );
    const tookMs = cluster.clock.now() - before;
    assert(tookMs >= 2000 && tookMs < 3100, `took ${tookMs} ms`);
    assert(error.cause instanceof TimeoutError);
    assertEquals(cluster.sends.length, 3);
  }));

Deno.test("without maxAttemptTimeoutMs a broker that never answers takes the whole time", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    cluster.answer = () => undefined;
    const producer = await started(cluster);
    await assertRejects(
      () => cluster.clock.runUntil(producer.send({ topic: "T", body: "b" })),
      ProducerError,
      "1 attempt within 3000 ms",
    );
  }));

Deno.test("a queue that the caller chose is tried once", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    refusing(cluster, { "broker-a": 2, "broker-b": 2 });
    const producer = await started(cluster);
    const queue = { topic: "T", brokerName: "broker-b", queueId: 1 };
    await assertRejects(
      () => producer.send({ topic: "T", body: "b" }, { queue }),
      ProducerError,
      "1 attempt",
    );
    assertEquals(cluster.sends.map(({ broker, header }) => [broker, header.e]), [["broker-b", "1"]]);
  }));

Deno.test("a selector of the call is given the queues and its argument, and its choice is tried once", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    refusing(cluster, { "broker-b": 1 });
    const producer = await started(cluster);
    const given: unknown[] = [];
    const selector = {
      select(
        _message: unknown,
        queues: readonly { topic: string; brokerName: string; queueId: number }[],
        arg: unknown,
      ) {
        given.push(queues.map(({ brokerName, queueId }) => `${brokerName} ${queueId}`), arg);
        return queues[3]!;
      },
    };
    const sending = producer.send({ topic: "T", body: "b" }, { selector, selectorArg: 42 });
    await assertRejects(() => sending, ProducerError, "1 attempt");
    assertEquals(given, [["broker-a 0", "broker-a 1", "broker-b 0", "broker-b 1"], 42]);
  }));

Deno.test("a queue of another topic is refused", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    const producer = await started(cluster);
    const queue = { topic: "U", brokerName: "broker-b", queueId: 1 };
    await assertRejects(
      () => producer.send({ topic: "T", body: "b" }, { queue }),
      ValidationError,
      'is of topic "U"',
    );
  }));

Deno.test("an abort ends a send with the signal's reason and is not retried", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    const producer = await started(cluster);
    const stop = new AbortController();
    cluster.answer = () => {
      stop.abort(new Error("enough"));
      return undefined;
    };
    await assertRejects(
      () => producer.send({ topic: "T", body: "b" }, { signal: stop.signal }),
      Error,
      "enough",
    );
    assertEquals(cluster.sends.length, 1);
  }));

Deno.test("messages of one key go to one queue, with the sharding key among their properties", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    const producer = await started(cluster);
    const queues = [];
    for (const key of ["order-1", "order-2", "order-1"]) {
      queues.push((await producer.sendOrderly({ topic: "T", body: "b" }, key)).queue);
    }
    assertEquals(queues[0], queues[2]);
    assertEquals(cluster.sends.map((send) => send.properties.__SHARDINGKEY), [
      "order-1",
      "order-2",
      "order-1",
    ]);
  }));

Deno.test("round robin reaches every queue of every broker", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    const producer = await started(cluster);
    const met = new Set<string>();
    for (let i = 0; i < 4; i++) {
      const { queue } = await producer.send({ topic: "T", body: "b" });
      met.add(`${queue.brokerName} ${queue.queueId}`);
    }
    assertEquals(met.size, 4);
  }));

Deno.test("a one-way message is marked so and waits for nothing", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    cluster.answer = () => undefined;
    const producer = await started(cluster);
    await producer.sendOneway({ topic: "T", body: "b" });
    await cluster.clock.settle();
    assertEquals(cluster.sends.map(({ oneway, code }) => ({ oneway, code })), [{ oneway: true, code: 310 }]);
  }));

Deno.test("bodies from 4096 bytes on are compressed, smaller ones are not", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    await producer.send({ topic: "T", body: "x".repeat(4095) });
    await producer.send({ topic: "T", body: "x".repeat(4096) });
    const [plain, packed] = cluster.sends;
    assertEquals([plain!.header.f, plain!.body.length], ["0", 4095]);
    assertEquals(packed!.header.f, String(0x301));
    assertEquals(new TextDecoder().decode(inflateSync(packed!.body)), "x".repeat(4096));
  }));

Deno.test("compressLevel says how hard zlib and zstd try, 5 unless it is given", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    const body = Array.from({ length: 5_000 }, (_, at) => `${at * at % 9973}`).join(" ");
    const packed = {
      ZLIB: (level: number) => deflateSync(body, { level }),
      ZSTD: (level: number) =>
        zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: level } }),
    };
    for (const compressType of ["ZLIB", "ZSTD"] as const) {
      const distinct = new Set<string>();
      for (const compressLevel of [1, undefined, 9]) {
        const producerGroup = `${compressType}-${compressLevel}`;
        const producer = await started(cluster, { compressType, compressLevel, producerGroup });
        await producer.send({ topic: "T", body });
        const sent = cluster.sends.at(-1)!.body;
        assertEquals(sent, new Uint8Array(packed[compressType](compressLevel ?? 5)), producerGroup);
        distinct.add(sent.join());
      }
      assertEquals(distinct.size, 3, compressType);
    }
  }));

Deno.test("with latency fault tolerance a broker that failed gets no message for a while", () =>
  withCluster(TWO_BROKERS, async (cluster) => {
    refusing(cluster, { "broker-a": 2 });
    const producer = await started(cluster, { sendLatencyFaultTolerance: true, ...inOrder() });
    for (let i = 0; i < 6; i++) await producer.send({ topic: "T", body: "b" });
    assertEquals(cluster.sends.filter((send) => send.broker === "broker-a").length, 1);
    await cluster.clock.advance(10_001);
    for (let i = 0; i < 4; i++) await producer.send({ topic: "T", body: "b" });
    assert(cluster.sends.filter((send) => send.broker === "broker-a").length > 1);
  }));
