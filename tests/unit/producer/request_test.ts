import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { deflateSync } from "node:zlib";
import { ProducerError, TimeoutError, ValidationError } from "../../../src/core/errors.ts";
import { encodeProperties } from "../../../src/message/properties.ts";
import { replyAddress } from "../../../src/producer/request_reply.ts";
import { pushReplyMessageToClient } from "../../../src/protocol/operations.ts";
import { type ScriptedCluster, type SeenSend, started, stored, withCluster } from "./scripted_cluster.ts";

const TOPICS = { Ask: { "broker-a": 1 }, DefaultCluster_REPLY_TOPIC: { "broker-a": 1 } };

/** Pushes a reply to the client that made `request`, as a broker does, and gives its answer. */
function pushReply({ request, properties }: SeenSend, body: Uint8Array, sysFlag = 0) {
  return request.channel.call(pushReplyMessageToClient, {
    producerGroup: "Replier",
    topic: "DefaultCluster_REPLY_TOPIC",
    defaultTopic: "TBW102",
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag,
    bornTimestamp: 11,
    flag: 0,
    properties: encodeProperties({ ...properties, MSG_TYPE: "reply", PUSH_REPLY_TIME: "13" }),
    bornHost: "10.0.0.2:4000",
    storeHost: "10.0.1.97:10911",
    storeTimestamp: 12,
  }, { body, timeoutMs: 1000 });
}

const bytes = (text: string) => new TextEncoder().encode(text);
const sentTo = (cluster: ScriptedCluster, topic: string) =>
  cluster.sends.filter((send) => send.header.b === topic);

Deno.test("a request carries what leads its reply back, after a heartbeat has made the client known", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster);
    cluster.answer = (send) => {
      queueMicrotask(() => void pushReply(send, bytes("42")));
      return stored(send);
    };
    const reply = await producer.request({ topic: "Ask", body: "?", tag: "T" }, { timeoutMs: 8000 });
    assertEquals([reply.text(), reply.bornTimestamp, reply.storeTimestamp], ["42", 11, 12]);
    assertEquals(reply.properties.ARRIVE_TIME, String(cluster.clock.now()));
    const { TTL, REPLY_TO_CLIENT, CORRELATION_ID } = cluster.sends[0]!.properties;
    assertEquals([TTL, REPLY_TO_CLIENT], ["8000", producer.client.clientId]);
    assertMatch(CORRELATION_ID!, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assertEquals(cluster.others.some((other) => other.place === "broker-a" && other.code === 34), true);
  }));

Deno.test("a reply may come before the request is confirmed, and be compressed", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster);
    cluster.answer = async (send) => {
      await pushReply(send, deflateSync(bytes("early")), 0x301);
      return stored(send);
    };
    assertEquals((await producer.request({ topic: "Ask", body: "?" })).text(), "early");
  }));

Deno.test("replies find their own request, in whatever order they come", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster);
    const asking = ["a", "b", "c"].map((body) => producer.request({ topic: "Ask", body }));
    await cluster.clock.settle();
    for (const send of [...cluster.sends].reverse()) await pushReply(send, send.body);
    assertEquals((await Promise.all(asking)).map((reply) => reply.text()), ["a", "b", "c"]);
  }));

Deno.test("without a reply a request ends at its timeout; one that comes later is confirmed and ignored", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster);
    const asking = producer.request({ topic: "Ask", body: "?" }, { timeoutMs: 700 });
    const error = await assertRejects(
      () => cluster.clock.runUntil(asking),
      ProducerError,
      "no reply came within 700 ms",
    );
    assertEquals(error.cause instanceof TimeoutError, true);
    assertEquals((await pushReply(cluster.sends[0]!, bytes("late"))).code, 0);
  }));

Deno.test("a request that cannot be sent says so at once", () =>
  withCluster(TOPICS, async (cluster) => {
    cluster.answer = () => ({ code: 13, remark: "illegal" });
    const producer = await started(cluster);
    await assertRejects(
      () => producer.request({ topic: "Ask", body: "?" }),
      ProducerError,
      "MESSAGE_ILLEGAL",
    );
  }));

Deno.test("an abort ends a request", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster);
    const stop = new AbortController();
    const asking = assertRejects(
      () => producer.request({ topic: "Ask", body: "?" }, { signal: stop.signal }),
      Error,
      "enough",
    );
    await cluster.clock.settle();
    stop.abort(new Error("enough"));
    await asking;
  }));

Deno.test("shutdown() ends requests that wait for their reply", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster);
    const asking = assertRejects(
      () => producer.request({ topic: "Ask", body: "?" }),
      ProducerError,
      "shutting down",
    );
    await cluster.clock.settle();
    await producer.shutdown();
    await asking;
  }));

Deno.test("a reply goes to the reply topic of the cluster, under its own code, without WAIT and tag", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster);
    const properties = {
      CLUSTER: "DefaultCluster",
      REPLY_TO_CLIENT: "c@1",
      CORRELATION_ID: "id",
      TTL: "8000",
      X: "x",
    };
    await producer.reply({ topic: "Ask", properties }, "42");
    const [send] = sentTo(cluster, "DefaultCluster_REPLY_TOPIC");
    const { UNIQ_KEY: _, ...sent } = send!.properties;
    assertEquals(sent, { MSG_TYPE: "reply", REPLY_TO_CLIENT: "c@1", TTL: "8000", CORRELATION_ID: "id" });
    assertEquals([send!.code, new TextDecoder().decode(send!.body)], [325, "42"]);
  }));

Deno.test("a message that is no request cannot be replied to", async () => {
  await assertRejects(
    async () => await Promise.resolve(replyAddress({ topic: "T", properties: { CLUSTER: "C" } })),
    ValidationError,
    "REPLY_TO_CLIENT is missing",
  );
});
