/**
 * What administrators do with groups: make, change and remove them, see who is in them and how far they are. 200, 201, 203, 204,
 * 207, 208, 225, 303, 308, 314, 317, 328, 343, 345, 352, 353.
 *
 * Agrees with AdminBrokerProcessor.
 */
import {
  type Connection,
  consumerConnection,
  type ConsumeStats,
  consumeStats,
  consumeStatsList,
  correctionOffsets,
  groupSubscription,
  producerConnection,
  producerTable,
  type QueueProgress,
  queueTimeSpans,
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
  subscriptionGroupList,
  subscriptionGroupTable,
  topicList,
} from "../../protocol/bodies.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import {
  cloneGroupOffset,
  deleteSubscriptionGroup,
  getAllProducerInfo,
  getAllSubscriptionGroupConfig,
  getBrokerConsumeStats,
  getConsumerConnectionList,
  getConsumeStats,
  getProducerConnectionList,
  getSubscriptionGroupConfig,
  queryConsumeTimeSpan,
  queryCorrectionOffset,
  querySubscriptionByConsumer,
  queryTopicsByConsumer,
  updateAndCreateSubscriptionGroup,
  updateAndCreateSubscriptionGroupList,
  updateAndGetGroupForbidden,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { utf8Bytes } from "../../wire/bytes.ts";
import type { Broker } from "../broker/broker.ts";
import type { Member } from "../broker/member_table.ts";
import { changedAttributes, GROUP_ATTRIBUTES } from "../broker/attributes.ts";
import { type HandlerRow, NULL_TEXT, on, refuse } from "./handler.ts";
import { checkGroupName } from "./name_checks.ts";

/** Handlers of group administration. */
export const adminGroupHandlers: readonly HandlerRow<Broker>[] = [
  on(updateAndCreateSubscriptionGroup, (broker: Broker, _header, { body }) => {
    if (body.length > 0) putGroup(broker, subscriptionGroupConfig.read(body));
    return {};
  }),
  on(updateAndCreateSubscriptionGroupList, (broker: Broker, _header, { body }) => {
    const configs = subscriptionGroupList.read(body).groupConfigList;
    for (const { groupName } of configs) checkGroupName(groupName);
    for (const config of configs) putGroup(broker, config);
    return {};
  }),
  on(deleteSubscriptionGroup, (broker: Broker, { groupName, cleanOffset }) => {
    broker.state.groups.remove(groupName);
    if (cleanOffset) broker.state.offsets.removeGroup(groupName);
    return {};
  }),
  on(getSubscriptionGroupConfig, (broker: Broker, { group }) => {
    // Looking makes the group, where unknown groups are made on demand.
    const config = broker.state.groups.find(group) ??
      refuse(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, "No group in this broker");
    return { body: subscriptionGroupConfig.write(config) };
  }),
  on(getAllSubscriptionGroupConfig, (broker: Broker, { groupSeq = 0, maxGroupNum = Infinity }) => {
    const all = [...broker.state.groups.all()];
    const page = all.slice(groupSeq, groupSeq + maxGroupNum);
    return {
      header: { totalGroupNum: all.length },
      body: subscriptionGroupTable.write({
        subscriptionGroupTable: Object.fromEntries(page.map((group) => [group.groupName, group])),
        forbiddenTable: broker.state.groups.forbidden(),
        dataVersion: broker.dataVersion(),
      }),
    };
  }),
  on(updateAndGetGroupForbidden, (broker: Broker, { group, topic, readable }) => {
    const { groups } = broker.state;
    if (readable !== undefined) groups.setForbidden(group, topic, !readable);
    const now = { group, topic, readable: !groups.isForbidden(group, topic) };
    return { remark: "", body: utf8Bytes(JSON.stringify(now)) };
  }, { topic: "" }),
  on(getConsumerConnectionList, (broker: Broker, { consumerGroup }) => {
    const group = broker.members.consumerGroup(consumerGroup) ??
      refuse(ResponseCode.CONSUMER_NOT_ONLINE, `the consumer group[${consumerGroup}] not online`);
    return {
      body: consumerConnection.write({
        connectionSet: [...group.members.values()].map(connectionOf),
        subscriptionTable: Object.fromEntries(group.subscriptions),
        consumeType: group.consumeType,
        messageModel: group.messageModel,
        consumeFromWhere: group.consumeFromWhere,
      }),
    };
  }),
  on(getProducerConnectionList, (broker: Broker, { producerGroup }) => {
    const members = broker.members.producers(producerGroup);
    if (members.length === 0) {
      refuse(ResponseCode.SYSTEM_ERROR, `the producer group[${producerGroup}] not exist`);
    }
    return { body: producerConnection.write({ connectionSet: members.map(connectionOf) }) };
  }),
  on(getAllProducerInfo, (broker: Broker) => ({
    body: producerTable.write({
      data: Object.fromEntries([...broker.members.producerGroups()].map(([group, members]) => [
        group,
        [...members.values()].map((member) => ({
          clientId: member.clientId,
          remoteIP: `/${remoteOf(member)}`,
          language: member.language,
          version: member.version,
          lastUpdateTimestamp: member.lastSeenAt,
        })),
      ])),
    }),
  })),
  on(queryTopicsByConsumer, (broker: Broker, { group }) => ({
    body: topicList.write({
      topicList: broker.state.offsets.topicsOf(group),
      brokerAddr: broker.addressText,
    }),
  })),
  on(querySubscriptionByConsumer, (broker: Broker, { group, topic }) => ({
    body: groupSubscription.write({
      group,
      topic,
      subscriptionData: broker.members.consumerGroup(group)?.subscriptions.get(topic ?? ""),
    }),
  })),
  on(getConsumeStats, (broker: Broker, { consumerGroup, topic, topicList }) => {
    const listed = new Set((topicList ?? "").split(";").filter((name) => name !== ""));
    const topics = listed.size > 0
      ? [...listed]
      : (topic ? [topic] : broker.state.offsets.topicsOf(consumerGroup))
        .filter((name) => isConsumed(broker, consumerGroup, name));
    const offsetTable = new Map<MessageQueue, QueueProgress>();
    for (const name of topics) {
      for (const [queue, progress] of progressOf(broker, consumerGroup, name)) {
        offsetTable.set(queue, progress);
      }
    }
    const consumeTps = topics.reduce((sum, name) => sum + consumeTpsOf(broker, consumerGroup, name), 0);
    return { body: consumeStats.write({ consumeTps, offsetTable }) };
  }),
  on(getBrokerConsumeStats, (broker: Broker, { isOrder }) => ({ body: statsOfAllGroups(broker, isOrder) }), {
    isOrder: false,
  }),
  on(
    queryConsumeTimeSpan,
    (broker: Broker, { topic, group }) => ({ body: timeSpans(broker, topic, group) }),
    { group: "" },
  ),
  on(queryCorrectionOffset, (broker: Broker, { topic, filterGroups, compareGroup }) => {
    const { offsets } = broker.state;
    const left = new Set((filterGroups ?? "").split(","));
    const lowest = new Map<number, number>();
    for (const group of offsets.groupsOf(topic).filter((name) => !left.has(name))) {
      for (const [queueId, offset] of offsets.ofTopic(group, topic)) {
        lowest.set(queueId, Math.min(lowest.get(queueId) ?? Infinity, offset));
      }
    }
    for (const [queueId, offset] of offsets.ofTopic(compareGroup, topic)) {
      if ((lowest.get(queueId) ?? Infinity) > offset) lowest.set(queueId, Infinity);
    }
    return { body: correctionOffsets.write({ correctionOffsets: lowest }) };
  }, { compareGroup: "" }),
  on(cloneGroupOffset, (broker: Broker, { srcGroup, destGroup, topic }) => {
    broker.state.offsets.clone(srcGroup, destGroup, topic || undefined);
    return {};
  }, { destGroup: NULL_TEXT }),
];

/** Makes or changes a group. @throws BrokerError when its name or an attribute is none. */
function putGroup({ state: { groups } }: Broker, config: SubscriptionGroupConfig): void {
  const { groupName, attributes } = config;
  checkGroupName(groupName);
  const known = groups.peek(groupName)?.attributes;
  groups.put({ ...config, groupName, attributes: changedAttributes(GROUP_ATTRIBUTES, known, attributes) });
}

function connectionOf(member: Member): Connection {
  const { clientId, language, version } = member;
  return { clientId, language, version, clientAddr: remoteOf(member) };
}

function remoteOf({ channel: { remote } }: Member): string {
  return `${remote.host}:${remote.port}`;
}

/** Whether a group's progress on a topic is told: while it has members, only of what they subscribe to. */
function isConsumed(broker: Broker, group: string, topic: string): boolean {
  const subscriptions = broker.members.consumerGroup(group)?.subscriptions;
  return subscriptions === undefined || subscriptions.size === 0 || subscriptions.has(topic);
}

function consumeTpsOf(broker: Broker, group: string, topic: string): number {
  return broker.stats.perSecond("GROUP_GET_NUMS", `${topic}@${group}`);
}

/** How far a group is on the readable queues of a topic; nothing when the broker does not have it. */
function progressOf(broker: Broker, group: string, topic: string): [MessageQueue, QueueProgress][] {
  const { topics, offsets, store } = broker.state;
  const out: [MessageQueue, QueueProgress][] = [];
  for (let queueId = 0; queueId < (topics.get(topic)?.readQueueNums ?? 0); queueId++) {
    const queue = store.peekQueue(topic, queueId);
    const consumerOffset = offsets.committed(group, topic, queueId) ?? 0;
    out.push([{ topic, brokerName: broker.name, queueId }, {
      brokerOffset: queue?.maxOffset ?? 0,
      consumerOffset,
      pullOffset: Math.max(consumerOffset, offsets.pulled(group, topic, queueId)),
      lastTimestamp: queue === undefined ? 0 : Math.max(0, store.storeTimeAt(queue, consumerOffset - 1)),
    }]);
  }
  return out;
}

function statsOfAllGroups(broker: Broker, isOrder: boolean): Uint8Array {
  const { groups, offsets, topics } = broker.state;
  let totalDiff = 0;
  let totalInflightDiff = 0;
  const all: Record<string, ConsumeStats[]>[] = [];
  for (const { groupName } of groups.all()) {
    const subscribed = broker.members.consumerGroup(groupName)?.subscriptions;
    const stats: ConsumeStats[] = [];
    for (const topic of offsets.topicsOf(groupName)) {
      if (isOrder && !topics.get(topic)?.order) continue;
      if (subscribed !== undefined && subscribed.size > 0 && !subscribed.has(topic)) continue;
      const progress = progressOf(broker, groupName, topic);
      for (const [, { brokerOffset, consumerOffset, pullOffset }] of progress) {
        totalDiff += brokerOffset - consumerOffset;
        totalInflightDiff += pullOffset - consumerOffset;
      }
      stats.push({ consumeTps: consumeTpsOf(broker, groupName, topic), offsetTable: new Map(progress) });
    }
    all.push({ [groupName]: stats });
  }
  return consumeStatsList.write({
    consumeStatsList: all,
    brokerAddr: broker.addressText,
    totalDiff,
    totalInflightDiff,
  });
}

function timeSpans(broker: Broker, topic: string, group: string): Uint8Array {
  const { topics, offsets, store } = broker.state;
  const config = topics.get(topic) ?? refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
  const spans = Array.from({ length: config.writeQueueNums }, (_, queueId) => {
    const queue = store.queue(topic, queueId);
    const offset = offsets.committed(group, topic, queueId) ?? -1;
    const minTimeStamp = store.storeTimeAt(queue, queue.minOffset);
    const next = store.storeTimeAt(queue, Math.max(offset, 0));
    return {
      messageQueue: { topic, brokerName: broker.name, queueId },
      minTimeStamp,
      maxTimeStamp: store.storeTimeAt(queue, queue.maxOffset - 1),
      consumeTimeStamp: offset > 0 ? store.storeTimeAt(queue, offset - 1) : minTimeStamp,
      delayTime: offset < queue.maxOffset && next > 0 ? broker.clock.now() - next : 0,
    };
  });
  return queueTimeSpans.write({ consumeTimeSpanSet: spans });
}
