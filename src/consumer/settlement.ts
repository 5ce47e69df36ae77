/**
 * How an unsuccessful message leaves its window: sent back to the broker, for another delivery or for good.
 *
 * A message stays in its window until the broker has confirmed the send-back, so no offset is ever committed past one
 * that nobody has. Where the broker that stored it cannot be reached, the message is sent to the retry topic as a new one
 * (Java: DefaultMQPushConsumerImpl.sendMessageBackAsNormalMessage); where that fails too, it is delivered again from
 * here after five seconds.
 */
import type { RocketMQClient } from "../client/client.ts";
import { MessageConsumeError } from "../core/errors.ts";
import { encodeProperties } from "../message/properties.ts";
import { PropertyKey } from "../message/property_keys.ts";
import { delayLevelFor } from "../protocol/delay_levels.ts";
import { retryTopic } from "../protocol/names.ts";
import { consumerSendMsgBack, sendMessageV2 } from "../protocol/operations.ts";
import type { RetryOptions } from "./consumed_message.ts";
import type { Delivery } from "./delivery.ts";
import type { ConsumerEvent } from "./events.ts";
import type { ConsumerCounters } from "./statistics.ts";

/** How long a broker may take to confirm a send-back, in milliseconds (Java: 5000). */
const SEND_BACK_TIMEOUT_MS = 5_000;
/** How long a message waits here after a send-back that reached nobody, in milliseconds (Java: 5000). */
const LOCAL_RETRY_MS = 5_000;
/** The delay level that means: to the dead-letter topic. */
const TO_DEAD_LETTERS = -1;
/** The group that the fallback sends as (Java: MixAll.CLIENT_INNER_PRODUCER_GROUP). */
const INNER_PRODUCER_GROUP = "CLIENT_INNER_PRODUCER";

/** What the settlement works with. */
export interface SettlementOptions {
  readonly client: RocketMQClient;
  readonly consumerGroup: string;
  /** Deliveries after the first before a message is dead-lettered. */
  readonly maxReconsumeTimes: number;
  readonly counters: ConsumerCounters;
  readonly emit: (event: ConsumerEvent) => void;
  /** Called after each confirmed send-back: the retry topic may have come into being. */
  readonly onSentBack: () => void;
  /** Ends the wait before a local retry. */
  readonly signal: AbortSignal;
}

/** Sends messages back. */
export class Settlement {
  readonly #options: SettlementOptions;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /** See ConsumedMessage.retry. */
  retry(delivery: Delivery, { delayLevel, delayMs }: RetryOptions = {}): Promise<boolean> {
    const level = delayLevel ?? (delayMs === undefined ? 0 : delayLevelFor(delayMs));
    return this.#settle(delivery, level, undefined);
  }

  /** See ConsumedMessage.deadLetter. */
  deadLetter(delivery: Delivery, reason?: string): Promise<boolean> {
    return this.#settle(delivery, TO_DEAD_LETTERS, reason);
  }

  async #settle(delivery: Delivery, delayLevel: number, reason: string | undefined): Promise<boolean> {
    const { counters, emit } = this.#options;
    if (delivery.state !== "out" && delivery.state !== "waiting") {
      counters.lateSettlements++;
      return false;
    }
    if (delivery.state === "waiting") delivery.window.out++;
    delivery.state = "settling";
    delivery.window.totals.failed++;
    delivery.time(this.#options.client.clock);
    try {
      await this.#sendBack(delivery, delayLevel);
    } catch (cause) {
      this.#keep(delivery, cause as Error);
      return false;
    }
    const dead = delayLevel < 0 || delivery.record.reconsumeTimes >= this.#options.maxReconsumeTimes;
    if (dead) counters.deadLettered++;
    else counters.sentBack++;
    if (dead) {
      const { queue, queueOffset, messageId } = delivery;
      emit({ type: "deadLettered", queue, queueOffset, messageId, reason });
    }
    if (delivery.state === ("settling" as string)) delivery.window.remove(delivery);
    this.#options.onSentBack();
    return true;
  }

  async #sendBack(delivery: Delivery, delayLevel: number): Promise<void> {
    const { client, consumerGroup, maxReconsumeTimes, signal } = this.#options;
    try {
      await client.call(delivery.queue.brokerName, consumerSendMsgBack, {
        offset: delivery.record.physicalOffset,
        group: consumerGroup,
        delayLevel,
        originMsgId: delivery.messageId,
        originTopic: delivery.topic,
        unitMode: false,
        maxReconsumeTimes,
      }, { timeoutMs: SEND_BACK_TIMEOUT_MS });
    } catch (cause) {
      if (signal.aborted) throw cause;
      await this.#sendAsNew(delivery, delayLevel, cause as Error);
    }
  }

  /** The fallback: a new message to the retry topic, on whatever broker has it. */
  async #sendAsNew(delivery: Delivery, delayLevel: number, cause: Error): Promise<void> {
    const { client, consumerGroup, maxReconsumeTimes } = this.#options;
    const { record } = delivery;
    const topic = retryTopic(consumerGroup);
    const times = record.reconsumeTimes + 1;
    const properties: Record<string, string> = { ...record.properties };
    delete properties[PropertyKey.TRANSACTION_PREPARED];
    properties[PropertyKey.RETRY_TOPIC] = delivery.topic;
    properties[PropertyKey.ORIGIN_MESSAGE_ID] ??= delivery.offsetMessageId;
    properties[PropertyKey.RECONSUME_TIME] = String(times);
    properties[PropertyKey.MAX_RECONSUME_TIMES] = String(delayLevel < 0 ? 0 : maxReconsumeTimes);
    properties[PropertyKey.DELAY] = String(delayLevel > 0 ? delayLevel : 3 + record.reconsumeTimes);
    const failures: string[] = [cause.message];
    const queues = (await client.route(topic).catch(() => undefined))?.writeQueues ?? [];
    for (const queue of queues) {
      try {
        await client.call(queue.brokerName, sendMessageV2, {
          producerGroup: INNER_PRODUCER_GROUP,
          topic,
          defaultTopic: "TBW102",
          defaultTopicQueueNums: 4,
          queueId: queue.queueId,
          sysFlag: 0,
          bornTimestamp: record.bornTimestamp,
          flag: record.flag,
          properties: encodeProperties(properties),
          reconsumeTimes: times,
          unitMode: false,
          maxReconsumeTimes: delayLevel < 0 ? 0 : maxReconsumeTimes,
          batch: false,
          brokerName: queue.brokerName,
        }, { timeoutMs: SEND_BACK_TIMEOUT_MS, body: delivery.body });
        return;
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    throw new MessageConsumeError(
      `Cannot send message ${delivery.messageId} back to group "${consumerGroup}": ${failures.join("; ")}`,
      { cause, group: consumerGroup, topic: delivery.topic, broker: delivery.queue.brokerName },
    );
  }

  /** The broker has not confirmed: the message stays unsettled and comes again from here. */
  #keep(delivery: Delivery, error: Error): void {
    const { client, counters, emit, signal } = this.#options;
    counters.sendBackFailures++;
    emit({ type: "sendBackFailed", queue: delivery.queue, queueOffset: delivery.queueOffset, error });
    delivery.localRetries++;
    client.clock.sleep(LOCAL_RETRY_MS, signal).then(() => delivery.window.giveBack(delivery), () => {});
  }
}
