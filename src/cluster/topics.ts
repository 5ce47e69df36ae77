/**
 * Topics, as an administrator sees them: which there are, what each holds on which broker, and making, changing and
 * deleting one.
 *
 * Agrees with DefaultMQAdminExt (fetchAllTopicList, examineTopicStats, queryTopicConsumeByWho) and, for changes over a
 * cluster, with the tools UpdateTopicSubCommand and DeleteTopicSubCommand: one request to each master.
 */
import {
  groupList,
  type TopicConfig,
  topicConfig,
  topicConfigTable,
  topicList,
  type TopicRouteData,
  topicStatsTable,
} from "../protocol/bodies.ts";
import { compareQueues, type MessageQueue } from "../protocol/message_queue.ts";
import {
  DEFAULT_CREATE_TOPIC,
  isDlqTopic,
  isRetryTopic,
  isSystemTopic,
  serverTopicProblem,
} from "../protocol/names.ts";
import {
  deleteTopicInBroker,
  deleteTopicInNamesrv,
  getAllTopicConfig,
  getAllTopicListFromNameserver,
  getSystemTopicListFromNs,
  getTopicConfig,
  getTopicStatsInfo,
  queryTopicConsumeByWho,
  updateAndCreateTopic,
} from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import { ValidationError } from "../core/errors.ts";
import {
  type AskOptions,
  type BrokerList,
  type BrokerSelection,
  type ClusterBroker,
  isRefusal,
  LONG_TIMEOUT_MS,
} from "./broker_list.ts";

/** What a topic is for. */
export type TopicKind = "normal" | "retry" | "deadLetter" | "system";

/** One topic of the list. */
export interface TopicName {
  /** Its name. */
  readonly topic: string;
  /** What it is for. */
  readonly kind: TopicKind;
}

/** What one broker has of a topic. */
export interface TopicPlace {
  /** Name of the broker. */
  readonly brokerName: string;
  /** Addresses by broker id; 0 is the master. */
  readonly addresses: Readonly<Record<number, string>>;
  /** How many queues can be read. */
  readonly readQueues: number;
  /** How many queues can be written. */
  readonly writeQueues: number;
  /** Bits: 4 read, 2 write, 1 inherit. */
  readonly perm: number;
}

/** What one queue of a topic holds. */
export interface TopicQueue {
  /** The queue. */
  readonly queue: MessageQueue;
  /** First offset still stored. */
  readonly minOffset: number;
  /** Next offset to be written. */
  readonly maxOffset: number;
  /** Store time of the last message, in milliseconds since the epoch; 0 when there is none. */
  readonly lastUpdateTimestamp: number;
}

/** A topic. */
export interface TopicDetails extends TopicName {
  /** Where it is. */
  readonly places: readonly TopicPlace[];
  /** What its queues hold, sorted. */
  readonly queues: readonly TopicQueue[];
  /** The groups that consume it, sorted. */
  readonly groups: readonly string[];
}

/** Settings of a topic. */
export interface TopicSettings {
  /** Queues to read and to write on each broker. Default 8, as Java's tool. */
  readonly queues?: number | undefined;
  /** Queues to read, where it differs. */
  readonly readQueues?: number | undefined;
  /** Queues to write, where it differs. */
  readonly writeQueues?: number | undefined;
  /** Bits: 4 read, 2 write. Default 6. */
  readonly perm?: number | undefined;
  /** Whether the topic is globally ordered. Default false. */
  readonly ordered?: boolean | undefined;
  /** Further settings to set, such as `message.type`. */
  readonly attributes?: Readonly<Record<string, string>> | undefined;
}

const DEFAULT_QUEUES = 8;
const READ_AND_WRITE = 6;

/** Topics. */
export class Topics {
  readonly #brokers: BrokerList;

  constructor(brokers: BrokerList) {
    this.#brokers = brokers;
  }

  /** All topics, sorted; the names of clusters and brokers among them are `system`. */
  async list({ signal }: AskOptions = {}): Promise<TopicName[]> {
    const { client } = this.#brokers;
    const [all, system] = await Promise.all([
      client.callNameServer(getAllTopicListFromNameserver, {}, { signal }),
      client.callNameServer(getSystemTopicListFromNs, {}, { signal }),
    ]);
    const own = new Set(topicList.read(system.body).topicList);
    return [...topicList.read(all.body).topicList].sort().map((topic) => ({
      topic,
      kind: own.has(topic) || own.has(clusterOfReplies(topic)) ? "system" : topicKind(topic),
    }));
  }

  /** One topic. @throws BrokerError with response code 17 when there is no such topic. */
  async describe(topic: string, options: AskOptions = {}): Promise<TopicDetails> {
    const { data } = await this.#brokers.route(topic, options);
    const readers = await this.#brokers.readersOf(topic, options);
    const [stats, groups] = await Promise.all([
      Promise.all(readers.map(async (broker) => {
        const { body } = await this.#brokers.ask(broker, getTopicStatsInfo, { topic }, options);
        return [...topicStatsTable.read(body).offsetTable];
      })),
      Promise.all(readers.map(async (broker) => {
        const { body } = await this.#brokers.ask(broker, queryTopicConsumeByWho, { topic }, options);
        return groupList.read(body).groupList;
      })),
    ]);
    const queues = stats.flat().map(([queue, extent]) => ({ queue, ...extent }));
    return {
      topic,
      kind: topicKind(topic),
      places: places(data),
      queues: queues.sort((a, b) => compareQueues(a.queue, b.queue)),
      groups: [...new Set(groups.flat())].sort(),
    };
  }

  /** Makes a topic on the selected masters, or gives it all of these settings. */
  async create(topic: string, settings: TopicSettings, where: BrokerSelection & AskOptions): Promise<void> {
    const config = { ...freshConfig(), ...changes(settings), attributes: settings.attributes ?? {} };
    checkConfig("create", topic, config);
    for (const broker of await this.#brokers.masters(where, where)) {
      await this.#put(broker, topic, config, where);
    }
  }

  /** Changes what `settings` names, on the selected masters that have the topic. @throws BrokerError when none has it. */
  async update(topic: string, settings: TopicSettings, where: BrokerSelection & AskOptions): Promise<void> {
    checkConfig("change", topic, { ...freshConfig(), ...changes(settings) });
    await this.#brokers.route(topic, where);
    for (const broker of await this.#brokers.masters(where, where)) {
      const now = await this.#configOn(broker, topic, where);
      if (now === undefined) continue;
      const config = { ...now, ...changes(settings) };
      // Only what is named is sent: the rest stays as it is.
      await this.#put(broker, topic, { ...config, attributes: settings.attributes ?? {} }, where);
    }
  }

  /** Deletes a topic from every master, then from every name server. */
  async delete(topic: string, options: AskOptions): Promise<void> {
    const { client } = this.#brokers;
    for (const broker of await this.#brokers.masters({}, options)) {
      await this.#brokers.ask(broker, deleteTopicInBroker, { topic }, {
        ...options,
        timeoutMs: LONG_TIMEOUT_MS,
      });
    }
    for (const address of client.statistics().nameServers) {
      await client.callAddress(address, deleteTopicInNamesrv, { topic }, options);
    }
  }

  /** The settings of a topic on one broker, undefined when it has none; brokers before 5.0 only tell those of all topics. */
  async #configOn(
    broker: ClusterBroker,
    topic: string,
    options: AskOptions,
  ): Promise<TopicConfig | undefined> {
    try {
      return topicConfig.read((await this.#brokers.ask(broker, getTopicConfig, { topic }, options)).body);
    } catch (error) {
      if (isRefusal(error, ResponseCode.TOPIC_NOT_EXIST)) return undefined;
      if (!isRefusal(error, ResponseCode.REQUEST_CODE_NOT_SUPPORTED)) throw error;
      const all = await this.#brokers.ask(broker, getAllTopicConfig, {}, options);
      return topicConfigTable.read(all.body).topicConfigTable[topic];
    }
  }

  async #put(broker: ClusterBroker, topic: string, config: TopicConfig, options: AskOptions): Promise<void> {
    const attributes = Object.entries(config.attributes).map(([name, value]) => `+${name}=${value}`).join(
      ",",
    );
    await this.#brokers.ask(broker, updateAndCreateTopic, {
      topic,
      defaultTopic: DEFAULT_CREATE_TOPIC,
      readQueueNums: config.readQueueNums,
      writeQueueNums: config.writeQueueNums,
      perm: config.perm,
      topicFilterType: config.topicFilterType,
      topicSysFlag: config.topicSysFlag,
      order: config.order,
      attributes: attributes || undefined,
    }, options);
  }
}

/** The cluster whose topic of replies this would be (MixAll.getReplyTopic); the clusters' names are among the system's topics. */
function clusterOfReplies(topic: string): string {
  return topic.endsWith("_REPLY_TOPIC") ? topic.slice(0, -"_REPLY_TOPIC".length) : "";
}

/** What a topic of this name is for. */
export function topicKind(topic: string): TopicKind {
  if (isRetryTopic(topic)) return "retry";
  if (isDlqTopic(topic)) return "deadLetter";
  return isSystemTopic(topic) ? "system" : "normal";
}

function places({ brokerDatas, queueDatas }: TopicRouteData): TopicPlace[] {
  return queueDatas.map(({ brokerName, readQueueNums, writeQueueNums, perm }) => ({
    brokerName,
    addresses: Object.fromEntries(
      brokerDatas.find((each) => each.brokerName === brokerName)?.brokerAddrs ?? [],
    ),
    readQueues: readQueueNums,
    writeQueues: writeQueueNums,
    perm,
  })).sort((a, b) => a.brokerName < b.brokerName ? -1 : 1);
}

function freshConfig(): TopicConfig {
  return {
    readQueueNums: DEFAULT_QUEUES,
    writeQueueNums: DEFAULT_QUEUES,
    perm: READ_AND_WRITE,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
    attributes: {},
  };
}

function changes({ queues, readQueues = queues, writeQueues = queues, perm, ordered }: TopicSettings): {
  readQueueNums?: number;
  writeQueueNums?: number;
  perm?: number;
  order?: boolean;
} {
  return {
    ...(readQueues !== undefined && { readQueueNums: readQueues }),
    ...(writeQueues !== undefined && { writeQueueNums: writeQueues }),
    ...(perm !== undefined && { perm }),
    ...(ordered !== undefined && { order: ordered }),
  };
}

function checkConfig(action: string, topic: string, config: TopicConfig): void {
  const problem = serverTopicProblem(topic) ?? queuesProblem(config);
  if (problem !== undefined) throw new ValidationError(`Cannot ${action} topic: ${problem}`, { topic });
}

function queuesProblem({ readQueueNums, writeQueueNums, perm }: TopicConfig): string | undefined {
  for (const count of [readQueueNums, writeQueueNums]) {
    if (!Number.isInteger(count) || count < 1) {
      return `number of queues is ${count}, not a whole number from 1`;
    }
  }
  return Number.isInteger(perm) && perm >= 0 && perm <= 7 ? undefined : `perm is ${perm}, not one of 0 to 7`;
}
