/**
 * The topics of one broker, and how a topic comes into being.
 *
 * Picture a table by name. Rows appear when a broker starts (its system topics), when an administrator makes one, on the
 * first message to an unknown topic (copied from the topic named in the send, normally TBW102), and for each group (its
 * retry and dead-letter topics). Every change is told to the name servers. Agrees with TopicConfigManager.
 */
import {
  DEFAULT_CREATE_TOPIC,
  isRetryTopic,
  replyTopic,
  SCHEDULE_TOPIC,
  TRACE_TOPIC,
  TRANS_HALF_TOPIC,
} from "../../protocol/names.ts";
import type { TopicConfig } from "../../protocol/bodies.ts";
import type { BrokerOptions } from "./broker_options.ts";

/** Permission bits of a topic (PermName). */
export const Permission = { READ: 4, WRITE: 2, INHERIT: 1 } as const;

/** Where messages with a timer wait. */
export const TIMER_TOPIC = "rmq_sys_wheel_timer";
/** Where the fate of half messages is noted. */
export const TRANS_OP_TOPIC = "RMQ_SYS_TRANS_OP_HALF_TOPIC";
/** Where half messages go whose fate nobody could tell. */
export const TRANS_CHECK_MAX_TOPIC = "TRANS_CHECK_MAX_TIME_TOPIC";
/** Half messages and their fates where a broker keeps transactions in RocksDB; all have the topics, a stock one leaves them empty. */
const ROCKSDB_TRANS_TOPICS = ["RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC", "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC"];

/** Number of the topic's system flag that marks a retry topic of a unit. */
const UNIT_SUB_FLAG = 2;

/** Settings of a topic whose name is known. */
export type NamedTopic = TopicConfig & { readonly topicName: string };

/** Topics by name. */
export class TopicTable {
  readonly #topics = new Map<string, NamedTopic>();
  readonly #options: BrokerOptions;
  /** Is told of every change, `removed` when the topic is gone. */
  onChange: ((topic: NamedTopic, removed: boolean) => void) | undefined;

  /** A table that holds the system topics of a broker. */
  constructor(options: BrokerOptions) {
    this.#options = options;
    for (const topic of systemTopics(options)) this.#topics.set(topic.topicName, topic);
  }

  /** A topic, `undefined` when there is none of that name. */
  get(topic: string): NamedTopic | undefined {
    return this.#topics.get(topic);
  }

  /** All topics. */
  all(): Iterable<NamedTopic> {
    return this.#topics.values();
  }

  /** How many topics there are. */
  get size(): number {
    return this.#topics.size;
  }

  /** Tells of all topics as if each had changed. */
  tellAll(): void {
    for (const topic of this.#topics.values()) this.onChange?.(topic, false);
  }

  /** Makes or changes a topic. */
  put(topic: NamedTopic): NamedTopic {
    this.#topics.set(topic.topicName, topic);
    this.onChange?.(topic, false);
    return topic;
  }

  /** Removes a topic; gives whether there was one. */
  remove(topic: string): boolean {
    const config = this.#topics.get(topic);
    if (config === undefined) return false;
    this.#topics.delete(topic);
    this.onChange?.(config, true);
    return true;
  }

  /**
   * The topic that a message is sent to, made from `defaultTopic` when there is none yet
   * (createTopicInSendMessageMethod); `undefined` when it cannot be made.
   */
  forSend(topic: string, defaultTopic: string, queues: number): NamedTopic | undefined {
    const known = this.get(topic);
    if (known !== undefined) return known;
    if (isRetryTopic(topic)) return this.ensure(topic, 1);
    const model = this.get(defaultTopic);
    if (model === undefined) return undefined;
    if (defaultTopic === DEFAULT_CREATE_TOPIC && !this.#options.autoCreateTopic) return undefined;
    if ((model.perm & Permission.INHERIT) === 0) return undefined;
    const count = Math.max(0, Math.min(queues, model.writeQueueNums));
    return this.put(topicConfig(topic, count, { perm: model.perm & ~Permission.INHERIT }));
  }

  /** A topic of the broker's own making (retry, dead letter), made with `queues` queues when there is none yet. */
  ensure(topic: string, queues: number, unitMode = false): NamedTopic {
    return this.get(topic) ??
      this.put(topicConfig(topic, queues, unitMode ? { topicSysFlag: UNIT_SUB_FLAG } : {}));
  }
}

/** A topic as its broker tells name servers of it: with no more permission than the broker gives. */
export function registeredTopic(topic: NamedTopic, brokerPermission: number): NamedTopic {
  const withdrawn = (Permission.READ | Permission.WRITE) & ~brokerPermission;
  return withdrawn === 0 ? topic : { ...topic, perm: topic.perm & brokerPermission };
}

/** The settings of a topic with as many read as write queues; readable and writable unless `more` says otherwise. */
export function topicConfig(
  topicName: string,
  queues: number,
  more: Partial<Omit<TopicConfig, "topicName">> = {},
): NamedTopic {
  return {
    topicName,
    readQueueNums: queues,
    writeQueueNums: queues,
    perm: Permission.READ | Permission.WRITE,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
    attributes: {},
    ...more,
  };
}

/** The topics that a 5.5.0 broker starts with. */
function systemTopics(options: BrokerOptions): NamedTopic[] {
  const all = Permission.READ | Permission.WRITE | Permission.INHERIT;
  return [
    topicConfig("SELF_TEST_TOPIC", 1),
    topicConfig(DEFAULT_CREATE_TOPIC, options.defaultTopicQueueNums, { perm: all }),
    topicConfig("BenchmarkTest", 1024),
    topicConfig(options.clusterName, 16, { perm: all }),
    topicConfig(options.brokerName, 1, { perm: all }),
    topicConfig("OFFSET_MOVED_EVENT", 1),
    topicConfig(SCHEDULE_TOPIC, options.delayLevelsMs.length),
    topicConfig(TRACE_TOPIC, 1),
    topicConfig(replyTopic(options.clusterName), 1),
    topicConfig(`rmq_sys_REVIVE_LOG_${options.clusterName}`, options.reviveQueueNums),
    topicConfig(`rmq_sys_SYNC_BROKER_MEMBER_${options.brokerName}`, 1, { perm: Permission.INHERIT }),
    topicConfig(TRANS_HALF_TOPIC, 1),
    topicConfig(TRANS_OP_TOPIC, 1),
    ...ROCKSDB_TRANS_TOPICS.map((topic) => topicConfig(topic, 1)),
    topicConfig(TIMER_TOPIC, 1),
  ];
}
