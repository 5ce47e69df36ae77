/**
 * Consumes by POP: the brokers hand out message by message, so members share queues, and one that is slow holds up nobody else. A
 * message is hidden from the others while it is worked on, for as long as that takes.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/pop.ts
 */
import { createConsumer } from "@contrail/rocketmq";

const consumer = createConsumer({
  consumerGroup: "example-pop",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  messageRequestMode: "POP",
  popInvisibleTimeMs: 10_000,
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
});

let isFirst = true;
consumer.subscribe("orders", "*", async (message) => {
  if (isFirst) {
    isFirst = false;
    // To the millisecond, with any member: no delay level is needed.
    await message.retry({ delayMs: 250 });
    return;
  }
  // The work may take a minute: more than a message is hidden for, and more than a handler may keep it without a word.
  await message.extend(60_000);
  console.log("done with", message.text(), "in attempt", message.attempt);
});

Deno.addSignalListener("SIGINT", () => void consumer.shutdown());
await consumer.start();
for await (const event of consumer.events()) {
  if (event.type === "assigned") console.log("popping", event.queues.length, "queues");
}
