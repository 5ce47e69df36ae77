/**
 * Popping, 200050.
 *
 * A pop that finds nothing waits like a pull, for the queues that it asked for and for its group's retry topic. The order of the checks
 * agrees with PopMessageProcessor.
 */
import { popMessage } from "../../protocol/operations.ts";
import { formatMessageOffsets, formatOrderCounts, formatStartOffsets } from "../../protocol/pop.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { parseSubscription } from "../../protocol/subscription_data.ts";
import type { InboundRequest } from "../../remoting/call.ts";
import type { Of } from "../../wire/schema.ts";
import type { Broker } from "../broker/broker.ts";
import type { MessageFilter } from "../broker/message_filter.ts";
import type { Awaited } from "../broker/parked_requests.ts";
import type { PopRequest, PopResult } from "../broker/pop.ts";
import { Permission } from "../broker/topic_table.ts";
import { type Answer, type HandlerRow, on, refuse, refusingWith, SEE_FAQ } from "./handler.ts";

/** Numbers that are missing are 0 in Java's header. */
const ABSENT = { queueId: 0, maxMsgNums: 0, invisibleTime: 0, pollTime: 0, bornTime: 0, initMode: 0 };
/** What every refusal carries. */
export const NOTHING_POPPED = { popTime: "0", invisibleTime: "0", reviveQid: "0", restNum: "0" };

type PopHeader = Of<typeof popMessage.request>;
type PopAnswer = Answer<typeof popMessage.response>;

/** Most messages that one pop may ask for. */
const MAX_POP = 32;
/** How late a pop may be answered after its patience has ended, in milliseconds. */
const MAX_LATE_MS = 500;
const START_AT_END = 1;

/** Handlers of pops. */
export const popHandlers: readonly HandlerRow<Broker>[] = [
  on(popMessage, refusingWith(NOTHING_POPPED, onPop), ABSENT),
];

function onPop(broker: Broker, header: PopHeader, request: InboundRequest): PopAnswer | Promise<PopAnswer> {
  const { pollTime, maxMsgNums } = header;
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
    queueId: header.queueId,
    maxMessages: maxMsgNums,
    invisibleTime: header.invisibleTime,
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
  if (result.records.length > 0) {
    const sizeBytes = result.records.reduce((sum, record) => sum + record.length, 0);
    broker.stats.given(pop.group, pop.topic, result.records.length, sizeBytes);
    return popAnswer(pop, result, ResponseCode.SUCCESS);
  }
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

/** Refuses a group or queue that may not be read. @throws BrokerError */
export function checkReadable(
  broker: Broker,
  header: { topic: string; consumerGroup: string; queueId: number },
  { channel }: InboundRequest,
): void {
  if ((broker.options.brokerPermission & Permission.READ) === 0) {
    refuse(ResponseCode.NO_PERMISSION, `the broker[${broker.address.host}] peeking message is forbidden`);
  }
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
  if (header.queueId >= topic.readQueueNums) {
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

/** What an expression lets through. @throws BrokerError when it cannot be understood. */
export function filterOf(
  broker: Broker,
  { topic, exp, expType }: { topic: string; exp?: string | undefined; expType?: string | undefined },
): MessageFilter {
  if (!exp) return {};
  try {
    return broker.filters.of(parseSubscription(topic, exp, expType, broker.clock.now()));
  } catch {
    refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
  }
}

/** The records one after the other. */
export function joined(records: readonly Uint8Array[]): Uint8Array {
  const body = new Uint8Array(records.reduce((sum, record) => sum + record.length, 0));
  let at = 0;
  for (const record of records) {
    body.set(record, at);
    at += record.length;
  }
  return body;
}
