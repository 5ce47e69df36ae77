import { assertEquals, assertRejects } from "@std/assert";
import { ProducerError, ValidationError } from "../../../src/core/errors.ts";
import type { ReceivedMessage } from "../../../src/producer/received_message.ts";
import type { TransactionState } from "../../../src/producer/transactions.ts";
import { checkTransactionState } from "../../../src/protocol/operations.ts";
import { captured, fromHex } from "../vectors.ts";
import { type ScriptedCluster, started, stored, withCluster } from "./scripted_cluster.ts";

const TOPICS = { CapTx: { "broker-cap": 2 } };

const frames = captured("transaction");
const checkFrame = frames.find((frame) => frame.code === 39)!;

const listener = { check: (): TransactionState => "UNKNOWN" };
const verdicts = (cluster: ScriptedCluster) =>
  cluster.others.filter((other) => other.code === 37).map((other) => other.header);
const message = { topic: "CapTx", body: "b", keys: "c", tag: "T" };

Deno.test("the verdict goes to the broker of the half message, in the frame that Java sends", () =>
  withCluster(TOPICS, async (cluster) => {
    const states: TransactionState[] = ["COMMIT_MESSAGE", "ROLLBACK_MESSAGE", "UNKNOWN"];
    const sends = frames.filter((frame) => frame.code === 310);
    const ends = frames.filter((frame) =>
      frame.code === 37 && frame.header!.fromTransactionCheck === "false"
    );
    const answers = frames.filter((frame) => frame.answerToCode === 310);
    assertEquals([sends.length, ends.length, answers.length], [3, 3, 3]);
    const producer = await started(cluster, { producerGroup: "CapTxPG", transactionListener: listener });
    for (const [i, state] of states.entries()) {
      const { msgId, queueOffset, queueId } = answers[i]!.header!;
      cluster.answer = (send) =>
        stored(send, { msgId: msgId!, queueOffset: queueOffset!, queueId: queueId! });
      const result = await producer.sendInTransaction(message, () => state);
      await cluster.clock.settle();
      const send = cluster.sends.at(-1)!;
      assertEquals([result.transactionState, send.header.f], [state, "4"]);
      assertEquals([send.properties.TRAN_MSG, send.properties.PGROUP], ["true", "CapTxPG"]);
      const id = send.properties.UNIQ_KEY!;
      assertEquals(verdicts(cluster).at(-1), { ...ends[i]!.header, msgId: id, transactionId: id });
    }
  }));

Deno.test("only a message stored as SEND_OK lets the local transaction run; others are rolled back", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster, { transactionListener: listener });
    cluster.answer = (send) => stored(send, {}, 10);
    let ran = false;
    const result = await producer.sendInTransaction(message, () => {
      ran = true;
      return "COMMIT_MESSAGE";
    });
    await cluster.clock.settle();
    assertEquals([ran, result.transactionState, verdicts(cluster)[0]!.commitOrRollback], [
      false,
      "ROLLBACK_MESSAGE",
      "12",
    ]);
  }));

Deno.test("an executor that throws, or gives no state, leaves the outcome unknown", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster, { transactionListener: listener });
    const failure = new Error("local failure");
    const thrown = await producer.sendInTransaction(message, () => Promise.reject(failure));
    const silent = await producer.sendInTransaction(message, () => undefined as unknown as TransactionState);
    await cluster.clock.settle();
    assertEquals([thrown.transactionState, thrown.executorError], ["UNKNOWN", failure]);
    assertEquals(silent.transactionState, "UNKNOWN");
    assertEquals(verdicts(cluster).map((verdict) => verdict.commitOrRollback), ["0", "0"]);
  }));

Deno.test("a half message that is not stored runs no transaction and sends no verdict", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster, { transactionListener: listener });
    cluster.answer = () => ({ code: 13 });
    await assertRejects(() => producer.sendInTransaction(message, () => "COMMIT_MESSAGE"), ProducerError);
    await cluster.clock.settle();
    assertEquals(verdicts(cluster), []);
  }));

Deno.test("delayed messages, and producers without a listener, have no transactions", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster, { transactionListener: listener });
    for (const delay of [{ delayLevel: 1 }, { delayMs: 5 }, { deliverAt: 5 }]) {
      const sending = () => producer.sendInTransaction({ ...message, ...delay }, () => "COMMIT_MESSAGE");
      await assertRejects(sending, ValidationError, "delayed");
    }
    const without = await started(cluster, { producerGroup: "other" });
    const sending = () => without.sendInTransaction(message, () => "COMMIT_MESSAGE");
    await assertRejects(sending, ProducerError, "transactionListener");
    assertEquals(cluster.sends.length, 0);
  }));

/** Has the broker ask about the captured half message, over the connection of an earlier send. */
async function ask(cluster: ScriptedCluster): Promise<void> {
  const { tranStateTableOffset, commitLogOffset, ...texts } = checkFrame.header!;
  cluster.sends[0]!.request.channel.oneway(checkTransactionState, {
    ...texts,
    tranStateTableOffset: Number(tranStateTableOffset),
    commitLogOffset: Number(commitLogOffset),
  }, { body: fromHex(checkFrame.body_hex) });
  await cluster.clock.settle();
}

Deno.test("a broker's question is answered by the listener, in the frame that Java sends", () =>
  withCluster(TOPICS, async (cluster) => {
    const asked: ReceivedMessage[] = [];
    const check = (half: ReceivedMessage): TransactionState => {
      asked.push(half);
      return "COMMIT_MESSAGE";
    };
    const producer = await started(cluster, { producerGroup: "CapTxPG", transactionListener: { check } });
    await producer.send(message);
    await ask(cluster);
    assertEquals(asked.map((half) => [half.topic, half.text(), half.messageId]), [
      ["CapTx", "unknown", checkFrame.header!.msgId],
    ]);
    const expected = frames.find((frame) =>
      frame.code === 37 && frame.header!.fromTransactionCheck === "true"
    )!;
    assertEquals(verdicts(cluster), [expected.header!]);
  }));

Deno.test("a listener that throws leaves the outcome unknown, and a line", () =>
  withCluster(TOPICS, async (cluster) => {
    const check = () => Promise.reject(new Error("no database"));
    const producer = await started(cluster, { producerGroup: "CapTxPG", transactionListener: { check } });
    await producer.send(message);
    await ask(cluster);
    assertEquals(verdicts(cluster).map((verdict) => verdict.commitOrRollback), ["0"]);
    assertEquals(cluster.lines.length, 1);
  }));

Deno.test("a question about a message of another group is left alone", () =>
  withCluster(TOPICS, async (cluster) => {
    const check = (): TransactionState => "COMMIT_MESSAGE";
    const producer = await started(cluster, { producerGroup: "other", transactionListener: { check } });
    await producer.send(message);
    await ask(cluster);
    assertEquals(verdicts(cluster), []);
  }));
