/**
 * Sending: 10, 310, 320 and what a consumer sends back, 36.
 *
 * A message is checked, its topic made if need be, the broker's own properties are added, and it is stored; the answer says
 * where. Agrees with SendMessageProcessor and AbstractSendMessageProcessor.
 */
import { decodeProperties } from "../../message/properties.ts";
import { dlqTopic, FORBIDDEN_SEND_TOPICS, isRetryTopic, retryTopic } from "../../protocol/names.ts";
import {
  consumerSendMsgBack,
  sendBatchMessage,
  sendMessage,
  sendMessageV2,
} from "../../protocol/operations.ts";
import { encodeRecallHandle } from "../../protocol/recall_handle.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { InboundRequest } from "../../remoting/call.ts";
import type { Of } from "../../wire/schema.ts";
import type { Broker } from "../broker/broker.ts";
import { delayLevelOf, type Draft, takeIn } from "../broker/intake.ts";
import { queueByPriority } from "../broker/priority.ts";
import { type NamedTopic, Permission } from "../broker/topic_table.ts";
import { storeHalf } from "../broker/transactions.ts";
import { type Answer, type HandlerRow, on, refuse, SEE_FAQ } from "./handler.ts";
import { checkTopicName } from "./name_checks.ts";
import { storeBatch } from "./send_batch.ts";
import { sendFields, type SendHeader } from "./send_header.ts";

type SendAnswer = Answer<typeof sendMessage.response>;

const DLQ_QUEUES = 1;
/** From this version on a client says how often it wants a message back (V3_4_9). */
const SAYS_MAX_RECONSUME_TIMES = 121;

/** What a send may lack. */
const ABSENT = { producerGroup: "", defaultTopic: "", defaultTopicQueueNums: 0 };

/** Handlers of sends. */
export const sendHandlers: readonly HandlerRow<Broker>[] = [
  on(sendMessage, onSend, ABSENT),
  on(sendMessageV2, onSend, ABSENT),
  on(
    sendBatchMessage,
    (broker, header, request) => onSend(broker, { ...header, batch: true }, request),
    ABSENT,
  ),
  on(consumerSendMsgBack, onSendBack, { delayLevel: 0 }),
];

function onSend(broker: Broker, header: SendHeader, request: InboundRequest): SendAnswer {
  try {
    const topic = checkTopic(broker, header, request);
    const queueId = header.queueId < 0
      ? broker.random.int(Math.max(1, topic.writeQueueNums))
      : header.queueId;
    return header.batch
      ? storeBatch(broker, header, topic, queueId, request)
      : storeOne(broker, header, topic, queueId, request);
  } catch (error) {
    return sendRefusal(broker, error);
  }
}

/** Java makes the answer with these fields before it looks at the message. */
function sendRefusal(broker: Broker, error: unknown): SendAnswer {
  const code = (error as { facts?: { responseCode?: number } }).facts?.responseCode;
  if (code === undefined) throw error;
  return { code, remark: (error as Error).message, fields: sendFields(broker) };
}

/** The topic a message goes to, made if need be. @throws BrokerError as AbstractSendMessageProcessor.msgCheck refuses. */
export function checkTopic(broker: Broker, header: SendHeader, request: InboundRequest): NamedTopic {
  const { topics } = broker.state;
  checkTopicName(header.topic);
  if (FORBIDDEN_SEND_TOPICS.has(header.topic)) {
    refuse(ResponseCode.NO_PERMISSION, `Sending message to topic[${header.topic}] is forbidden.`);
  }
  const isReadOnly = (broker.options.brokerPermission & Permission.WRITE) === 0;
  if (isReadOnly && topics.get(header.topic)?.order) {
    refuse(ResponseCode.NO_PERMISSION, `the broker[${broker.address.host}] sending message is forbidden`);
  }
  const topic = topics.forSend(header.topic, header.defaultTopic, header.defaultTopicQueueNums);
  if (topic === undefined) {
    refuse(
      ResponseCode.TOPIC_NOT_EXIST,
      `topic[${header.topic}] not exist, apply first please!${SEE_FAQ}`,
    );
  }
  if (header.queueId >= Math.max(topic.writeQueueNums, topic.readQueueNums)) {
    const { host, port } = request.channel.remote;
    refuse(
      ResponseCode.INVALID_PARAMETER,
      `request queueId[${header.queueId}] is illegal, ${topicText(topic)} Producer: ${host}:${port}`,
    );
  }
  return topic;
}

/** TopicConfig.toString. */
function topicText(topic: NamedTopic): string {
  const { perm } = topic;
  const permission = (perm & 4 ? "R" : "-") + (perm & 2 ? "W" : "-") + (perm & 1 ? "X" : "-");
  const attributes = Object.entries(topic.attributes).map(([name, value]) => `${name}=${value}`).join(", ");
  return `TopicConfig [topicName=${topic.topicName}, readQueueNums=${topic.readQueueNums}, writeQueueNums=${topic.writeQueueNums}, perm=${permission}, topicFilterType=${topic.topicFilterType}, topicSysFlag=${topic.topicSysFlag}, order=${topic.order}, attributes={${attributes}}]`;
}

function storeOne(
  broker: Broker,
  header: SendHeader,
  config: NamedTopic,
  askedQueueId: number,
  request: InboundRequest,
): SendAnswer {
  if (request.body.length === 0) throw new Error("Cannot store message: it has no body");
  const properties = decodeProperties(header.properties ?? "");
  delete properties["POP_CK"];
  properties["MSG_REGION"] = broker.options.regionId;
  properties["TRACE_ON"] = "true";
  properties["UNIQ_KEY"] ??= broker.newUniqueKey();
  properties["CLUSTER"] = broker.options.clusterName;
  const place = placeOf(broker, header, askedQueueId, request, properties);
  const queueId = queueByPriority(properties, config) ?? place.queueId;
  const draft: Draft = {
    topic: place.topic,
    queueId,
    flag: header.flag,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: request.channel.remote,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
    body: request.body,
    properties,
  };
  const level = delayLevelOf(properties);
  const isHalf = properties["TRAN_MSG"]?.toLowerCase() === "true" && !(draft.reconsumeTimes > 0 && level > 0);
  const stored = isHalf ? storeHalf(broker, draft) : takeIn(broker, draft);
  broker.stats.sent(header.topic, 1, stored.sizeBytes);
  const handle = isHalf ? undefined : recallHandleOf(broker, properties);
  return {
    header: {
      msgId: broker.offsetId(stored.physicalOffset),
      queueId,
      queueOffset: stored.queueOffset,
      transactionId: properties["UNIQ_KEY"],
      recallHandle: handle,
    },
    fields: sendFields(broker),
  };
}

/** What recalls a timed message, `undefined` when it is none (attachRecallHandle). */
function recallHandleOf(broker: Broker, properties: Readonly<Record<string, string>>): string | undefined {
  const { TIMER_OUT_MS: dueAt, REAL_TOPIC: topic, UNIQ_KEY: uniqKey } = properties;
  if (dueAt === undefined || topic === undefined || isRetryTopic(topic)) return undefined;
  // The time was rounded down, by at least one.
  const timestamp = String(Number(dueAt) + 1);
  return encodeRecallHandle({ topic, brokerName: broker.name, timestamp, uniqKey: uniqKey ?? "" });
}

/** Where a message goes: to its topic, or when it came back too often to the dead letters of its group (handleRetryAndDLQ). */
function placeOf(
  broker: Broker,
  header: SendHeader,
  queueId: number,
  request: InboundRequest,
  properties: Record<string, string>,
): { topic: string; queueId: number } {
  const { topic } = header;
  if (!isRetryTopic(topic)) return { topic, queueId };
  const groupName = retryGroup(topic);
  const group = broker.state.groups.find(groupName);
  if (group === undefined) {
    refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group not exist, ${groupName} ${SEE_FAQ}`,
    );
  }
  const max = request.command.version >= SAYS_MAX_RECONSUME_TIMES && header.maxReconsumeTimes !== undefined
    ? header.maxReconsumeTimes
    : group.retryMaxTimes;
  const isOver = (header.reconsumeTimes ?? 0) > max || broker.locks.isAnyHeld(groupName, broker.clock.now());
  if (!isOver) return { topic, queueId };
  properties["DELAY"] = "-1";
  broker.state.topics.ensure(dlqTopic(groupName), DLQ_QUEUES);
  return { topic: dlqTopic(groupName), queueId: 0 };
}

/** The group of a retry topic: what follows the prefix, of a pop retry topic (with +) what comes before the topic. */
function retryGroup(topic: string): string {
  const rest = topic.slice(retryTopic("").length);
  const plus = rest.indexOf("+");
  return plus > 0 ? rest.slice(0, plus) : rest;
}

function onSendBack(
  broker: Broker,
  header: Of<typeof consumerSendMsgBack.request>,
  request: InboundRequest,
): Answer<Record<never, never>> {
  const { groups, topics, store } = broker.state;
  const group = groups.find(header.group);
  if (group === undefined) {
    refuse(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `subscription group not exist, ${header.group} ${SEE_FAQ}`,
    );
  }
  if (group.retryQueueNums <= 0) return { fields: {} };
  const retry = topics.ensure(retryTopic(header.group), group.retryQueueNums, header.unitMode ?? false);
  if ((retry.perm & Permission.WRITE) === 0) {
    refuse(ResponseCode.NO_PERMISSION, `the topic[${retry.topicName}] sending message is forbidden`);
  }
  const message = store.message(header.offset);
  if (message === undefined) {
    refuse(ResponseCode.SYSTEM_ERROR, `look message by offset failed, ${header.offset}`);
  }
  const properties = decodeProperties(message.properties);
  properties["RETRY_TOPIC"] ??= message.topic;
  properties["WAIT"] = "false";
  properties["ORIGIN_MESSAGE_ID"] ??= broker.offsetId(message.physicalOffset);
  const max = request.command.version >= SAYS_MAX_RECONSUME_TIMES && header.maxReconsumeTimes !== undefined
    ? header.maxReconsumeTimes
    : group.retryMaxTimes;
  const isDead = message.reconsumeTimes >= max || header.delayLevel < 0;
  properties["DELAY"] = String(isDead ? 0 : header.delayLevel || 3 + message.reconsumeTimes);
  const target = isDead ? topics.ensure(dlqTopic(header.group), DLQ_QUEUES) : retry;
  takeIn(broker, {
    ...message,
    topic: target.topicName,
    queueId: isDead ? 0 : broker.random.int(group.retryQueueNums),
    reconsumeTimes: message.reconsumeTimes + 1,
    preparedTransactionOffset: 0,
    properties,
  });
  broker.stats.add("SNDBCK_PUT_NUMS", `${message.topic}@${header.group}`, 1);
  return {};
}
