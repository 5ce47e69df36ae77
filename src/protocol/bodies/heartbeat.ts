/**
 * Bodies of membership: the heartbeat, the members of a group, the check of a subscription.
 *
 * WIRE §6. Note `clientID` in the heartbeat and `clientId` elsewhere.
 */
import { javaHash } from "../java_hash.ts";
import {
  type Body,
  body,
  flag,
  list,
  long,
  object,
  oneOf,
  opt,
  optText,
  type Shape,
  text,
} from "../shape.ts";
import { type SubscriptionData, subscriptionDataShape } from "../subscription_data.ts";

/** How a group gets its messages. */
export type ConsumeType = "CONSUME_ACTIVELY" | "CONSUME_PASSIVELY" | "CONSUME_POP";
/** Whether members share the messages or each gets all. */
export type MessageModel = "CLUSTERING" | "BROADCASTING" | "LITE_SELECTIVE";
/** Where a group without progress begins. The names with MIN, MAX and BOOT_FIRST are deprecated. */
export type ConsumeFromWhere =
  | "CONSUME_FROM_LAST_OFFSET"
  | "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST"
  | "CONSUME_FROM_MIN_OFFSET"
  | "CONSUME_FROM_MAX_OFFSET"
  | "CONSUME_FROM_FIRST_OFFSET"
  | "CONSUME_FROM_TIMESTAMP";

/** Shape of {@linkcode ConsumeType}; an unknown name is absent. */
export const consumeTypeShape: Shape<ConsumeType | undefined> = oneOf(
  "CONSUME_ACTIVELY",
  "CONSUME_PASSIVELY",
  "CONSUME_POP",
);
/** Shape of {@linkcode MessageModel}; an unknown name is absent. */
export const messageModelShape: Shape<MessageModel | undefined> = oneOf(
  "CLUSTERING",
  "BROADCASTING",
  "LITE_SELECTIVE",
);
/** Shape of {@linkcode ConsumeFromWhere}; an unknown name is absent. */
export const consumeFromWhereShape: Shape<ConsumeFromWhere | undefined> = oneOf(
  "CONSUME_FROM_LAST_OFFSET",
  "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
  "CONSUME_FROM_MIN_OFFSET",
  "CONSUME_FROM_MAX_OFFSET",
  "CONSUME_FROM_FIRST_OFFSET",
  "CONSUME_FROM_TIMESTAMP",
);

/** One producer group of a heartbeat. */
export interface ProducerData {
  /** Name of the group. */
  readonly groupName: string;
}

/** One consumer group of a heartbeat. */
export interface ConsumerData {
  /** Name of the group. */
  readonly groupName: string;
  /** How it gets its messages. */
  readonly consumeType?: ConsumeType | undefined;
  /** Whether members share the messages. */
  readonly messageModel?: MessageModel | undefined;
  /** Where it begins without progress. */
  readonly consumeFromWhere?: ConsumeFromWhere | undefined;
  /** What it subscribes to, its retry topic included when clustering. */
  readonly subscriptionDataSet: readonly SubscriptionData[];
  /** Whether it lives in one unit only. */
  readonly unitMode: boolean;
}

/** Who a client is and what it takes part in; body of HEART_BEAT. */
export interface HeartbeatData {
  /** Id of the client. */
  readonly clientID?: string | undefined;
  /** Its producer groups. */
  readonly producerDataSet: readonly ProducerData[];
  /** Its consumer groups. */
  readonly consumerDataSet: readonly ConsumerData[];
  /** 0, or a number that is the same as long as nothing changed (heartbeat V2). */
  readonly heartbeatFingerprint: number;
  /** Whether the subscriptions are left out because nothing changed (heartbeat V2). */
  readonly withoutSub: boolean;
}

const heartbeatDataShape = object<HeartbeatData>({
  clientID: optText,
  producerDataSet: list(object<ProducerData>({ groupName: text })),
  consumerDataSet: list(object<ConsumerData>({
    groupName: text,
    consumeType: consumeTypeShape,
    messageModel: messageModelShape,
    consumeFromWhere: consumeFromWhereShape,
    subscriptionDataSet: list(subscriptionDataShape),
    unitMode: flag(),
  })),
  heartbeatFingerprint: long,
  withoutSub: flag(),
});

/** Body of HEART_BEAT. */
export const heartbeatData: Body<HeartbeatData> = body("HeartbeatData", heartbeatDataShape);

/** A number that changes with groups and subscriptions but not with their versions (computeHeartbeatFingerprint). */
export function heartbeatFingerprint(data: HeartbeatData): number {
  const consumerDataSet = data.consumerDataSet.map((consumer) => ({
    ...consumer,
    subscriptionDataSet: consumer.subscriptionDataSet.map((each) => ({ ...each, subVersion: 0 })),
  }));
  return javaHash(
    heartbeatData.writeText({
      ...data,
      consumerDataSet,
      clientID: "",
      heartbeatFingerprint: 0,
      withoutSub: false,
    }),
  );
}

/** The members of a group; answer of GET_CONSUMER_LIST_BY_GROUP. */
export interface ConsumerIdList {
  /** Client ids, in no particular order. */
  readonly consumerIdList: readonly string[];
}

/** Body of the answer to GET_CONSUMER_LIST_BY_GROUP. */
export const consumerIdList: Body<ConsumerIdList> = body(
  "GetConsumerListByGroupResponseBody",
  object<ConsumerIdList>({ consumerIdList: list(text) }),
);

/** What CHECK_CLIENT_CONFIG asks about. */
export interface CheckClientConfig {
  /** Id of the client. */
  readonly clientId?: string | undefined;
  /** Its consumer group. */
  readonly group?: string | undefined;
  /** The subscription to check. */
  readonly subscriptionData?: SubscriptionData | undefined;
  /** Namespace of the client, when it has one. */
  readonly namespace?: string | undefined;
}

/** Body of CHECK_CLIENT_CONFIG. */
export const checkClientConfigBody: Body<CheckClientConfig> = body(
  "CheckClientRequestBody",
  object<CheckClientConfig>({
    clientId: optText,
    group: optText,
    subscriptionData: opt(subscriptionDataShape),
    namespace: optText,
  }),
);
