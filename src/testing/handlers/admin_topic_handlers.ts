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
import { isSystemTopic, popRetryTopicV1, popRetryTopicV2 } from "../../protocol/names.ts";
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
import { changedAttributes, parseAttributeChanges, TOPIC_ATTRIBUTES } from "../broker/attributes.ts";
import { type HandlerRow, NOT_SET, NULL_TEXT, on, refuse } from "./handler.ts";
import { checkNoSystemTopic, checkTopicName } from "./name_checks.ts";

/** Names of TopicFilterType. */
const FILTER_TYPES: ReadonlySet<string> = new Set(["SINGLE_TAG", "MULTI_TAG"]);

/** Handlers of topic administration. */
export const adminTopicHandlers: readonly HandlerRow<Broker>[] = [
  on(updateAndCreateTopic, (broker: Broker, header) => {
    if (!FILTER_TYPES.has(header.topicFilterType)) {
      refuse(ResponseCode.SYSTEM_ERROR, `topicFilterType = [${header.topicFilterType}] value invalid`);
    }
    checkTopicName(header.topic);
    checkNoSystemTopic(header.topic);
    const known = broker.state.topics.get(header.topic);
    const changes = parseAttributeChanges(header.attributes);
    broker.state.topics.put({
      topicName: header.topic,
      readQueueNums: header.readQueueNums,
      writeQueueNums: header.writeQueueNums,
      perm: header.perm,
      topicFilterType: header.topicFilterType,
      topicSysFlag: header.topicSysFlag ?? 0,
      order: header.order,
      attributes: changedAttributes(TOPIC_ATTRIBUTES, known?.attributes, changes),
    });
    return { remark: NOT_SET };
  }, { topic: "", defaultTopic: "", order: false }),
  on(updateAndCreateTopicList, (broker: Broker, _header, { body }) => {
    const topics = topicConfigList.read(body).topicConfigList.map((topic) => {
      checkTopicName(topic.topicName);
      checkNoSystemTopic(topic.topicName);
      const known = broker.state.topics.get(topic.topicName);
      const attributes = changedAttributes(TOPIC_ATTRIBUTES, known?.attributes, topic.attributes);
      return { ...topic, topicName: topic.topicName, attributes };
    });
    for (const topic of topics) broker.state.topics.put(topic);
    return { remark: NOT_SET };
  }),
  on(deleteTopicInBroker, (broker: Broker, { topic }) => {
    if (topic.trim() === "") refuse(ResponseCode.INVALID_PARAMETER, "The specified topic is blank.");
    checkNoSystemTopic(topic);
    const { topics, offsets, store } = broker.state;
    const popRetries = offsets.groupsOf(topic).flatMap((group) => [
      popRetryTopicV1(topic, group),
      popRetryTopicV2(topic, group),
    ]);
    for (const name of [topic, ...popRetries]) {
      topics.remove(name);
      offsets.removeTopic(name);
      store.removeTopic(name);
    }
    return {};
  }, { topic: "" }),
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
    return {
      body: topicStatsTable.write({
        topicPutTps: broker.stats.perSecond("TOPIC_PUT_NUMS", topic),
        offsetTable,
      }),
    };
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
      if (!queue.has(index)) {
        return { remark: `Index ${index} of ${queueId}@${topic} is not exist!` };
      }
      const queueData = [];
      for (let at = index; at < Math.min(queue.maxOffset, index + count); at++) {
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
      const filterData = consumerGroup === undefined
        ? undefined
        : subscriptionData === undefined
        ? `${consumerGroup}@${topic} is not online!`
        : NULL_TEXT;
      const { minOffset: minQueueIndex, maxOffset: maxQueueIndex } = queue;
      const dump = { subscriptionData, filterData, queueData, minQueueIndex, maxQueueIndex };
      return { remark: NOT_SET, body: queueDump.write(dump) };
    },
  ),
];

/** A topic by name. @throws BrokerError TOPIC_NOT_EXIST */
function topicNamed(broker: Broker, topic: string): NamedTopic {
  return broker.state.topics.get(topic) ??
    refuse(ResponseCode.TOPIC_NOT_EXIST, `No topic in this broker. topic: ${topic}`);
}

function extentOf(broker: Broker, topic: string, queueId: number): QueueExtent {
  const { store } = broker.state;
  const queue = store.peekQueue(topic, queueId);
  if (queue === undefined) return { minOffset: 0, maxOffset: 0, lastUpdateTimestamp: 0 };
  const { minOffset, maxOffset } = queue;
  return { minOffset, maxOffset, lastUpdateTimestamp: Math.max(0, store.storeTimeAt(queue, maxOffset - 1)) };
}
