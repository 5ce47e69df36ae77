/**
 * Consumer groups: which there are, who is in one and which queues each member holds, and their settings.
 *
 * Agrees with DefaultMQAdminExt (getAllSubscriptionGroup, examineConsumerConnectionInfo, getConsumerRunningInfo) and with the
 * tool DeleteSubscriptionGroupCommand. A member that does not answer is told with its problem; it does not hide the others.
 */
import { ValidationError } from "../core/errors.ts";
import {
  type Connection,
  consumerConnection,
  consumerRunningInfo,
  defaultSubscriptionGroupConfig,
  type SubscriptionData,
  type SubscriptionGroupConfig,
  subscriptionGroupConfig,
  subscriptionGroupTable,
} from "../protocol/bodies.ts";
import { compareQueues, type MessageQueue } from "../protocol/message_queue.ts";
import { dlqTopic, groupProblem, retryTopic } from "../protocol/names.ts";
import {
  deleteSubscriptionGroup,
  getAllSubscriptionGroupConfig,
  getConsumerConnectionList,
  getConsumerRunningInfo,
  getSubscriptionGroupConfig,
  updateAndCreateSubscriptionGroup,
} from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import { versionName } from "../protocol/versions.ts";
import {
  type AskOptions,
  type BrokerList,
  type BrokerSelection,
  type ClusterBroker,
  isRefusal,
  LONG_TIMEOUT_MS,
  unlessRefused,
} from "./broker_list.ts";
import type { Topics } from "./topics.ts";

/** Settings of a consumer group that can be given; what is left out stays, or is the broker's default. */
export interface GroupSettings {
  /** Whether it may consume. Default true. */
  readonly consumeEnable?: boolean | undefined;
  /** Whether it may broadcast. Default true. */
  readonly consumeBroadcastEnable?: boolean | undefined;
  /** Whether it consumes in order. Default false. */
  readonly consumeMessageOrderly?: boolean | undefined;
  /** Queues of its retry topic. Default 1. */
  readonly retryQueueNums?: number | undefined;
  /** Deliveries after the first before a message is dead. Default 16. */
  readonly retryMaxTimes?: number | undefined;
}

/** One consumer group. */
export interface GroupName {
  /** Its name. */
  readonly group: string;
  /** Names of the brokers that have settings of it, sorted. */
  readonly brokers: readonly string[];
  /** Its settings on the first of them. */
  readonly settings: Required<{ readonly [K in keyof GroupSettings]: Exclude<GroupSettings[K], undefined> }>;
}

/** One member of a group. */
export interface GroupMember {
  /** Its client id. */
  readonly clientId: string;
  /** `ip:port` that it is connected from. */
  readonly address: string;
  /** Its language. */
  readonly language: string;
  /** Its version, such as `V5_5_0`. */
  readonly version: string;
  /** The queues that it holds, sorted; empty when it did not answer. */
  readonly queues: readonly MessageQueue[];
  /** Why its queues are not known. */
  readonly problem?: string | undefined;
}

/** The members of a group. */
export interface GroupMembers {
  /** The group. */
  readonly group: string;
  /** How it gets its messages. */
  readonly consumeType: "CONSUME_ACTIVELY" | "CONSUME_PASSIVELY" | "CONSUME_POP" | undefined;
  /** Whether members share the messages. */
  readonly messageModel: "CLUSTERING" | "BROADCASTING" | "LITE_SELECTIVE" | undefined;
  /** Where it begins without progress, by Java's name. */
  readonly consumeFromWhere: string | undefined;
  /** What it subscribes to, by topic name. */
  readonly subscriptions: readonly SubscriptionData[];
  /** The members, sorted by client id; none when nobody is online. */
  readonly members: readonly GroupMember[];
}

/** A member, and a broker through which it can be asked. */
interface Seen {
  readonly connection: Connection;
  readonly broker: ClusterBroker;
}

/** Consumer groups. */
export class Groups {
  readonly #brokers: BrokerList;
  readonly #topics: Topics;

  constructor(brokers: BrokerList, topics: Topics) {
    this.#brokers = brokers;
    this.#topics = topics;
  }

  /** All groups that brokers have settings of, sorted. */
  async list(options: AskOptions = {}): Promise<GroupName[]> {
    const found = new Map<string, { brokers: string[]; settings: GroupName["settings"] }>();
    for (const broker of await this.#brokers.readers(options)) {
      for (const [group, config] of await this.#settingsOf(broker, options)) {
        const known = found.get(group);
        if (known) known.brokers.push(broker.brokerName);
        else found.set(group, { brokers: [broker.brokerName], settings: settingsOf(config) });
      }
    }
    return [...found].map(([group, { brokers, settings }]) => ({ group, brokers: brokers.sort(), settings }))
      .sort((a, b) => a.group < b.group ? -1 : 1);
  }

  /** Since 5.4 brokers hand the table out in portions; older ones give all of it, and no total. */
  async #settingsOf(
    broker: ClusterBroker,
    options: AskOptions,
  ): Promise<Map<string, SubscriptionGroupConfig>> {
    const all = new Map<string, SubscriptionGroupConfig>();
    for (let groupSeq = 0;;) {
      const { body, header } = await this.#brokers.ask(
        broker,
        getAllSubscriptionGroupConfig,
        { groupSeq },
        options,
      );
      const portion = Object.entries(subscriptionGroupTable.read(body).subscriptionGroupTable);
      for (const [group, config] of portion) all.set(group, config);
      groupSeq += portion.length;
      if (portion.length === 0 || groupSeq >= (header.totalGroupNum ?? 0)) return all;
    }
  }

  /** Makes a group on the selected masters, or changes what `settings` names. */
  async save(group: string, settings: GroupSettings, where: BrokerSelection & AskOptions): Promise<void> {
    const problem = groupProblem(group);
    if (problem !== undefined) throw new ValidationError(`Cannot save group: ${problem}`, { group });
    for (const broker of await this.#brokers.masters(where, where)) {
      const before = await this.#configOn(broker, group, where) ?? defaultSubscriptionGroupConfig(group);
      const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
      const body = subscriptionGroupConfig.write({ ...before, ...given, groupName: group });
      await this.#brokers.ask(broker, updateAndCreateSubscriptionGroup, {}, { ...where, body });
    }
  }

  /** The settings of a group on one broker, undefined when it has none; brokers before 5.0 only tell those of all groups. */
  async #configOn(
    broker: ClusterBroker,
    group: string,
    options: AskOptions,
  ): Promise<SubscriptionGroupConfig | undefined> {
    try {
      const { body } = await this.#brokers.ask(broker, getSubscriptionGroupConfig, { group }, options);
      return subscriptionGroupConfig.read(body);
    } catch (error) {
      if (isRefusal(error, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, ResponseCode.SYSTEM_ERROR)) {
        return undefined;
      }
      if (!isRefusal(error, ResponseCode.REQUEST_CODE_NOT_SUPPORTED)) throw error;
      return (await this.#settingsOf(broker, options)).get(group);
    }
  }

  /** Deletes a group from every master, with its retry and dead-letter topics; its offsets too when told so. */
  async delete(
    group: string,
    { cleanOffsets, ...options }: AskOptions & { cleanOffsets: boolean },
  ): Promise<void> {
    for (const broker of await this.#brokers.masters({}, options)) {
      const header = { groupName: group, cleanOffset: cleanOffsets };
      await this.#brokers.ask(broker, deleteSubscriptionGroup, header, options);
    }
    await this.#topics.delete(retryTopic(group), options);
    await this.#topics.delete(dlqTopic(group), options);
  }

  /** The members of a group, and the queues that each says it holds. */
  async members(group: string, options: AskOptions = {}): Promise<GroupMembers> {
    const answers = await Promise.all((await this.#brokersOf(group, options)).map(async (broker) => {
      const header = { consumerGroup: group };
      const reply = await unlessRefused(
        this.#brokers.ask(broker, getConsumerConnectionList, header, options),
        ResponseCode.CONSUMER_NOT_ONLINE,
      );
      return reply && { broker, connection: consumerConnection.read(reply.body) };
    }));
    const seen = new Map<string, Seen>();
    const subscriptions = new Map<string, SubscriptionData>();
    for (const answer of answers) {
      if (answer === undefined) continue;
      for (const connection of answer.connection.connectionSet) {
        seen.set(connection.clientId ?? "", { connection, broker: answer.broker });
      }
      for (const each of Object.values(answer.connection.subscriptionTable)) {
        subscriptions.set(each.topic, each);
      }
    }
    const first = answers.find((answer) => answer !== undefined)?.connection;
    const members = await Promise.all([...seen.values()].map((each) => this.#member(group, each, options)));
    return {
      group,
      consumeType: first?.consumeType,
      messageModel: first?.messageModel,
      consumeFromWhere: first?.consumeFromWhere,
      subscriptions: [...subscriptions.values()].sort((a, b) => a.topic < b.topic ? -1 : 1),
      members: members.sort((a, b) => a.clientId < b.clientId ? -1 : 1),
    };
  }

  /** Where members send heartbeats: the brokers of the retry topic, which the first heartbeat makes; else all. */
  async #brokersOf(group: string, options: AskOptions): Promise<readonly ClusterBroker[]> {
    const brokers = await this.#brokers.readersOf(retryTopic(group), options);
    return brokers.length > 0 ? brokers : await this.#brokers.readers(options);
  }

  async #member(group: string, { connection, broker }: Seen, options: AskOptions): Promise<GroupMember> {
    const { clientId = "", clientAddr = "", language = "", version } = connection;
    const member = { clientId, address: clientAddr, language, version: versionName(version) };
    try {
      const { body } = await this.#brokers.ask(broker, getConsumerRunningInfo, {
        consumerGroup: group,
        clientId,
        jstackEnable: false,
      }, { ...options, timeoutMs: LONG_TIMEOUT_MS });
      const { mqTable, mqPopTable } = consumerRunningInfo.read(body);
      return { ...member, queues: [...mqTable.keys(), ...mqPopTable.keys()].sort(compareQueues) };
    } catch (error) {
      options.signal?.throwIfAborted();
      return { ...member, queues: [], problem: (error as Error).message };
    }
  }
}

function settingsOf(config: SubscriptionGroupConfig): GroupName["settings"] {
  const { consumeEnable, consumeBroadcastEnable, consumeMessageOrderly, retryQueueNums, retryMaxTimes } =
    config;
  return { consumeEnable, consumeBroadcastEnable, consumeMessageOrderly, retryQueueNums, retryMaxTimes };
}
