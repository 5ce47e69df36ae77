/**
 * A pipe of filters: what a filter drops is acknowledged, what it passes on keeps its settlement.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/filters.ts
 */
import { createConsumer, filterBy, parseJson } from "@contrail/rocketmq";
import * as v from "valibot";

const consumer = createConsumer({
  consumerGroup: "example-filters",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
});
// Tags are filtered by the broker already; so would be sql("amount > 100"), where the broker allows it.
consumer.subscribe("orders", "paid");
Deno.addSignalListener("SIGINT", () => void consumer.shutdown());
await consumer.start();

// Any Standard Schema does: valibot, zod, ArkType, …
const order = v.object({ id: v.number(), amount: v.number() });

const large = consumer.messages()
  .pipeThrough(filterBy((message) => message.body.length > 1))
  .pipeThrough(parseJson(order, { onInvalid: "deadLetter" }));

for await (const { value, message } of large) {
  console.log(`order ${value.id} over ${value.amount}, born ${message.bornAt.toISOString()}`);
}
await consumer.shutdown();
