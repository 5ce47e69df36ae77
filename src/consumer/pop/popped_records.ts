/**
 * From the answer of a pop to messages with receipts.
 *
 * The answer's body holds the messages of one or more queues, its header their handles (protocol/pop.ts). Times are the
 * broker's: they are moved onto this side's clock as cautiously as question and answer allow, since a hold that is
 * believed in for too long has two members work on one message.
 */
import type { RecordView } from "../../message/record_view.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { assignPopHandles, type PopAnswer } from "../../protocol/pop.ts";
import type { PopReceipt } from "./receipt.ts";

/** One question and its times, in milliseconds since the epoch. */
export interface PopExchange {
  readonly topic: string;
  readonly brokerName: string;
  readonly order: boolean;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** A receipt for each of `records`, in their order. @throws ProtocolError when the answer does not fit the messages. */
export function receiptsOf(
  answer: PopAnswer,
  records: readonly RecordView[],
  { topic, brokerName, order, askedAt, answeredAt }: PopExchange,
): PopReceipt[] {
  const poppedAt = Math.min(answeredAt, Math.max(askedAt, answer.popTime));
  const visibleAt = poppedAt + answer.invisibleTime;
  const queues = new Map<number, MessageQueue>();
  const queueOf = (queueId: number): MessageQueue => {
    let queue = queues.get(queueId);
    if (!queue) queues.set(queueId, queue = { topic, brokerName, queueId });
    return queue;
  };
  return assignPopHandles(answer, records, { topic, brokerName, order }).map((assigned, i): PopReceipt => ({
    queue: queueOf(records[i]!.queueId),
    timesBefore: assigned.reconsumeTimes,
    handle: assigned.handle,
    visibleAt,
    since: answeredAt,
    isLost: false,
    pending: undefined,
  }));
}
