/**
 * Where a queue starts: the stored offset, and only if there is none, the place that `consumeFromWhere` names.
 *
 * Agrees with Java's RebalancePushImpl.computePullFromWhereWithException. A failed question is never "no offset": it rejects,
 * and the queue is not started in this round. Note that a broker answers 0 for a new group while message 0 of the queue
 * is still in memory, so CONSUME_FROM_LAST_OFFSET on a small topic starts at 0, as in Java.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { OffsetFetchError } from "../../core/errors.ts";
import type { BrokerCaller } from "../../offsets/broker_caller.ts";
import type { OffsetStore } from "../../offsets/offset_store.ts";
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import { wrapQueue } from "../../protocol/namespace.ts";
import { isRetryTopic } from "../../protocol/names.ts";
import { endOffset, offsetAt } from "./queue_positions.ts";

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

/** How long before now CONSUME_FROM_TIMESTAMP begins unless told, in milliseconds (Java: 30 minutes). */
const BEGIN_BEFORE_MS = 30 * 60_000;

/** What the options say, at `now`. */
export function startPolicy(
  { consumeFromWhere, consumeTimestamp }: {
    readonly consumeFromWhere: ConsumeFromWhere;
    readonly consumeTimestamp?: number | undefined;
  },
  now: number,
): StartPolicy {
  return { consumeFromWhere, consumeTimestamp: consumeTimestamp ?? now - BEGIN_BEFORE_MS };
}

/** What `findStartOffset` is asked. */
export interface StartOffsetQuestion {
  /** A started client. */
  readonly client: RocketMQClient;
  /** The queue. */
  readonly queue: MessageQueue;
  /** Where to begin when no offset is stored. Default CONSUME_FROM_LAST_OFFSET. */
  readonly consumeFromWhere?: ConsumeFromWhere | undefined;
  /** For CONSUME_FROM_TIMESTAMP: a Date, or milliseconds since the epoch. Default 30 minutes ago. */
  readonly consumeTimestamp?: Date | number | undefined;
  /** Where a stored offset is looked for, which comes first; without one there is none. It must be started. */
  readonly offsetStore?: Pick<OffsetStore, "readOffset"> | undefined;
}

/**
 * Where a consumer would begin a queue: at the stored offset, else where `consumeFromWhere` says. Of a retry topic all is consumed.
 *
 * @throws OffsetFetchError when it cannot be found out, which is not the same as "no offset".
 */
export function findStartOffset(question: StartOffsetQuestion): Promise<number> {
  const { client, queue, consumeFromWhere = "CONSUME_FROM_LAST_OFFSET", consumeTimestamp, offsetStore } =
    question;
  const timestamp = consumeTimestamp === undefined ? undefined : Number(consumeTimestamp);
  const policy = startPolicy({ consumeFromWhere, consumeTimestamp: timestamp }, client.clock.now());
  const named = wrapQueue(client.options.namespace, queue);
  return startOffset(named, offsetStore ?? NOTHING_STORED, policy, client);
}

const NOTHING_STORED: Pick<OffsetStore, "readOffset"> = { readOffset: () => Promise.resolve(undefined) };

/** The offset at which to begin `queue`. @throws OffsetFetchError when it cannot be found out. */
export async function startOffset(
  queue: MessageQueue,
  store: Pick<OffsetStore, "readOffset">,
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

function withoutStoredOffset(
  queue: MessageQueue,
  { consumeFromWhere, consumeTimestamp }: StartPolicy,
  caller: BrokerCaller,
): number | Promise<number> {
  const retry = isRetryTopic(queue.topic);
  switch (consumeFromWhere) {
    case "CONSUME_FROM_FIRST_OFFSET":
      return 0;
    case "CONSUME_FROM_LAST_OFFSET":
      return retry ? 0 : endOffset(caller, queue);
    case "CONSUME_FROM_TIMESTAMP":
      return retry ? endOffset(caller, queue) : offsetAt(caller, queue, consumeTimestamp);
  }
}
