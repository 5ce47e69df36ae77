/**
 * Offsets kept by the broker that owns the queue: the store of a clustering group.
 *
 * Agrees with Java's RemoteBrokerOffsetStore, save that a persist is acknowledged: an offset counts as persisted only
 * when the broker has said so, and one that failed is sent again at the next interval. Of one queue a single offset is on
 * its way: a broker's threads could overtake each other with two, and the older one would stay. What is unchanged is told again
 * now and then, a twelfth of the queues at each interval (Java: all of them), since a broker may have lost it in a crash.
 */
import { BrokerError, OffsetError, OffsetFetchError } from "../core/errors.ts";
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import { wrapNamespace, wrapQueue } from "../protocol/namespace.ts";
import { queryConsumerOffset, updateConsumerOffset } from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { OffsetStore, OffsetStoreMetrics, ReadOffsetType } from "./offset_store.ts";
import type { BrokerCaller } from "./broker_caller.ts";
import { checkOffset } from "./offset_table.ts";
import { persistEach } from "./persist_each.ts";

/** How long a broker may take to store an offset, in milliseconds (Java: 5000). */
const PERSIST_TIMEOUT_MS = 5_000;
/** How long a broker may take to tell an offset, in milliseconds (Java: 5000). */
const FETCH_TIMEOUT_MS = 5_000;

/** An unchanged offset is told again after so many persists of all queues, at the latest after twice as many. */
const RETELL_EVERY = 12;

interface Entry {
  offset: number;
  persisted: number | undefined;
  /** The persist of all queues at which it was told last. */
  toldAt: number;
  /** Settles when the offset that is on its way has arrived, or has failed to. */
  sending?: Promise<void> | undefined;
}

/** Keeps a group's offsets on the brokers. */
export class RemoteOffsetStore implements OffsetStore {
  /** Only a group that shares its queues keeps one offset for each. */
  readonly messageModel = "CLUSTERING";
  readonly #caller: BrokerCaller;
  readonly #namespace: string | undefined;
  readonly #group: string;
  readonly #entries = new Map<string, Entry>();
  /** Topics of brokers that have stored an offset of the group, and those whose first one is on its way. */
  readonly #opened = new Set<string>();
  readonly #opening = new Map<string, Promise<void>>();
  /** Persists of several queues so far. */
  #rounds = 0;
  #persisted = 0;
  #persistFailures = 0;
  #fetched = 0;

  /** The store of `consumerGroup`, reached through `caller`. */
  constructor(caller: BrokerCaller, consumerGroup: string) {
    this.#caller = caller;
    this.#namespace = caller.options?.namespace;
    this.#group = wrapNamespace(this.#namespace, consumerGroup);
  }

  /** Nothing to open. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing to release. */
  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing to read ahead: a queue's offset is asked for when the queue is gained. */
  load(): Promise<void> {
    return Promise.resolve();
  }

  /** See OffsetStore. Code 22 (QUERY_NOT_FOUND) is `undefined`, every other failure an OffsetFetchError. */
  async readOffset(named: MessageQueue, type: ReadOffsetType): Promise<number | undefined> {
    const queue = wrapQueue(this.#namespace, named);
    const known = this.#entries.get(queueKey(queue));
    if (type !== "READ_FROM_STORE" && known) return known.offset;
    if (type === "READ_FROM_MEMORY") return undefined;
    const stored = await this.#fetch(queue);
    if (stored !== undefined) {
      this.#entries.set(queueKey(queue), { offset: stored, persisted: stored, toldAt: this.#rounds });
    }
    return stored;
  }

  #key(queue: MessageQueue): string {
    return queueKey(wrapQueue(this.#namespace, queue));
  }

  async #fetch(queue: MessageQueue): Promise<number | undefined> {
    try {
      const reply = await this.#caller.call(queue.brokerName, queryConsumerOffset, {
        consumerGroup: this.#group,
        topic: queue.topic,
        queueId: queue.queueId,
      }, { timeoutMs: FETCH_TIMEOUT_MS, brokerId: 0 });
      this.#fetched++;
      return reply.code === ResponseCode.QUERY_NOT_FOUND ? undefined : reply.header.offset;
    } catch (cause) {
      throw new OffsetFetchError(
        `Cannot read the offset of group "${this.#group}" for ${queueKey(queue)}: ${
          (cause as Error).message
        }`,
        { cause, group: this.#group, topic: queue.topic, broker: queue.brokerName },
      );
    }
  }

  /** See OffsetStore. */
  updateOffset(queue: MessageQueue, offset: number, increaseOnly = true): void {
    checkOffset(queue, offset);
    const key = this.#key(queue);
    const entry = this.#entries.get(key);
    if (!entry) this.#entries.set(key, { offset, persisted: undefined, toldAt: this.#rounds });
    else if (!increaseOnly || offset > entry.offset) entry.offset = offset;
  }

  /** See OffsetStore. An offset that the broker has already is not sent again. */
  async persist(named: MessageQueue): Promise<void> {
    const queue = wrapQueue(this.#namespace, named);
    const entry = this.#entries.get(queueKey(queue));
    if (!entry) return;
    while (entry.sending) await entry.sending;
    if (entry.persisted !== entry.offset) await this.#tell(queue, entry);
  }

  async #tell(queue: MessageQueue, entry: Entry): Promise<void> {
    entry.toldAt = this.#rounds;
    const sent = this.#sendInTurn(queue, entry);
    entry.sending = sent.catch(() => {}).finally(() => entry.sending = undefined);
    await sent;
  }

  /** Tells again what the broker once confirmed; if it cannot be told, nothing is lost that was not before. */
  #retell(named: MessageQueue): void {
    const queue = wrapQueue(this.#namespace, named);
    const entry = this.#entries.get(queueKey(queue));
    if (!entry || entry.sending || entry.persisted !== entry.offset) return;
    if (this.#rounds - entry.toldAt >= RETELL_EVERY) void this.#tell(queue, entry).catch(() => {});
  }

  /**
   * The first commit of a group for a topic goes to a broker alone. Two at once make the broker lose one of them, although it
   * confirms both (ConsumerOffsetManager.commitOffset: each finds no table for topic@group and puts its own in place).
   */
  async #sendInTurn(queue: MessageQueue, entry: Entry): Promise<void> {
    const table = `${queue.topic} ${queue.brokerName}`;
    while (this.#opening.has(table)) await this.#opening.get(table);
    const sent = this.#send(queue, entry);
    if (!this.#opened.has(table)) {
      const opened = sent.then(() => void this.#opened.add(table), () => {});
      this.#opening.set(table, opened.finally(() => this.#opening.delete(table)));
    }
    await sent;
  }

  async #send(queue: MessageQueue, entry: Entry): Promise<void> {
    const { offset } = entry;
    try {
      await this.#caller.call(queue.brokerName, updateConsumerOffset, {
        consumerGroup: this.#group,
        topic: queue.topic,
        queueId: queue.queueId,
        commitOffset: offset,
      }, { timeoutMs: PERSIST_TIMEOUT_MS });
      entry.persisted = offset;
      this.#persisted++;
    } catch (cause) {
      this.#persistFailures++;
      throw new OffsetError(
        `Cannot store offset ${offset} of group "${this.#group}" for ${queueKey(queue)}: ${
          (cause as Error).message
        }`,
        {
          cause,
          group: this.#group,
          topic: queue.topic,
          broker: queue.brokerName,
          ...(cause instanceof BrokerError && cause.facts.responseCode !== undefined
            ? { responseCode: cause.facts.responseCode }
            : {}),
        },
      );
    }
  }

  /** See OffsetStore. Of the offsets that the broker has had for long a twelfth is sent again, in turn. */
  persistAll(queues: readonly MessageQueue[]): Promise<void> {
    const turn = ++this.#rounds % RETELL_EVERY;
    for (let at = turn; at < queues.length; at += RETELL_EVERY) this.#retell(queues[at]!);
    return persistEach(queues, this.#group, (queue) => this.persist(queue));
  }

  /** See OffsetStore. */
  removeOffset(queue: MessageQueue): void {
    this.#entries.delete(this.#key(queue));
  }

  /** See OffsetStore. */
  metrics(): OffsetStoreMetrics {
    return {
      queues: this.#entries.size,
      persisted: this.#persisted,
      persistFailures: this.#persistFailures,
      fetched: this.#fetched,
      overtaken: 0,
    };
  }
}
