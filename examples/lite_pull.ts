/**
 * Polls a topic at its own pace and says itself what is finished: here a report that is stored together with its offsets. Then reads
 * one queue once more, from its beginning.
 *
 *     deno run --allow-net --allow-env=NAMESRV_ADDR examples/lite_pull.ts
 */
import { createLitePullConsumer } from "@contrail/rocketmq";

const consumer = createLitePullConsumer({
  consumerGroup: "example-lite-pull",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
  autoCommit: false,
});
consumer.subscribe("orders");
const stopping = new AbortController();
Deno.addSignalListener("SIGINT", () => stopping.abort());
await consumer.start();

const [queue] = consumer.assignment();
let seen = 0;
let soughtBack = false;
while (!stopping.signal.aborted) {
  // Asking for more says that what came before is finished; an abort ends the wait.
  const batch = await consumer.poll({ timeoutMs: 500, signal: stopping.signal }).catch(() => []);
  for (const message of batch) console.log(`queue ${message.queue.queueId}: ${message.text()}`);
  seen += batch.length;
  // commit() covers what is in hand as well, so the report is stored first
  if (batch.length > 0) await consumer.commit();
  if (seen === 0 || batch.length > 0 || queue === undefined || soughtBack) continue;
  soughtBack = true;
  console.log(
    `${seen} orders read; queue ${queue.queueId} once more, from ${await consumer.committed(queue)} back`,
  );
  await consumer.seekToBegin(queue);
}
await consumer.shutdown();
