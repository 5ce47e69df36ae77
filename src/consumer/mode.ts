/**
 * What `ordering`, `messageModel` and `clientRebalance` decide: how windows hand out, what becomes of a message that was not
 * handled, who divides the queues.
 *
 *                  concurrent               orderly, by key
 *   CLUSTERING     sent back to the broker  again from here, then dead letters; under queue locks
 *   … popped       hidden at the broker     again from here, then dead letters; the broker hands out in order
 *   BROADCASTING   again from here, then dropped (no retry topic, no locks)
 */
import type { RocketMQClient } from "../client/client.ts";
import type { ConsumedMessage } from "./consumed_message.ts";
import type { Delivery } from "./window/delivery.ts";
import { allToEach, type Division, sharedByGroup } from "./group/division.ts";
import type { ConsumerEvent } from "./events.ts";
import { LocalSettlement } from "./settlement/local_settlement.ts";
import type { ResolvedConsumerConfig } from "./config/options.ts";
import { OrderedCalls } from "./taking/ordered_calls.ts";
import { dividedByBrokers } from "./pop/broker_division.ts";
import type { Invisibility } from "./pop/invisibility.ts";
import { PopSettlement } from "./pop/pop_settlement.ts";
import type { PoppedQueues } from "./pop/popped_queues.ts";
import type { WindowOrder } from "./window/window_terms.ts";
import { sendToRetryTopic } from "./settlement/retry_message.ts";
import { Settlement } from "./settlement/settlement.ts";
import type { Settler } from "./settlement/settler.ts";
import type { ConsumerCounters } from "./statistics.ts";

/** What the parts of a mode work with. */
export interface ModeOptions {
  readonly config: ResolvedConsumerConfig;
  readonly client: RocketMQClient;
  readonly counters: ConsumerCounters;
  readonly emit: (event: ConsumerEvent) => void;
  /** A message went to the retry topic, which may have come into being by that. */
  readonly onSentBack: () => void;
  /** Fires when the consumer is over. */
  readonly signal: AbortSignal;
}

/** The parts that differ from mode to mode. */
export interface Mode {
  /** How windows are ordered; undefined when messages are handed out side by side. */
  readonly order: Pick<WindowOrder, "keyOf"> | undefined;
  /** What becomes of messages that were not handled. */
  readonly settler: Settler;
  /** What becomes of popped messages that were not handled. */
  readonly popSettler: (invisibility: Invisibility) => Settler;
  /** What the answers of listeners mean where messages stay in order. */
  readonly orderedCalls: OrderedCalls | undefined;
}

/** The parts for a configuration. */
export function modeFor(options: ModeOptions): Mode {
  const { config, client, counters, emit } = options;
  const { consumerGroup, ordering, messageModel, maxReconsumeTimes } = config;
  const isBroadcast = messageModel === "BROADCASTING";
  if (ordering === "concurrent" && !isBroadcast) {
    const settler = new Settlement({ ...options, consumerGroup, maxReconsumeTimes });
    const popSettler = (invisibility: Invisibility) =>
      new PopSettlement({ ...options, consumerGroup, maxReconsumeTimes }, invisibility);
    return { order: undefined, settler, popSettler, orderedCalls: undefined };
  }
  const settler = new LocalSettlement({
    clock: client.clock,
    maxReconsumeTimes,
    suspendMs: config.suspendCurrentQueueTimeMs,
    giveUp: isBroadcast ? dropping(options) : deadLettering(options),
    counters,
    emit,
  });
  const popSettler = (): Settler => settler;
  if (ordering === "concurrent") return { order: undefined, settler, popSettler, orderedCalls: undefined };
  return {
    order: { keyOf: ordering === "orderly" ? undefined : guarded(ordering.by, emit) },
    settler,
    popSettler,
    orderedCalls: new OrderedCalls(settler, config.suspendCurrentQueueTimeMs),
  };
}

/** Who divides the queues: the brokers where they may want some popped, the group's strategy, or nobody. */
export function divisionFor(
  config: ResolvedConsumerConfig,
  client: RocketMQClient,
  popped: PoppedQueues | undefined,
  emit: (event: ConsumerEvent) => void,
): Division {
  const { consumerGroup, allocateStrategy, messageModel } = config;
  if (messageModel === "BROADCASTING") return allToEach;
  const shared = sharedByGroup(client, consumerGroup, allocateStrategy);
  return popped === undefined ? shared : dividedByBrokers({
    client,
    consumerGroup,
    strategyName: allocateStrategy.name,
    mode: config.messageRequestMode,
    popShareQueueNum: config.popShareQueueNum,
    otherwise: shared,
    onDivided: (topic, share) => popped.plan(topic, share),
    emit,
  });
}

function dropping({ counters, emit }: ModeOptions) {
  return ({ queue, queueOffset, messageId }: Delivery, reason: string | undefined): Promise<void> => {
    counters.dropped++;
    emit({ type: "dropped", queue, queueOffset, messageId, reason });
    return Promise.resolve();
  };
}

/** The broker puts a message that has had all its deliveries where the dead letters are. */
function deadLettering({ config, client, counters, emit, onSentBack }: ModeOptions) {
  const { consumerGroup, maxReconsumeTimes } = config;
  return async (delivery: Delivery, reason: string | undefined): Promise<void> => {
    await sendToRetryTopic(delivery, -1, { client, consumerGroup, maxReconsumeTimes });
    counters.deadLettered++;
    const { queue, queueOffset, messageId } = delivery;
    emit({ type: "deadLettered", queue, queueOffset, messageId, reason });
    onSentBack();
  };
}

/** Messages whose key cannot be told stay in order among themselves; the first throw for a topic is told. */
function guarded(
  by: (message: ConsumedMessage) => string,
  emit: (event: ConsumerEvent) => void,
): (message: ConsumedMessage) => string {
  const failing = new Set<string>();
  return (message) => {
    try {
      return String(by(message));
    } catch (error) {
      if (!failing.has(message.topic)) emit({ type: "handlerFailed", topic: message.topic, error });
      failing.add(message.topic);
      return "";
    }
  };
}
