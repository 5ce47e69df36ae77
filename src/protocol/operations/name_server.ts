/**
 * Rows of the name server: routes, cluster, topic lists, key-value configuration, broker registration.
 *
 * WIRE §5, §22.
 */
import { bool, int, long, operation, opt, str } from "../../wire/schema.ts";
import { topicFields } from "./inherited.ts";

/** The route of a topic. Answer body: TopicRouteData; code 17 (an answer, without body) when there is no such topic. */
export const getRouteInfoByTopic = operation({
  name: "GET_ROUTEINFO_BY_TOPIC",
  code: 105,
  request: { topic: str, acceptStandardJsonOnly: opt(bool), ...topicFields },
  response: {},
  answers: [0, 17],
});

/** Which brokers and clusters there are. Answer body: ClusterInfo. */
export const getBrokerClusterInfo = operation({
  name: "GET_BROKER_CLUSTER_INFO",
  code: 106,
  request: {},
  response: {},
});

/** Stores one value. */
export const putKvConfig = operation({
  name: "PUT_KV_CONFIG",
  code: 100,
  request: { namespace: str, key: str, value: str },
  response: {},
});

/** Reads one value; code 22 without `value` when there is none. */
export const getKvConfig = operation({
  name: "GET_KV_CONFIG",
  code: 101,
  request: { namespace: str, key: str },
  response: { value: opt(str) },
  answers: [0, 22],
});

/** Deletes one value. */
export const deleteKvConfig = operation({
  name: "DELETE_KV_CONFIG",
  code: 102,
  request: { namespace: str, key: str },
  response: {},
});

/** All values of a namespace. Answer body: KVTable. */
export const getKvListByNamespace = operation({
  name: "GET_KVLIST_BY_NAMESPACE",
  code: 219,
  request: { namespace: str },
  response: {},
});

/** Broker to name server: here I am. Body: RegisterBrokerBody. */
export const registerBroker = operation({
  name: "REGISTER_BROKER",
  code: 103,
  request: {
    brokerName: str,
    brokerAddr: str,
    clusterName: str,
    haServerAddr: str,
    brokerId: long,
    heartbeatTimeoutMillis: opt(long),
    enableActingMaster: opt(bool),
    compressed: opt(bool),
    bodyCrc32: opt(int),
  },
  response: { haServerAddr: opt(str), masterAddr: opt(str) },
});

/** Broker to name server: I am leaving. */
export const unregisterBroker = operation({
  name: "UNREGISTER_BROKER",
  code: 104,
  request: { brokerName: str, brokerAddr: str, clusterName: str, brokerId: long },
  response: {},
});

/** Broker to name server: do you know this version of my topics? Body: DataVersion. Answer body: DataVersion. */
export const queryDataVersion = operation({
  name: "QUERY_DATA_VERSION",
  code: 322,
  request: { brokerName: str, brokerAddr: str, clusterName: str, brokerId: long },
  response: { changed: bool },
});

/** Broker to name server: I am still here. */
export const brokerHeartbeat = operation({
  name: "BROKER_HEARTBEAT",
  code: 904,
  request: { clusterName: str, brokerAddr: str, brokerName: str },
  response: {},
});

/** The addresses of a master and its slaves. Answer body: BrokerMemberGroup. */
export const getBrokerMemberGroup = operation({
  name: "GET_BROKER_MEMBER_GROUP",
  code: 901,
  request: { clusterName: str, brokerName: str },
  response: {},
});

/** Topics of a unit. Answer body: TopicList. */
export const getUnitTopicList = operation({
  name: "GET_UNIT_TOPIC_LIST",
  code: 311,
  request: {},
  response: {},
});

/** Topics that units subscribe to. Answer body: TopicList. */
export const getHasUnitSubTopicList = operation({
  name: "GET_HAS_UNIT_SUB_TOPIC_LIST",
  code: 312,
  request: {},
  response: {},
});

/** Topics of no unit that units subscribe to. Answer body: TopicList. */
export const getHasUnitSubUnUnitTopicList = operation({
  name: "GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST",
  code: 313,
  request: {},
  response: {},
});

/** All topics, with the names of brokers and clusters among them. Answer body: TopicList. */
export const getAllTopicListFromNameserver = operation({
  name: "GET_ALL_TOPIC_LIST_FROM_NAMESERVER",
  code: 206,
  request: {},
  response: {},
});

/** The topics of a cluster. Answer body: TopicList. */
export const getTopicsByCluster = operation({
  name: "GET_TOPICS_BY_CLUSTER",
  code: 224,
  request: { cluster: str },
  response: {},
});

/** The system topics that the name server knows. Answer body: TopicList. */
export const getSystemTopicListFromNs = operation({
  name: "GET_SYSTEM_TOPIC_LIST_FROM_NS",
  code: 304,
  request: {},
  response: {},
});

/** Takes a broker's write permission away for all topics, before it is stopped. */
export const wipeWritePermOfBroker = operation({
  name: "WIPE_WRITE_PERM_OF_BROKER",
  code: 205,
  request: { brokerName: str },
  response: { wipeTopicCount: int },
});

/** Gives a broker's write permission back. */
export const addWritePermOfBroker = operation({
  name: "ADD_WRITE_PERM_OF_BROKER",
  code: 327,
  request: { brokerName: str },
  response: { addTopicCount: int },
});

/** Forgets the route of a topic, of one cluster when given. */
export const deleteTopicInNamesrv = operation({
  name: "DELETE_TOPIC_IN_NAMESRV",
  code: 216,
  request: { topic: str, clusterName: opt(str), ...topicFields },
  response: {},
});

/** Registers a topic. Body: TopicRouteData. */
export const registerTopicInNamesrv = operation({
  name: "REGISTER_TOPIC_IN_NAMESRV",
  code: 217,
  request: { topic: str, ...topicFields },
  response: {},
});

/** Changes the name server's configuration. Body: properties text. */
export const updateNamesrvConfig = operation({
  name: "UPDATE_NAMESRV_CONFIG",
  code: 318,
  request: {},
  response: {},
});

/** The name server's configuration. Answer body: properties text. */
export const getNamesrvConfig = operation({
  name: "GET_NAMESRV_CONFIG",
  code: 319,
  request: {},
  response: {},
});
