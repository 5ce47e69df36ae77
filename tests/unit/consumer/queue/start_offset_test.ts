import { assertEquals, assertRejects } from "@std/assert";
import { createClient, createProducer, findStartOffset, MemoryOffsetStore } from "../../../../mod.ts";
import { OffsetFetchError } from "../../../../src/core/errors.ts";
import { silentLogger } from "../../../../src/core/logger.ts";
import { startOffset, startPolicy } from "../../../../src/consumer/queue/start_offset.ts";
import type { BrokerCaller } from "../../../../src/offsets/broker_caller.ts";
import { startCluster } from "../../../../src/testing/mod.ts";

Deno.test("findStartOffset tells where a queue begins: stored, last, first, by time; a failed question is no answer", async () => {
  const cluster = await startCluster({ topics: { T: 1, "%RETRY%G": 1 } });
  const { namesrvAddr } = cluster;
  const client = createClient({ namesrvAddr }, { logger: silentLogger });
  const producer = createProducer({ producerGroup: "P", namesrvAddr });
  try {
    await client.start();
    await producer.start();
    const { queue } = await producer.send({ topic: "T", body: "0" });
    const afterFirst = Date.now() + 1;
    while (Date.now() <= afterFirst) await new Promise((resolve) => setTimeout(resolve, 2));
    for (let at = 1; at < 5; at++) await producer.send({ topic: "T", body: `${at}` });
    await client.route("T");
    const where = (more: object) => findStartOffset({ client, queue, ...more });
    assertEquals(await where({}), 5);
    assertEquals(await where({ consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" }), 0);
    const byTime = { consumeFromWhere: "CONSUME_FROM_TIMESTAMP" };
    assertEquals(await where({ ...byTime, consumeTimestamp: new Date(afterFirst) }), 1);
    assertEquals(await where(byTime), 0, "half an hour ago");
    const offsetStore = new MemoryOffsetStore();
    assertEquals(await where({ offsetStore }), 5);
    offsetStore.updateOffset(queue, 3);
    await offsetStore.persist(queue);
    assertEquals(await where({ offsetStore, consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET" }), 3);
    await client.route("%RETRY%G");
    assertEquals(await findStartOffset({ client, queue: { ...queue, topic: "%RETRY%G" } }), 0);
    cluster.once("getMaxOffset", 1);
    await assertRejects(() => where({}), OffsetFetchError, "Cannot find where T broker-a 0 begins");
  } finally {
    await producer.shutdown();
    await client.shutdown();
    await cluster.stop();
  }
});

Deno.test("a group that begins at the end of its topics still begins its retry topic at the first message", async () => {
  const nothingStored = { readOffset: () => Promise.resolve(undefined) };
  const caller = { call: () => Promise.resolve({ header: { offset: 7 } }) } as unknown as BrokerCaller;
  const policy = startPolicy({ consumeFromWhere: "CONSUME_FROM_LAST_OFFSET" }, 0);
  const begin = (topic: string) =>
    startOffset({ topic, brokerName: "a", queueId: 0 }, nothingStored, policy, caller);
  assertEquals([await begin("T"), await begin("%RETRY%G")], [7, 0]);
});
