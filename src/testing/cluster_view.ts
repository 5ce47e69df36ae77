/**
 * What is inside a cluster, for a test to look at: messages, progress, members, locks. Looking changes nothing.
 */
import { decodeProperties } from "../message/properties.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { Clock } from "../time/clock.ts";
import type { StoredRecord } from "../wire/record.ts";
import type { QueueLock } from "./broker/lock_table.ts";
import type { BrokerNode } from "./nodes.ts";

/** A message as it is stored. */
export interface StoredMessageView extends Omit<StoredRecord, "properties"> {
  /** Name of its broker. */
  readonly brokerName: string;
  /** Its properties. */
  readonly properties: Readonly<Record<string, string>>;
  /** Its body as text, when it is not compressed. */
  readonly text: string;
}

/** Progress of a group on one queue. */
export interface QueueProgressView extends MessageQueue {
  /** The committed offset, `undefined` when there is none. */
  readonly offset: number | undefined;
  /** Queue offset of the oldest message kept. */
  readonly minOffset: number;
  /** Queue offset of the next message to come. */
  readonly maxOffset: number;
}

/** A member of a group at one broker. */
export interface MemberView {
  /** Its client id. */
  readonly clientId: string;
  /** Name of the broker that knows it. */
  readonly brokerName: string;
  /** Its language. */
  readonly language: string;
  /** Its version. */
  readonly version: number;
  /** The topics its group subscribed to. */
  readonly topics: readonly string[];
}

/** A look into a cluster. */
export class ClusterView {
  readonly #brokers: ReadonlyMap<string, BrokerNode>;
  readonly #clock: Clock;

  /** Looks into `brokers`. */
  constructor(brokers: ReadonlyMap<string, BrokerNode>, clock: Clock) {
    this.#brokers = brokers;
    this.#clock = clock;
  }

  /** The messages of a topic, by broker, queue and offset. */
  messages(topic: string): StoredMessageView[] {
    const out: StoredMessageView[] = [];
    for (const [brokerName, { state: { store } }] of this.#brokers) {
      for (const [queueId, queue] of [...store.queuesOf(topic)].sort(([a], [b]) => a - b)) {
        for (let at = queue.minOffset; at < queue.maxOffset; at++) {
          const message = store.messageAt(topic, queueId, at);
          if (message === undefined) continue;
          const properties = decodeProperties(message.properties);
          out.push({ ...message, brokerName, properties, text: new TextDecoder().decode(message.body) });
        }
      }
    }
    return out;
  }

  /** Names of the topics at any broker. */
  topics(): string[] {
    const names = new Set<string>();
    for (const { state } of this.#brokers.values()) {
      for (const topic of state.topics.all()) names.add(topic.topicName);
    }
    return [...names];
  }

  /** Where a group stands on each queue of a topic. */
  progress(group: string, topic: string): QueueProgressView[] {
    const out: QueueProgressView[] = [];
    for (const [brokerName, { state }] of this.#brokers) {
      const queues = state.topics.get(topic)?.readQueueNums ?? 0;
      for (let queueId = 0; queueId < queues; queueId++) {
        const queue = state.store.peekQueue(topic, queueId);
        out.push({
          topic,
          brokerName,
          queueId,
          offset: state.offsets.committed(group, topic, queueId),
          minOffset: queue?.minOffset ?? 0,
          maxOffset: queue?.maxOffset ?? 0,
        });
      }
    }
    return out;
  }

  /** Messages of a topic that a group has not committed yet; a queue without an offset counts from its oldest message. */
  lag(group: string, topic: string): number {
    return this.progress(group, topic).reduce(
      (sum, { offset, minOffset, maxOffset }) => sum + maxOffset - (offset ?? minOffset),
      0,
    );
  }

  /** The members of a consumer group, at every broker that knows them. */
  consumers(group: string): MemberView[] {
    const out: MemberView[] = [];
    for (const [brokerName, { running }] of this.#brokers) {
      const known = running?.members.consumerGroup(group);
      for (const { clientId, language, version } of known?.members.values() ?? []) {
        out.push({ clientId, brokerName, language, version, topics: [...known!.subscriptions.keys()] });
      }
    }
    return out;
  }

  /** The members of a producer group, at every broker that knows them. */
  producers(group: string): MemberView[] {
    const out: MemberView[] = [];
    for (const [brokerName, { running }] of this.#brokers) {
      for (const { clientId, language, version } of running?.members.producers(group) ?? []) {
        out.push({ clientId, brokerName, language, version, topics: [] });
      }
    }
    return out;
  }

  /** The queue locks of a group that are in force. */
  locks(group: string): QueueLock[] {
    return [...this.#brokers.values()].flatMap(({ running }) =>
      running?.locks.of(group, this.#clock.now()) ?? []
    );
  }

  /** Messages that a group has popped and neither acknowledged nor lost, at all brokers. */
  popped(group: string, topic?: string): number {
    return [...this.#brokers.values()].reduce((sum, { state }) => sum + state.popped.count(group, topic), 0);
  }

  /** Requests parked at all brokers. */
  parked(): number {
    return [...this.#brokers.values()].reduce((sum, { running }) => sum + (running?.parked.size ?? 0), 0);
  }
}
