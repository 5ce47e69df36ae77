/**
 * Where a queue starts: the stored offset, and only if there is none, the place that `consumeFromWhere` names.
 *
 * Agrees with Java's RebalancePushImpl.computePullFromWhereWithException. A failed question is never "no offset": it rejects,
 * and the queue is not started in this round. Note that a broker answers 0 for a new group while message 0 of the queue
 * is still in memory, so CONSUME_FROM_LAST_OFFSET on a small topic starts at 0, as in Java.
 */
import { OffsetFetchError } from "../core/errors.ts";
import type { BrokerCaller } from "../offsets/broker_caller.ts";
import type { OffsetStore } from "../offsets/offset_store.ts";
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import { isRetryTopic } from "../protocol/names.ts";
import { getMaxOffset, searchOffsetByTimestamp } from "../protocol/operations.ts";

/** Where a group without a stored offset begins. */
export type ConsumeFromWhere =
  | "CONSUME_FROM_LAST_OFFSET"
  | "CONSUME_FROM_FIRST_OFFSET"
  | "CONSUME_FROM_TIMESTAMP";

/** What decides. */
export interface StartPolicy {
  readonly consumeFromWhere: ConsumeFromWhere;
  /** For CONSUME_FROM_TIMESTAMP: milliseconds since the epoch. */
  readonly consumeTimestamp: number;
}

const QUERY_TIMEOUT_MS = 5_000;

/** The offset at which to begin `queue`. @throws OffsetFetchError when it cannot be found out. */
export async function startOffset(
  queue: MessageQueue,
  store: OffsetStore,
  policy: StartPolicy,
  caller: BrokerCaller,
): Promise<number> {
  const stored = await store.readOffset(queue, "READ_FROM_STORE");
  if (stored !== undefined) return stored;
  try {
    return await withoutStoredOffset(queue, policy, caller);
  } catch (cause) {
    throw new OffsetFetchError(
      `Cannot find where ${queueKey(queue)} begins (${policy.consumeFromWhere}): ${(cause as Error).message}`,
      { cause, topic: queue.topic, broker: queue.brokerName },
    );
  }
}

async function withoutStoredOffset(
  queue: MessageQueue,
  policy: StartPolicy,
  caller: BrokerCaller,
): Promise<number> {
  const { topic, queueId, brokerName } = queue;
  const retry = isRetryTopic(topic);
  const options = { timeoutMs: QUERY_TIMEOUT_MS, brokerId: 0 };
  const max = async () =>
    (await caller.call(brokerName, getMaxOffset, { topic, queueId }, options)).header.offset;
  switch (policy.consumeFromWhere) {
    case "CONSUME_FROM_FIRST_OFFSET":
      return 0;
    case "CONSUME_FROM_LAST_OFFSET":
      return retry ? 0 : await max();
    case "CONSUME_FROM_TIMESTAMP": {
      if (retry) return await max();
      const timestamp = policy.consumeTimestamp;
      return (await caller.call(brokerName, searchOffsetByTimestamp, { topic, queueId, timestamp }, options))
        .header.offset;
    }
  }
}
