/**
 * Consumes by broadcasting: every process gets every message, here to keep a table up to date. Offsets are the process's own: by
 * default in a file; here in memory, as the table is, so each start reads from the beginning. What fails comes again from here, and is dropped in the end.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/broadcasting.ts
 */
import { createConsumer, MemoryOffsetStore } from "@contrail/rocketmq";

const consumer = createConsumer({
  consumerGroup: "example-broadcasting",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  messageModel: "BROADCASTING",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  offsetStore: new MemoryOffsetStore(),
  maxReconsumeTimes: 3,
});

const table = new Map<string, string>();
consumer.subscribe("orders", "*", (message) => {
  table.set(message.keys[0] ?? message.messageId, message.text());
  console.log(`the table has ${table.size} rows`);
});

Deno.addSignalListener("SIGINT", () => void consumer.shutdown());
await consumer.start();
for await (const event of consumer.events()) {
  if (event.type === "dropped") console.warn("given up:", event.messageId);
}
