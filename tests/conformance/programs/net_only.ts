/**
 * Produces twenty messages and consumes them, shared and by broadcasting; run with `--allow-net` alone by the scenario of that name.
 */
import { createConsumer, createProducer } from "@contrail/rocketmq";

const [namesrvAddr, group, topic] = Deno.args as [string, string, string];
const producer = createProducer({ producerGroup: `${group}-producer`, namesrvAddr });
await producer.start();
for (let at = 0; at < 20; at++) await producer.send({ topic, body: `${at}` });
await producer.shutdown();

const consumer = createConsumer({
  consumerGroup: group,
  namesrvAddr,
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
});
consumer.subscribe(topic);
await consumer.start();
const bodies = new Set<string>();
for await (const message of consumer.messages()) {
  bodies.add(message.text());
  message.ack();
  if (bodies.size === 20) break;
}
await consumer.shutdown();
console.log(`consumed ${bodies.size}`);

const herald = createConsumer({
  consumerGroup: `${group}-heralds`,
  namesrvAddr,
  messageModel: "BROADCASTING",
  consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
}, { logger: { debug() {}, info() {}, warn() {}, error() {} } });
herald.subscribe(topic);
const events = herald.events();
await herald.start();
let heard = 0;
for await (const message of herald.messages()) {
  message.ack();
  if (++heard === 20) break;
}
for await (const { type } of events) {
  if (type !== "offsetsInMemory") continue;
  console.log(`heard ${heard}, ${type}`);
  break;
}
await herald.shutdown();
