import { assertEquals, assertRejects } from "@std/assert";
import { ProducerError } from "../../../src/core/errors.ts";
import { SendCounts } from "../../../src/producer/statistics.ts";
import { started, stored, withCluster } from "./scripted_cluster.ts";

Deno.test("a producer counts messages, sends, attempts and bytes by topic", () =>
  withCluster({ T: { "broker-a": 1, "broker-b": 1 }, U: { "broker-a": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    cluster.answer = (send, number) => number === 1 ? { code: 2, remark: "busy" } : stored(send);
    await producer.send({ topic: "T", body: "hello" });
    const items = ["a", "b", "c"].map((body) => ({ topic: "T", body }));
    await producer.sendBatch(items);
    await producer.sendOneway({ topic: "U", body: "x" });
    const [ofT, ofU] = producer.statistics().topics;
    const { sendMs, sentBytes, ...counted } = ofT!;
    assertEquals(counted, { topic: "T", sent: 4, failed: 0, sends: 2, attempts: 3 });
    assertEquals(sentBytes > 5 + 3 && sendMs >= 0, true);
    assertEquals(ofU, { topic: "U", sent: 0, failed: 0, sends: 0, attempts: 1, sendMs: 0, sentBytes: 0 });
  }));

Deno.test("what no broker confirms is counted as failed, and what is under way as such", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    cluster.answer = () => ({ code: 13, remark: "message illegal" });
    const sending = producer.send({ topic: "T", body: "b" });
    assertEquals(producer.statistics().underWay, 1);
    await assertRejects(() => sending, ProducerError);
    assertEquals(producer.statistics().underWay, 0);
    assertEquals(producer.statistics().topics[0]!.failed, 1);
  }));

Deno.test("topics beyond the first thousand are counted together", () => {
  const counts = new SendCounts();
  for (let topic = 0; topic < 1_005; topic++) counts.of(`T${topic}`).attempts++;
  const topics = counts.topics();
  assertEquals(topics.length, 1_001);
  assertEquals(topics.at(-1)!.topic, "");
  assertEquals(topics.at(-1)!.attempts, 5);
});

Deno.test("a producer tells where in its life it is", () =>
  withCluster({ T: { "broker-a": 1 } }, async (cluster) => {
    const producer = await started(cluster);
    assertEquals(producer.phase, "running");
    await producer.shutdown();
    assertEquals(producer.phase, "stopped");
  }));
