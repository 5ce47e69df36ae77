import { assertEquals } from "@std/assert";
import { javaHash } from "../../../src/protocol/java_hash.ts";
import {
  compareQueues,
  type MessageQueue,
  queueHash,
  queueKey,
  queueText,
  sameQueue,
} from "../../../src/protocol/message_queue.ts";
import { vectors } from "../vectors.ts";

const hashes = vectors("java_hash.json");
const sorts = vectors("queue_sort.json");

const queueOf = ([topic, brokerName, queueId]: (string | number)[]): MessageQueue => ({
  topic: topic as string,
  brokerName: brokerName as string,
  queueId: queueId as number,
});

Deno.test("queues and client ids sort as in Java", () => {
  for (const { queues, sorted, strings, stringsSorted, hashCodes } of sorts.cases) {
    assertEquals(queues.map(queueOf).sort(compareQueues), sorted.map(queueOf));
    assertEquals([...strings].sort(), stringsSorted);
    assertEquals(queues.map(queueOf).map(queueHash), hashCodes);
  }
});

Deno.test("texts hash as in Java", () => {
  for (const { s, hash } of hashes.cases) assertEquals(javaHash(s), hash, JSON.stringify(s));
});

Deno.test("a queue is its three parts", () => {
  const queue = { topic: "T", brokerName: "b", queueId: 0 };
  assertEquals(queueText(queue), "MessageQueue [topic=T, brokerName=b, queueId=0]");
  assertEquals(sameQueue(queue, { ...queue }), true);
  for (const other of [{ topic: "U" }, { brokerName: "c" }, { queueId: 1 }]) {
    assertEquals(sameQueue(queue, { ...queue, ...other }), false);
    assertEquals(queueKey(queue) === queueKey({ ...queue, ...other }), false);
  }
});
