/**
 * Bodies of settings: topics and consumer groups, one or all of them.
 *
 * WIRE §22. Defaults are those of the Java classes.
 */
import {
  anything,
  type Body,
  body,
  flag,
  list,
  long,
  numberMap,
  object,
  opt,
  optLong,
  optText,
  record,
  type Shape,
  text,
  whole,
} from "../shape.ts";

/** Settings of a topic on one broker. */
export interface TopicConfig {
  /** Name of the topic. */
  readonly topicName?: string | undefined;
  /** How many queues can be read. */
  readonly readQueueNums: number;
  /** How many queues can be written. */
  readonly writeQueueNums: number;
  /** Bits: 4 read, 2 write, 1 inherit. */
  readonly perm: number;
  /** `SINGLE_TAG` or `MULTI_TAG`. */
  readonly topicFilterType: string;
  /** Bits: 1 unit, 2 unit subscription. */
  readonly topicSysFlag: number;
  /** Whether the topic is globally ordered. */
  readonly order: boolean;
  /** Further settings, such as `message.type`. */
  readonly attributes: Readonly<Record<string, string>>;
}

const DEFAULT_FILTER_TYPE = "SINGLE_TAG";

/** Shape of {@linkcode TopicConfig}. */
export const topicConfigShape: Shape<TopicConfig> = object<TopicConfig>({
  topicName: optText,
  readQueueNums: whole(16),
  writeQueueNums: whole(16),
  perm: whole(6),
  topicFilterType: {
    read: (value, path) =>
      value === undefined || value === null ? DEFAULT_FILTER_TYPE : text.read(value, path),
    write: (value) => value,
  },
  topicSysFlag: long,
  order: flag(),
  attributes: record(text),
});

/** Body of the answer to GET_TOPIC_CONFIG; a static topic's mapping is left out. */
export const topicConfig: Body<TopicConfig> = body("TopicConfig", topicConfigShape);

/** Version of a table of settings. */
export interface DataVersion {
  /** Version of the state machine. */
  readonly stateVersion: number;
  /** When it changed, in milliseconds since the epoch. */
  readonly timestamp: number;
  /** How often it changed. */
  readonly counter?: number | undefined;
}

/** Shape of {@linkcode DataVersion}. */
export const dataVersionShape: Shape<DataVersion> = object<DataVersion>({
  stateVersion: long,
  timestamp: long,
  counter: optLong,
});

/** Body of QUERY_DATA_VERSION and of its answer. */
export const dataVersion: Body<DataVersion> = body("DataVersion", dataVersionShape);

/** All topics of a broker. */
export interface TopicConfigTable {
  /** Settings by topic. */
  readonly topicConfigTable: Readonly<Record<string, TopicConfig>>;
  /** Version of the table. */
  readonly dataVersion?: DataVersion | undefined;
}

/** Shape of {@linkcode TopicConfigTable}. */
export const topicConfigTableShape: Shape<TopicConfigTable> = object<TopicConfigTable>({
  topicConfigTable: record(topicConfigShape),
  dataVersion: opt(dataVersionShape),
});

/** Body of the answer to GET_ALL_TOPIC_CONFIG. */
export const topicConfigTable: Body<TopicConfigTable> = body(
  "TopicConfigSerializeWrapper",
  topicConfigTableShape,
);

/** Several topics at once. */
export interface TopicConfigList {
  /** Their settings. */
  readonly topicConfigList: readonly TopicConfig[];
}

/** Body of UPDATE_AND_CREATE_TOPIC_LIST. */
export const topicConfigList: Body<TopicConfigList> = body(
  "CreateTopicListRequestBody",
  object<TopicConfigList>({ topicConfigList: list(topicConfigShape) }),
);

/** Settings of a consumer group on one broker. */
export interface SubscriptionGroupConfig {
  /** Name of the group. */
  readonly groupName?: string | undefined;
  /** Whether it may consume. */
  readonly consumeEnable: boolean;
  /** Whether it may begin at the first offset. */
  readonly consumeFromMinEnable: boolean;
  /** Whether it may broadcast. */
  readonly consumeBroadcastEnable: boolean;
  /** Whether it consumes in order. */
  readonly consumeMessageOrderly: boolean;
  /** How many queues its retry topic has. */
  readonly retryQueueNums: number;
  /** How often a message is tried before it is dead. */
  readonly retryMaxTimes: number;
  /** How long a message waits between tries, as Java writes it. */
  readonly groupRetryPolicy?: unknown;
  /** The broker id it reads from. */
  readonly brokerId: number;
  /** The broker id it reads from when it is slow. */
  readonly whichBrokerWhenConsumeSlowly: number;
  /** Whether members are told about changes of the group. */
  readonly notifyConsumerIdsChangedEnable: boolean;
  /** Bits of the system. */
  readonly groupSysFlag: number;
  /** Consume timeout in minutes. */
  readonly consumeTimeoutMinute: number;
  /** Subscriptions that were fixed by an administrator, as Java writes them. */
  readonly subscriptionDataSet?: unknown;
  /** Further settings. */
  readonly attributes: Readonly<Record<string, string>>;
}

const DEFAULT_RETRY_POLICY: unknown = { type: "CUSTOMIZED" };

/** Shape of {@linkcode SubscriptionGroupConfig}. */
export const subscriptionGroupConfigShape: Shape<SubscriptionGroupConfig> = object<SubscriptionGroupConfig>({
  groupName: optText,
  consumeEnable: flag(true),
  consumeFromMinEnable: flag(true),
  consumeBroadcastEnable: flag(true),
  consumeMessageOrderly: flag(),
  retryQueueNums: whole(1),
  retryMaxTimes: whole(16),
  groupRetryPolicy: { read: (value) => value ?? DEFAULT_RETRY_POLICY, write: (value) => value },
  brokerId: long,
  whichBrokerWhenConsumeSlowly: whole(1),
  notifyConsumerIdsChangedEnable: flag(true),
  groupSysFlag: long,
  consumeTimeoutMinute: whole(15),
  subscriptionDataSet: anything,
  attributes: record(text),
});

/** Body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP and of the answer to GET_SUBSCRIPTIONGROUP_CONFIG. */
export const subscriptionGroupConfig: Body<SubscriptionGroupConfig> = body(
  "SubscriptionGroupConfig",
  subscriptionGroupConfigShape,
);

/** The settings of a group that nobody configured. */
export function defaultSubscriptionGroupConfig(groupName: string): SubscriptionGroupConfig {
  return subscriptionGroupConfigShape.read({ groupName }, "SubscriptionGroupConfig");
}

/** All groups of a broker. */
export interface SubscriptionGroupTable {
  /** Settings by group. */
  readonly subscriptionGroupTable: Readonly<Record<string, SubscriptionGroupConfig>>;
  /** Forbidden bits by group and topic. */
  readonly forbiddenTable: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Version of the table. */
  readonly dataVersion?: DataVersion | undefined;
}

/** Body of the answer to GET_ALL_SUBSCRIPTIONGROUP_CONFIG. */
export const subscriptionGroupTable: Body<SubscriptionGroupTable> = body(
  "SubscriptionGroupWrapper",
  object<SubscriptionGroupTable>({
    subscriptionGroupTable: record(subscriptionGroupConfigShape),
    forbiddenTable: record(record(long)),
    dataVersion: opt(dataVersionShape),
  }),
);

/** Several groups at once. */
export interface SubscriptionGroupList {
  /** Their settings. */
  readonly groupConfigList: readonly SubscriptionGroupConfig[];
}

/** Body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST. */
export const subscriptionGroupList: Body<SubscriptionGroupList> = body(
  "SubscriptionGroupList",
  object<SubscriptionGroupList>({ groupConfigList: list(subscriptionGroupConfigShape) }),
);

/** All consumer offsets of a broker. */
export interface ConsumerOffsetTable {
  /** Offset by queue id, by `topic@group`. */
  readonly offsetTable: Readonly<Record<string, ReadonlyMap<number, number>>>;
  /** Version of the table. */
  readonly dataVersion?: DataVersion | undefined;
}

/** Body of the answer to GET_ALL_CONSUMER_OFFSET. */
export const consumerOffsetTable: Body<ConsumerOffsetTable> = body(
  "ConsumerOffsetSerializeWrapper",
  object<ConsumerOffsetTable>({
    offsetTable: record(numberMap(long)),
    dataVersion: opt(dataVersionShape),
  }),
);
