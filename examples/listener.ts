/**
 * Consumes by listener: up to 16 handlers at once, a throw asks for another delivery, a slow one is told to stop.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/listener.ts
 */
import { createConsumer } from "@contrail/rocketmq";

const consumer = createConsumer({
  consumerGroup: "example-listener",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  consumeConcurrencyMax: 16,
  consumeTimeoutMs: 15_000,
  maxReconsumeTimes: 5,
});

consumer.subscribe("orders", "*", async (message, { attempt, signal }) => {
  await charge(message.text(), signal);
  console.log(message.messageId, "attempt", attempt);
});

/** Stands for the work; whatever it is, it should end when `signal` aborts. */
function charge(order: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, order.length % 20);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
  });
}

Deno.addSignalListener("SIGINT", () => void consumer.shutdown());
await consumer.start();

// What goes on is told as events, until the shutdown is over.
for await (const event of consumer.events()) {
  if (event.type === "handlerFailed") console.warn("will come again:", event.error);
  if (event.type === "deadLettered") console.warn("given up:", event.messageId);
}
const { acked, sentBack } = consumer.statistics();
console.log(`${acked} acknowledged, ${sentBack} sent back`);
