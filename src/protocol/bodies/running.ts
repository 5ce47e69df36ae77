/**
 * Bodies in which a consumer tells about itself: its running info, and how a message fared on demand.
 *
 * WIRE §21. Java's spelling is kept ("droped", "spentTimeMills").
 */
import type { MessageQueue } from "../message_queue.ts";
import {
  type Body,
  body,
  double,
  flag,
  list,
  long,
  object,
  oneOf,
  optText,
  queueMap,
  record,
  text,
} from "../shape.ts";
import { type SubscriptionData, subscriptionDataShape } from "../subscription_data.ts";

/** What a consumer holds of one queue. Offsets are queue offsets, times milliseconds since the epoch. */
export interface ProcessQueueStatus {
  /** Next offset to commit. */
  readonly commitOffset: number;
  /** First offset held. */
  readonly cachedMsgMinOffset: number;
  /** Last offset held. */
  readonly cachedMsgMaxOffset: number;
  /** Messages held. */
  readonly cachedMsgCount: number;
  /** Size of what is held, in MiB. */
  readonly cachedMsgSizeInMiB: number;
  /** First offset being consumed in order. */
  readonly transactionMsgMinOffset: number;
  /** Last offset being consumed in order. */
  readonly transactionMsgMaxOffset: number;
  /** Messages being consumed in order. */
  readonly transactionMsgCount: number;
  /** Whether the queue is locked on the broker. */
  readonly locked: boolean;
  /** How often giving it back was tried. */
  readonly tryUnlockTimes: number;
  /** Last time it was locked. */
  readonly lastLockTimestamp: number;
  /** Whether the queue was taken away. */
  readonly droped: boolean;
  /** Last time it was pulled. */
  readonly lastPullTimestamp: number;
  /** Last time it was consumed. */
  readonly lastConsumeTimestamp: number;
}

/** What a consumer holds of one popped queue. */
export interface PopProcessQueueStatus {
  /** Messages out. */
  readonly waitAckCount: number;
  /** Whether the queue was taken away. */
  readonly droped: boolean;
  /** Last time it was popped. */
  readonly lastPopTimestamp: number;
}

/** Speed of a consumer in one topic: times in milliseconds, rates per second. */
export interface ConsumeStatus {
  /** Time of a pull. */
  readonly pullRT: number;
  /** Messages pulled per second. */
  readonly pullTPS: number;
  /** Time of consuming. */
  readonly consumeRT: number;
  /** Messages consumed per second. */
  readonly consumeOKTPS: number;
  /** Failures per second. */
  readonly consumeFailedTPS: number;
  /** Failures of the last hour. */
  readonly consumeFailedMsgs: number;
}

/** All that a consumer knows about itself. */
export interface ConsumerRunningInfo {
  /** Its configuration and the `PROP_…` facts, as texts. */
  readonly properties: Readonly<Record<string, string>>;
  /** Its subscriptions. */
  readonly subscriptionSet: readonly SubscriptionData[];
  /** Its queues. */
  readonly mqTable: ReadonlyMap<MessageQueue, ProcessQueueStatus>;
  /** Its popped queues. */
  readonly mqPopTable: ReadonlyMap<MessageQueue, PopProcessQueueStatus>;
  /** Speed by topic. */
  readonly statusTable: Readonly<Record<string, ConsumeStatus>>;
  /** What the application adds. */
  readonly userConsumerInfo: Readonly<Record<string, string>>;
  /** A dump of what is running, when it was asked for. */
  readonly jstack?: string | undefined;
}

/** Body of the answer to GET_CONSUMER_RUNNING_INFO. */
export const consumerRunningInfo: Body<ConsumerRunningInfo> = body(
  "ConsumerRunningInfo",
  object<ConsumerRunningInfo>({
    properties: record(text),
    subscriptionSet: list(subscriptionDataShape),
    mqTable: queueMap(object<ProcessQueueStatus>({
      commitOffset: long,
      cachedMsgMinOffset: long,
      cachedMsgMaxOffset: long,
      cachedMsgCount: long,
      cachedMsgSizeInMiB: long,
      transactionMsgMinOffset: long,
      transactionMsgMaxOffset: long,
      transactionMsgCount: long,
      locked: flag(),
      tryUnlockTimes: long,
      lastLockTimestamp: long,
      droped: flag(),
      lastPullTimestamp: long,
      lastConsumeTimestamp: long,
    })),
    mqPopTable: queueMap(
      object<PopProcessQueueStatus>({ waitAckCount: long, droped: flag(), lastPopTimestamp: long }),
    ),
    statusTable: record(object<ConsumeStatus>({
      pullRT: double,
      pullTPS: double,
      consumeRT: double,
      consumeOKTPS: double,
      consumeFailedTPS: double,
      consumeFailedMsgs: long,
    })),
    userConsumerInfo: record(text),
    jstack: optText,
  }),
);

/** How a message fared that was consumed on demand. */
export type DirectConsumeOutcome =
  | "CR_SUCCESS"
  | "CR_LATER"
  | "CR_ROLLBACK"
  | "CR_COMMIT"
  | "CR_THROW_EXCEPTION"
  | "CR_RETURN_NULL";

/** Result of CONSUME_MESSAGE_DIRECTLY. */
export interface DirectConsumeResult {
  /** Whether the listener is an orderly one. */
  readonly order: boolean;
  /** Whether it commits by itself. */
  readonly autoCommit: boolean;
  /** How the message fared. */
  readonly consumeResult?: DirectConsumeOutcome | undefined;
  /** The listener's error. */
  readonly remark?: string | undefined;
  /** How long it took, in milliseconds. */
  readonly spentTimeMills: number;
}

/** Body of the answer to CONSUME_MESSAGE_DIRECTLY. */
export const directConsumeResult: Body<DirectConsumeResult> = body(
  "ConsumeMessageDirectlyResult",
  object<DirectConsumeResult>({
    order: flag(),
    autoCommit: flag(true),
    consumeResult: oneOf(
      "CR_SUCCESS",
      "CR_LATER",
      "CR_ROLLBACK",
      "CR_COMMIT",
      "CR_THROW_EXCEPTION",
      "CR_RETURN_NULL",
    ),
    remark: optText,
    spentTimeMills: long,
  }),
);
