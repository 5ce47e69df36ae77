/**
 * Consumes a topic with a plain loop. Ctrl-C ends it in good order.
 *
 *     deno task broker                                                            (in another terminal)
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/consume.ts
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/produce.ts           (in a third one)
 */
import { createConsumer } from "@contrail/rocketmq";

const consumer = createConsumer({
  consumerGroup: "example-consume",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
});
consumer.subscribe("orders", "paid || refunded");
// The shutdown ends the loop like `done`, after the message at hand.
Deno.addSignalListener("SIGINT", () => void consumer.shutdown());
await consumer.start();

for await (const message of consumer.messages()) {
  console.log(message.queue.queueId, message.queueOffset, message.tag, message.text());
  // Here the loop asks for the next message, and by that acknowledges this one. After a `break` or a throw
  // it would be handed out again; `await message.retry({ delayMs: 10_000 })` asks for it later.
}
await consumer.shutdown();
