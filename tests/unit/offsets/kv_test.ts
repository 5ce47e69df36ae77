import { assertEquals, assertRejects } from "@std/assert";
import { createKvOffsetStore } from "@contrail/rocketmq/offsets/kv";
import { OffsetError, OffsetFetchError } from "../../../src/core/errors.ts";
import { InMemoryKv } from "../../contract/kv_in_memory.ts";

const consumerGroup = "g";
const queue = { topic: "t", brokerName: "b", queueId: 2 };

Deno.test("members of a clustering group share keys, those of a broadcasting group have their own", async () => {
  const kv = new InMemoryKv();
  const stores = [
    createKvOffsetStore({ kv, consumerGroup }),
    createKvOffsetStore({ kv, consumerGroup, messageModel: "BROADCASTING", instanceName: "one" }),
    createKvOffsetStore({ kv, consumerGroup, messageModel: "BROADCASTING", instanceName: "two" }),
  ];
  for (const [at, store] of stores.entries()) {
    store.updateOffset(queue, at);
    await store.persist(queue);
  }
  assertEquals(kv.keys, [
    ["rocketmq", "offsets", "g", "", "t", "b", 2],
    ["rocketmq", "offsets", "g", "one", "t", "b", 2],
    ["rocketmq", "offsets", "g", "two", "t", "b", 2],
  ]);
  assertEquals((await kv.get(kv.keys[1]!)).value, { offset: 1, epoch: 0 });
});

Deno.test("a step back whose answer was lost is known as the store's own when it is met again", async () => {
  const kv = new InMemoryKv();
  const store = createKvOffsetStore({ kv, consumerGroup });
  store.updateOffset(queue, 100);
  await store.persist(queue);
  store.updateOffset(queue, 40, false);
  kv.losesAnswer = true;
  await assertRejects(() => store.persist(queue), OffsetError, "the answer was lost");
  store.updateOffset(queue, 50);
  await store.persist(queue);
  assertEquals((await kv.get(kv.keys[0]!)).value, { offset: 50, epoch: 1 });
});

Deno.test("a value that is no offset is an OffsetFetchError and is not written over", async () => {
  const kv = new InMemoryKv();
  const key = ["rocketmq", "offsets", "g", "", "t", "b", 2];
  await kv.set(key, "seven");
  const store = createKvOffsetStore({ kv, consumerGroup });
  await assertRejects(() => store.readOffset(queue, "READ_FROM_STORE"), OffsetFetchError, '"seven"');
  store.updateOffset(queue, 7);
  await assertRejects(() => store.persist(queue), OffsetError, '"seven"');
  assertEquals((await kv.get(key)).value, "seven");
});

Deno.test("an offset that an operator deleted is stored again by the next persist that has something new", async () => {
  const kv = new InMemoryKv();
  const store = createKvOffsetStore({ kv, consumerGroup });
  store.updateOffset(queue, 5);
  await store.persist(queue);
  const fresh = new InMemoryKv();
  Object.assign(kv, {
    get: fresh.get.bind(fresh),
    set: fresh.set.bind(fresh),
    atomic: fresh.atomic.bind(fresh),
  });
  store.updateOffset(queue, 6);
  await store.persist(queue);
  assertEquals((await fresh.get(fresh.keys[0]!)).value, { offset: 6, epoch: 0 });
});
