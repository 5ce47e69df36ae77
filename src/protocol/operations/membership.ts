/**
 * Rows of a client's life in its groups, in both directions.
 *
 * WIRE §6, §14, §21: heartbeats, members, queue locks; and what a broker asks of a client over the same connection.
 */
import { as, bool, bound, int, long, operation, opt, str } from "../../wire/schema.ts";
import { rpcFields, topicFields } from "./inherited.ts";

/** Says who is here and what they subscribe to. Body: HeartbeatData. The answer's `version` is the broker's. */
export const heartBeat = operation({
  name: "HEART_BEAT",
  code: 34,
  request: rpcFields,
  response: {
    supportsHeartbeatV2: as(opt(bool), "IS_SUPPORT_HEART_BEAT_V2"),
    subscriptionChanged: as(opt(bool), "IS_SUB_CHANGE"),
  },
});

/** Takes a client out of a producer group, a consumer group, or both. */
export const unregisterClient = operation({
  name: "UNREGISTER_CLIENT",
  code: 35,
  request: { clientID: str, producerGroup: opt(str), consumerGroup: opt(str), ...rpcFields },
  response: {},
});

/** The client ids of a group. Answer body: consumer id list; code 1 when the group has no members. */
export const getConsumerListByGroup = operation({
  name: "GET_CONSUMER_LIST_BY_GROUP",
  code: 38,
  request: { consumerGroup: str, ...rpcFields },
  response: {},
});

/** Broker to client, one-way: the members of a group changed. */
export const notifyConsumerIdsChanged = operation({
  name: "NOTIFY_CONSUMER_IDS_CHANGED",
  code: 40,
  request: { consumerGroup: str, ...rpcFields },
  response: {},
});

/** Locks queues for orderly consumption or renews the lock. Body: lock batch; answer body: what is locked now. */
export const lockBatchMq = operation({
  name: "LOCK_BATCH_MQ",
  code: 41,
  request: rpcFields,
  response: {},
});

/** Gives queue locks back. Body: lock batch. */
export const unlockBatchMq = operation({
  name: "UNLOCK_BATCH_MQ",
  code: 42,
  request: rpcFields,
  response: {},
});

/** Asks whether a subscription that is not by tag can be served. Body: CheckClientConfig. */
export const checkClientConfig = operation({
  name: "CHECK_CLIENT_CONFIG",
  code: 46,
  request: rpcFields,
  response: {},
});

const resetOffsetRequest = {
  group: str,
  topic: str,
  queueId: opt(int),
  offset: opt(long),
  timestamp: bound,
  isForce: bool,
  ...topicFields,
} as const;

/** Broker to client, one-way: move a group's offsets. Body: the new offset of each queue. */
export const resetConsumerClientOffset = operation({
  name: "RESET_CONSUMER_CLIENT_OFFSET",
  code: 220,
  request: resetOffsetRequest,
  response: {},
});

/** Broker to client: the offsets that a consumer holds in memory. Answer body: consumer status. */
export const getConsumerStatusFromClient = operation({
  name: "GET_CONSUMER_STATUS_FROM_CLIENT",
  code: 221,
  request: { topic: str, group: str, clientAddr: opt(str), ...topicFields },
  response: {},
});

/** Asks the broker to move a group's offsets; timestamp −1 is the end. Answer body: the new offset of each queue. */
export const invokeBrokerToResetOffset = operation({
  name: "INVOKE_BROKER_TO_RESET_OFFSET",
  code: 222,
  request: resetOffsetRequest,
  response: {},
});

/** Asks the broker to ask its clients with 221. Answer body: consumer status by client. */
export const invokeBrokerToGetConsumerStatus = operation({
  name: "INVOKE_BROKER_TO_GET_CONSUMER_STATUS",
  code: 223,
  request: { topic: str, group: str, clientAddr: opt(str), ...topicFields },
  response: {},
});

/** Asks a consumer (through its broker) for all it knows about itself. Answer body: ConsumerRunningInfo. */
export const getConsumerRunningInfo = operation({
  name: "GET_CONSUMER_RUNNING_INFO",
  code: 307,
  request: { consumerGroup: str, clientId: str, jstackEnable: opt(bool), ...rpcFields },
  response: {},
});

/** Has a consumer (through its broker) consume one message now. Body towards the client: the stored message. */
export const consumeMessageDirectly = operation({
  name: "CONSUME_MESSAGE_DIRECTLY",
  code: 309,
  request: {
    consumerGroup: str,
    clientId: opt(str),
    msgId: opt(str),
    brokerName: opt(str),
    topic: opt(str),
    topicSysFlag: opt(int),
    groupSysFlag: opt(int),
    ...topicFields,
  },
  response: {},
});
