/**
 * How a program that uses RocketMQ is tested without one: a broker in the test's own process, which can be made to fail.
 *
 *     deno test --allow-net examples/embedded_broker_test.ts
 */
import { createConsumer, createProducer } from "@contrail/rocketmq";
import { startCluster } from "@contrail/rocketmq/testing";
import { assertEquals } from "@std/assert";

/** What is to be tested: takes orders until one says `last`. */
async function totalOf(namesrvAddr: string): Promise<number> {
  const consumer = createConsumer({
    consumerGroup: "accounting",
    namesrvAddr,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  });
  consumer.subscribe("orders");
  await consumer.start();
  let total = 0;
  for await (const message of consumer.messages()) {
    const { amount, last } = message.json<{ amount: number; last?: boolean }>();
    total += amount;
    message.ack();
    if (last) break;
  }
  await consumer.shutdown();
  return total;
}

Deno.test("the amounts of all orders are added up, each once, although a connection breaks", async () => {
  const cluster = await startCluster({ topics: { orders: 1 } });
  const producer = createProducer({ producerGroup: "shop", namesrvAddr: cluster.namesrvAddr });
  await producer.start();
  for (const amount of [1, 20, 300]) {
    await producer.send({ topic: "orders", body: JSON.stringify({ amount }) });
  }
  await producer.send({ topic: "orders", body: JSON.stringify({ amount: 4000, last: true }) });

  const broken = cluster.once("pullMessage", "disconnect");
  assertEquals(await totalOf(cluster.namesrvAddr), 4321);
  assertEquals(broken.hits, 1);
  assertEquals(cluster.inspect.progress("accounting", "orders").map(({ offset }) => offset), [4]);

  await producer.shutdown();
  await cluster.stop();
});
