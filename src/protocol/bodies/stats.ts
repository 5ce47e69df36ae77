/**
 * Bodies of progress and presence: how far groups are, what topics hold, who is connected.
 *
 * WIRE §21, §22.
 */
import type { MessageQueue } from "../message_queue.ts";
import {
  anything,
  type Body,
  body,
  double,
  list,
  long,
  object,
  opt,
  optText,
  queueMap,
  record,
  type Shape,
} from "../shape.ts";
import { type SubscriptionData, subscriptionDataShape } from "../subscription_data.ts";
import {
  type ConsumeFromWhere,
  consumeFromWhereShape,
  type ConsumeType,
  consumeTypeShape,
  type MessageModel,
  messageModelShape,
} from "./heartbeat.ts";

/** How far a group is in one queue. */
export interface QueueProgress {
  /** End of the queue. */
  readonly brokerOffset: number;
  /** Next offset that the group consumes. */
  readonly consumerOffset: number;
  /** Next offset that the group pulls. */
  readonly pullOffset: number;
  /** Store time of the last consumed message, in milliseconds since the epoch. */
  readonly lastTimestamp: number;
}

/** How far a group is. */
export interface ConsumeStats {
  /** Messages consumed per second. */
  readonly consumeTps: number;
  /** Progress by queue. */
  readonly offsetTable: ReadonlyMap<MessageQueue, QueueProgress>;
}

const consumeStatsShape: Shape<ConsumeStats> = object<ConsumeStats>({
  consumeTps: double,
  offsetTable: queueMap(
    object<QueueProgress>({
      brokerOffset: long,
      consumerOffset: long,
      pullOffset: long,
      lastTimestamp: long,
    }),
  ),
});

/** Body of the answer to GET_CONSUME_STATS. */
export const consumeStats: Body<ConsumeStats> = body("ConsumeStats", consumeStatsShape);

/** How far all groups of a broker are. */
export interface ConsumeStatsList {
  /** One record for each group, with its topics' progress. */
  readonly consumeStatsList: readonly Readonly<Record<string, readonly ConsumeStats[]>>[];
  /** The broker that was asked. */
  readonly brokerAddr?: string | undefined;
  /** Messages not yet consumed, over all groups. */
  readonly totalDiff: number;
  /** Messages pulled but not yet consumed, over all groups. */
  readonly totalInflightDiff: number;
}

/** Body of the answer to GET_BROKER_CONSUME_STATS. */
export const consumeStatsList: Body<ConsumeStatsList> = body(
  "ConsumeStatsList",
  object<ConsumeStatsList>({
    consumeStatsList: list(record(list(consumeStatsShape))),
    brokerAddr: optText,
    totalDiff: long,
    totalInflightDiff: long,
  }),
);

/** What a queue holds. */
export interface QueueExtent {
  /** First offset still stored. */
  readonly minOffset: number;
  /** Next offset to be written. */
  readonly maxOffset: number;
  /** Store time of the last message, in milliseconds since the epoch. */
  readonly lastUpdateTimestamp: number;
}

/** What a topic holds. */
export interface TopicStatsTable {
  /** Messages stored per second. */
  readonly topicPutTps: number;
  /** Extent by queue. */
  readonly offsetTable: ReadonlyMap<MessageQueue, QueueExtent>;
}

/** Body of the answer to GET_TOPIC_STATS_INFO. */
export const topicStatsTable: Body<TopicStatsTable> = body(
  "TopicStatsTable",
  object<TopicStatsTable>({
    topicPutTps: double,
    offsetTable: queueMap(
      object<QueueExtent>({ minOffset: long, maxOffset: long, lastUpdateTimestamp: long }),
    ),
  }),
);

/** One connected client. */
export interface Connection {
  /** Id of the client. */
  readonly clientId?: string | undefined;
  /** `ip:port` of the client. */
  readonly clientAddr?: string | undefined;
  /** Name of its language. */
  readonly language?: string | undefined;
  /** Its version, an ordinal of MQVersion. */
  readonly version: number;
}

const connectionShape: Shape<Connection> = object<Connection>({
  clientId: optText,
  clientAddr: optText,
  language: optText,
  version: long,
});

/** The members of a consumer group and what they said about it. */
export interface ConsumerConnection {
  /** The members. */
  readonly connectionSet: readonly Connection[];
  /** Subscriptions by topic. */
  readonly subscriptionTable: Readonly<Record<string, SubscriptionData>>;
  /** How the group gets its messages. */
  readonly consumeType?: ConsumeType | undefined;
  /** Whether members share the messages. */
  readonly messageModel?: MessageModel | undefined;
  /** Where it begins without progress. */
  readonly consumeFromWhere?: ConsumeFromWhere | undefined;
}

/** Body of the answer to GET_CONSUMER_CONNECTION_LIST. */
export const consumerConnection: Body<ConsumerConnection> = body(
  "ConsumerConnection",
  object<ConsumerConnection>({
    connectionSet: list(connectionShape),
    subscriptionTable: record(subscriptionDataShape),
    consumeType: consumeTypeShape,
    messageModel: messageModelShape,
    consumeFromWhere: consumeFromWhereShape,
  }),
);

/** The members of a producer group. */
export interface ProducerConnection {
  /** The members. */
  readonly connectionSet: readonly Connection[];
}

/** Body of the answer to GET_PRODUCER_CONNECTION_LIST. */
export const producerConnection: Body<ProducerConnection> = body(
  "ProducerConnection",
  object<ProducerConnection>({ connectionSet: list(connectionShape) }),
);

/** One connected producer. */
export interface ProducerClient {
  /** Id of the client. */
  readonly clientId?: string | undefined;
  /** `/ip:port` of the client. */
  readonly remoteIP?: string | undefined;
  /** Name of its language. */
  readonly language?: string | undefined;
  /** Its version. */
  readonly version: number;
  /** Its last heartbeat, in milliseconds since the epoch. */
  readonly lastUpdateTimestamp: number;
}

/** All producers of a broker. */
export interface ProducerTable {
  /** Clients by producer group. */
  readonly data: Readonly<Record<string, readonly ProducerClient[]>>;
}

/** Body of the answer to GET_ALL_PRODUCER_INFO. */
export const producerTable: Body<ProducerTable> = body(
  "ProducerTableInfo",
  object<ProducerTable>({
    data: record(list(object<ProducerClient>({
      clientId: optText,
      remoteIP: optText,
      language: optText,
      version: long,
      lastUpdateTimestamp: long,
    }))),
  }),
);

/** What a group subscribes to in a topic. */
export interface GroupSubscription {
  /** The subscription; absent when the group is not online. */
  readonly subscriptionData?: SubscriptionData | undefined;
  /** The group. */
  readonly group?: string | undefined;
  /** The topic. */
  readonly topic?: string | undefined;
}

/** Body of the answer to QUERY_SUBSCRIPTION_BY_CONSUMER. */
export const groupSubscription: Body<GroupSubscription> = body(
  "QuerySubscriptionResponseBody",
  object<GroupSubscription>({
    subscriptionData: opt(subscriptionDataShape),
    group: optText,
    topic: optText,
  }),
);

/** One statistic over one span of time. */
export interface BrokerStatsItem {
  /** Sum of the values. */
  readonly sum: number;
  /** Values per second. */
  readonly tps: number;
  /** Average value. */
  readonly avgpt: number;
  /** Number of values. */
  readonly times: number;
}

/** One statistic of a broker. */
export interface BrokerStatsData {
  /** Over the last minute. */
  readonly statsMinute?: BrokerStatsItem | undefined;
  /** Over the last hour. */
  readonly statsHour?: BrokerStatsItem | undefined;
  /** Over the last day. */
  readonly statsDay?: BrokerStatsItem | undefined;
}

const brokerStatsItemShape: Shape<BrokerStatsItem> = object<BrokerStatsItem>({
  sum: long,
  tps: double,
  avgpt: double,
  times: long,
});

/** Body of the answer to VIEW_BROKER_STATS_DATA. */
export const brokerStatsData: Body<BrokerStatsData> = body(
  "BrokerStatsData",
  object<BrokerStatsData>({
    statsMinute: opt(brokerStatsItemShape),
    statsHour: opt(brokerStatsItemShape),
    statsDay: opt(brokerStatsItemShape),
  }),
);

/** Entries of a queue's index. */
export interface QueueDump {
  /** The group's subscription, when a group was given. */
  readonly subscriptionData?: SubscriptionData | undefined;
  /** The broker's filter data, as text. */
  readonly filterData?: string | undefined;
  /** The entries, as Java writes them. */
  readonly queueData?: unknown;
  /** Last index. */
  readonly maxQueueIndex: number;
  /** First index. */
  readonly minQueueIndex: number;
}

/** Body of the answer to QUERY_CONSUME_QUEUE. */
export const queueDump: Body<QueueDump> = body(
  "QueryConsumeQueueResponseBody",
  object<QueueDump>({
    subscriptionData: opt(subscriptionDataShape),
    filterData: optText,
    queueData: anything,
    maxQueueIndex: long,
    minQueueIndex: long,
  }),
);
