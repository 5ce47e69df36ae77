/**
 * Popping: 200050, its look ahead 200052, and waiting for messages 200054 and 200055.
 *
 * A pop that finds nothing waits like a pull, for the queues that it asked for and for its group's retry topic. The order of the checks
 * agrees with PopMessageProcessor, PeekMessageProcessor and NotificationProcessor.
 */
import { notification, peekMessage, pollingInfo, popMessage } from "../../protocol/operations.ts";
import { formatMessageOffsets, formatOrderCounts, formatStartOffsets } from "../../protocol/pop.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { parseSubscription } from "../../protocol/subscription_data.ts";
import type { InboundRequest } from "../../remoting/call.ts";
import { int, long, type Of, opt } from "../../wire/schema.ts";
import type { Broker } from "../broker/broker.ts";
import type { MessageFilter } from "../broker/message_filter.ts";
import type { Awaited } from "../broker/parked_requests.ts";
import type { PopRequest, PopResult } from "../broker/pop.ts";
import { Permission } from "../broker/topic_table.ts";
import { type Answer, type HandlerRow, on, refuse, SEE_FAQ } from "./handler.ts";

/** Numbers that are missing are 0 in Java's header. */
const lenientPop = {
  ...popMessage,
  request: {
    ...popMessage.request,
    queueId: opt(int),
    maxMsgNums: opt(int),
    invisibleTime: opt(long),
    pollTime: opt(long),
    bornTime: opt(long),
    initMode: opt(int),
  },
};

type PopHeader = Of<typeof lenientPop.request>;
type PopAnswer = Answer<typeof popMessage.response>;

/** Most messages that one pop may ask for. */
const MAX_POP = 32;
/** How late a pop may be answered after its patience has ended, in milliseconds. */
const MAX_LATE_MS = 500;
const START_AT_END = 1;

/** Handlers of pops. */
export const popHandlers: readonly HandlerRow<Broker>[] = [
  on(lenientPop, onPop),
  on(peekMessage, (broker: Broker, header) => onPeek(broker, header)),
  on(notification, onNotification),
  on(pollingInfo, (broker: Broker, { topic, queueId }) => ({
    header: { pollingNum: broker.parked.sizeOf(topic, queueId) },
  })),
];

function onPop(broker: Broker, header: PopHeader, request: InboundRequest): PopAnswer | Promise<PopAnswer> {
  const { pollTime = 0, maxMsgNums = 0 } = header;
  const now = broker.clock.now();
  const bornTime = header.bornTime || now;
  if (now - bornTime - pollTime > MAX_LATE_MS) {
    refuse(
      ResponseCode.POLLING_TIMEOUT,
      `the broker[${broker.address.host}] pop message is timeout too much`,
    );
  }
  if (maxMsgNums > MAX_POP) {
    refuse(
      ResponseCode.INVALID_PARAMETER,
      `the broker[${broker.address.host}] pop message's num is greater than 32`,
    );
  }
  checkReadable(broker, header, request);
  const pop: PopRequest = {
    group: header.consumerGroup,
    topic: header.topic,
    queueId: header.queueId ?? 0,
    maxMessages: maxMsgNums,
    invisibleTime: header.invisibleTime ?? 0,
    startAtEnd: header.initMode === START_AT_END,
    order: header.order ?? false,
    attemptId: header.attemptId,
    filter: filterOf(broker, header),
  };
  return popOrPark(broker, pop, bornTime + pollTime, pollTime > 0, request);
}

/** Pops; when nothing is there, waits until `until` and pops again. */
function popOrPark(
  broker: Broker,
  pop: PopRequest,
  until: number,
  mayPark: boolean,
  request: InboundRequest,
): PopAnswer | Promise<PopAnswer> {
  const result = broker.pops.pop(pop);
  if (result.records.length > 0) return popAnswer(pop, result, ResponseCode.SUCCESS);
  if (!mayPark || broker.clock.now() >= until) return popAnswer(pop, result, ResponseCode.POLLING_TIMEOUT);
  return new Promise((resolve, reject) => {
    const isParked = broker.parked.park(awaitedBy(broker, pop), {
      channel: request.channel,
      until,
      wants: ({ topic, tagsCode, properties }) =>
        topic !== pop.topic ||
        ((pop.filter.wantsTags?.(tagsCode) ?? true) && (pop.filter.wantsProperties?.(properties) ?? true)),
      run: () => {
        try {
          resolve(popOrPark(broker, pop, until, true, request));
        } catch (error) {
          reject(error);
        }
      },
    });
    if (!isParked) resolve(popAnswer(pop, result, ResponseCode.POLLING_FULL));
  });
}

function awaitedBy(broker: Broker, { topic, group, queueId, order }: PopRequest): Awaited[] {
  const own = { topic, queueId: Math.max(queueId, -1) };
  return order ? [own] : [own, { topic: broker.pops.retryTopic(topic, group), queueId: -1 }];
}

function popAnswer(pop: PopRequest, result: PopResult, code: number): PopAnswer {
  return {
    code,
    remark: code === ResponseCode.SUCCESS ? "FOUND" : "NO_MESSAGE_IN_QUEUE",
    header: {
      popTime: result.popTime,
      invisibleTime: pop.invisibleTime,
      reviveQid: result.reviveQueueId,
      restNum: result.restCount,
      startOffsetInfo: formatStartOffsets(result.runs),
      msgOffsetInfo: formatMessageOffsets(result.runs),
      orderCountInfo: pop.order ? formatOrderCounts(result.counts) : undefined,
    },
    body: code === ResponseCode.SUCCESS ? joined(result.records) : undefined,
  };
}

function checkReadable(
  broker: Broker,
  header: { topic: string; consumerGroup: string; queueId?: number | undefined },
  { channel }: InboundRequest,
): void {
  const topic = broker.state.topics.get(header.topic);
  if (topic === undefined) {
    refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${header.topic}] not exist, apply first please! ${SEE_FAQ}`,
    );
  }
  if ((topic.perm & Permission.READ) === 0) {
    refuse(ResponseCode.NO_PERMISSION, `the topic[${header.topic}] peeking message is forbidden`);
  }
  if ((header.queueId ?? 0) >= topic.readQueueNums) {
    const { host, port } = channel.remote;
    refuse(
      ResponseCode.INVALID_PARAMETER,
      `queueId[${header.queueId}] is illegal, topic:[${header.topic}] topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[/${host}:${port}]`,
    );
  }
  const group = broker.state.groups.find(header.consumerGroup);
  if (group === undefined) {
    refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group [${header.consumerGroup}] does not exist, ${SEE_FAQ}`,
    );
  }
  if (!group.consumeEnable) {
    refuse(ResponseCode.NO_PERMISSION, `subscription group no permission, ${header.consumerGroup}`);
  }
}

function filterOf(broker: Broker, { topic, exp, expType }: PopHeader): MessageFilter {
  if (!exp) return {};
  try {
    return broker.filters.of(parseSubscription(topic, exp, expType, broker.clock.now()));
  } catch {
    refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
  }
}

/** Shows messages without taking them out. */
function onPeek(broker: Broker, header: Of<typeof peekMessage.request>): PopAnswer {
  const { topics, store, offsets } = broker.state;
  const topic = topics.get(header.topic) ??
    refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${header.topic}] not exist, apply first please! ${SEE_FAQ}`);
  const queueIds = header.queueId >= 0 ? [header.queueId] : [...Array(topic.readQueueNums).keys()];
  const records: Uint8Array[] = [];
  let restNum = 0;
  for (const queueId of queueIds) {
    const from = offsets.committed(header.consumerGroup, header.topic, queueId) ?? 0;
    const maxMessages = header.maxMsgNums - records.length;
    if (maxMessages <= 0) break;
    const read = store.read(header.topic, queueId, from, {
      maxMessages,
      maxBytes: broker.options.maxPullBytes,
    });
    records.push(...read.records);
    restNum += Math.max(0, read.maxOffset - read.nextOffset);
  }
  const found = records.length > 0;
  return {
    code: found ? ResponseCode.SUCCESS : ResponseCode.PULL_NOT_FOUND,
    remark: found ? "FOUND" : "NO_MESSAGE_IN_QUEUE",
    header: { popTime: broker.clock.now(), invisibleTime: 0, reviveQid: 0, restNum },
    body: found ? joined(records) : undefined,
  };
}

/** Says whether there are messages, waiting for some if need be. */
function onNotification(
  broker: Broker,
  header: Of<typeof notification.request>,
  request: InboundRequest,
): Answer<typeof notification.response> | Promise<Answer<typeof notification.response>> {
  checkReadable(broker, header, request);
  const until = header.bornTime + header.pollTime;
  const answer = (): Answer<typeof notification.response> => ({
    header: { hasMsg: hasMessages(broker, header) },
  });
  if (hasMessages(broker, header) || header.pollTime <= 0 || broker.clock.now() >= until) return answer();
  const { topic, consumerGroup, queueId } = header;
  const retry = broker.pops.retryTopic(topic, consumerGroup);
  return new Promise((resolve) => {
    const isParked = broker.parked.park([{ topic, queueId }, { topic: retry, queueId: -1 }], {
      channel: request.channel,
      until,
      wants: () => true,
      run: () => resolve(answer()),
    });
    if (!isParked) resolve({ header: { hasMsg: false, pollingFull: true } });
  });
}

function hasMessages(broker: Broker, header: Of<typeof notification.request>): boolean {
  const { topics, store, offsets } = broker.state;
  const { topic, consumerGroup, queueId } = header;
  const has = (name: string, id: number): boolean => {
    const end = store.peekQueue(name, id)?.maxOffset ?? 0;
    return end > (offsets.committed(consumerGroup, name, id) ?? 0);
  };
  const hasAny = (name: string): boolean =>
    [...Array(topics.get(name)?.readQueueNums ?? 0).keys()].some((id) => has(name, id));
  return (queueId >= 0 ? has(topic, queueId) : hasAny(topic)) ||
    (!header.order && hasAny(broker.pops.retryTopic(topic, consumerGroup)));
}

function joined(records: readonly Uint8Array[]): Uint8Array {
  const body = new Uint8Array(records.reduce((sum, record) => sum + record.length, 0));
  let at = 0;
  for (const record of records) {
    body.set(record, at);
    at += record.length;
  }
  return body;
}
