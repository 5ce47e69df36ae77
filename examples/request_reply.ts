/**
 * Asks over a topic and waits for the answer that a consumer gives.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/request_reply.ts
 */
import { createClient, createConsumer, createProducer } from "@contrail/rocketmq";

// one client, so one set of connections, for both sides
const client = createClient({ namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876" });
const producer = createProducer({ producerGroup: "example-asker", client });
const consumer = createConsumer({
  consumerGroup: "example-answerer",
  client,
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
});
consumer.subscribe("orders", "price", async (message) => {
  await producer.reply(message, `${2 * Number(message.text())} euros`);
});
await client.start();
await producer.start();
await consumer.start();
try {
  const answer = await producer.request({ topic: "orders", tag: "price", body: "21" }, { timeoutMs: 10_000 });
  console.log("the answer is", answer.text());
} finally {
  await consumer.shutdown();
  await producer.shutdown();
  await client.shutdown();
}
