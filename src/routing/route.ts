/**
 * What a topic's route means: the queues to write to, the queues to read from, and where their brokers are.
 *
 * Pure: TopicRouteData in, lists out. Agrees with MQClientInstance.topicRouteData2TopicPublishInfo and
 * topicRouteData2TopicSubscribeInfo, order included: allocation and selection count on it.
 */
import { type BrokerData, type QueueData, type TopicRouteData, topicRouteData } from "../protocol/bodies.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { logicalQueues } from "./static_topic.ts";

/** Bit of a queue's permission: it can be read. */
export const PERM_READ = 4;
/** Bit of a queue's permission: it can be written. */
export const PERM_WRITE = 2;
/** Id of a broker that is its group's master. */
export const MASTER_ID = 0;

/** The route of a topic. The same object stands for it until the route changes. */
export interface TopicRoute {
  /** The topic, as brokers call it. */
  readonly topic: string;
  /** Queues that can be read, by broker name and number. */
  readonly readQueues: readonly MessageQueue[];
  /** Queues that can be written, in the order that Java's producer has them. */
  readonly writeQueues: readonly MessageQueue[];
  /** Whether the topic is configured to be ordered over its brokers (`orderTopicConf`). */
  readonly ordered: boolean;
  /** Addresses by broker id, by broker name; id 0 is the master. */
  readonly brokers: ReadonlyMap<string, ReadonlyMap<number, string>>;
  /** For the queues of a static topic: name of the broker that holds each (keyed by `queueKey`); else empty. */
  readonly logicalBrokers: ReadonlyMap<string, string>;
  /** What the name server said. */
  readonly data: TopicRouteData;
}

/** The route that a name server's answer describes. */
export function buildRoute(topic: string, data: TopicRouteData): TopicRoute {
  const logical = logicalQueues(topic, data.topicQueueMappingByBroker);
  const queueDatas = [...data.queueDatas].sort(byBrokerName);
  const ordered = Boolean(data.orderTopicConf);
  let writeQueues: MessageQueue[];
  if (ordered) writeQueues = orderedQueues(topic, data.orderTopicConf!);
  else if (logical && data.orderTopicConf === undefined) writeQueues = logical.queues;
  else writeQueues = writableQueues(topic, queueDatas, data.brokerDatas);
  return {
    topic,
    readQueues: logical ? logical.queues : readableQueues(topic, queueDatas),
    writeQueues,
    ordered,
    brokers: new Map(data.brokerDatas.map((broker) => [broker.brokerName, broker.brokerAddrs])),
    logicalBrokers: logical?.brokers ?? new Map(),
    data,
  };
}

/** Whether two answers say the same, whatever the order of their lists (TopicRouteData.topicRouteDataChanged). */
export function sameRoute(a: TopicRouteData, b: TopicRouteData): boolean {
  return topicRouteData.writeText(inOrder(a)) === topicRouteData.writeText(inOrder(b));
}

function inOrder(data: TopicRouteData): TopicRouteData {
  const brokerDatas = data.brokerDatas.map((broker) => ({
    ...broker,
    brokerAddrs: new Map([...broker.brokerAddrs].sort(([a], [b]) => a - b)),
  }));
  return {
    ...data,
    queueDatas: [...data.queueDatas].sort(byBrokerName),
    brokerDatas: brokerDatas.sort(byBrokerName),
  };
}

function byBrokerName(a: { readonly brokerName: string }, b: { readonly brokerName: string }): number {
  return a.brokerName < b.brokerName ? -1 : a.brokerName > b.brokerName ? 1 : 0;
}

function numbered(topic: string, brokerName: string, count: number): MessageQueue[] {
  return Array.from({ length: Math.max(0, count) }, (_, queueId) => ({ topic, brokerName, queueId }));
}

/** `brokerA:4;brokerB:2` in the order it is written. A pair without a number is left out. */
function orderedQueues(topic: string, orderTopicConf: string): MessageQueue[] {
  return orderTopicConf.split(";").flatMap((pair) => {
    const [brokerName = "", count = ""] = pair.split(":");
    return /^\d{1,6}$/.test(count) ? numbered(topic, brokerName, Number(count)) : [];
  });
}

function writableQueues(
  topic: string,
  queueDatas: readonly QueueData[],
  brokerDatas: readonly BrokerData[],
): MessageQueue[] {
  const withMaster = new Set(
    brokerDatas.filter((broker) => broker.brokerAddrs.has(MASTER_ID)).map((broker) => broker.brokerName),
  );
  return queueDatas.flatMap(({ brokerName, perm, writeQueueNums }) =>
    (perm & PERM_WRITE) !== 0 && withMaster.has(brokerName) ? numbered(topic, brokerName, writeQueueNums) : []
  );
}

function readableQueues(topic: string, queueDatas: readonly QueueData[]): MessageQueue[] {
  return queueDatas.flatMap(({ brokerName, perm, readQueueNums }) =>
    (perm & PERM_READ) !== 0 ? numbered(topic, brokerName, readQueueNums) : []
  );
}
