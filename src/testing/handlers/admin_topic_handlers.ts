/**
 * What administrators do with topics: make, change and remove them, list them, and see what they hold. 17, 18, 21, 202, 215,
 * 300, 305, 351, and the dump of a queue 321.
 *
 * Agrees with AdminBrokerProcessor and TopicConfigManager.
 */
import {
  groupList,
  queueDump,
  type QueueExtent,
  topicConfig,
  topicConfigList,
  topicConfigTable,
  topicList,
  topicStatsTable,
} from "../../protocol/bodies.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { isSystemTopic, serverTopicProblem } from "../../protocol/names.ts";
import {
  deleteTopicInBroker,
  getAllTopicConfig,
  getSystemTopicListFromBroker,
  getTopicConfig,
  getTopicStatsInfo,
  queryConsumeQueue,
  queryTopicConsumeByWho,
  updateAndCreateTopic,
  updateAndCreateTopicList,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { Broker } from "../broker/broker.ts";
import type { NamedTopic } from "../broker/topic_table.ts";
import { type HandlerRow, on, refuse } from "./handler.ts";

/** Handlers of topic administration. */
export const adminTopicHandlers: readonly HandlerRow<Broker>[] = [
  on(updateAndCreateTopic, (broker: Broker, header) => {
    checkName(header.topic);
    const known = broker.state.topics.get(header.topic);
    broker.state.topics.put({
      topicName: header.topic,
      readQueueNums: header.readQueueNums,
      writeQueueNums: header.writeQueueNums,
      perm: header.perm,
      topicFilterType: header.topicFilterType,
      topicSysFlag: header.topicSysFlag ?? 0,
      order: header.order,
      attributes: changedAttributes(known?.attributes ?? {}, header.attributes),
    });
    return {};
  }),
  on(updateAndCreateTopicList, (broker: Broker, _header, { body }) => {
    const topics = topicConfigList.read(body).topicConfigList;
    for (const topic of topics) checkName(topic.topicName);
    for (const topic of topics) broker.state.topics.put({ ...topic, topicName: topic.topicName! });
    return {};
  }),
  on(deleteTopicInBroker, (broker: Broker, { topic }) => {
    if (topic.trim() === "") refuse(ResponseCode.INVALID_PARAMETER, "The specified topic is blank.");
    const { topics, offsets, store } = broker.state;
    topics.remove(topic);
    offsets.removeTopic(topic);
    store.removeTopic(topic);
    return {};
  }),
  on(getTopicConfig, (broker: Broker, { topic }) => ({ body: topicConfig.write(topicNamed(broker, topic)) })),
  on(getAllTopicConfig, (broker: Broker, { topicSeq = 0, maxTopicNum = Infinity }) => {
    const all = [...broker.state.topics.all()];
    const page = all.slice(topicSeq, topicSeq + maxTopicNum);
    return {
      header: { totalTopicNum: all.length },
      body: topicConfigTable.write({
        topicConfigTable: Object.fromEntries(page.map((topic) => [topic.topicName, topic])),
        dataVersion: broker.dataVersion(),
      }),
    };
  }),
  on(getSystemTopicListFromBroker, (broker: Broker) => ({
    body: topicList.write({
      topicList: [...broker.state.topics.all()].map((topic) => topic.topicName).filter((name) =>
        isSystemTopic(name) || name === broker.name || name === broker.options.clusterName
      ),
    }),
  })),
  on(getTopicStatsInfo, (broker: Broker, { topic }) => {
    const config = broker.state.topics.get(topic);
    if (config === undefined) refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
    const queues = Math.max(config.writeQueueNums, config.readQueueNums);
    const offsetTable = new Map<MessageQueue, QueueExtent>();
    for (let queueId = 0; queueId < queues; queueId++) {
      offsetTable.set({ topic, brokerName: broker.name, queueId }, extentOf(broker, topic, queueId));
    }
    return { body: topicStatsTable.write({ topicPutTps: 0, offsetTable }) };
  }),
  on(queryTopicConsumeByWho, (broker: Broker, { topic }) => {
    const groups = new Set([
      ...broker.members.groupsSubscribedTo(topic),
      ...broker.state.offsets.groupsOf(topic),
    ]);
    return { body: groupList.write({ groupList: [...groups] }) };
  }),
  on(
    queryConsumeQueue,
    (broker: Broker, { topic = "", queueId = 0, index = 0, count = 0, consumerGroup }) => {
      const queue = broker.state.store.peekQueue(topic, queueId);
      if (queue === undefined) refuse(ResponseCode.SYSTEM_ERROR, `${queueId}@${topic} is not exist!`);
      const from = Math.max(index, queue.minOffset);
      const queueData = [];
      for (let at = from; at < Math.min(queue.maxOffset, from + count); at++) {
        queueData.push({
          physicOffset: queue.physicalOffset(at),
          physicSize: queue.sizeBytes(at),
          tagsCode: queue.tagsCode(at),
          eval: false,
        });
      }
      const subscriptionData = consumerGroup === undefined
        ? undefined
        : broker.members.consumerGroup(consumerGroup)?.subscriptions.get(topic);
      const { minOffset: minQueueIndex, maxOffset: maxQueueIndex } = queue;
      return { body: queueDump.write({ subscriptionData, queueData, minQueueIndex, maxQueueIndex }) };
    },
  ),
];

/** A topic by name. @throws BrokerError TOPIC_NOT_EXIST */
function topicNamed(broker: Broker, topic: string): NamedTopic {
  return broker.state.topics.get(topic) ??
    refuse(ResponseCode.TOPIC_NOT_EXIST, `No topic in this broker. topic: ${topic}`);
}

function checkName(topic: string | undefined): void {
  const problem = serverTopicProblem(topic);
  if (problem !== undefined) refuse(ResponseCode.INVALID_PARAMETER, `The specified ${problem}`);
  if (isSystemTopic(topic!)) {
    refuse(ResponseCode.INVALID_PARAMETER, `The topic[${topic}] is conflict with system topic.`);
  }
}

function extentOf(broker: Broker, topic: string, queueId: number): QueueExtent {
  const { store } = broker.state;
  const queue = store.peekQueue(topic, queueId);
  if (queue === undefined) return { minOffset: 0, maxOffset: 0, lastUpdateTimestamp: 0 };
  const { minOffset, maxOffset } = queue;
  return { minOffset, maxOffset, lastUpdateTimestamp: Math.max(0, store.storeTimeAt(queue, maxOffset - 1)) };
}

/** What `+name=value,-name` makes of attributes (AttributeParser, AttributeUtil). */
export function changedAttributes(
  known: Readonly<Record<string, string>>,
  changes: string | undefined,
): Record<string, string> {
  const out = { ...known };
  for (const change of (changes ?? "").split(",").map((text) => text.trim())) {
    const [name = "", value] = change.slice(1).split("=");
    if (change.startsWith("+") && value !== undefined) out[name] = value;
    else if (change.startsWith("-") && value === undefined) delete out[name];
    else if (change !== "") refuse(ResponseCode.SYSTEM_ERROR, `kv string format wrong, ${change}`);
  }
  return out;
}
