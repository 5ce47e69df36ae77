/**
 * What a producer writes into the message trace, held against what the Java client writes.
 */
import { assertEquals } from "@std/assert";
import type { TransactionState } from "../../../src/producer/transactions.ts";
import { TRACE_TOPIC } from "../../../src/protocol/names.ts";
import { checkTransactionState } from "../../../src/protocol/operations.ts";
import { splitTrace } from "../../../src/protocol/trace.ts";
import { captured, fromHex } from "../vectors.ts";
import { type ScriptedCluster, started, stored, withCluster } from "./scripted_cluster.ts";

const TOPICS = { CapT: { "broker-a": 1 }, [TRACE_TOPIC]: { "broker-a": 1 } };
const decoder = new TextDecoder();

/** The sends to the trace topic. */
const traceSends = (cluster: ScriptedCluster, topic = TRACE_TOPIC) =>
  cluster.sends.filter(({ header }) => header["b"] === topic);
/** All records that a broker got, each as its fields. */
const recordsOf = (cluster: ScriptedCluster, topic?: string): string[][] =>
  traceSends(cluster, topic).flatMap(({ body }) => splitTrace(decoder.decode(body)));

/** A record with what differs between two runs replaced by a word. */
function comparable(fields: readonly string[]): string[] {
  const varying: Record<number, string> = { 1: "time", 5: "id", 8: "host", 10: "cost", 12: "offset id" };
  return fields.map((field, at) => varying[at] ?? field);
}

Deno.test("a send leaves the record that Java's leaves, from the first one on, and a shutdown sends what waits", () =>
  withCluster(TOPICS, async (cluster) => {
    const java = captured("trace").filter(({ code, kind }) => code === 310 && kind === "request");
    const theirs = java.find(({ header }) => header!["a"]!.endsWith("-PRODUCE-1"))!;
    const producer = await started(cluster, { producerGroup: "CapTrPG", messageTrace: true });
    for (const keys of ["tr0", "tr1"]) {
      await producer.send({ topic: "CapT", body: "traced", tag: "TagC", keys });
    }
    const sent = cluster.sends.slice(0, 2);
    await cluster.clock.runUntil(producer.shutdown());
    const [only, ...more] = traceSends(cluster);
    assertEquals([only!.header["a"], more], [theirs.header!["a"], []]);
    const ours = recordsOf(cluster);
    const records = splitTrace(theirs.body_text ?? decoder.decode(fromHex(theirs.body_hex)));
    assertEquals(ours.map(comparable), records.map(comparable));
    const host = `${cluster.brokerHost("broker-a")}:10911`;
    assertEquals(
      ours.map((fields) => [fields[5], fields[8], fields[12]]),
      sent.map(({ properties }) => [properties["UNIQ_KEY"], host, "7F00000100002A9F00000000000003E8"]),
    );
    assertEquals(
      new Set(only!.properties["KEYS"]!.split(" ")),
      new Set(["tr0", "tr1", ...ours.map((f) => f[5]!)]),
    );
    assertEquals(producer.statistics().trace, { active: true, sent: 2, dropped: 0, queued: 0 });
  }));

Deno.test("a delayed message, a half message, a batch and one stored without confirmation are told as what they are", () =>
  withCluster(TOPICS, async (cluster) => {
    const transactionListener = { check: (): TransactionState => "UNKNOWN" };
    const producer = await started(cluster, { messageTrace: true, transactionListener });
    const message = { topic: "CapT", body: "b" };
    await producer.send({ ...message, delayLevel: 3 });
    await producer.send({ ...message, delayMs: 50 });
    const { messageId } = await producer.sendBatch([message, message]);
    cluster.answer = (send) => stored(send, {}, 10);
    await producer.send(message);
    cluster.answer = (send) => stored(send);
    await producer.sendInTransaction(message, () => "ROLLBACK_MESSAGE");
    await cluster.clock.runUntil(producer.shutdown());
    const published = recordsOf(cluster).filter(([kind]) => kind === "Pub");
    assertEquals(published.map((fields) => [fields[11], fields[13]]), [
      ["3", "true"],
      ["3", "true"],
      ["0", "true"],
      ["0", "false"],
      ["1", "true"],
    ]);
    assertEquals(published[2]![5], messageId);
  }));

Deno.test("verdicts are traced, those that a broker asked for too, under Java's names of the states", () =>
  withCluster({ ...TOPICS, CapTx: { "broker-a": 1 } }, async (cluster) => {
    const check = captured("transaction").find((frame) => frame.code === checkTransactionState.code)!;
    const transactionListener = { check: (): TransactionState => "COMMIT_MESSAGE" };
    const producer = await started(cluster, {
      producerGroup: "CapTxPG",
      messageTrace: true,
      transactionListener,
    });
    const message = { topic: "CapTx", body: "b", tag: "T", keys: ["k1", "k2"] };
    const result = await producer.sendInTransaction(message, () => "UNKNOWN");
    await cluster.clock.settle();
    const { tranStateTableOffset, commitLogOffset, ...texts } = check.header!;
    cluster.sends[0]!.request.channel.oneway(checkTransactionState, {
      ...texts,
      tranStateTableOffset: Number(tranStateTableOffset),
      commitLogOffset: Number(commitLogOffset),
    }, { body: fromHex(check.body_hex) });
    await cluster.clock.settle();
    await cluster.clock.runUntil(producer.shutdown());
    const ends = recordsOf(cluster).filter(([kind]) => kind === "EndTransaction");
    assertEquals(ends.length, 2);
    const host = `${cluster.brokerHost("broker-a")}:10911`;
    const id = result.messageId;
    assertEquals(ends[0]!.slice(2), [
      ...["DefaultRegion", "CapTxPG", "CapTx", id, "T", "k1 k2", host, "2", id, "UNKNOW", "false"],
    ]);
    assertEquals(ends[1]!.slice(8), [host, "2", check.header!["transactionId"], "COMMIT_MESSAGE", "true"]);
  }));

Deno.test("what no broker has stored, what goes one way, and what its broker wants no trace of leaves no record", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster, { messageTrace: true, retryTimesWhenSendFailed: 0 });
    const message = { topic: "CapT", body: "b" };
    cluster.answer = () => ({ code: 13, remark: "no" });
    await producer.send(message).catch(() => {});
    cluster.answer = (send) => stored(send, { TRACE_ON: "false" });
    await producer.send(message);
    cluster.answer = (send) => stored(send);
    await producer.sendOneway(message);
    await producer.send({ topic: TRACE_TOPIC, body: "b" });
    await cluster.clock.runUntil(producer.shutdown());
    assertEquals(producer.statistics().trace, { active: true, sent: 0, dropped: 0, queued: 0 });
    assertEquals(traceSends(cluster).length, 1);
  }));

Deno.test("a producer traces nothing unless it is told to, and where it is told to", () =>
  withCluster({ ...TOPICS, ours: { "broker-a": 1 } }, async (cluster) => {
    const message = { topic: "CapT", body: "b" };
    const silent = await started(cluster);
    await silent.send(message);
    await cluster.clock.runUntil(silent.shutdown());
    assertEquals([traceSends(cluster), silent.statistics().trace.active], [[], false]);
    const traced = await started(cluster, { messageTrace: true, traceTopic: "ours", instanceName: "two" });
    await traced.send(message);
    await cluster.clock.advance(2_000);
    assertEquals([traceSends(cluster).length, recordsOf(cluster, "ours").length], [0, 1]);
    await cluster.clock.runUntil(traced.shutdown());
  }));
