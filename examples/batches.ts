/**
 * Consumes runs of messages of one queue: one write to a database, one acknowledgement.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/batches.ts
 */
import { createConsumer } from "@contrail/rocketmq";

const consumer = createConsumer({
  consumerGroup: "example-batches",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
});
consumer.subscribe("orders");
Deno.addSignalListener("SIGINT", () => void consumer.shutdown());
await consumer.start();

for await (const run of consumer.batches({ maxMessages: 100 })) {
  const { queueId } = run[0]!.queue;
  await store(run.map((message) => message.text()));
  console.log(`${run.length} messages of queue ${queueId} stored`);
  // What is settled one by one stays so; the loop acknowledges the rest of the run when it asks for the next.
}
await consumer.shutdown();

/** Stands for one write of many rows. */
async function store(_rows: readonly string[]): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
}
