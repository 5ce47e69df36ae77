/**
 * The parts of a consumer put together, and the timetable that they live by.
 *
 *   Assignment (what is pulled) → QueueWindow → Takers (who gets it) → settlement → offset store
 * The consumer talks to this, the client talks back through the member of group_member.ts.
 */
import type { ConsumerMember, RocketMQClient } from "../client/client.ts";
import { ConsumerShutdownError } from "../core/errors.ts";
import { MemoryOffsetStore } from "../offsets/memory.ts";
import { checkStoreServes, type OffsetStore } from "../offsets/offset_store.ts";
import { RemoteOffsetStore } from "../offsets/remote.ts";
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import { retryTopic } from "../protocol/names.ts";
import { parseSubscription, type SubscriptionData } from "../protocol/subscription_data.ts";
import { ConsumeSpeed } from "../telemetry/consume_speed.ts";
import { MessageTrace, TRACE_EVERY_MS, TraceOutcome } from "../telemetry/message_trace.ts";
import { type Loop, type LoopRunner, runLoops } from "../time/loop.ts";
import { Assignment } from "./assignment.ts";
import { Budget } from "./budget.ts";
import { type ConsumerEvent, forwardEvents } from "./events.ts";
import { groupMember } from "./group_member.ts";
import { ListenerPool } from "./listener_pool.ts";
import type { MessageListener } from "./listener.ts";
import { type Mode, modeFor } from "./mode.ts";
import { type ResolvedConsumerConfig, windowLimits } from "./options.ts";
import { LOCK_RENEWAL_MS } from "./queue_locks.ts";
import type { MessageSelector } from "./selector.ts";
import type { ConsumerCounters, ConsumerStatistics } from "./statistics.ts";
import { newCounters, queueStatistics } from "./statistics.ts";
import type { ItemShape, StreamSource } from "./stream_source.ts";
import { checkClientId, checkSubscriptions, learnRoutes } from "./group_check.ts";
import { type Subscription, Subscriptions } from "./subscriptions.ts";
import { Takers } from "./takers.ts";
import { Watch, WATCH_EVERY_MS } from "./watch.ts";

/** Bytes that one pull may always bring. */
const MIN_PULL_BYTES = 32 * 1024;

/** The inside of a consumer. */
export class ConsumerEngine {
  readonly #config: ResolvedConsumerConfig;
  readonly #client: RocketMQClient;
  readonly #emit: (event: ConsumerEvent) => void;
  readonly #counters: ConsumerCounters = newCounters();
  readonly #speed: ConsumeSpeed;
  readonly #trace: MessageTrace;
  readonly #subscriptions: Subscriptions;
  readonly #retry: SubscriptionData;
  readonly #mode: Mode;
  readonly #pool: ListenerPool;
  readonly #takers: Takers;
  readonly #store: OffsetStore;
  readonly #budget: Budget;
  readonly #assignment: Assignment;
  readonly #watch: Watch;
  readonly #member: ConsumerMember;
  readonly #over = new AbortController();
  #loops: LoopRunner | undefined;
  #joined = false;
  #idle: (() => void) | undefined;

  constructor(config: ResolvedConsumerConfig, client: RocketMQClient, emit: (event: ConsumerEvent) => void) {
    this.#config = config;
    this.#client = client;
    this.#emit = emit;
    const { consumerGroup } = config;
    this.#speed = new ConsumeSpeed(client.clock);
    this.#trace = new MessageTrace(client, consumerGroup, {
      enabled: config.messageTrace,
      onBatch: () => this.#loops?.nudge("trace"),
    });
    this.#subscriptions = new Subscriptions(client.clock);
    this.#retry = parseSubscription(retryTopic(consumerGroup), "*", "TAG", client.clock.now());
    this.#mode = modeFor({
      config,
      client,
      counters: this.#counters,
      emit,
      onSentBack: () => this.#seekRetryTopic(),
      signal: this.#over.signal,
    });
    this.#pool = new ListenerPool({
      consumerGroup,
      ordered: this.#mode.orderedCalls,
      autoCommit: config.autoCommit,
      clock: client.clock,
      minConcurrency: config.consumeConcurrencyMin,
      maxConcurrency: config.consumeConcurrencyMax,
      batchMaxSize: config.consumeMessageBatchMaxSize,
      counters: this.#counters,
      emit,
    });
    this.#takers = new Takers(this.#pool, client.clock, () => this.#assignment.lookAgain());
    if (config.offsetStore) checkStoreServes(config.offsetStore, config.messageModel);
    this.#store = config.offsetStore ??
      (config.messageModel === "BROADCASTING"
        ? new MemoryOffsetStore()
        : new RemoteOffsetStore(client, consumerGroup));
    this.#budget = new Budget({
      maxMessages: config.pullThresholdForAll,
      maxBytes: config.pullThresholdSizeForAllBytes,
    });
    this.#assignment = this.#makeAssignment();
    this.#watch = new Watch({
      consumeTimeoutMs: config.consumeTimeoutMs,
      clock: client.clock,
      assignment: this.#assignment,
      subscriptions: this.#subscriptions,
      takers: this.#takers,
      pool: this.#pool,
      speed: this.#speed,
      counters: this.#counters,
      emit,
    });
    this.#member = groupMember({
      client,
      config,
      assignment: this.#assignment,
      pool: this.#pool,
      speed: (topic) => this.#speed.status(topic),
      subscriptions: this.#subscriptions,
      retry: this.#retry,
      topics: () => this.#topics(),
      rebalance: () => this.#loops?.nudge("rebalance"),
      signal: this.#over.signal,
    });
  }

  #makeAssignment(): Assignment {
    const { consumerGroup, allocateStrategy, messageModel, ...config } = this.#config;
    const client = this.#client, counters = this.#counters, emit = this.#emit;
    return new Assignment({
      client,
      consumerGroup,
      store: this.#store,
      strategy: allocateStrategy,
      policy: {
        consumeFromWhere: config.consumeFromWhere,
        consumeTimestamp: config.consumeTimestamp ?? client.clock.now() - 30 * 60_000,
      },
      settlement: this.#mode.settler,
      order: this.#mode.order,
      messageModel,
      onUnblocked: () => this.#loops?.nudge("rebalance"),
      onLocksExpired: () => this.#loops?.nudge("locks"),
      limits: windowLimits(this.#config),
      listener: {
        onReady: (lane) => this.#takers.offer(lane),
        onAck: (delivery) => {
          counters.acked++;
          delivery.outcome = TraceOutcome.SUCCESS;
          delivery.time(client.clock);
        },
        onLateSettlement: () => void counters.lateSettlements++,
        onBack: () => this.#idle?.(),
      },
      puller: {
        client,
        consumerGroup,
        budget: this.#budget,
        counters,
        emit,
        batchSize: config.pullBatchSize,
        batchBytes: () => this.#pullBytes(),
        intervalMs: config.pullIntervalMs,
        suspendMs: config.brokerSuspendMs,
        checkCrc: config.checkCrc,
        onBadRecord: config.onBadRecord,
        subscription: (topic) =>
          topic === this.#retry.topic ? this.#retry : this.#subscriptions.get(topic)?.data,
        isTaken: (window) => this.#takers.isWindowTaken(window),
        onSubscriptionUnknown: () => void this.#client.heartbeat().catch(() => {}),
      },
      counters,
      speed: this.#speed,
      trace: this.#trace,
      emit,
      topics: () => this.#topics(),
    });
  }

  /** A pull may bring its full size, unless that times the queues would pass the budget. */
  #pullBytes(): number {
    const share = Math.floor(this.#config.pullThresholdSizeForAllBytes / Math.max(1, this.#assignment.size));
    return Math.min(this.#config.pullBatchSizeBytes, Math.max(MIN_PULL_BYTES, share));
  }

  *#topics(): Iterable<string> {
    yield* this.#subscriptions.topics();
    if (this.#config.messageModel === "CLUSTERING") yield this.#retry.topic;
  }

  /** Subscribes or changes a selector. */
  subscribe(topic: string, selector: string | MessageSelector): void {
    this.#subscriptions.set(topic, selector);
    if (this.#joined) this.#subscriptionsChanged();
  }

  /** Unsubscribes. */
  unsubscribe(topic: string): void {
    this.#subscriptions.delete(topic);
    this.#pool.unregister(topic);
    if (this.#joined) this.#subscriptionsChanged();
  }

  #subscriptionsChanged(): void {
    this.#client.heartbeat().then(() => this.#loops?.nudge("rebalance"), () => {});
  }

  /** All subscriptions. */
  subscriptions(): readonly Subscription[] {
    return [...this.#subscriptions.values()];
  }

  /** Checks that a listener may be registered. @throws ConsumerStateError */
  checkTaker(topic: string | undefined): void {
    this.#takers.checkListener(topic);
  }

  /** Registers a listener. */
  registerListener(topic: string | undefined, listener: MessageListener): void {
    this.#pool.register(topic, listener);
    this.#takers.offerAll(this.#assignment.windows());
  }

  /** Opens the source of a stream. */
  openSource<T>(topic: string | undefined, shape: ItemShape<T>): StreamSource<T> {
    return this.#takers.openSource(topic, shape, () => this.#assignment.windows());
  }

  /** Joins the group, divides the queues for the first time, starts the loops. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#store.start();
    forwardEvents(this.#client.events(), this.#emit, this.#over.signal);
    const { consumerGroup } = this.#config;
    await learnRoutes(this.#client, this.#subscriptions.topics(), signal);
    await checkSubscriptions(this.#client, consumerGroup, this.#subscriptions.values());
    if (this.#client.options.instanceName !== undefined) {
      await checkClientId(this.#client, consumerGroup, this.#subscriptions.topics());
    }
    this.#client.join(this.#member);
    this.#joined = true;
    await this.#client.heartbeat();
    const firstRound = Promise.withResolvers<void>();
    this.#loops = runLoops(this.#timetable(firstRound.resolve), {
      clock: this.#client.clock,
      onError: (loop, error) =>
        this.#client.logger.error(`The ${loop} loop of "${this.#config.consumerGroup}" failed`, error),
    });
    await firstRound.promise;
  }

  #timetable(onFirstRound: () => void): Loop[] {
    const { rebalanceIntervalMs, persistIntervalMs } = this.#config;
    const renewLocks = () => this.#assignment.renewLocks();
    const rebalance = (signal: AbortSignal) => this.#rebalance(signal, onFirstRound);
    return [
      { name: "rebalance", firstMs: 0, everyMs: rebalanceIntervalMs, run: rebalance },
      { name: "locks", firstMs: LOCK_RENEWAL_MS, everyMs: LOCK_RENEWAL_MS, run: renewLocks },
      { name: "persist", firstMs: persistIntervalMs, everyMs: persistIntervalMs, run: () => this.#persist() },
      { name: "watch", firstMs: WATCH_EVERY_MS, everyMs: WATCH_EVERY_MS, run: () => this.#watch.run() },
      { name: "trace", firstMs: 0, everyMs: TRACE_EVERY_MS, run: (signal) => this.#trace.flush(signal) },
    ];
  }

  /** Rounds until one finishes: what is missing (a broker away, a retry topic not made yet) is asked again soon. */
  async #rebalance(signal: AbortSignal, onRound: () => void): Promise<void> {
    for (let balanced = false; !balanced && !signal.aborted;) {
      balanced = await this.#assignment.rebalance();
      onRound();
      if (!balanced) await this.#client.clock.sleep(this.#assignment.retryAfterMs, signal).catch(() => {});
    }
    onRound();
  }

  async #persist(): Promise<void> {
    await this.#assignment.commit().catch((error) => this.#emit({ type: "persistFailed", error }));
  }

  /** After the first send-back the retry topic exists: its queues are to be divided before the message comes back. */
  #seekRetryTopic(): void {
    for (const queue of this.queues()) if (queue.topic === this.#retry.topic) return;
    this.#client.route(this.#retry.topic, { refresh: true }).then(
      () => this.#loops?.nudge("rebalance"),
      () => {},
    );
  }

  /** The ordered drain. @throws ConsumerShutdownError when offsets could not be stored. */
  async drain(): Promise<void> {
    const { consumerGroup, shutdownTimeoutMs } = this.#config;
    const facts = { group: consumerGroup };
    const reason = new ConsumerShutdownError(`Consumer "${consumerGroup}" is shutting down`, facts);
    await this.#loops?.stop();
    const pulled = this.#assignment.stopPulling(reason);
    this.#takers.end();
    await pulled;
    await this.#settled(shutdownTimeoutMs);
    const left = this.#assignment.outstanding;
    if (left > 0) {
      this.#client.logger.warn(
        `Consumer "${consumerGroup}" shuts down with ${left} messages unsettled after ${shutdownTimeoutMs} ms; ` +
          "they are delivered to the next owner of their queues",
      );
    }
    const problems: string[] = [];
    let cause: unknown;
    const step = async (what: string, work: Promise<unknown>): Promise<void> => {
      try {
        await work;
      } catch (error) {
        cause ??= error;
        problems.push(`${what}: ${(error as Error).message}`);
      }
    };
    // no later interval makes up for a failure; what has arrived is not sent again
    await step("store the offsets", this.#assignment.commit().catch(() => this.#assignment.commit()));
    await this.#assignment.unlock();
    this.#over.abort(reason);
    this.#assignment.release(reason);
    await step("leave the group", this.#leave());
    await this.#trace.flush();
    await step("close the offset store", this.#store.stop());
    if (problems.length > 0) {
      this.#client.logger.warn(`Consumer "${consumerGroup}" could not ${problems.join("; ")}`, cause);
    }
  }

  /** Undoes what a start that failed has done. */
  async abandon(): Promise<void> {
    const reason = new ConsumerShutdownError(`Consumer "${this.#config.consumerGroup}" did not start`);
    await this.#loops?.stop();
    await this.#assignment.stopPulling(reason);
    this.#over.abort(reason);
    this.#assignment.release(reason);
    this.#takers.end();
    await this.#leave().catch(() => {});
    await this.#store.stop().catch(() => {});
  }

  /** Ends every stream. */
  endStreams(): void {
    this.#takers.end();
  }

  async #leave(): Promise<void> {
    if (!this.#joined) return;
    this.#joined = false;
    await this.#client.leave(this.#member);
  }

  /** Resolves when nothing is out any more, or after `timeoutMs`. */
  async #settled(timeoutMs: number): Promise<void> {
    if (this.#assignment.outstanding === 0) return;
    const patience = new AbortController();
    this.#idle = () => {
      if (this.#assignment.outstanding === 0) patience.abort();
    };
    await this.#client.clock.sleep(timeoutMs, patience.signal).catch(() => {});
    this.#idle = undefined;
  }

  /** Stores offsets now. */
  commit(): Promise<void> {
    return this.#assignment.commit();
  }

  /** The queues that are owned now. */
  queues(): MessageQueue[] {
    return [...this.#assignment.windows()].map((window) => window.queue);
  }

  /** Pauses or resumes queues; all when undefined. */
  pause(queues: readonly MessageQueue[] | undefined, paused: boolean): void {
    const keys = queues && new Set(queues.map(queueKey));
    for (const window of this.#assignment.windows()) {
      if (!keys || keys.has(queueKey(window.queue))) window.paused = paused;
    }
    this.#assignment.lookAgain();
  }

  /** The picture of now. */
  statistics(): ConsumerStatistics {
    return {
      ...this.#counters,
      cachedMessages: this.#budget.messages,
      cachedBytes: this.#budget.bytes,
      inFlight: this.#assignment.outstanding,
      concurrency: this.#pool.concurrency,
      queues: Array.from(this.#assignment.windows(), queueStatistics),
      topics: this.#speed.topics(),
      trace: this.#trace.statistics(),
      client: this.#client.statistics(),
    };
  }
}
