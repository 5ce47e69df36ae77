/**
 * A lite pull consumer, as the application sees it: it asks for messages when it wants them, and says itself where to read.
 *
 * The promises of Java's DefaultLitePullConsumer, kept by the engine of the push consumer. One promise is stronger: offsets that
 * are stored by themselves, on time and at the shutdown, cover all that is finished and nothing that is still in the caller's
 * hands. Java counts a message as consumed when a poll hands it out, and stores that at the next poll, whosever it is.
 */
import { RocketMQClient } from "../../client/client.ts";
import type { PartialWorld } from "../../client/world.ts";
import { ConfigError, ConsumerError, InvalidTopicError, OffsetError } from "../../core/errors.ts";
import type { Phase } from "../../core/lifecycle.ts";
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import { topicProblem } from "../../protocol/names.ts";
import { unwrapQueue, wrapNamespace, wrapQueue } from "../../protocol/namespace.ts";
import type { PulledMessage } from "../consumed_message.ts";
import { ConsumerLife } from "../consumer_life.ts";
import { everyQueue } from "../group/division.ts";
import type { ConsumerEvent } from "../events.ts";
import { LitePullEngine } from "./lite_pull_engine.ts";
import {
  type LitePullConsumerConfig,
  parseLitePullConfig,
  type ResolvedLitePullConfig,
} from "./lite_pull_options.ts";
import { MessageStream, type SettleMode } from "../taking/message_stream.ts";
import type { TopicMessageQueueChangeListener } from "./queue_listeners.ts";
import { aboutOffset, endOffset, firstOffset, offsetAt } from "../queue/queue_positions.ts";
import type { MessageSelector } from "../subscription/selector.ts";
import type { Subscription } from "../subscription/subscriptions.ts";
import { configurationTexts } from "../group/self_report.ts";
import { shownEvent, shownStatistics, shownSubscription, shownTo } from "../shown.ts";
import type { PullStatistics } from "../statistics.ts";
import type { StreamSource } from "../taking/stream_source.ts";

/** How one poll waits. */
export interface PollOptions {
  /** How long to wait for messages, in milliseconds; `pollTimeoutMs` by default. 0 gives what is there. */
  readonly timeoutMs?: number;
  /** Messages at most; `pullBatchSize` by default. */
  readonly maxMessages?: number;
  /** Wakes the poll: it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How a stream of a lite pull consumer hands messages out. */
export interface PullStreamOptions {
  /** "auto" (default): asking for the next message finishes the one before. "manual": only `commit()` finishes messages. */
  readonly settle?: SettleMode;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/** Polls the messages of a group's share of its topics' queues, or of queues of its own choice. Made by `createLitePullConsumer`. */
export class LitePullConsumer {
  readonly #config: ResolvedLitePullConfig;
  readonly #client: RocketMQClient;
  readonly #namespace: string | undefined;
  readonly #engine: LitePullEngine;
  readonly #life: ConsumerLife;

  /** Use `createLitePullConsumer`. */
  constructor(config: LitePullConsumerConfig, world?: PartialWorld) {
    this.#config = parseLitePullConfig(config, world);
    const { client, namesrvAddr, consumerGroup } = config;
    this.#client = client ?? new RocketMQClient({ ...config, namesrvAddr: namesrvAddr! }, world);
    const namespace = this.#namespace = this.#client.options.namespace;
    this.#life = new ConsumerLife(consumerGroup, this.#client);
    this.#engine = new LitePullEngine(
      {
        ...this.#config,
        consumerGroup: wrapNamespace(namespace, consumerGroup),
        messageQueueListener: shownTo(namespace, this.#config.messageQueueListener),
      },
      this.#client,
      (event) => this.#life.emit(shownEvent(namespace, event)),
    );
  }

  /** The group. */
  get consumerGroup(): string {
    return this.#config.consumerGroup;
  }

  /** Where in its life it is; a loop of polls ends when it is no longer "running". */
  get phase(): Phase {
    return this.#life.phase;
  }

  /** The client whose connections it uses. */
  get client(): RocketMQClient {
    return this.#client;
  }

  /**
   * Subscribes a topic, or changes its selector: the group's members share its queues. At any time; not together with `assign`.
   *
   * @param selector Tags separated by `||`, `*` for all (default), or `sql("…")`.
   * @throws InvalidTopicError, InvalidSelectorError, ConsumerStateError
   */
  subscribe(topic: string, selector: string | MessageSelector = "*"): void {
    this.#life.require("subscribe", "created", "starting", "running");
    this.#engine.subscribe(this.#topic(topic), selector);
  }

  /** Unsubscribes a topic: its queues are given up. @throws TopicNotSubscribedError, ConsumerStateError */
  unsubscribe(topic: string): void {
    this.#life.require("unsubscribe", "created", "starting", "running");
    this.#engine.unsubscribe(this.#topic(topic));
  }

  /**
   * Names the queues to pull, instead of those that were named before; no member of the group is asked, but those that
   * subscribe count this one when they divide theirs: give it a group of its own. At any time; not together with `subscribe`. Each begins at its committed offset, else where `consumeFromWhere` says, unless `seek` says otherwise.
   *
   * @throws InvalidTopicError, ConsumerStateError
   */
  assign(queues: readonly MessageQueue[]): void {
    this.#life.require("assign queues", "created", "starting", "running");
    const named = queues.map((queue) => this.#queue(queue));
    for (const queue of named) {
      const problem = topicProblem(queue.topic);
      if (problem !== undefined) {
        throw new InvalidTopicError(`Cannot assign ${queueKey(queue)}: ${problem}`, { topic: queue.topic });
      }
    }
    this.#engine.assign(named);
  }

  /**
   * What of a topic assigned queues give: tags, or `sql("…")`; everything by default. It holds from the next pull on.
   *
   * @throws InvalidTopicError, InvalidSelectorError, ConsumerStateError
   */
  setSubExpressionForAssign(topic: string, selector: string | MessageSelector): void {
    this.#life.require("set a selector", "created", "starting", "running");
    this.#engine.select(this.#topic(topic), selector);
  }

  /**
   * Joins the group and begins to pull. Resolves after the first rebalance.
   *
   * @throws ConsumerStartError when no name server answers or a broker refuses a subscription; nothing is left behind.
   * ConsumerShutdownError when it is shut down meanwhile.
   */
  async start({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#life.start(this.#engine, signal);
  }

  /**
   * The next messages, all of one queue, in its order; none when the time is up or the consumer is shut down meanwhile.
   *
   * Asking says that what was handed out before is finished: from then on it may be committed, whatever comes of this poll.
   *
   * @throws ConsumerStateError when it is not running, or another poll or a stream is waiting; ConfigError; the signal's reason.
   */
  async poll({ timeoutMs, maxMessages, signal }: PollOptions = {}): Promise<readonly PulledMessage[]> {
    this.#life.require("poll", "running");
    const { pollTimeoutMs, pullBatchSize } = this.#config;
    if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
      throw new ConfigError(`Cannot poll: timeoutMs is ${timeoutMs}, not a number from 0`);
    }
    if (maxMessages !== undefined && !(Number.isInteger(maxMessages) && maxMessages >= 1)) {
      throw new ConfigError(`Cannot poll: maxMessages is ${maxMessages}, not a whole number from 1`);
    }
    return await this.#engine.poller.poll({
      timeoutMs: timeoutMs ?? pollTimeoutMs,
      maxMessages: maxMessages ?? pullBatchSize,
      signal,
    });
  }

  /**
   * A stream of messages, for `for await`: asking for the next message finishes the one before, leaving the loop does not. May be
   * opened before `start()`. Opening it finishes what polls handed out.
   *
   * @throws ConsumerStateError when another stream is open or a poll is waiting.
   */
  messages({ settle = "auto", signal }: PullStreamOptions = {}): MessageStream<PulledMessage> {
    this.#life.require("open a stream", "created", "starting", "running");
    const source = this.#engine.poller.openStream();
    if (signal) source.endWith(signal);
    return new MessageStream(
      source as unknown as StreamSource<PulledMessage>,
      settle,
      () =>
        this.#client.logger.warn(
          `Messages of group "${this.consumerGroup}" are read outside a for-await loop: nothing finishes them. ` +
            'Use messages({ settle: "manual" }) and commit() by hand.',
        ),
    );
  }

  /**
   * Begins a queue afresh at `offset`: what was pulled of it is forgotten, and what is in the caller's hands no longer counts. The stored
   * offset follows with the next commit.
   *
   * @throws ConsumerStateError when the queue is not this consumer's; OffsetError when the queue has no such offset;
   * OffsetFetchError when the broker cannot be asked.
   */
  async seek(queue: MessageQueue, offset: number): Promise<void> {
    const own = this.#queue(queue);
    const [first, end] = await this.#ask(
      "seek",
      own,
      () => Promise.all([firstOffset(this.#client, own), endOffset(this.#client, own)]),
    );
    if (!Number.isSafeInteger(offset) || offset < first || offset > end) {
      throw new OffsetError(
        `Cannot seek ${queueKey(queue)} to ${offset}: its offsets go from ${first} to ${end}`,
        { topic: queue.topic, broker: queue.brokerName, retriable: false },
      );
    }
    this.#engine.seek(own, offset);
  }

  /** Begins a queue at its first message. @throws As `seek`. */
  async seekToBegin(queue: MessageQueue): Promise<void> {
    const own = this.#queue(queue);
    this.#engine.seek(own, await this.#ask("seek", own, () => firstOffset(this.#client, own)));
  }

  /** Begins a queue after its last message. @throws As `seek`. */
  async seekToEnd(queue: MessageQueue): Promise<void> {
    const own = this.#queue(queue);
    this.#engine.seek(own, await this.#ask("seek", own, () => endOffset(this.#client, own)));
  }

  /** Begins a queue at the first message stored at `timestamp` (a Date, or milliseconds since the epoch) or later. @throws As `seek`. */
  async seekToTimestamp(queue: MessageQueue, timestamp: Date | number): Promise<void> {
    this.#life.require("seek", "running");
    const own = this.#queue(queue);
    this.#engine.requireOwned(own, "seek");
    this.#engine.seek(own, await this.offsetForTimestamp(own, timestamp));
  }

  /**
   * The offset of the first message of a queue that was stored at `timestamp` or later; its end when there is none.
   *
   * @throws OffsetFetchError when the broker cannot be asked.
   */
  async offsetForTimestamp(queue: MessageQueue, timestamp: Date | number): Promise<number> {
    this.#life.require("find an offset", "running");
    const named = this.#queue(queue);
    return await aboutOffset(this.#client, named, () => offsetAt(this.#client, named, Number(timestamp)));
  }

  async #ask<T>(attempted: string, queue: MessageQueue, ask: () => Promise<T>): Promise<T> {
    this.#life.require(attempted, "running");
    this.#engine.requireOwned(queue, attempted);
    return await aboutOffset(this.#client, queue, ask);
  }

  /** Stops pulling `queues` (all owned ones by default) at once; what is pulled already is still handed out. */
  pause(queues?: readonly MessageQueue[]): void {
    this.#engine.pause(queues?.map((queue) => this.#queue(queue)), true);
  }

  /** Pulls again what was paused. */
  resume(queues?: readonly MessageQueue[]): void {
    this.#engine.pause(queues?.map((queue) => this.#queue(queue)), false);
  }

  /** Whether a queue is paused; a queue that is lost is so no longer. */
  isPaused(queue: MessageQueue): boolean {
    return this.#engine.isPaused(this.#queue(queue));
  }

  /**
   * Finishes everything that was handed out and stores how far that is; or stores the given offsets, each that of the next message to
   * consume, whatever was handed out. Resolves when it is stored.
   *
   * @throws ConsumerStateError for a queue that is not this consumer's; OffsetError naming what could not be stored.
   */
  async commit(offsets?: Iterable<readonly [MessageQueue, number]>): Promise<void> {
    this.#life.require("commit", "running");
    if (offsets === undefined) return await this.#engine.commitAll();
    await this.#engine.commitOffsets(
      Array.from(offsets, ([queue, offset]) => [this.#queue(queue), offset] as const),
    );
  }

  /** The offset that is stored for a queue; `undefined` when there is none. @throws OffsetFetchError */
  async committed(queue: MessageQueue): Promise<number | undefined> {
    this.#life.require("read a committed offset", "running");
    const named = this.#queue(queue);
    return await aboutOffset(this.#client, named, () => this.#engine.committed(named));
  }

  /** All queues of a topic that can be read, as the name server knows them now. @throws ConsumerError when it cannot be asked. */
  async fetchMessageQueues(topic: string): Promise<readonly MessageQueue[]> {
    this.#life.require("fetch the queues of a topic", "running");
    try {
      const route = await this.#client.route(this.#topic(topic), { refresh: true });
      return everyQueue(route).map((queue) => unwrapQueue(this.#namespace, queue));
    } catch (cause) {
      const message = `Cannot fetch the queues of "${topic}": ${(cause as Error).message}`;
      throw new ConsumerError(message, { cause, topic });
    }
  }

  /** The queues that are pulled now. */
  assignment(): readonly MessageQueue[] {
    return this.#engine.queues().map((queue) => unwrapQueue(this.#namespace, queue));
  }

  /**
   * Calls `listener` when the queues of a topic, subscribed or not, have become others; they are looked at every
   * `topicMetadataCheckIntervalMs`. A topic has one listener; a second replaces it. Gives what takes the listener back.
   */
  registerTopicMessageQueueChangeListener(
    topic: string,
    listener: TopicMessageQueueChangeListener,
  ): () => void {
    const unregister = this.#engine.topics.register(
      this.#topic(topic),
      (_, queues) => listener(topic, queues.map((queue) => unwrapQueue(this.#namespace, queue))),
    );
    this.#engine.checkTopics();
    return unregister;
  }

  /** What of each topic is pulled, subscribed or assigned. */
  subscriptions(): readonly Subscription[] {
    return this.#engine.subscriptions().map((each) => shownSubscription(this.#namespace, each));
  }

  /** Its options as texts, every default in place; credentials and what is no text are left out. */
  configuration(): Readonly<Record<string, string>> {
    return configurationTexts(this.#client, this.#config);
  }

  /** What happens, as an async iterator; each call has a queue of its own, which keeps the last 1,000 unread events. */
  events(): AsyncIterableIterator<ConsumerEvent> {
    return this.#life.events();
  }

  /** Counts, queues and what is in flight, now. */
  statistics(): PullStatistics {
    return shownStatistics(this.#namespace, this.#engine.statistics());
  }

  /**
   * Stops pulling, ends a waiting poll and the stream, commits what is finished (if `autoCommit`), leaves the group, closes. What the
   * last poll handed out is finished only if `commit()` said so; else the next owner of its queue gets it again. The message
   * that a loop is at is waited for, up to `shutdownTimeoutMs`. Idempotent.
   */
  shutdown(): Promise<void> {
    return this.#life.shutdown(this.#engine);
  }

  /** A topic as brokers call it. */
  #topic(topic: string): string {
    return wrapNamespace(this.#namespace, topic);
  }

  /** A queue as brokers call it. */
  #queue(queue: MessageQueue): MessageQueue {
    return wrapQueue(this.#namespace, queue);
  }

  /** The same as `shutdown()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

/**
 * Makes a lite pull consumer. Checks the whole configuration at once and does no I/O.
 *
 * @example
 * ```ts ignore
 * import { createLitePullConsumer } from "jsr:@contrail/rocketmq";
 *
 * const consumer = createLitePullConsumer({ consumerGroup: "audit", namesrvAddr: "127.0.0.1:9876" });
 * consumer.subscribe("orders");
 * await consumer.start();
 * while (consumer.phase === "running") {
 *   for (const message of await consumer.poll({ timeoutMs: 1_000 })) console.log(message.text());
 * }
 * ```
 * @throws ConfigError that names every problem with its path.
 */
export function createLitePullConsumer(
  config: LitePullConsumerConfig,
  world?: PartialWorld,
): LitePullConsumer {
  return new LitePullConsumer(config, world);
}
