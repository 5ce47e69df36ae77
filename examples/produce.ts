/**
 * Sends some messages: one by one, in order by key, as a batch, and through a pipe.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/produce.ts
 */
import { createProducer } from "@contrail/rocketmq";

const producer = createProducer({
  producerGroup: "example-producer",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
});
await producer.start();
try {
  const body = JSON.stringify({ id: 7, amount: 120 });
  const { queue, queueOffset, messageId } = await producer.send({
    topic: "orders",
    tag: "paid",
    keys: "7",
    body,
  });
  console.log(`${messageId} is number ${queueOffset} of queue ${queue.queueId} on ${queue.brokerName}`);

  // Steps of one order stay in order: they share a queue.
  for (const tag of ["created", "paid", "shipped"]) {
    await producer.sendOrderly({ topic: "orders", tag, body: "7" }, "order-7");
  }

  // One request, all or none.
  await producer.sendBatch(["a", "b", "c"].map((text) => ({ topic: "orders", body: text })));

  // At most 32 under way at once; the pipe ends when all are stored.
  const messages = Array.from({ length: 1000 }, (_, i) => ({ topic: "orders", body: `message ${i}` }));
  await ReadableStream.from(messages).pipeTo(producer.writable({ maxInFlight: 32 }));
} finally {
  await producer.shutdown();
}
