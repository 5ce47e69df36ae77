/**
 * A consumed message sent to its group's retry topic as a new one: what a send-back falls back on, and how ordered
 * consumption gives a message up.
 *
 * The broker reads two numbers from the header, deliveries so far and deliveries allowed, and puts a message that has had too
 * many into the dead-letter topic. Agrees with Java's DefaultMQPushConsumerImpl.sendMessageBackAsNormalMessage and
 * ConsumeMessageOrderlyService.sendMessageBack.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { MessageConsumeError } from "../../core/errors.ts";
import { encodeProperties } from "../../message/properties.ts";
import { PropertyKey } from "../../message/property_keys.ts";
import { retryTopic } from "../../protocol/names.ts";
import { sendMessageV2 } from "../../protocol/operations.ts";
import type { Delivery } from "../window/delivery.ts";

/** How long a broker may take to store it, in milliseconds (Java: 5000). */
const SEND_TIMEOUT_MS = 5_000;
/** The group that it is sent as (Java: MixAll.CLIENT_INNER_PRODUCER_GROUP). */
const INNER_PRODUCER_GROUP = "CLIENT_INNER_PRODUCER";

/** Who sends. */
export interface RetrySender {
  readonly client: RocketMQClient;
  readonly consumerGroup: string;
  /** Deliveries after the first before a message is dead-lettered. */
  readonly maxReconsumeTimes: number;
}

/**
 * Sends `delivery` to the group's retry topic, on the first broker that takes it.
 *
 * @param delayLevel Delay of the next delivery; 0 lets the attempt choose, below 0 it goes to the dead letters.
 * @param before Why it is sent in this way, when another way failed.
 * @throws MessageConsumeError when no broker took it.
 */
export async function sendToRetryTopic(
  delivery: Delivery,
  delayLevel: number,
  { client, consumerGroup, maxReconsumeTimes }: RetrySender,
  before?: Error,
): Promise<void> {
  const topic = retryTopic(consumerGroup);
  const times = delivery.attempt;
  const allowed = delayLevel < 0 ? 0 : maxReconsumeTimes;
  const properties = encodeProperties(retryProperties(delivery, delayLevel, allowed));
  const failures: string[] = before ? [before.message] : [];
  const queues = (await client.route(topic).catch((error: Error) => {
    failures.push(error.message);
    return undefined;
  }))?.writeQueues ?? [];
  let cause: unknown = before;
  for (const queue of queues) {
    try {
      await client.call(queue.brokerName, sendMessageV2, {
        producerGroup: INNER_PRODUCER_GROUP,
        topic,
        defaultTopic: "TBW102",
        defaultTopicQueueNums: 4,
        queueId: queue.queueId,
        sysFlag: 0,
        bornTimestamp: delivery.record.bornTimestamp,
        flag: delivery.record.flag,
        properties,
        reconsumeTimes: times,
        unitMode: false,
        maxReconsumeTimes: allowed,
        batch: false,
        brokerName: queue.brokerName,
      }, { timeoutMs: SEND_TIMEOUT_MS, body: delivery.body });
      return;
    } catch (error) {
      cause ??= error;
      failures.push((error as Error).message);
    }
  }
  throw new MessageConsumeError(
    `Cannot send message ${delivery.messageId} back to group "${consumerGroup}": ${failures.join("; ")}`,
    { cause, group: consumerGroup, topic: delivery.topic, broker: delivery.queue.brokerName },
  );
}

function retryProperties(delivery: Delivery, delayLevel: number, allowed: number): Record<string, string> {
  const { record } = delivery;
  const properties: Record<string, string> = { ...record.properties };
  delete properties[PropertyKey.TRANSACTION_PREPARED];
  properties[PropertyKey.RETRY_TOPIC] = delivery.lane.topic;
  properties[PropertyKey.ORIGIN_MESSAGE_ID] ??= delivery.offsetMessageId;
  properties[PropertyKey.RECONSUME_TIME] = String(delivery.attempt);
  properties[PropertyKey.MAX_RECONSUME_TIMES] = String(allowed);
  properties[PropertyKey.DELAY] = String(delayLevel > 0 ? delayLevel : 3 + delivery.timesBefore);
  return properties;
}
