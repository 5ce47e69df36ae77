/**
 * A push consumer, as the application sees it: subscribe, start, take messages as a stream or by listener, shut down.
 *
 * It owns the parts and their timetable and has no idea of its own: Assignment decides what is pulled, Takers who gets it,
 * QueueWindow what may be committed, Settlement how the rest goes back. Its one invariant is the order of the drain:
 * stop pulling, stop handing out, wait for what is out, commit, leave the group, close.
 */
import { RocketMQClient } from "../client/client.ts";
import type { PartialWorld } from "../client/world.ts";
import { ConfigError, ConsumerStateError, ValidationError } from "../core/errors.ts";
import type { Phase } from "../core/lifecycle.ts";
import type { MessageRequestMode } from "../protocol/bodies.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { topicProblem } from "../protocol/names.ts";
import { unwrapQueue, wrapNamespace, wrapQueue } from "../protocol/namespace.ts";
import type { ConsumedMessage } from "./consumed_message.ts";
import { ConsumerEngine } from "./consumer_engine.ts";
import { ConsumerLife } from "./consumer_life.ts";
import type { ConsumerEvent } from "./events.ts";
import { checkListener, type MessageListener } from "./taking/listener.ts";
import { MessageStream, type SettleMode } from "./taking/message_stream.ts";
import {
  type ConsumerConfig,
  isOrdered,
  parseConsumerConfig,
  type ResolvedConsumerConfig,
} from "./config/options.ts";
import type { PauseTarget } from "./pauses.ts";
import { shownEvent, shownStatistics, shownSubscription } from "./shown.ts";
import type { MessageSelector } from "./subscription/selector.ts";
import { configurationTexts } from "./group/self_report.ts";
import { settleSink } from "./taking/settle_sink.ts";
import type { ConsumerStatistics } from "./statistics.ts";
import { type ItemShape, runShape, singleShape } from "./taking/stream_source.ts";
import type { Subscription } from "./subscription/subscriptions.ts";

/** How a stream hands messages out. */
export interface StreamOptions {
  /** The topic to take; all subscribed topics by default. */
  readonly topic?: string;
  /**
   * "auto": the loop acks the previous message when it asks for the next. "manual": the application does. Default "auto", with
   * the consumer's option `autoCommit: false` "manual".
   */
  readonly settle?: SettleMode;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

/** How a stream of batches hands messages out. */
export interface BatchStreamOptions extends StreamOptions {
  /** Messages per batch, all of one queue (default 32). */
  readonly maxMessages?: number;
}

/** How a mode is set. */
export interface MessageRequestModeOptions {
  /** The topic; all subscribed topics by default. */
  readonly topic?: string;
  /** How many further members share each popped queue. Default 0: all members share all. */
  readonly popShareQueueNum?: number;
}

/** How `settle` works. */
export interface SettleOptions {
  /** Handler calls pending at once (default 1). */
  readonly concurrency?: number;
}

/** Consumes the messages of a group's share of its topics' queues. Made by `createConsumer`. */
export class Consumer {
  readonly #config: ResolvedConsumerConfig;
  readonly #client: RocketMQClient;
  readonly #namespace: string | undefined;
  readonly #engine: ConsumerEngine;
  readonly #life: ConsumerLife;

  /** Use `createConsumer`. */
  constructor(config: ConsumerConfig, world?: PartialWorld) {
    this.#config = parseConsumerConfig(config, world);
    const { client, namesrvAddr } = config;
    this.#client = client ?? new RocketMQClient({ ...config, namesrvAddr: namesrvAddr! }, world);
    const namespace = this.#namespace = this.#client.options.namespace;
    this.#life = new ConsumerLife(config.consumerGroup, this.#client);
    this.#engine = new ConsumerEngine(
      { ...this.#config, consumerGroup: wrapNamespace(namespace, config.consumerGroup) },
      this.#client,
      (event) => this.#life.emit(shownEvent(namespace, event)),
    );
    if (this.#config.listener) this.#engine.registerListener(undefined, this.#config.listener);
  }

  /** The group. */
  get consumerGroup(): string {
    return this.#config.consumerGroup;
  }

  /** Where in its life it is. */
  get phase(): Phase {
    return this.#life.phase;
  }

  /** The client whose connections it uses. */
  get client(): RocketMQClient {
    return this.#client;
  }

  /**
   * Subscribes a topic, or changes its selector. Before `start()` it records; afterwards it takes effect at once, and a
   * refusal by the broker comes as an event.
   *
   * @param selector Tags separated by `||`, `*` for all (default), or `sql("…")`.
   * @param listener Called with the messages of this topic only.
   * @throws InvalidTopicError, InvalidSelectorError, ConsumerStateError
   */
  subscribe(topic: string, selector: string | MessageSelector = "*", listener?: MessageListener): void {
    this.#life.require("subscribe", "created", "starting", "running");
    const name = wrapNamespace(this.#namespace, topic);
    if (listener !== undefined) {
      checkListener(listener, isOrdered(this.#config.ordering));
      this.#engine.checkTaker(name);
    }
    this.#engine.subscribe(name, selector);
    if (listener !== undefined) this.#engine.registerListener(name, listener);
  }

  /** Unsubscribes a topic: its queues are committed and given up. @throws TopicNotSubscribedError */
  unsubscribe(topic: string): void {
    this.#life.require("unsubscribe", "created", "starting", "running");
    this.#engine.unsubscribe(wrapNamespace(this.#namespace, topic));
  }

  /** The subscriptions, by topic. */
  subscriptions(): readonly Subscription[] {
    return this.#engine.subscriptions().map((each) => shownSubscription(this.#namespace, each));
  }

  /** Registers the listener of every topic that has none of its own. @throws ConfigError, ConsumerStateError */
  registerMessageListener(listener: MessageListener): void {
    this.#life.require("register a listener", "created", "starting", "running");
    checkListener(listener, isOrdered(this.#config.ordering));
    this.#engine.checkTaker(undefined);
    this.#engine.registerListener(undefined, listener);
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
   * A stream of messages, for `for await`. May be called before `start()`.
   *
   * @throws ConsumerStateError when a listener or another stream takes the topic already.
   */
  messages(options: StreamOptions = {}): MessageStream<ConsumedMessage> {
    return this.#stream(singleShape as unknown as ItemShape<ConsumedMessage>, options);
  }

  /** A stream of batches: runs of messages of one queue. The loop acks a whole batch when it asks for the next. */
  batches(
    { maxMessages = 32, ...options }: BatchStreamOptions = {},
  ): MessageStream<readonly ConsumedMessage[]> {
    if (!Number.isInteger(maxMessages) || maxMessages < 1) {
      throw new ConfigError(
        `Cannot open a stream of batches: maxMessages is ${maxMessages}, not a whole number from 1`,
      );
    }
    return this.#stream(runShape(maxMessages) as unknown as ItemShape<readonly ConsumedMessage[]>, options);
  }

  #stream<T>(shape: ItemShape<T>, { topic, settle, signal }: StreamOptions): MessageStream<T> {
    this.#life.require("open a stream", "created", "starting", "running");
    if (topic !== undefined) {
      const problem = topicProblem(topic);
      if (problem !== undefined) {
        throw new ConsumerStateError(`Cannot open a stream of "${topic}": ${problem}`);
      }
    }
    const source = this.#engine.openSource(topic && wrapNamespace(this.#namespace, topic), shape);
    if (signal) source.endWith(signal);
    const mode = settle ?? (this.#config.autoCommit ? "auto" : "manual");
    return new MessageStream(source, mode, () =>
      this.#client.logger.warn(
        `Messages of group "${this.consumerGroup}" are read outside a for-await loop: nothing acks them. ` +
          'Use messages({ settle: "manual" }) and settle each message.',
      ));
  }

  /**
   * The end of a pipe: calls `handler` with each message, acks when it returns, retries when it throws.
   * `write()` resolves when a slot is free, `close()` when everything is settled; it never errors for a handler's throw.
   */
  settle<T extends ConsumedMessage>(
    handler: (message: T) => void | Promise<void>,
    options: SettleOptions = {},
  ): WritableStream<T> {
    return settleSink(handler, options.concurrency ?? 1);
  }

  /** What happens, as an async iterator; each call has a queue of its own, which keeps the last 1,000 unread events. */
  events(): AsyncIterableIterator<ConsumerEvent> {
    return this.#life.events();
  }

  /** Counts, queues and what is in flight, now. */
  statistics(): ConsumerStatistics {
    return shownStatistics(this.#namespace, this.#engine.statistics());
  }

  /** The queues that are owned now. */
  assignment(): readonly MessageQueue[] {
    return this.#engine.queues().map((queue) => unwrapQueue(this.#namespace, queue));
  }

  /**
   * Stops pulling topics or queues at once, everything by default; what is cached is still handed out. It holds for queues that
   * this member is given later, too.
   */
  pause(targets?: readonly PauseTarget[]): void {
    this.#pause(targets, true);
  }

  /** Pulls again what was paused: topics, queues, or everything. The last call that names a queue counts. */
  resume(targets?: readonly PauseTarget[]): void {
    this.#pause(targets, false);
  }

  #pause(targets: readonly PauseTarget[] | undefined, paused: boolean): void {
    const namespace = this.#namespace;
    const named = targets?.map((target) =>
      typeof target === "string" ? wrapNamespace(namespace, target) : wrapQueue(namespace, target)
    );
    this.#engine.pause(named, paused);
  }

  /**
   * Says on all brokers of a topic whether this group is to pull or to pop it, for all members that leave the division to the
   * brokers (see `clientRebalance`). They follow with their next rebalance, this one at once.
   *
   * @throws BrokerError when a broker refuses or does not know it; TopicNotSubscribedError.
   */
  async setMessageRequestMode(
    mode: MessageRequestMode,
    { topic, popShareQueueNum = 0 }: MessageRequestModeOptions = {},
  ): Promise<void> {
    this.#life.require("set the message request mode", "running");
    const name = topic && wrapNamespace(this.#namespace, topic);
    await this.#engine.setRequestMode(name, { mode, popShareQueueNum });
  }

  /**
   * Goes on with an owned queue at `offset`: what is cached or out of it is forgotten; the new place is what the
   * next commit stores.
   *
   * @throws ConsumerStateError when the consumer does not run or does not pull the queue; ValidationError for an offset that is
   * not a whole number from 0.
   */
  seek(queue: MessageQueue, offset: number): void {
    this.#life.require("seek", "running");
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new ValidationError(`Cannot seek: the offset is ${offset}, not a whole number from 0`);
    }
    if (this.#engine.seek(wrapQueue(this.#namespace, queue), offset)) return;
    throw new ConsumerStateError(
      `Cannot seek: queue ${queue.queueId} of topic "${queue.topic}" on ${queue.brokerName} is not pulled here`,
    );
  }

  /**
   * Changes how many listener calls may be pending at once, from now on; `consumeConcurrencyMin` and `…Max` until then.
   *
   * @throws ConfigError unless both are whole numbers from 1 to 1000 and the minimum is not above the maximum.
   */
  setConcurrency({ min, max }: { readonly min: number; readonly max: number }): void {
    const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 1000;
    if (!isCount(min) || !isCount(max) || min > max) {
      throw new ConfigError(
        `Cannot change concurrency: ${min} to ${max} is no range of whole numbers from 1 to 1000`,
      );
    }
    this.#engine.setConcurrency({ min, max });
  }

  /** Its options as texts, every default in place; credentials and what is no text are left out. */
  configuration(): Readonly<Record<string, string>> {
    return configurationTexts(this.#client, this.#config);
  }

  /** Stores the offsets now rather than at the next interval. @throws OffsetError */
  async commit(): Promise<void> {
    this.#life.require("commit", "running");
    await this.#engine.commit();
  }

  /**
   * The ordered drain: stops pulling, stops handing out, waits for what is out up to `shutdownTimeoutMs`, commits,
   * leaves the group, closes. Idempotent. Do not await it inside the loop or a handler: it would wait for itself.
   */
  shutdown(): Promise<void> {
    return this.#life.shutdown(this.#engine);
  }

  /** The same as `shutdown()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

/**
 * Makes a consumer. Checks the whole configuration at once and does no I/O.
 *
 * @example
 * ```ts ignore
 * import { createConsumer } from "jsr:@contrail/rocketmq";
 *
 * const consumer = createConsumer({ consumerGroup: "billing", namesrvAddr: "127.0.0.1:9876" });
 * consumer.subscribe("orders", "paid || refunded");
 * await consumer.start();
 * for await (const message of consumer.messages()) {
 *   console.log(message.text());
 * }
 * ```
 * @throws ConfigError that names every problem with its path.
 */
export function createConsumer(config: ConsumerConfig, world?: PartialWorld): Consumer {
  return new Consumer(config, world);
}

/**
 * Makes a consumer of a configuration, such as `createConsumerConfig` gives, and the listener of all its topics.
 *
 * @throws ConfigError that names every problem with its path.
 */
export function createConsumerWithConfig(
  config: ConsumerConfig,
  listener: MessageListener,
  world?: PartialWorld,
): Consumer {
  return new Consumer({ ...config, listener }, world);
}
