/**
 * Bodies of the name server: routes, clusters, lists, key-value tables, broker registration.
 *
 * WIRE §5. Broker ids are keys of maps and travel bare or quoted; both are read, and `strict` decides what is written.
 */
import { stringifyLooseJson } from "../../wire/loose_json.ts";
import {
  alias,
  type Body,
  body,
  flag,
  list,
  long,
  numberMap,
  object,
  opt,
  optText,
  record,
  type Shape,
  text,
} from "../shape.ts";
import { type TopicConfigTable, topicConfigTableShape } from "./topic_config.ts";

/** What one broker holds of a topic. */
export interface QueueData {
  /** Name of the broker. */
  readonly brokerName: string;
  /** How many queues can be read. */
  readonly readQueueNums: number;
  /** How many queues can be written. */
  readonly writeQueueNums: number;
  /** Bits: 4 read, 2 write, 1 inherit. */
  readonly perm: number;
  /** Bits: 1 unit, 2 unit subscription. */
  readonly topicSysFlag: number;
}

/** A broker and where it is reached. */
export interface BrokerData {
  /** Name of its cluster. */
  readonly cluster?: string | undefined;
  /** Its name, shared by master and slaves. */
  readonly brokerName: string;
  /** Addresses by broker id; 0 is the master. */
  readonly brokerAddrs: ReadonlyMap<number, string>;
  /** Name of its zone. */
  readonly zoneName?: string | undefined;
  /** Whether a slave may act as master. */
  readonly enableActingMaster: boolean;
}

/** Mapping of a static topic on one broker. */
export interface TopicQueueMapping {
  /** The topic. */
  readonly topic?: string | undefined;
  /** Scope of the mapping. */
  readonly scope?: string | undefined;
  /** How many logical queues there are. */
  readonly totalQueues: number;
  /** Name of the broker. */
  readonly bname?: string | undefined;
  /** Version of the mapping. */
  readonly epoch: number;
  /** Whether the mapping is being changed. */
  readonly dirty: boolean;
  /** Physical queue by logical queue. */
  readonly currIdMap: ReadonlyMap<number, number>;
}

/** The route of a topic; answer of GET_ROUTEINFO_BY_TOPIC. */
export interface TopicRouteData {
  /** `brokerA:4;brokerB:4` when the topic is globally ordered. */
  readonly orderTopicConf?: string | undefined;
  /** What each broker holds. */
  readonly queueDatas: readonly QueueData[];
  /** The brokers. */
  readonly brokerDatas: readonly BrokerData[];
  /** Legacy filter servers by broker address. */
  readonly filterServerTable: Readonly<Record<string, readonly string[]>>;
  /** Mappings of a static topic by broker name. */
  readonly topicQueueMappingByBroker?: Readonly<Record<string, TopicQueueMapping>> | undefined;
}

const brokerDataShape: Shape<BrokerData> = object<BrokerData>({
  cluster: optText,
  brokerName: text,
  brokerAddrs: numberMap(text),
  zoneName: optText,
  enableActingMaster: flag(),
});

const topicRouteDataShape: Shape<TopicRouteData> = object<TopicRouteData>({
  orderTopicConf: optText,
  queueDatas: list(object<QueueData>({
    brokerName: text,
    readQueueNums: long,
    writeQueueNums: long,
    perm: long,
    // Servers of the 4.6 line misspell it.
    topicSysFlag: alias(long, "topicSynFlag"),
  })),
  brokerDatas: list(brokerDataShape),
  filterServerTable: record(list(text)),
  topicQueueMappingByBroker: opt(record(object<TopicQueueMapping>({
    topic: optText,
    scope: optText,
    totalQueues: long,
    bname: optText,
    epoch: long,
    dirty: flag(),
    currIdMap: numberMap(long),
  }))),
});

/** Body of the answer to GET_ROUTEINFO_BY_TOPIC, written with bare numeric keys. */
export const topicRouteData: Body<TopicRouteData> = body("TopicRouteData", topicRouteDataShape);

/** The route in strict JSON: numeric keys quoted, as for clients from 4.9.4 on. */
export function writeStrictTopicRoute(data: TopicRouteData): Uint8Array {
  return new TextEncoder().encode(stringifyLooseJson(quoteKeys(topicRouteDataShape.write(data))));
}

function quoteKeys(value: unknown): unknown {
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [String(key), quoteKeys(each)]));
  if (Array.isArray(value)) return value.map(quoteKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, quoteKeys(each)]));
}

/** Brokers and clusters; answer of GET_BROKER_CLUSTER_INFO. */
export interface ClusterInfo {
  /** Brokers by name. */
  readonly brokerAddrTable: Readonly<Record<string, BrokerData>>;
  /** Broker names by cluster. */
  readonly clusterAddrTable: Readonly<Record<string, readonly string[]>>;
}

/** Body of the answer to GET_BROKER_CLUSTER_INFO. */
export const clusterInfo: Body<ClusterInfo> = body(
  "ClusterInfo",
  object<ClusterInfo>({ brokerAddrTable: record(brokerDataShape), clusterAddrTable: record(list(text)) }),
);

/** Names of topics. */
export interface TopicList {
  /** The names. */
  readonly topicList: readonly string[];
  /** The broker that was asked, where it says so. */
  readonly brokerAddr?: string | undefined;
}

/** Body of the answers that list topics (206, 224, 304, 305, 343). */
export const topicList: Body<TopicList> = body(
  "TopicList",
  object<TopicList>({ topicList: list(text), brokerAddr: optText }),
);

/** Names of groups. */
export interface GroupList {
  /** The names. */
  readonly groupList: readonly string[];
}

/** Body of the answer to QUERY_TOPIC_CONSUME_BY_WHO. */
export const groupList: Body<GroupList> = body("GroupList", object<GroupList>({ groupList: list(text) }));

/** A table of texts. */
export interface KVTable {
  /** Values by key. */
  readonly table: Readonly<Record<string, string>>;
}

/** Body of the answers to GET_BROKER_RUNTIME_INFO and GET_KVLIST_BY_NAMESPACE. */
export const kvTable: Body<KVTable> = body("KVTable", object<KVTable>({ table: record(text) }));

/** The addresses of a master and its slaves. */
export interface BrokerMemberGroup {
  /** Name of the cluster. */
  readonly cluster?: string | undefined;
  /** Name of the broker. */
  readonly brokerName?: string | undefined;
  /** Addresses by broker id; 0 is the master. */
  readonly brokerAddrs: ReadonlyMap<number, string>;
}

/** Body of the answer to GET_BROKER_MEMBER_GROUP. */
export const brokerMemberGroup: Body<{ readonly brokerMemberGroup?: BrokerMemberGroup | undefined }> = body(
  "GetBrokerMemberGroupResponseBody",
  object<{ readonly brokerMemberGroup?: BrokerMemberGroup | undefined }>({
    brokerMemberGroup: opt(
      object<BrokerMemberGroup>({ cluster: optText, brokerName: optText, brokerAddrs: numberMap(text) }),
    ),
  }),
);

/** What a broker tells a name server about itself. */
export interface RegisterBrokerBody {
  /** Its topics. */
  readonly topicConfigSerializeWrapper?: TopicConfigTable | undefined;
  /** Legacy filter servers. */
  readonly filterServerList: readonly string[];
}

/** Body of REGISTER_BROKER, when it is not compressed. */
export const registerBrokerBody: Body<RegisterBrokerBody> = body(
  "RegisterBrokerBody",
  object<RegisterBrokerBody>({
    topicConfigSerializeWrapper: opt(topicConfigTableShape),
    filterServerList: list(text),
  }),
);
