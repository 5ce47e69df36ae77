/**
 * What an administrator asks brokers and name servers: topics, groups and their members, progress, dead letters, brokers.
 *
 * The face of `cluster/`: each method is one question or one change over all brokers concerned, and either does all of it
 * or rejects with what was met. Names are those that brokers use, retry and dead-letter prefixes included. Agrees with Java's
 * MQAdminExt where it has the same question.
 */
import { type ClientOptions, createClient, type RocketMQClient } from "../client/client.ts";
import type { PartialWorld } from "../client/world.ts";
import { clientProblems, unknownOptions } from "../client/options.ts";
import { ConfigError, ValidationError } from "../core/errors.ts";
import { kvTable } from "../protocol/bodies.ts";
import { groupProblem, serverTopicProblem } from "../protocol/names.ts";
import { getBrokerRuntimeInfo } from "../protocol/operations.ts";
import { type AskOptions, BrokerList, type BrokerSelection, type ClusterBroker } from "./broker_list.ts";
import { type GroupMembers, type GroupName, Groups, type GroupSettings } from "./groups.ts";
import { type GroupProgress, Progress, type ResetQueue, type ResetTarget } from "./progress.ts";
import {
  type BrowseOptions,
  type DeadLetterPage,
  type KeyQuery,
  type StoredMessage,
  StoredMessages,
} from "./stored_messages.ts";
import { type TopicDetails, type TopicName, Topics, type TopicSettings } from "./topics.ts";

export type { AskOptions, BrokerSelection, ClusterBroker } from "./broker_list.ts";
export type { GroupMember, GroupMembers, GroupName, GroupSettings } from "./groups.ts";
export type { GroupProgress, QueueLag, ResetQueue, ResetTarget } from "./progress.ts";
export type { BrowseOptions, DeadLetterPage, KeyQuery, StoredMessage } from "./stored_messages.ts";
export type { TopicDetails, TopicKind, TopicName, TopicPlace, TopicQueue, TopicSettings } from "./topics.ts";

/**
 * Whose connections an administrator uses: those of a client that runs already, or of one of its own. Beside a `client` no option
 * of a client may stand, nor a world.
 */
export type ClusterAdminOptions = { readonly client: RocketMQClient } | ClientOptions;

/**
 * Makes an administrator. It does no I/O before `start()`.
 *
 * @example
 * ```ts ignore
 * import { createClusterAdmin } from "jsr:@contrail/rocketmq";
 *
 * const admin = createClusterAdmin({ namesrvAddr: "127.0.0.1:9876" });
 * await admin.start();
 * const { totalLag } = await admin.progress("billing");
 * await admin.shutdown();
 * ```
 * @throws ConfigError naming every problem of the options.
 */
export function createClusterAdmin(options: ClusterAdminOptions, world?: PartialWorld): ClusterAdmin {
  const { client, ...own } = options as { readonly client?: RocketMQClient } & ClientOptions;
  if (client === undefined) return new ClusterAdmin(createClient(own, world));
  const problems = [...clientProblems(options, world), ...unknownOptions(own, [], "cluster admin")];
  if (problems.length === 0) return new ClusterAdmin(client);
  const list = problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  throw new ConfigError(`Cannot make the cluster admin: ${list}`, { problems });
}

/** Asks and changes a cluster. Made by `createClusterAdmin`. */
export class ClusterAdmin {
  readonly #brokers: BrokerList;
  readonly #topics: Topics;
  readonly #groups: Groups;
  readonly #progress: Progress;
  readonly #messages: StoredMessages;

  /** Use `createClusterAdmin`. */
  constructor(client: RocketMQClient) {
    this.#brokers = new BrokerList(client);
    this.#topics = new Topics(this.#brokers);
    this.#groups = new Groups(this.#brokers, this.#topics);
    this.#progress = new Progress(this.#brokers);
    this.#messages = new StoredMessages(this.#brokers);
  }

  /** The client whose connections it uses. */
  get client(): RocketMQClient {
    return this.#brokers.client;
  }

  /** Starts its client, or joins in if it runs. @throws NameServerError when no name server answers. */
  async start(options: AskOptions = {}): Promise<void> {
    await this.client.start(options);
  }

  /** Gives its client back: the last user of it closes the connections. */
  async shutdown(): Promise<void> {
    await this.client.shutdown();
  }

  /** The same as `shutdown()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  /** The brokers of all clusters, by name and id. */
  async brokers(options: AskOptions = {}): Promise<ClusterBroker[]> {
    return await this.#brokers.all(options);
  }

  /**
   * What a broker measures about itself: Java's `fetchBrokerRuntimeStats`.
   *
   * @param address One of `brokers()`.
   */
  async brokerStatus(address: string, options: AskOptions = {}): Promise<Readonly<Record<string, string>>> {
    const { body } = await this.#brokers.ask({ address }, getBrokerRuntimeInfo, {}, options);
    return kvTable.read(body).table;
  }

  /** All topics, retry, dead-letter and system topics included, sorted. */
  async topics(options: AskOptions = {}): Promise<TopicName[]> {
    return await this.#topics.list(options);
  }

  /** A topic: where it is, what its queues hold, who consumes it. @throws BrokerError code 17 when there is none. */
  async topic(topic: string, options: AskOptions = {}): Promise<TopicDetails> {
    requireTopic("describe topic", topic);
    return await this.#topics.describe(topic, options);
  }

  /** Makes a topic on the selected brokers (all masters by default). @throws ValidationError, BrokerNotAvailableError */
  async createTopic(
    topic: string,
    settings: TopicSettings = {},
    where: BrokerSelection & AskOptions = {},
  ): Promise<void> {
    await this.#topics.create(topic, settings, where);
  }

  /** Changes what `settings` names on the selected brokers that have the topic. @throws BrokerError code 17 */
  async updateTopic(
    topic: string,
    settings: TopicSettings,
    where: BrokerSelection & AskOptions = {},
  ): Promise<void> {
    await this.#topics.update(topic, settings, where);
  }

  /** Deletes a topic, with its messages, from all brokers and name servers. */
  async deleteTopic(topic: string, options: AskOptions = {}): Promise<void> {
    requireTopic("delete topic", topic);
    await this.#topics.delete(topic, options);
  }

  /** All consumer groups that brokers have settings of, sorted. */
  async groups(options: AskOptions = {}): Promise<GroupName[]> {
    return await this.#groups.list(options);
  }

  /** Makes a group on the selected brokers (all masters by default), or changes what `settings` names. */
  async saveGroup(
    group: string,
    settings: GroupSettings = {},
    where: BrokerSelection & AskOptions = {},
  ): Promise<void> {
    await this.#groups.save(group, settings, where);
  }

  /** Deletes a group with its retry and dead-letter topics; its offsets too, unless `cleanOffsets` is false. */
  async deleteGroup(
    group: string,
    { cleanOffsets = true, ...options }: AskOptions & { readonly cleanOffsets?: boolean } = {},
  ): Promise<void> {
    requireGroup("delete group", group);
    await this.#groups.delete(group, { cleanOffsets, ...options });
  }

  /** Who is in a group, and which queues each member says it holds; nobody when none is online. */
  async members(group: string, options: AskOptions = {}): Promise<GroupMembers> {
    requireGroup("list members", group);
    return await this.#groups.members(group, options);
  }

  /** How far a group is, queue by queue. @throws BrokerError code 206 when no broker has offsets of it. */
  async progress(
    group: string,
    { topic, ...options }: AskOptions & { readonly topic?: string | undefined } = {},
  ): Promise<GroupProgress> {
    requireGroup("tell progress", group);
    return await this.#progress.of(group, topic, options);
  }

  /**
   * Moves a group in a topic to a time, the first message kept or the end. Members that are online obey at their next pull.
   *
   * @returns The new place of each queue.
   */
  async resetOffsets(
    group: string,
    topic: string,
    to: ResetTarget,
    options: AskOptions & {
      /** Whether the group may also move forward. Default true. */
      readonly force?: boolean | undefined;
    } = {},
  ): Promise<ResetQueue[]> {
    requireGroup("reset offsets", group);
    requireTopic("reset offsets", topic);
    return await this.#progress.reset(group, topic, to, options);
  }

  /** The newest dead letters of a group, page by page; none when it has no dead-letter topic. Moves no offset. */
  async deadLetters(group: string, options: BrowseOptions = {}): Promise<DeadLetterPage> {
    requireGroup("browse dead letters", group);
    return await this.#messages.deadLetters(group, options);
  }

  /**
   * Sends a dead letter back to its group, which gets it once more after about a second; if that fails too, it is a dead letter
   * again. The letter that was sent back stays in the dead-letter topic until the broker's retention removes it.
   *
   * @throws ValidationError when the message is not a dead letter of the group.
   */
  async sendBack(
    group: string,
    letter: Pick<StoredMessage, "offsetMessageId"> & { readonly queue: { readonly brokerName: string } },
    options: AskOptions = {},
  ): Promise<void> {
    requireGroup("send back a dead letter", group);
    await this.#messages.sendBack(group, letter.queue.brokerName, letter.offsetMessageId, options);
  }

  /** A message by its unique id or its offset id; undefined when no broker has it. */
  async message(topic: string, id: string, options: AskOptions = {}): Promise<StoredMessage | undefined> {
    requireTopic("find message", topic);
    return await this.#messages.byId(topic, id, options);
  }

  /** Messages by one of their keys, newest first. */
  async messagesByKey(topic: string, key: string, query: KeyQuery = {}): Promise<StoredMessage[]> {
    requireTopic("find messages", topic);
    return await this.#messages.byKey(topic, key, query);
  }
}

function requireTopic(attempted: string, topic: string): void {
  const problem = serverTopicProblem(topic);
  if (problem !== undefined) throw new ValidationError(`Cannot ${attempted}: ${problem}`, { topic });
}

function requireGroup(attempted: string, group: string): void {
  const problem = groupProblem(group);
  if (problem !== undefined) throw new ValidationError(`Cannot ${attempted}: ${problem}`, { group });
}
