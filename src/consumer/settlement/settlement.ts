/**
 * How an unsuccessful message leaves its window: sent back to the broker, for another delivery or for good.
 *
 * A message stays in its window until the broker has confirmed the send-back, so no offset is ever committed past one
 * that nobody has. Where the broker that stored it cannot be reached, the message is sent to the retry topic as a new one
 * (Java: DefaultMQPushConsumerImpl.sendMessageBackAsNormalMessage); where that fails too, it is delivered again from
 * here after five seconds.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { delayLevelFor } from "../../protocol/delay_levels.ts";
import { consumerSendMsgBack } from "../../protocol/operations.ts";
import type { RetryOptions } from "../consumed_message.ts";
import type { Delivery } from "../window/delivery.ts";
import type { ConsumerEvent } from "../events.ts";
import { sendToRetryTopic } from "./retry_message.ts";
import type { Settler } from "./settler.ts";
import type { ConsumerCounters } from "../statistics.ts";

/** How long a broker may take to confirm a send-back, in milliseconds (Java: 5000). */
const SEND_BACK_TIMEOUT_MS = 5_000;
/** How long a message waits here after a send-back that reached nobody, in milliseconds (Java: 5000). */
const LOCAL_RETRY_MS = 5_000;
/** The delay level that means: to the dead-letter topic. */
const TO_DEAD_LETTERS = -1;

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
export class Settlement implements Settler {
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
    if (!delivery.window.beginSettling(delivery)) return false;
    delivery.time(this.#options.client.clock);
    try {
      await this.#sendBack(delivery, delayLevel);
    } catch (cause) {
      this.#keep(delivery, cause as Error);
      return false;
    }
    if (delivery.trail !== undefined) delivery.trail.settled();
    const dead = delayLevel < 0 || delivery.timesBefore >= this.#options.maxReconsumeTimes;
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
        originTopic: delivery.lane.topic,
        unitMode: false,
        maxReconsumeTimes,
      }, { timeoutMs: SEND_BACK_TIMEOUT_MS });
    } catch (cause) {
      if (signal.aborted) throw cause;
      await sendToRetryTopic(delivery, delayLevel, this.#options, cause as Error);
    }
  }

  /** The broker has not confirmed: the message stays unsettled and comes again from here. */
  #keep(delivery: Delivery, error: Error): void {
    const { client, counters, emit, signal } = this.#options;
    counters.sendBackFailures++;
    if (delivery.trail !== undefined) delivery.trail.settled(error);
    emit({ type: "sendBackFailed", queue: delivery.queue, queueOffset: delivery.queueOffset, error });
    delivery.localRetries++;
    client.clock.sleep(LOCAL_RETRY_MS, signal).then(() => delivery.window.giveBack(delivery), () => {});
  }
}
