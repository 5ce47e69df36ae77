/**
 * One message, consumed now because an administrator asked for it, outside of any assigned queue.
 *
 * Picture a strip with room for this message alone: it goes through the topic's own listener like any other, but nothing
 * of it is committed or sent back; how it fared is the answer. Agrees with consumeMessageDirectly of
 * ConsumeMessageConcurrentlyService and ConsumeMessageOrderlyService, save that returning nothing is success, as everywhere in this library.
 */
import type { RecordView } from "../../message/record_view.ts";
import type { DirectConsumeOutcome, DirectConsumeResult } from "../../protocol/bodies.ts";
import { isRetryTopic } from "../../protocol/names.ts";
import type { Clock } from "../../time/clock.ts";
import { Budget } from "../window/budget.ts";
import type { Delivery } from "../window/delivery.ts";
import type { Lane } from "../window/lane.ts";
import type {
  MessageListener,
  MessageListenerConcurrently,
  MessageListenerOrderly,
} from "../taking/listener.ts";
import { type OrderedAnswer, OrderedContext } from "../taking/ordered_calls.ts";
import { QueueWindow } from "../window/queue_window.ts";

/** What consuming one message on demand works with. */
export interface DirectOptions {
  /** As the application calls it. */
  readonly consumerGroup: string;
  /** What the application does not see of names. */
  readonly namespace: string | undefined;
  readonly clock: Clock;
  /** Whether messages wait for each other. */
  readonly ordered: boolean;
  /** The listener of a topic. */
  readonly listener: (topic: string) => MessageListener | undefined;
  /** Fires when the consumer ends: the message's own signal fires then too. */
  readonly signal: AbortSignal;
}

const NO_LIMITS = { maxMessages: Infinity, maxBytes: Infinity, maxWaiting: Infinity, maxSpan: Infinity };

/** Hands `record` of `brokerName` to its topic's listener; `undefined` when there is none. Never rejects. */
export async function consumeDirectly(
  record: RecordView,
  brokerName: string,
  options: DirectOptions,
): Promise<DirectConsumeResult | undefined> {
  const { consumerGroup, clock, signal } = options;
  let sentBack = false;
  const delivery = loneDelivery(record, brokerName, options, () => sentBack = true);
  const listener = options.listener(delivery.lane.topic);
  if (listener === undefined) return undefined;
  const onEnd = (): void => delivery.window.drop(signal.reason);
  signal.addEventListener("abort", onEnd, { once: true });
  const context = new OrderedContext(consumerGroup, delivery, true);
  let consumeResult: DirectConsumeOutcome;
  let remark: string | undefined;
  try {
    const answer = await call(listener, delivery, context, options.ordered);
    consumeResult = sentBack ? "CR_LATER" : OUTCOMES[answer ?? "SUCCESS"];
  } catch (error) {
    consumeResult = "CR_THROW_EXCEPTION";
    remark = String(error);
  } finally {
    signal.removeEventListener("abort", onEnd);
  }
  const spentTimeMills = clock.now() - delivery.handedOutAt;
  const { autoCommit } = context;
  return { order: options.ordered, autoCommit, consumeResult, remark, spentTimeMills };
}

const OUTCOMES: Readonly<Record<Exclude<OrderedAnswer, undefined | void>, DirectConsumeOutcome>> = {
  CONSUME_SUCCESS: "CR_SUCCESS",
  SUCCESS: "CR_SUCCESS",
  COMMIT: "CR_COMMIT",
  ROLLBACK: "CR_ROLLBACK",
  RECONSUME_LATER: "CR_LATER",
  SUSPEND_CURRENT_QUEUE_A_MOMENT: "CR_LATER",
};

function call(
  listener: MessageListener,
  delivery: Delivery,
  context: OrderedContext,
  ordered: boolean,
): OrderedAnswer | Promise<OrderedAnswer> {
  if (typeof listener === "function") return listener(delivery, context);
  // That it has the method for the ordering was checked when it was registered.
  if (ordered) return (listener as MessageListenerOrderly).consumeMessageOrderly([delivery], context);
  return (listener as MessageListenerConcurrently).consumeMessageConcurrently([delivery], context);
}

/** The record as the only message of a window of its own, handed out. */
function loneDelivery(
  record: RecordView,
  brokerName: string,
  { clock, namespace }: DirectOptions,
  onSentBack: () => void,
): Delivery {
  const now = clock.now();
  const sendBack = (delivery: Delivery): Promise<boolean> => {
    const first = delivery.state === "out";
    if (first) {
      onSentBack();
      delivery.window.remove(delivery);
    }
    return Promise.resolve(first);
  };
  let lane: Lane | undefined;
  const window = new QueueWindow({
    queue: { topic: record.topic, brokerName, queueId: record.queueId },
    generation: 0,
    namespace,
    isRetry: isRetryTopic(record.topic),
    startOffset: record.queueOffset,
    now,
    settlement: { retry: sendBack, deadLetter: sendBack },
    budget: new Budget(NO_LIMITS),
    limits: NO_LIMITS,
    listener: {
      onReady: (ready) => lane = ready,
      onLateSettlement: () => {},
      onAck: () => {},
      onExtend: () => Promise.resolve(true),
    },
  });
  window.append([record], record.queueOffset + 1, record.sizeBytes);
  return lane!.take(now)!;
}
