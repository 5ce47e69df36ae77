/**
 * Pulling: 11 and 361, with long polling.
 *
 * A pull is checked, read, and answered, or parked when it found nothing and may wait; parked, it is run once more from the
 * start when something arrives or its patience ends. The order of the checks, the mapping of read statuses to codes and the
 * remarks agree with PullMessageProcessor and DefaultPullMessageResultHandler.
 */
import { litePullMessage, pullMessage } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { parseSubscription, type SubscriptionData } from "../../protocol/subscription_data.ts";
import type { InboundRequest } from "../../remoting/call.ts";
import type { Of } from "../../wire/schema.ts";
import type { Broker } from "../broker/broker.ts";
import type { MessageFilter } from "../broker/message_filter.ts";
import { Permission } from "../broker/topic_table.ts";
import type { Read, ReadStatus } from "../store/read.ts";
import { type Answer, type HandlerRow, on, refuse, SEE_FAQ } from "./handler.ts";

type PullHeader = Of<typeof pullMessage.request>;
type PullAnswer = Answer<typeof pullMessage.response>;

/** Bits of a pull's `sysFlag` (PullSysFlag). */
const COMMIT_OFFSET = 0x1;
const SUSPEND = 0x2;
const HAS_SUBSCRIPTION = 0x4;

/** Patience of a parked pull when long polling is off, in milliseconds. */
const SHORT_POLLING_MS = 1000;

/** Why a pull was forbidden (ForbiddenType). */
const Forbidden = { BROKER: 1, GROUP: 2, TOPIC: 3, BROADCASTING: 4, SUBSCRIPTION: 5 } as const;

/** What a pull may lack. */
const ABSENT = { commitOffset: 0, suspendTimeoutMillis: 0, subVersion: 0 };

const CODE_OF: Readonly<Record<ReadStatus, number>> = {
  FOUND: ResponseCode.SUCCESS,
  MESSAGE_WAS_REMOVING: ResponseCode.PULL_RETRY_IMMEDIATELY,
  NO_MATCHED_MESSAGE: ResponseCode.PULL_RETRY_IMMEDIATELY,
  NO_MESSAGE_IN_QUEUE: ResponseCode.PULL_OFFSET_MOVED,
  OFFSET_OVERFLOW_ONE: ResponseCode.PULL_NOT_FOUND,
  OFFSET_OVERFLOW_BADLY: ResponseCode.PULL_OFFSET_MOVED,
  OFFSET_TOO_SMALL: ResponseCode.PULL_OFFSET_MOVED,
  OFFSET_RESET: ResponseCode.PULL_OFFSET_MOVED,
};

/** Handlers of pulls. */
export const pullHandlers: readonly HandlerRow<Broker>[] = [
  on(pullMessage, (broker: Broker, header, request) => pull(broker, header, request, true), ABSENT),
  on(litePullMessage, (broker: Broker, header, request) => pull(broker, header, request, true), ABSENT),
];

function pull(
  broker: Broker,
  header: PullHeader,
  request: InboundRequest,
  mayPark: boolean,
): PullAnswer | Promise<PullAnswer | undefined> {
  const forbidden = whyForbidden(broker, header);
  if (forbidden !== undefined) return forbidden;
  const topic = checkQueue(broker, header, request);
  const subscription = subscriptionOf(broker, header);
  if ("code" in subscription) return subscription;
  const filter = filterOf(broker, header, subscription);
  const read = resetRead(broker, header) ?? readQueue(broker, header, filter);
  if (mayPark && (header.sysFlag & COMMIT_OFFSET) !== 0) {
    commit(broker, header);
  }
  broker.state.offsets.notePull(header.consumerGroup, header.topic, header.queueId, read.nextOffset);
  const isNothingYet = read.status === "OFFSET_OVERFLOW_ONE" ||
    (read.status === "NO_MESSAGE_IN_QUEUE" && header.queueOffset === 0);
  if (isNothingYet && mayPark && (header.sysFlag & SUSPEND) !== 0) {
    const parked = park(broker, header, request, filter);
    if (parked !== undefined) return parked;
  }
  if (read.records.length > 0) {
    broker.stats.given(header.consumerGroup, header.topic, read.records.length, read.sizeBytes);
  }
  return {
    code: isNothingYet ? ResponseCode.PULL_NOT_FOUND : CODE_OF[read.status],
    remark: read.status,
    header: {
      suggestWhichBrokerId: broker.options.suggestSlave ? 1 : 0,
      nextBeginOffset: read.nextOffset,
      minOffset: read.minOffset,
      maxOffset: read.maxOffset,
      topicSysFlag: topic.topicSysFlag,
      groupSysFlag: broker.state.groups.peek(header.consumerGroup)?.groupSysFlag ?? 0,
    },
    body: joined(read),
  };
}

/** The answer to a group or topic that may not be read, `undefined` when all is well; a missing one is refused. */
function whyForbidden(broker: Broker, header: PullHeader): PullAnswer | undefined {
  if ((broker.options.brokerPermission & Permission.READ) === 0) {
    return forbid(Forbidden.BROKER, `the broker[${broker.address.host}] pulling message is forbidden`);
  }
  const group = broker.state.groups.find(header.consumerGroup);
  if (group === undefined) {
    refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group [${header.consumerGroup}] does not exist, ${SEE_FAQ}`,
    );
  }
  if (!group.consumeEnable) {
    return forbid(Forbidden.GROUP, `subscription group no permission, ${header.consumerGroup}`);
  }
  const topic = broker.state.topics.get(header.topic);
  if (topic === undefined) {
    refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${header.topic}] not exist, apply first please! ${SEE_FAQ}`,
    );
  }
  if ((topic.perm & Permission.READ) === 0) {
    return forbid(Forbidden.TOPIC, `the topic[${header.topic}] pulling message is forbidden`);
  }
  return undefined;
}

function forbid(forbiddenType: number, remark: string): PullAnswer {
  return { code: ResponseCode.NO_PERMISSION, remark, fields: { forbiddenType: String(forbiddenType) } };
}

function checkQueue(broker: Broker, header: PullHeader, request: InboundRequest) {
  const topic = broker.state.topics.get(header.topic)!;
  if (header.queueId < 0 || header.queueId >= topic.readQueueNums) {
    const { host, port } = request.channel.remote;
    refuse(
      ResponseCode.INVALID_PARAMETER,
      `queueId[${header.queueId}] is illegal, topic:[${header.topic}] topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[/${host}:${port}]`,
    );
  }
  return topic;
}

/** What the pull wants: what it carries, or what its group registered. */
function subscriptionOf(
  broker: Broker,
  header: PullHeader,
): SubscriptionData | PullAnswer & { code: number } {
  const subscription = (header.sysFlag & HAS_SUBSCRIPTION) !== 0
    ? carriedSubscription(header)
    : registeredSubscription(broker, header);
  if ("code" in subscription) return subscription;
  const type = subscription.expressionType;
  if (type !== "TAG" && !broker.options.enablePropertyFilter) {
    refuse(ResponseCode.SYSTEM_ERROR, `The broker does not support consumer to filter message by ${type}`);
  }
  return subscription;
}

function filterOf(broker: Broker, header: PullHeader, subscription: SubscriptionData): MessageFilter {
  try {
    return broker.filters.of(subscription);
  } catch {
    // A selector that a pull carries and that cannot be compiled lets everything through (ConsumerFilterManager.build gives null).
    if ((header.sysFlag & HAS_SUBSCRIPTION) !== 0) return {};
    refuse(
      ResponseCode.FILTER_DATA_NOT_EXIST,
      "The broker's consumer filter data is not exist!Your expression may be wrong!",
    );
  }
}

function carriedSubscription(header: PullHeader): SubscriptionData {
  try {
    const type = header.expressionType || undefined;
    return parseSubscription(header.topic, header.subscription, type, header.subVersion);
  } catch {
    refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
  }
}

function registeredSubscription(
  broker: Broker,
  header: PullHeader,
): SubscriptionData | PullAnswer & { code: number } {
  const { consumerGroup, topic } = header;
  const group = broker.members.consumerGroup(consumerGroup);
  if (group === undefined) {
    refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, `the consumer's group info not exist${SEE_FAQ}`);
  }
  const config = broker.state.groups.find(consumerGroup)!;
  if (!config.consumeBroadcastEnable && group.messageModel === "BROADCASTING") {
    return {
      ...forbid(
        Forbidden.BROADCASTING,
        `the consumer group[${consumerGroup}] can not consume by broadcast way`,
      ),
      code: ResponseCode.NO_PERMISSION,
    };
  }
  if (broker.state.groups.isForbidden(consumerGroup, topic)) {
    return {
      ...forbid(
        Forbidden.SUBSCRIPTION,
        `the consumer group[${consumerGroup}] is forbidden for topic[${topic}]`,
      ),
      code: ResponseCode.NO_PERMISSION,
    };
  }
  const subscription = group.subscriptions.get(topic);
  if (subscription === undefined) {
    refuse(ResponseCode.SUBSCRIPTION_NOT_EXIST, `the consumer's subscription not exist${SEE_FAQ}`);
  }
  if (subscription.subVersion < header.subVersion) {
    refuse(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
  }
  return subscription;
}

function resetRead(broker: Broker, header: PullHeader): Read | undefined {
  const { offsets, store } = broker.state;
  const offset = offsets.takeReset(header.consumerGroup, header.topic, header.queueId);
  if (offset === undefined) return undefined;
  const queue = store.peekQueue(header.topic, header.queueId);
  return {
    status: "OFFSET_RESET",
    nextOffset: offset,
    minOffset: queue?.minOffset ?? 0,
    maxOffset: queue?.maxOffset ?? 0,
    records: [],
    queueOffsets: [],
    sizeBytes: 0,
  };
}

function readQueue(broker: Broker, header: PullHeader, filter: MessageFilter): Read {
  const { maxPullMessages, maxPullBytes } = broker.options;
  return broker.state.store.read(header.topic, header.queueId, header.queueOffset, {
    maxMessages: Math.min(header.maxMsgNums, maxPullMessages),
    // A broker with a log of files does not look at the pull's `maxMsgBytes`.
    maxBytes: maxPullBytes,
    ...filter,
  });
}

function commit(broker: Broker, header: PullHeader): void {
  const { offsets } = broker.state;
  const { consumerGroup, topic, queueId, commitOffset } = header;
  if (!offsets.hasReset(consumerGroup, topic, queueId)) {
    offsets.commit(consumerGroup, topic, queueId, commitOffset);
  }
}

/** Parks the pull; `undefined` when there is no room, or nothing to wait for. */
function park(
  broker: Broker,
  header: PullHeader,
  request: InboundRequest,
  filter: MessageFilter,
): Promise<PullAnswer | undefined> | undefined {
  const patienceMs = broker.options.longPolling ? header.suspendTimeoutMillis : SHORT_POLLING_MS;
  let answer: (value: PullAnswer | undefined | Promise<PullAnswer | undefined>) => void;
  let fail: (reason: unknown) => void;
  const answered = new Promise<PullAnswer | undefined>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  const isParked = broker.parked.park([header], {
    channel: request.channel,
    until: broker.clock.now() + patienceMs,
    wants: (arrival) =>
      (filter.wantsTags?.(arrival.tagsCode) ?? true) &&
      (filter.wantsProperties?.(arrival.properties) ?? true),
    run: () => {
      try {
        answer(pull(broker, header, request, false));
      } catch (error) {
        fail(error);
      }
    },
  });
  return isParked ? answered : undefined;
}

function joined(read: Read): Uint8Array | undefined {
  if (read.records.length === 0) return undefined;
  if (read.records.length === 1) return read.records[0];
  const body = new Uint8Array(read.sizeBytes);
  let at = 0;
  for (const record of read.records) {
    body.set(record, at);
    at += record.length;
  }
  return body;
}
