/**
 * Consumes in order: one message of a queue after the other, under the broker's lock of that queue. What fails holds its queue up until
 * it succeeds, other queues go on.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/orderly.ts
 */
import { createConsumer, type MessageListenerOrderly } from "@contrail/rocketmq";

let stumbled = false;
const listener: MessageListenerOrderly = {
  consumeMessageOrderly(messages, { attempt }) {
    if (!stumbled) {
      stumbled = true;
      return "SUSPEND_CURRENT_QUEUE_A_MOMENT";
    }
    for (const message of messages) {
      console.log(`queue ${message.queue.queueId} offset ${message.queueOffset}, attempt ${attempt}`);
    }
    return "SUCCESS";
  },
};

const consumer = createConsumer({
  consumerGroup: "example-orderly",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  ordering: "orderly",
  suspendCurrentQueueTimeMs: 500,
  maxReconsumeTimes: 16,
});
consumer.subscribe("orders", "*", listener);

Deno.addSignalListener("SIGINT", () => void consumer.shutdown());
await consumer.start();
for await (const event of consumer.events()) {
  if (event.type === "assigned") console.log("locked", event.queues.length, "queues");
}
