/**
 * Rows of POP consumption (since 5.0), broker-side assignment and lite topics (since 5.5).
 *
 * WIRE §17, §27. These codes exceed 16 bits, so they travel in JSON headers only. What a caller merely hands back
 * from a handle (`offset` of an ack) is a token.
 */
import { bool, int, long, operation, opt, str, token } from "../../wire/schema.ts";
import { rpcFields, topicFields } from "./inherited.ts";

/** Asks the broker which queues a client shall consume, and how. Body and answer: query assignment. */
export const queryAssignment = operation({
  name: "QUERY_ASSIGNMENT",
  code: 400,
  request: rpcFields,
  response: {},
});

/** Sets whether a group pulls or pops a topic. Body: SetMessageRequestMode. */
export const setMessageRequestMode = operation({
  name: "SET_MESSAGE_REQUEST_MODE",
  code: 401,
  request: rpcFields,
  response: {},
});

/** All modes that were set with 401. Answer body: topic → group → mode. */
export const getAllMessageRequestMode = operation({
  name: "GET_ALL_MESSAGE_REQUEST_MODE",
  code: 402,
  request: {},
  response: {},
});

const popResponse = {
  popTime: long,
  invisibleTime: long,
  reviveQid: int,
  restNum: long,
  startOffsetInfo: opt(str),
  msgOffsetInfo: opt(str),
  orderCountInfo: opt(str),
} as const;

/** Takes messages out of sight for a while; queueId −1 means any queue. Answer body: stored messages. */
export const popMessage = operation({
  name: "POP_MESSAGE",
  code: 200050,
  request: {
    consumerGroup: str,
    topic: str,
    queueId: int,
    maxMsgNums: int,
    invisibleTime: long,
    pollTime: long,
    bornTime: long,
    initMode: int,
    expType: opt(str),
    exp: opt(str),
    order: opt(bool),
    attemptId: opt(str),
    ...topicFields,
  },
  response: popResponse,
  answers: [0, 19, 209, 210],
});

/** Says that a popped message is done. `extraInfo` is its handle. */
export const ackMessage = operation({
  name: "ACK_MESSAGE",
  code: 200051,
  request: {
    consumerGroup: str,
    topic: str,
    queueId: int,
    extraInfo: str,
    offset: token,
    liteTopic: opt(str),
    ...topicFields,
  },
  response: {},
});

/** Looks at messages without taking them. Answer body: stored messages. */
export const peekMessage = operation({
  name: "PEEK_MESSAGE",
  code: 200052,
  request: { topic: str, queueId: int, maxMsgNums: int, consumerGroup: str, ...topicFields },
  response: popResponse,
  answers: [0, 19, 209, 210],
});

/** Changes when a popped message becomes visible again; the old handle is void, the answer makes a new one. */
export const changeMessageInvisibleTime = operation({
  name: "CHANGE_MESSAGE_INVISIBLETIME",
  code: 200053,
  request: {
    consumerGroup: str,
    topic: str,
    queueId: int,
    extraInfo: str,
    offset: token,
    invisibleTime: long,
    liteTopic: opt(str),
    suspend: opt(bool),
    ...topicFields,
  },
  response: { popTime: long, invisibleTime: long, reviveQid: int },
});

/** Waits until there is something to pop. */
export const notification = operation({
  name: "NOTIFICATION",
  code: 200054,
  request: {
    consumerGroup: str,
    topic: str,
    queueId: int,
    pollTime: long,
    bornTime: long,
    order: opt(bool),
    attemptId: opt(str),
    expType: opt(str),
    exp: opt(str),
    ...topicFields,
  },
  response: { hasMsg: bool, pollingFull: opt(bool) },
});

/** How many pops are waiting. */
export const pollingInfo = operation({
  name: "POLLING_INFO",
  code: 200055,
  request: { consumerGroup: str, topic: str, queueId: int, ...topicFields },
  response: { pollingNum: int },
});

/** Admin: moves POP state out of the RocksDB store. */
export const popRollback = operation({
  name: "POP_ROLLBACK",
  code: 200056,
  request: {},
  response: {},
});

/** Acks many popped messages of one broker. Body: BatchAck. */
export const batchAckMessage = operation({
  name: "BATCH_ACK_MESSAGE",
  code: 200151,
  request: {},
  response: {},
});

/** Pops from the lite topics that a client subscribed to. Answer body: stored messages. */
export const popLiteMessage = operation({
  name: "POP_LITE_MESSAGE",
  code: 200070,
  request: {
    clientId: str,
    consumerGroup: str,
    topic: str,
    maxMsgNum: int,
    invisibleTime: long,
    pollTime: long,
    bornTime: long,
    attemptId: opt(str),
    ...rpcFields,
  },
  response: {
    popTime: long,
    invisibleTime: long,
    reviveQid: int,
    startOffsetInfo: opt(str),
    msgOffsetInfo: opt(str),
    orderCountInfo: opt(str),
  },
  answers: [0, 19, 209, 210],
});

/** Adds, removes or replaces subscriptions of lite topics. Body: lite subscriptions. */
export const liteSubscriptionCtl = operation({
  name: "LITE_SUBSCRIPTION_CTL",
  code: 200071,
  request: rpcFields,
  response: {},
});

/** Broker to client: a lite topic is gone. */
export const notifyUnsubscribeLite = operation({
  name: "NOTIFY_UNSUBSCRIBE_LITE",
  code: 200073,
  request: { liteTopic: str, consumerGroup: str, clientId: str, ...rpcFields },
  response: {},
});

/** Admin: has the broker look again for lite topics with messages. */
export const triggerLiteDispatch = operation({
  name: "TRIGGER_LITE_DISPATCH",
  code: 200079,
  request: { group: str, clientId: opt(str) },
  response: {},
});
