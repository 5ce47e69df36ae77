/**
 * The names of message properties that the system uses (Java: MessageConst), and which of them a user may set.
 */

/** Property names by what they mean. */
export const PropertyKey = {
  /** Business keys, separated by one blank. */
  KEYS: "KEYS",
  /** The tag. */
  TAGS: "TAGS",
  /** Whether the broker answers only when the message is stored as configured; default true. */
  WAIT: "WAIT",
  /** Delay level, 1–18. */
  DELAY: "DELAY",
  /** Topic that a retried message came from. */
  RETRY_TOPIC: "RETRY_TOPIC",
  /** Topic to go to after a delay or transaction. */
  REAL_TOPIC: "REAL_TOPIC",
  /** Queue to go to after a delay or transaction. */
  REAL_QUEUE_ID: "REAL_QID",
  /** Half message of a transaction. */
  TRANSACTION_PREPARED: "TRAN_MSG",
  /** Producer group. */
  PRODUCER_GROUP: "PGROUP",
  /** Lowest offset of the queue when the message was handed out. */
  MIN_OFFSET: "MIN_OFFSET",
  /** Highest offset of the queue when the message was handed out. */
  MAX_OFFSET: "MAX_OFFSET",
  /** Buyer id. */
  BUYER_ID: "BUYER_ID",
  /** Offset id of the message that a retried one copies. */
  ORIGIN_MESSAGE_ID: "ORIGIN_MESSAGE_ID",
  /** Transfer flag. */
  TRANSFER_FLAG: "TRANSFER_FLAG",
  /** Correction flag. */
  CORRECTION_FLAG: "CORRECTION_FLAG",
  /** MQ2 flag. */
  MQ2_FLAG: "MQ2_FLAG",
  /** How often a message was sent back by a client itself. */
  RECONSUME_TIME: "RECONSUME_TIME",
  /** Region of the broker. */
  MSG_REGION: "MSG_REGION",
  /** Whether the region wants traces. */
  TRACE_SWITCH: "TRACE_ON",
  /** Unique id made by the producer. */
  UNIQUE_KEY: "UNIQ_KEY",
  /** Unique id made by other clients. */
  EXTEND_UNIQ_INFO: "EXTEND_UNIQ_INFO",
  /** How often a message may be sent back. */
  MAX_RECONSUME_TIMES: "MAX_RECONSUME_TIMES",
  /** When consumption started, milliseconds since the epoch. */
  CONSUME_START_TIME: "CONSUME_START_TIME",
  /** How many messages an inner batch holds. */
  INNER_NUM: "INNER_NUM",
  /** First queue offset of an inner batch. */
  INNER_BASE: "INNER_BASE",
  /** Deduplication. */
  DUP_INFO: "DUP_INFO",
  /** Seconds before the first check of a transaction. */
  CHECK_IMMUNITY_SECONDS: "CHECK_IMMUNITY_TIME_IN_SECONDS",
  /** Queue offset of the half message. */
  TRANSACTION_PREPARED_QUEUE_OFFSET: "TRAN_PREPARED_QUEUE_OFFSET",
  /** Commit-log offset of the half message. */
  TRANSACTION_OFFSET: "TRANS_OFFSET",
  /** Transaction id. */
  TRANSACTION_ID: "__transactionId__",
  /** How often a transaction was checked. */
  TRANSACTION_CHECK_TIMES: "TRANSACTION_CHECK_TIMES",
  /** Instance id. */
  INSTANCE_ID: "INSTANCE_ID",
  /** Request that a reply answers. */
  CORRELATION_ID: "CORRELATION_ID",
  /** Client that waits for a reply. */
  REPLY_TO_CLIENT: "REPLY_TO_CLIENT",
  /** Patience of a requester, milliseconds. */
  TTL: "TTL",
  /** When a reply arrived at the broker. */
  ARRIVE_TIME: "ARRIVE_TIME",
  /** When a reply was pushed to the client. */
  PUSH_REPLY_TIME: "PUSH_REPLY_TIME",
  /** Name of the cluster. */
  CLUSTER: "CLUSTER",
  /** Type of message; `reply` for replies. */
  MESSAGE_TYPE: "MSG_TYPE",
  /** POP handle. */
  POP_CK: "POP_CK",
  /** POP checkpoint offset. */
  POP_CK_OFFSET: "POP_CK_OFFSET",
  /** When the message was popped first. */
  FIRST_POP_TIME: "1ST_POP_TIME",
  /** Key that orders messages. */
  SHARDING_KEY: "__SHARDINGKEY",
  /** Queue to forward to. */
  FORWARD_QUEUE_ID: "PROPERTY_FORWARD_QUEUE_ID",
  /** Redirect. */
  REDIRECT: "REDIRECT",
  /** Light queues that a message goes to. */
  INNER_MULTI_DISPATCH: "INNER_MULTI_DISPATCH",
  /** Offsets in those queues. */
  INNER_MULTI_QUEUE_OFFSET: "INNER_MULTI_QUEUE_OFFSET",
  /** Context of a trace. */
  TRACE_CONTEXT: "TRACE_CONTEXT",
  /** Delay in seconds. */
  TIMER_DELAY_SECONDS: "TIMER_DELAY_SEC",
  /** When to deliver, milliseconds since the epoch. */
  TIMER_DELIVER_MS: "TIMER_DELIVER_MS",
  /** Delay in milliseconds. */
  TIMER_DELAY_MS: "TIMER_DELAY_MS",
  /** When the timer took the message. */
  TIMER_ENQUEUE_MS: "TIMER_ENQUEUE_MS",
  /** When the timer gave it back. */
  TIMER_DEQUEUE_MS: "TIMER_DEQUEUE_MS",
  /** How often the timer rolled it. */
  TIMER_ROLL_TIMES: "TIMER_ROLL_TIMES",
  /** When the timer was due. */
  TIMER_OUT_MS: "TIMER_OUT_MS",
  /** Unique key of a timer message to delete. */
  TIMER_DELETE_UNIQUE_KEY: "TIMER_DEL_UNIQKEY",
  /** Delay level kept by the timer. */
  TIMER_DELAY_LEVEL: "TIMER_DELAY_LEVEL",
  /** Label of a rolled timer message. */
  TIMER_ROLL_LABEL: "TIMER_ROLL_LABEL",
  /** Where the message was made. */
  BORN_HOST: "__BORNHOST",
  /** When the message was made. */
  BORN_TIMESTAMP: "BORN_TIMESTAMP",
  /** Prefix of properties that are not stored. */
  TRANSIENT_PREFIX: "__RMQ.TRANSIENT.",
  /** System flag of the topic; not stored. */
  TRANSIENT_TOPIC_SYS_FLAG: "__RMQ.TRANSIENT.TOPIC_SYS_FLAG",
  /** System flag of the group; not stored. */
  TRANSIENT_GROUP_SYS_FLAG: "__RMQ.TRANSIENT.GROUP_SYS_FLAG",
  /** CRC-32 of the record before this property. */
  CRC32: "__CRC32#",
  /** Topic that a dead letter came from. */
  DLQ_ORIGIN_TOPIC: "DLQ_ORIGIN_TOPIC",
  /** Id of the message that became a dead letter. */
  DLQ_ORIGIN_MESSAGE_ID: "DLQ_ORIGIN_MESSAGE_ID",
  /** Group that a message came from. */
  ORIGIN_GROUP: "ORIGIN_GROUP",
  /** Priority, since 5.4. */
  PRIORITY: "_SYS_MSG_PRIORITY_",
  /** Light topic, since 5.5. */
  LITE_TOPIC: "__LITE_TOPIC",
} as const;

/** What separates the keys in the property KEYS. */
export const KEY_SEPARATOR = " ";

/** Keys that Java leaves to users although the system knows them (they are missing in MessageConst.STRING_HASH_SET). */
const OPEN: ReadonlySet<string> = new Set([
  PropertyKey.TRANSACTION_ID,
  PropertyKey.TRANSACTION_CHECK_TIMES,
  PropertyKey.CHECK_IMMUNITY_SECONDS,
  PropertyKey.INNER_NUM,
  PropertyKey.INNER_BASE,
  PropertyKey.INNER_MULTI_DISPATCH,
  PropertyKey.SHARDING_KEY,
  PropertyKey.FORWARD_QUEUE_ID,
  PropertyKey.REDIRECT,
  PropertyKey.TRACE_CONTEXT,
  PropertyKey.TRANSIENT_PREFIX,
  PropertyKey.TRANSIENT_TOPIC_SYS_FLAG,
  PropertyKey.TRANSIENT_GROUP_SYS_FLAG,
  PropertyKey.TRANSACTION_OFFSET,
  PropertyKey.TIMER_ROLL_LABEL,
]);

/** Names that a user may not set (Java: MessageConst.STRING_HASH_SET). */
export const RESERVED: ReadonlySet<string> = new Set(
  Object.values(PropertyKey).filter((key) => !OPEN.has(key)),
);
