/**
 * Rows with which an administrator handles topics, groups and their progress on one broker.
 *
 * WIRE §22. Most answers are JSON bodies; their shapes are in `bodies/`.
 */
import { bool, int, long, operation, opt, str } from "../../wire/schema.ts";
import { rpcFields, topicFields } from "./inherited.ts";

/** Creates a topic or changes its settings. `attributes` is `+key=value,-key`. */
export const updateAndCreateTopic = operation({
  name: "UPDATE_AND_CREATE_TOPIC",
  code: 17,
  request: {
    topic: str,
    defaultTopic: str,
    readQueueNums: int,
    writeQueueNums: int,
    perm: int,
    topicFilterType: str,
    topicSysFlag: opt(int),
    order: bool,
    attributes: opt(str),
    force: opt(bool),
    ...topicFields,
  },
  response: {},
});

/** Creates or changes several topics (since 5.3). Body: a list of topic configs. */
export const updateAndCreateTopicList = operation({
  name: "UPDATE_AND_CREATE_TOPIC_LIST",
  code: 18,
  request: rpcFields,
  response: {},
});

/** All topic configs. Answer body: TopicConfigTable; since 5.4 in portions, by the optional fields. */
export const getAllTopicConfig = operation({
  name: "GET_ALL_TOPIC_CONFIG",
  code: 21,
  request: { dataVersion: opt(str), topicSeq: opt(int), maxTopicNum: opt(int) },
  response: { totalTopicNum: opt(int) },
});

/** Legacy list of topic configs. */
export const getTopicConfigList = operation({
  name: "GET_TOPIC_CONFIG_LIST",
  code: 22,
  request: {},
  response: {},
});

/** Legacy list of topic names. */
export const getTopicNameList = operation({
  name: "GET_TOPIC_NAME_LIST",
  code: 23,
  request: {},
  response: {},
});

/** One topic's config. Answer body: TopicConfig. */
export const getTopicConfig = operation({
  name: "GET_TOPIC_CONFIG",
  code: 351,
  request: { topic: str, ...topicFields },
  response: {},
});

/** Deletes a topic from a broker. */
export const deleteTopicInBroker = operation({
  name: "DELETE_TOPIC_IN_BROKER",
  code: 215,
  request: { topic: str, ...topicFields },
  response: {},
});

/** Offsets and last update of each queue. Answer body: TopicStatsTable. */
export const getTopicStatsInfo = operation({
  name: "GET_TOPIC_STATS_INFO",
  code: 202,
  request: { topic: str, ...topicFields },
  response: {},
});

/** The groups that consume a topic. Answer body: GroupList. */
export const queryTopicConsumeByWho = operation({
  name: "QUERY_TOPIC_CONSUME_BY_WHO",
  code: 300,
  request: { topic: str, ...topicFields },
  response: {},
});

/** The system topics of a broker. Answer body: TopicList. */
export const getSystemTopicListFromBroker = operation({
  name: "GET_SYSTEM_TOPIC_LIST_FROM_BROKER",
  code: 305,
  request: {},
  response: {},
});

/** Creates a consumer group or changes its settings. Body: SubscriptionGroupConfig. */
export const updateAndCreateSubscriptionGroup = operation({
  name: "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP",
  code: 200,
  request: rpcFields,
  response: {},
});

/** Creates or changes several consumer groups. Body: a list of group configs. */
export const updateAndCreateSubscriptionGroupList = operation({
  name: "UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST",
  code: 225,
  request: rpcFields,
  response: {},
});

/** All group configs. Answer body: SubscriptionGroupTable; since 5.4 in portions. */
export const getAllSubscriptionGroupConfig = operation({
  name: "GET_ALL_SUBSCRIPTIONGROUP_CONFIG",
  code: 201,
  request: { dataVersion: opt(str), groupSeq: opt(int), maxGroupNum: opt(int) },
  response: { totalGroupNum: opt(int) },
});

/** One group's config. Answer body: SubscriptionGroupConfig. */
export const getSubscriptionGroupConfig = operation({
  name: "GET_SUBSCRIPTIONGROUP_CONFIG",
  code: 352,
  request: { group: str, ...rpcFields },
  response: {},
});

/** Deletes a consumer group, with its offsets when told so. */
export const deleteSubscriptionGroup = operation({
  name: "DELETE_SUBSCRIPTIONGROUP",
  code: 207,
  request: { groupName: str, cleanOffset: opt(bool), ...rpcFields },
  response: {},
});

/** Forbids or allows a group to read a topic. */
export const updateAndGetGroupForbidden = operation({
  name: "UPDATE_AND_GET_GROUP_FORBIDDEN",
  code: 353,
  request: { group: str, topic: str, readable: opt(bool), ...topicFields },
  response: {},
});

/** The members of a consumer group. Answer body: ConsumerConnection; code 206 when none is online. */
export const getConsumerConnectionList = operation({
  name: "GET_CONSUMER_CONNECTION_LIST",
  code: 203,
  request: { consumerGroup: str, ...rpcFields },
  response: {},
});

/** The members of a producer group. Answer body: ProducerConnection. */
export const getProducerConnectionList = operation({
  name: "GET_PRODUCER_CONNECTION_LIST",
  code: 204,
  request: { producerGroup: str, ...rpcFields },
  response: {},
});

/** All producers of a broker. Answer body: ProducerTable. */
export const getAllProducerInfo = operation({
  name: "GET_ALL_PRODUCER_INFO",
  code: 328,
  request: {},
  response: {},
});

/** How far a group is, queue by queue; `topicList` joins topics by `;`. Answer body: ConsumeStats. */
export const getConsumeStats = operation({
  name: "GET_CONSUME_STATS",
  code: 208,
  request: { consumerGroup: str, topic: opt(str), topicList: opt(str), ...topicFields },
  response: {},
});

/** How far all groups of a broker are. Answer body: ConsumeStatsList. */
export const getBrokerConsumeStats = operation({
  name: "GET_BROKER_CONSUME_STATS",
  code: 317,
  request: { isOrder: bool },
  response: {},
});

/** The times between which the messages of each queue lie. Answer body: QueueTimeSpans. */
export const queryConsumeTimeSpan = operation({
  name: "QUERY_CONSUME_TIME_SPAN",
  code: 303,
  request: { topic: str, group: str, ...topicFields },
  response: {},
});

/** Offsets that groups lag behind another one. Answer body: correction offsets by queue id. */
export const queryCorrectionOffset = operation({
  name: "QUERY_CORRECTION_OFFSET",
  code: 308,
  request: { filterGroups: opt(str), compareGroup: str, topic: str, ...topicFields },
  response: {},
});

/** Copies the offsets of one group to another. */
export const cloneGroupOffset = operation({
  name: "CLONE_GROUP_OFFSET",
  code: 314,
  request: { srcGroup: str, destGroup: str, topic: opt(str), offline: opt(bool), ...rpcFields },
  response: {},
});

/** The topics that a group consumes. Answer body: TopicList. */
export const queryTopicsByConsumer = operation({
  name: "QUERY_TOPICS_BY_CONSUMER",
  code: 343,
  request: { group: str, ...rpcFields },
  response: {},
});

/** What a group subscribes to in a topic. Answer body: group, topic and SubscriptionData. */
export const querySubscriptionByConsumer = operation({
  name: "QUERY_SUBSCRIPTION_BY_CONSUMER",
  code: 345,
  request: { group: str, topic: opt(str), ...topicFields },
  response: {},
});

/** Looks into the index of a queue. Answer body: queue dump. */
export const queryConsumeQueue = operation({
  name: "QUERY_CONSUME_QUEUE",
  code: 321,
  request: {
    topic: opt(str),
    queueId: opt(int),
    index: opt(long),
    count: opt(int),
    consumerGroup: opt(str),
    ...topicFields,
  },
  response: {},
});
