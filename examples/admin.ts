/**
 * A consumer with its admin endpoint. Open http://127.0.0.1:8180, or ask `curl 127.0.0.1:8180/consumers`; with a token in
 * ADMIN_TOKEN it also shows messages and takes changes.
 *
 *     deno task broker                                                            (in another terminal)
 *     deno run --allow-net --allow-env=NAMESRV_ADDR,ADMIN_TOKEN examples/admin.ts
 */
import { createConsumer } from "@contrail/rocketmq";
import { serveAdmin } from "@contrail/rocketmq/admin";

const consumer = createConsumer({
  consumerGroup: "example-admin",
  namesrvAddr: Deno.env.get("NAMESRV_ADDR") ?? "127.0.0.1:9876",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
});
consumer.subscribe("orders");
Deno.addSignalListener("SIGINT", () => void consumer.shutdown());
await consumer.start();

const admin = await serveAdmin({ consumers: [consumer], token: Deno.env.get("ADMIN_TOKEN") });
console.log(`look at ${admin.url}`);
for await (const message of consumer.messages()) {
  console.log(message.text());
}
await admin.close();
