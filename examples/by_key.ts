/**
 * Consumes in order: the messages of one order (its key) one after the other, those of other orders beside them. With
 * `ordering: "orderly"` all messages of a queue would wait for each other.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/by_key.ts
 */
import { createConsumer } from "@contrail/rocketmq";

const consumer = createConsumer({
  consumerGroup: "example-by-key",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  ordering: { by: (message) => message.keys[0] ?? message.messageId },
  suspendCurrentQueueTimeMs: 500,
});

let stumbled = false;
consumer.subscribe("orders", "*", (message, { attempt }) => {
  // What is thrown holds up this order only: the message comes again after half a second, before any that follow it.
  if (!stumbled) {
    stumbled = true;
    throw new Error("the first message of all stumbles");
  }
  console.log(message.text(), "in queue", message.queue.queueId, "attempt", attempt);
});

Deno.addSignalListener("SIGINT", () => void consumer.shutdown());
await consumer.start();
for await (const event of consumer.events()) {
  if (event.type === "assigned") console.log("locked", event.queues.length, "queues");
}
