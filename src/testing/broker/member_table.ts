/**
 * Who is there: the producers and consumers that send heartbeats, by group.
 *
 * A member is a connection under a client id; the same client on a second connection is a second member, as in Java. A
 * consumer group exists while it has members. Whatever changes the members of a group (a heartbeat, an unregistration, a
 * closed connection, silence) is told through `onChange` with the connections left. Agrees with ConsumerManager,
 * ConsumerGroupInfo and ProducerManager.
 */
import type { ConsumeFromWhere, ConsumerData, ConsumeType, MessageModel } from "../../protocol/bodies.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";
import type { Channel } from "../../remoting/channel.ts";

/** A client in a group, over one connection. */
export interface Member {
  /** Its client id. */
  readonly clientId: string;
  /** Its connection. */
  readonly channel: Channel;
  /** Name of its language. */
  readonly language: string;
  /** Its version (an MQVersion ordinal). */
  readonly version: number;
  /** When it was last heard of, in milliseconds since the epoch. */
  lastSeenAt: number;
}

/** A consumer group with its members. */
export interface ConsumerGroup {
  /** Its name. */
  readonly group: string;
  /** How it consumes, as the last heartbeat said. */
  consumeType: ConsumeType | undefined;
  /** `CLUSTERING` or `BROADCASTING`, as the last heartbeat said. */
  messageModel: MessageModel | undefined;
  /** Where it starts, as the last heartbeat said. */
  consumeFromWhere: ConsumeFromWhere | undefined;
  /** What it subscribed to, by topic. */
  readonly subscriptions: Map<string, SubscriptionData>;
  /** Its members by connection. */
  readonly members: Map<Channel, Member>;
}

/** The members of all groups at one broker. */
export class MemberTable {
  readonly #consumers = new Map<string, ConsumerGroup>();
  readonly #producers = new Map<string, Map<Channel, Member>>();
  /** Fingerprint of the last heartbeat for a group, from any of its members. */
  readonly fingerprints: Map<string, number> = new Map();
  /** Is told of a consumer group whose members changed, with the connections to tell. */
  onChange: ((group: ConsumerGroup, channels: Channel[]) => void) | undefined;

  /** A consumer group, `undefined` when it has no members. */
  consumerGroup(group: string): ConsumerGroup | undefined {
    return this.#consumers.get(group);
  }

  /** All consumer groups that have members. */
  consumerGroups(): Iterable<ConsumerGroup> {
    return this.#consumers.values();
  }

  /** Producer groups that have members, with these. */
  producerGroups(): Iterable<[string, ReadonlyMap<Channel, Member>]> {
    return this.#producers;
  }

  /** The members of a producer group. */
  producers(group: string): Member[] {
    return [...this.#producers.get(group)?.values() ?? []];
  }

  /** The member of a consumer group under a client id. */
  consumer(group: string, clientId: string): Member | undefined {
    return [...this.#consumers.get(group)?.members.values() ?? []].find((m) => m.clientId === clientId);
  }

  /** The connection of any producer under a client id. */
  producerByClientId(clientId: string): Member | undefined {
    for (const members of this.#producers.values()) {
      for (const member of members.values()) if (member.clientId === clientId) return member;
    }
    return undefined;
  }

  /** Groups that subscribed to `topic`. */
  groupsSubscribedTo(topic: string): string[] {
    return [...this.#consumers.values()].filter((g) => g.subscriptions.has(topic)).map((g) => g.group);
  }

  /**
   * Takes a consumer's heartbeat. Its subscriptions are left alone when `withoutSubscriptions`. Tells `onChange` when the
   * connection is new, or a topic came or went.
   */
  registerConsumer(data: ConsumerData, member: Member, withoutSubscriptions: boolean): void {
    let group = this.#consumers.get(data.groupName);
    if (group === undefined) {
      group = {
        group: data.groupName,
        consumeType: data.consumeType,
        messageModel: data.messageModel,
        consumeFromWhere: data.consumeFromWhere,
        subscriptions: new Map(),
        members: new Map(),
      };
      this.#consumers.set(data.groupName, group);
    }
    group.consumeType = data.consumeType;
    group.messageModel = data.messageModel;
    group.consumeFromWhere = data.consumeFromWhere;
    const isNew = group.members.get(member.channel)?.clientId !== member.clientId;
    group.members.set(member.channel, member);
    const topicsChanged = !withoutSubscriptions && updateSubscriptions(group, data.subscriptionDataSet);
    if (isNew || topicsChanged) this.#changed(group);
  }

  /** Takes a producer's heartbeat. */
  registerProducer(groupName: string, member: Member): void {
    let members = this.#producers.get(groupName);
    if (members === undefined) this.#producers.set(groupName, members = new Map());
    members.set(member.channel, member);
  }

  /** Takes a consumer out of a group. */
  unregisterConsumer(groupName: string, channel: Channel): void {
    const group = this.#consumers.get(groupName);
    if (group === undefined) return;
    group.members.delete(channel);
    if (group.members.size === 0) this.#consumers.delete(groupName);
    this.#changed(group);
  }

  /** Takes a producer out of a group. */
  unregisterProducer(groupName: string, channel: Channel): void {
    const members = this.#producers.get(groupName);
    members?.delete(channel);
    if (members?.size === 0) this.#producers.delete(groupName);
  }

  /** Takes everyone out who used a connection that is closed. */
  dropChannel(channel: Channel): void {
    for (const [groupName] of [...this.#producers]) this.unregisterProducer(groupName, channel);
    for (const group of [...this.#consumers.values()]) {
      if (group.members.has(channel)) this.unregisterConsumer(group.group, channel);
    }
  }

  /** The connections of members that were last heard of before `seenBefore`. */
  silentSince(seenBefore: number): Set<Channel> {
    const silent = new Set<Channel>();
    const tables = [...this.#producers.values(), ...[...this.#consumers.values()].map((g) => g.members)];
    for (const members of tables) {
      for (const member of members.values()) if (member.lastSeenAt < seenBefore) silent.add(member.channel);
    }
    return silent;
  }

  #changed(group: ConsumerGroup): void {
    this.onChange?.(group, [...group.members.keys()]);
  }
}

/** Takes newer subscriptions over, drops topics that are gone; gives whether a topic came or went. */
function updateSubscriptions(group: ConsumerGroup, incoming: Iterable<SubscriptionData>): boolean {
  let changed = false;
  const topics = new Set<string>();
  for (const subscription of incoming) {
    topics.add(subscription.topic);
    const known = group.subscriptions.get(subscription.topic);
    if (known === undefined) changed = true;
    if (known === undefined || subscription.subVersion > known.subVersion) {
      group.subscriptions.set(subscription.topic, subscription);
    }
  }
  for (const topic of [...group.subscriptions.keys()]) {
    if (topics.has(topic)) continue;
    group.subscriptions.delete(topic);
    changed = true;
  }
  return changed;
}
