/**
 * Rows of everything that stores a message or decides about one: send, send back, transaction, reply, recall.
 *
 * WIRE §10, §13, §18, §19, §20. All sends answer with the same header; SEND_OK and the three "stored, but" codes are
 * answers. The one-letter wire names of the V2 header are known here and nowhere else.
 */
import { as, bool, int, long, operation, opt, str } from "../../wire/schema.ts";
import { rpcFields, topicFields } from "./inherited.ts";

/** SEND_OK, FLUSH_DISK_TIMEOUT, SLAVE_NOT_AVAILABLE, FLUSH_SLAVE_TIMEOUT: the message is stored. */
const STORED = [0, 10, 11, 12] as const;

/** What is said of a message wherever it travels by the long names. */
const messageFields = {
  producerGroup: str,
  topic: str,
  defaultTopic: str,
  defaultTopicQueueNums: int,
  queueId: int,
  sysFlag: int,
  bornTimestamp: long,
  flag: int,
  properties: opt(str),
  reconsumeTimes: opt(int),
  unitMode: opt(bool),
} as const;

const sendRequest = {
  ...messageFields,
  batch: opt(bool),
  maxReconsumeTimes: opt(int),
  ...topicFields,
} as const;

/** The same header with one-letter names; `brokerName` is `n` here, not `bname`. */
const sendRequestV2 = {
  producerGroup: as(str, "a"),
  topic: as(str, "b"),
  defaultTopic: as(str, "c"),
  defaultTopicQueueNums: as(int, "d"),
  queueId: as(int, "e"),
  sysFlag: as(int, "f"),
  bornTimestamp: as(long, "g"),
  flag: as(int, "h"),
  properties: as(opt(str), "i"),
  reconsumeTimes: as(opt(int), "j"),
  unitMode: as(opt(bool), "k"),
  maxReconsumeTimes: as(opt(int), "l"),
  batch: as(opt(bool), "m"),
  brokerName: as(opt(str), "n"),
  ...topicFields,
} as const;

const sendResponse = {
  msgId: str,
  queueId: int,
  queueOffset: long,
  transactionId: opt(str),
  batchUniqId: opt(str),
  recallHandle: opt(str),
  /** Tracing is off only when this is literally "false". */
  traceOn: as(opt(str), "TRACE_ON"),
  regionId: as(opt(str), "MSG_REGION"),
} as const;

/** Sends one message under the long field names; what clients before V2 use. */
export const sendMessage = operation({
  name: "SEND_MESSAGE",
  code: 10,
  request: sendRequest,
  response: sendResponse,
  answers: STORED,
});

/** Sends one message; what clients use by default. Body: the (possibly compressed) message body. */
export const sendMessageV2 = operation({
  name: "SEND_MESSAGE_V2",
  code: 310,
  request: sendRequestV2,
  response: sendResponse,
  answers: STORED,
});

/** Sends several messages of one topic and queue at once. Body: batch items, `batch` is true. */
export const sendBatchMessage = operation({
  name: "SEND_BATCH_MESSAGE",
  code: 320,
  request: sendRequestV2,
  response: sendResponse,
  answers: STORED,
});

/** Sends the reply of a request to the broker that knows the requester, under the long names. */
export const sendReplyMessage = operation({
  name: "SEND_REPLY_MESSAGE",
  code: 324,
  request: sendRequest,
  response: sendResponse,
  answers: STORED,
});

/** Sends the reply of a request to the broker that knows the requester. */
export const sendReplyMessageV2 = operation({
  name: "SEND_REPLY_MESSAGE_V2",
  code: 325,
  request: sendRequestV2,
  response: sendResponse,
  answers: STORED,
});

/** Broker to producer: hands the reply to the client that asked. Body: the reply's body. */
export const pushReplyMessageToClient = operation({
  name: "PUSH_REPLY_MESSAGE_TO_CLIENT",
  code: 326,
  request: {
    ...messageFields,
    bornHost: str,
    storeHost: str,
    storeTimestamp: long,
    ...topicFields,
  },
  response: {},
});

/**
 * Gives a message back to be consumed again later. `offset` is its commit-log offset; `delayLevel` 0 lets the broker
 * decide, below 0 means the dead-letter topic at once.
 */
export const consumerSendMsgBack = operation({
  name: "CONSUMER_SEND_MSG_BACK",
  code: 36,
  request: {
    offset: long,
    group: str,
    delayLevel: int,
    originMsgId: opt(str),
    originTopic: opt(str),
    unitMode: opt(bool),
    maxReconsumeTimes: opt(int),
    ...rpcFields,
  },
  response: {},
});

/** Decides about a half message: `commitOrRollback` 0 unknown, 8 commit, 12 rollback. One-way as a rule. */
export const endTransaction = operation({
  name: "END_TRANSACTION",
  code: 37,
  request: {
    topic: opt(str),
    producerGroup: str,
    tranStateTableOffset: long,
    commitLogOffset: long,
    commitOrRollback: int,
    fromTransactionCheck: opt(bool),
    msgId: str,
    transactionId: opt(str),
    ...rpcFields,
  },
  response: {},
});

/** Broker to producer, one-way: asks what became of a transaction. Body: the stored half message. */
export const checkTransactionState = operation({
  name: "CHECK_TRANSACTION_STATE",
  code: 39,
  request: {
    topic: opt(str),
    tranStateTableOffset: long,
    commitLogOffset: long,
    msgId: opt(str),
    transactionId: opt(str),
    offsetMsgId: opt(str),
    ...rpcFields,
  },
  response: {},
});

/** Lets the check of a half message that was given up start again. */
export const resumeCheckHalfMessage = operation({
  name: "RESUME_CHECK_HALF_MESSAGE",
  code: 323,
  request: { topic: opt(str), msgId: opt(str) },
  response: {},
});

/** Takes back a delayed message before it is delivered (since 5.3.2). */
export const recallMessage = operation({
  name: "RECALL_MESSAGE",
  code: 370,
  request: { producerGroup: opt(str), topic: str, recallHandle: str, ...topicFields },
  response: { msgId: str },
});
