/**
 * One message, consumed now because an administrator asked for it, outside of any assigned queue.
 *
 * Picture a strip with room for this message alone: it goes through the topic's own listener like any other, but nothing
 * of it is committed or sent back; how it fared is the answer. Agrees with consumeMessageDirectly of
 * ConsumeMessageConcurrentlyService, save that returning nothing is success, as everywhere in this library.
 */
import type { RecordView } from "../message/record_view.ts";
import type { DirectConsumeOutcome, DirectConsumeResult } from "../protocol/bodies.ts";
import { isRetryTopic } from "../protocol/names.ts";
import type { Clock } from "../time/clock.ts";
import { Budget } from "./budget.ts";
import type { Delivery } from "./delivery.ts";
import type { Lane } from "./lane.ts";
import type { ConsumeContext, MessageListener } from "./listener.ts";
import { QueueWindow } from "./queue_window.ts";

/** What consuming one message on demand works with. */
export interface DirectOptions {
  readonly consumerGroup: string;
  readonly clock: Clock;
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
  const delivery = loneDelivery(record, brokerName, clock.now(), () => sentBack = true);
  const listener = options.listener(delivery.topic);
  if (listener === undefined) return undefined;
  const onEnd = (): void => delivery.window.drop(signal.reason);
  signal.addEventListener("abort", onEnd, { once: true });
  const context: ConsumeContext = {
    consumerGroup,
    queue: delivery.queue,
    attempt: delivery.attempt,
    get signal() {
      return delivery.signal;
    },
    delayLevelWhenNextConsume: 0,
  };
  let consumeResult: DirectConsumeOutcome;
  let remark: string | undefined;
  try {
    const answer = await (typeof listener === "function"
      ? listener(delivery, context)
      : listener.consumeMessageConcurrently([delivery], context));
    consumeResult = sentBack || answer === "RECONSUME_LATER" ? "CR_LATER" : "CR_SUCCESS";
  } catch (error) {
    consumeResult = "CR_THROW_EXCEPTION";
    remark = String(error);
  } finally {
    signal.removeEventListener("abort", onEnd);
  }
  const spentTimeMills = clock.now() - delivery.handedOutAt;
  return { order: false, autoCommit: true, consumeResult, remark, spentTimeMills };
}

/** The record as the only message of a window of its own, handed out. */
function loneDelivery(record: RecordView, brokerName: string, now: number, onSentBack: () => void): Delivery {
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
      onBack: () => {},
    },
  });
  window.append([record], record.queueOffset + 1, record.sizeBytes);
  return lane!.take(now)!;
}
