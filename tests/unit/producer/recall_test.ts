import { assertEquals, assertRejects } from "@std/assert";
import { ProducerError, ValidationError } from "../../../src/core/errors.ts";
import { encodeRecallHandle } from "../../../src/protocol/recall_handle.ts";
import { started, withCluster } from "./scripted_cluster.ts";

const TOPICS = { D: { "broker-a": 1, "broker-b": 1 } };
const handle = encodeRecallHandle({
  topic: "D",
  brokerName: "broker-b",
  timestamp: "1700000060000",
  uniqKey: "7F01",
});

Deno.test("a recall goes to the broker that keeps the message and gives its id", () =>
  withCluster(TOPICS, async (cluster) => {
    cluster.answerOther = (code) => code === 370 ? { code: 0, extFields: { msgId: "7F01" } } : undefined;
    const producer = await started(cluster);
    assertEquals(await producer.recall("D", handle), "7F01");
    const [asked] = cluster.others.filter((other) => other.code === 370);
    assertEquals(asked!.place, "broker-b");
    assertEquals(asked!.header, { producerGroup: "PG", topic: "D", recallHandle: handle, bname: "broker-b" });
  }));

Deno.test("a broker's refusal to recall is a ProducerError with its code", () =>
  withCluster(TOPICS, async (cluster) => {
    cluster.answerOther = (code) =>
      code === 370 ? { code: 16, remark: "recall failed, not enabled" } : undefined;
    const producer = await started(cluster);
    const error = await assertRejects(() => producer.recall("D", handle), ProducerError, "not enabled");
    assertEquals([error.facts.responseCode, error.facts.broker, error.facts.topic], [16, "broker-b", "D"]);
  }));

Deno.test("what is no handle is refused before anything is sent", () =>
  withCluster(TOPICS, async (cluster) => {
    const producer = await started(cluster);
    await assertRejects(() => producer.recall("D", "x"), ValidationError, "recall handle");
    assertEquals(cluster.others.filter((other) => other.code === 370), []);
  }));
