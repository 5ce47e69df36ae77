/**
 * What a broker says about the extent of a queue: where it begins, where it ends, what is where in time.
 */
import type { BrokerCaller } from "../../offsets/broker_caller.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { getMaxOffset, getMinOffset, searchOffsetByTimestamp } from "../../protocol/operations.ts";

const OPTIONS = { timeoutMs: 5_000, brokerId: 0 };

/** The offset of the first message that is still there. */
export async function firstOffset(caller: BrokerCaller, queue: MessageQueue): Promise<number> {
  const { topic, queueId, brokerName } = queue;
  return (await caller.call(brokerName, getMinOffset, { topic, queueId }, OPTIONS)).header.offset;
}

/** The offset that the next message will get. */
export async function endOffset(caller: BrokerCaller, queue: MessageQueue): Promise<number> {
  const { topic, queueId, brokerName } = queue;
  return (await caller.call(brokerName, getMaxOffset, { topic, queueId }, OPTIONS)).header.offset;
}

/** The offset of the first message stored at `timestamp` (milliseconds since the epoch) or later. */
export async function offsetAt(
  caller: BrokerCaller,
  queue: MessageQueue,
  timestamp: number,
): Promise<number> {
  const { topic, queueId, brokerName } = queue;
  const header = { topic, queueId, timestamp };
  return (await caller.call(brokerName, searchOffsetByTimestamp, header, OPTIONS)).header.offset;
}
