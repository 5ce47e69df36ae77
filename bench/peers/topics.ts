/**
 * The topics that the peers are measured on, with their queues on one broker, and what is stored in them beforehand.
 *
 * A drain's topic holds exactly so many messages, as many in each queue: number `offset × queues + queue` is at `offset`
 * of `queue`, and stands in the first eight bytes of the body. It is filled once and then read by every run under a group of its own;
 * a fill that was cut short goes on where it ended.
 */
import { createClient, createProducer, type Message, type MessageQueue } from "../../mod.ts";
import type { RocketMQClient } from "../../src/client/client.ts";
import { clusterInfo } from "../../src/protocol/bodies.ts";
import { getBrokerClusterInfo, getMaxOffset, updateAndCreateTopic } from "../../src/protocol/operations.ts";
import { sleep } from "./measure.ts";

/** A topic to make, and how many messages it is to hold; 0 for one that is written to. */
export interface BenchTopic {
  readonly topic: string;
  readonly queues: number;
  readonly messages: number;
}

const BODY_BYTES = 1024;
/** Messages per send while a topic is filled. */
const FILL_BATCH = 64;
const READ_WRITE = 6;

/** Makes and fills what is not there yet; the address of the broker that has it all. */
export async function ensureTopics(namesrvAddr: string, topics: readonly BenchTopic[]): Promise<string> {
  const client = createClient({ namesrvAddr });
  await client.start();
  try {
    const { brokerName, address } = await firstBroker(client);
    for (const { topic, queues } of topics) await createTopic(client, address, topic, queues);
    for (const topic of topics) if (topic.messages > 0) await fill(client, brokerName, address, topic);
    return address;
  } finally {
    await client.shutdown();
  }
}

async function firstBroker(client: RocketMQClient): Promise<{ brokerName: string; address: string }> {
  const { body } = await client.callNameServer(getBrokerClusterInfo, {});
  const brokers = Object.values(clusterInfo.read(body).brokerAddrTable);
  const first = brokers.sort((a, b) => a.brokerName < b.brokerName ? -1 : 1)[0];
  const address = first?.brokerAddrs.get(0);
  if (first === undefined || address === undefined) {
    throw new Error("Cannot make topics: the name server knows no master");
  }
  return { brokerName: first.brokerName, address };
}

async function createTopic(
  client: RocketMQClient,
  address: string,
  topic: string,
  queues: number,
): Promise<void> {
  await client.callAddress(address, updateAndCreateTopic, {
    topic,
    defaultTopic: "TBW102",
    readQueueNums: queues,
    writeQueueNums: queues,
    perm: READ_WRITE,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
  });
}

async function fill(
  client: RocketMQClient,
  brokerName: string,
  address: string,
  { topic, queues, messages }: BenchTopic,
): Promise<void> {
  const goal = messages / queues;
  if (!Number.isInteger(goal)) {
    throw new Error(`Cannot fill ${topic}: ${messages} messages in ${queues} queues`);
  }
  const producer = createProducer({ producerGroup: "PG_bench_fill", client });
  await producer.start();
  for (let queueId = 0; queueId < queues; queueId++) {
    const queue: MessageQueue = { topic, brokerName, queueId };
    const { header } = await client.callAddress(address, getMaxOffset, { topic, queueId });
    if (header.offset > goal) {
      throw new Error(`Cannot fill ${topic}: queue ${queueId} holds ${header.offset} messages`);
    }
    for (let from = header.offset; from < goal; from += FILL_BATCH) {
      const count = Math.min(FILL_BATCH, goal - from);
      const batch = Array.from({ length: count }, (_, i) => numbered(topic, (from + i) * queues + queueId));
      await producer.sendBatch(batch, { queue });
    }
  }
  await producer.shutdown();
  await sleep(500); // until the last of them is in its queue's index
}

/** A message with its number in front, and bytes that do not compress behind. */
function numbered(topic: string, number: number): Message {
  const body = new Uint8Array(BODY_BYTES);
  for (let i = 8; i < body.length; i++) body[i] = (i * 7919 + number * 31) >>> 3;
  new DataView(body.buffer).setUint32(4, number);
  return { topic, body };
}
