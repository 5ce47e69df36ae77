/**
 * Bodies about queues and offsets: locks, resets, what a consumer holds, the file of offsets.
 *
 * WIRE §12, §14, §21. Maps are keyed by the queue itself; `queueMap` spells them as Java does.
 */
import type { MessageQueue } from "../message_queue.ts";
import {
  type Body,
  body,
  flag,
  limit,
  list,
  long,
  messageQueue,
  numberMap,
  object,
  optText,
  queueMap,
  record,
  text,
} from "../shape.ts";

/** Queues to lock or unlock. */
export interface LockBatch {
  /** The group. */
  readonly consumerGroup?: string | undefined;
  /** The client that wants them. */
  readonly clientId?: string | undefined;
  /** Whether other brokers of the same name are left alone. */
  readonly onlyThisBroker: boolean;
  /** The queues. */
  readonly mqSet: readonly MessageQueue[];
}

/** Body of LOCK_BATCH_MQ and UNLOCK_BATCH_MQ. */
export const lockBatch: Body<LockBatch> = body(
  "LockBatchRequestBody",
  object<LockBatch>({
    consumerGroup: optText,
    clientId: optText,
    onlyThisBroker: flag(),
    mqSet: list(messageQueue),
  }),
);

/** Queues that are locked now. */
export interface LockBatchResult {
  /** Those of the request that the client holds. */
  readonly lockOKMQSet: readonly MessageQueue[];
}

/** Body of the answer to LOCK_BATCH_MQ. */
export const lockBatchResult: Body<LockBatchResult> = body(
  "LockBatchResponseBody",
  object<LockBatchResult>({ lockOKMQSet: list(messageQueue) }),
);

/** An offset for each queue. */
export interface OffsetTable {
  /** Next offset to consume, by queue. */
  readonly offsetTable: ReadonlyMap<MessageQueue, number>;
}

/** Body of RESET_CONSUMER_CLIENT_OFFSET and of the answer to INVOKE_BROKER_TO_RESET_OFFSET. */
export const resetOffset: Body<OffsetTable> = body(
  "ResetOffsetBody",
  object<OffsetTable>({ offsetTable: queueMap(long) }),
);

/** The file in which a broadcasting Java consumer keeps its offsets. */
export const offsetFile: Body<OffsetTable> = body(
  "OffsetSerializeWrapper",
  object<OffsetTable>({ offsetTable: queueMap(long) }),
);

/** One queue and its offset. */
export interface QueueOffset extends MessageQueue {
  /** Next offset to consume. */
  readonly offset: number;
}

/** Offsets as a list. */
export interface OffsetList {
  /** Queues and offsets. */
  readonly offsetTable: readonly QueueOffset[];
}

/** Body of RESET_CONSUMER_CLIENT_OFFSET when the administrator's language is CPP. */
export const resetOffsetList: Body<OffsetList> = body(
  "ResetOffsetBodyForC",
  object<OffsetList>({
    offsetTable: list(object<QueueOffset>({ topic: text, brokerName: text, queueId: long, offset: long })),
  }),
);

/** Offsets that consumers hold in memory. */
export interface ConsumerStatus {
  /** A client's answer: its offsets. */
  readonly messageQueueTable: ReadonlyMap<MessageQueue, number>;
  /** A broker's answer: the offsets of each client. */
  readonly consumerTable: Readonly<Record<string, ReadonlyMap<MessageQueue, number>>>;
}

/** Body of the answers to GET_CONSUMER_STATUS_FROM_CLIENT and INVOKE_BROKER_TO_GET_CONSUMER_STATUS. */
export const consumerStatus: Body<ConsumerStatus> = body(
  "GetConsumerStatusBody",
  object<ConsumerStatus>({ messageQueueTable: queueMap(long), consumerTable: record(queueMap(long)) }),
);

/** Offsets by queue id. */
export interface CorrectionOffsets {
  /** Offset by queue id; Infinity where no group lags. */
  readonly correctionOffsets: ReadonlyMap<number, number>;
}

/** Body of the answer to QUERY_CORRECTION_OFFSET. */
export const correctionOffsets: Body<CorrectionOffsets> = body(
  "QueryCorrectionOffsetBody",
  object<CorrectionOffsets>({ correctionOffsets: numberMap(limit) }),
);

/** Between which times the messages of a queue lie. */
export interface QueueTimeSpan {
  /** The queue. */
  readonly messageQueue: MessageQueue;
  /** Store time of its first message, in milliseconds since the epoch. */
  readonly minTimeStamp: number;
  /** Store time of its last message. */
  readonly maxTimeStamp: number;
  /** Store time of the last consumed message. */
  readonly consumeTimeStamp: number;
  /** How far behind the group is, in milliseconds. */
  readonly delayTime: number;
}

/** Time spans of the queues of a topic. */
export interface QueueTimeSpans {
  /** One for each queue. */
  readonly consumeTimeSpanSet: readonly QueueTimeSpan[];
}

/** Body of the answer to QUERY_CONSUME_TIME_SPAN; its copies as text are left out. */
export const queueTimeSpans: Body<QueueTimeSpans> = body(
  "QueryConsumeTimeSpanBody",
  object<QueueTimeSpans>({
    consumeTimeSpanSet: list(object<QueueTimeSpan>({
      messageQueue,
      minTimeStamp: long,
      maxTimeStamp: long,
      consumeTimeStamp: long,
      delayTime: long,
    })),
  }),
);
