import { assertEquals } from "@std/assert";
import { batchAcks } from "../../../../src/consumer/pop/batch_acks.ts";
import { fakeReceipt } from "./fake_receipt.ts";

Deno.test("messages of one pop and queue are one entry, with a bit for each", () => {
  const { acks, apart } = batchAcks("G", [
    fakeReceipt(7, { from: 5 }),
    fakeReceipt(5, { from: 5 }),
    fakeReceipt(16, { from: 5 }),
  ]);
  assertEquals(apart, []);
  assertEquals(acks, [{
    consumerGroup: "G",
    topic: "T",
    retry: "0",
    startOffset: "5",
    queueId: 0,
    reviveQueueId: 3,
    popTime: "1000",
    invisibleTime: "60000",
    bitSet: [2, 0, 11],
  }]);
});

Deno.test("another pop, another queue and the retry topic are entries of their own, under the plain topic", () => {
  const { acks } = batchAcks("G", [
    fakeReceipt(5, { from: 5 }),
    fakeReceipt(5, { from: 5, popTime: 2_000 }),
    fakeReceipt(5, { from: 5, queueId: 1 }),
    fakeReceipt(5, { from: 5, isRetry: true }),
  ]);
  assertEquals(acks.map(({ topic, retry, queueId, popTime }) => [topic, retry, queueId, popTime]), [
    ["T", "0", 0, "1000"],
    ["T", "0", 0, "2000"],
    ["T", "0", 1, "1000"],
    ["T", "1", 0, "1000"],
  ]);
});

Deno.test("what lies too far from the start of its pop for a set of bits, or before it, goes alone", () => {
  const far = fakeReceipt(5_000_000, { from: 5 });
  const before = fakeReceipt(4, { from: 5 });
  const { acks, apart } = batchAcks("G", [far, before, fakeReceipt(6, { from: 5 })]);
  assertEquals(apart, [far, before]);
  assertEquals(acks.map(({ bitSet }) => bitSet), [[1]]);
});
