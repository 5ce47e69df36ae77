/**
 * What a broker says about the extent of a queue: where it begins, where it ends, what is where in time.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { OffsetFetchError } from "../../core/errors.ts";
import type { BrokerCaller } from "../../offsets/broker_caller.ts";
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import { getMaxOffset, getMinOffset, searchOffsetByTimestamp } from "../../protocol/operations.ts";
import { knownRoute } from "../group/group_roster.ts";

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

/** Asks about an offset of `queue`, of which the client may know nothing yet. @throws OffsetFetchError when it cannot be told. */
export async function aboutOffset<T>(
  client: RocketMQClient,
  queue: MessageQueue,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    await knownRoute(client, queue.topic);
    return await ask();
  } catch (cause) {
    if (cause instanceof OffsetFetchError) throw cause;
    throw new OffsetFetchError(
      `Cannot find an offset of ${queueKey(queue)}: ${(cause as Error).message}`,
      { cause, topic: queue.topic, broker: queue.brokerName },
    );
  }
}
