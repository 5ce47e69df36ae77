/**
 * The parts of a consumer put together, and the timetable that they live by.
 *
 *   Assignment (what is pulled) → QueueWindow → Takers (who gets it) → settlement → offset store
 * The consumer talks to this, the client talks back through the member of group_member.ts.
 */
import type { RocketMQClient } from "../client/client.ts";
import type { OffsetStore } from "../offsets/offset_store.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { retryTopic } from "../protocol/names.ts";
import { withoutNamespace } from "../protocol/namespace.ts";
import { parseSubscription, type SubscriptionData } from "../protocol/subscription_data.ts";
import { ConsumeSpeed } from "../telemetry/consume_speed.ts";
import { type MessageTrace, TraceOutcome } from "../telemetry/message_trace.ts";
import type { Loop } from "../time/loop.ts";
import { Assignment } from "./queue/assignment.ts";
import { Budget } from "./window/budget.ts";
import type { LivingEngine } from "./consumer_life.ts";
import type { ConsumerEvent } from "./events.ts";
import { agreementLoop } from "./group/group_agreement.ts";
import { groupMember } from "./group/group_member.ts";
import { ListenerPool } from "./taking/listener_pool.ts";
import type { MessageListener } from "./taking/listener.ts";
import { Membership } from "./group/membership.ts";
import { divisionFor, type Mode, modeFor } from "./mode.ts";
import type { FetchLoopOptions } from "./queue/fetch_loop.ts";
import { lagLoop } from "./queue/lag_watch.ts";
import { type ResolvedConsumerConfig, windowLimits } from "./config/options.ts";
import { KEEP_EVERY_MS } from "./pop/hold_keeper.ts";
import { PoppedQueues } from "./pop/popped_queues.ts";
import { type RequestMode, RequestModes } from "./pop/request_modes.ts";
import { LOCK_RENEWAL_MS } from "./queue/queue_locks.ts";
import { Pauses, type PauseTarget } from "./pauses.ts";
import { type RateLimit, rateLimitOf } from "./taking/rate_limit.ts";
import type { MessageSelector } from "./subscription/selector.ts";
import type { ConcurrencyBounds } from "./taking/concurrency_limit.ts";
import type { ConsumerCounters, ConsumerStatistics } from "./statistics.ts";
import { newCounters, pullStatistics } from "./statistics.ts";
import { startPolicy } from "./queue/start_offset.ts";
import { storeFor } from "./config/store_choice.ts";
import type { ItemShape, StreamSource } from "./taking/stream_source.ts";
import { type Subscription, Subscriptions } from "./subscription/subscriptions.ts";
import { Takers } from "./taking/takers.ts";
import type { WindowLimits, WindowListener } from "./window/window_terms.ts";
import { messageTraceOf, tracerOf } from "./tracing.ts";
import { Watch, WATCH_EVERY_MS } from "./watch.ts";

/** The inside of a consumer. Group, topics and queues are called here as brokers call them. */
export class ConsumerEngine implements LivingEngine {
  readonly #config: ResolvedConsumerConfig;
  readonly #client: RocketMQClient;
  readonly #emit: (event: ConsumerEvent) => void;
  readonly #counters: ConsumerCounters = newCounters();
  readonly #speed: ConsumeSpeed;
  readonly #trace: MessageTrace;
  readonly #subscriptions: Subscriptions;
  readonly #retry: SubscriptionData;
  readonly #mode: Mode;
  readonly #rate: RateLimit | undefined;
  readonly #pool: ListenerPool;
  readonly #takers: Takers;
  readonly #store: OffsetStore;
  readonly #budget: Budget;
  readonly #popped: PoppedQueues | undefined;
  /** Looked up by every window: a change of the queues' number is seen at once. */
  readonly #limits: WindowLimits;
  readonly #pauses = new Pauses();
  readonly #assignment: Assignment;
  readonly #watch: Watch;
  readonly #membership: Membership;
  readonly #over = new AbortController();

  constructor(config: ResolvedConsumerConfig, client: RocketMQClient, emit: (event: ConsumerEvent) => void) {
    this.#config = config;
    this.#client = client;
    this.#emit = emit;
    const { consumerGroup } = config;
    this.#speed = new ConsumeSpeed(client.clock);
    this.#trace = messageTraceOf(client, config, () => this.#membership.nudge("trace"));
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
    this.#rate = rateLimitOf(config.maxMessagesPerSecond, client.clock, this.#over.signal);
    this.#pool = new ListenerPool({
      consumerGroup: withoutNamespace(client.options.namespace, consumerGroup),
      ordered: this.#mode.orderedCalls,
      autoCommit: config.autoCommit,
      clock: client.clock,
      concurrency: { min: config.consumeConcurrencyMin, max: config.consumeConcurrencyMax },
      rate: this.#rate,
      batchMaxSize: config.consumeMessageBatchMaxSize,
      counters: this.#counters,
      emit,
    });
    const onTaken = (): void => this.#assignment.lookAgain();
    this.#takers = new Takers(this.#pool, { clock: client.clock, rate: this.#rate, onTaken });
    this.#store = storeFor(client, config, emit);
    this.#limits = windowLimits(config, 0);
    this.#budget = new Budget({
      maxMessages: config.pullThresholdForAll,
      maxBytes: config.pullThresholdSizeForAllBytes,
    });
    const fetch = this.#fetchOptions(), listener = this.#windowListener();
    this.#popped = config.clientRebalance ? undefined : this.#makePopped(fetch, listener);
    this.#assignment = this.#makeAssignment(fetch, listener);
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
    this.#membership = this.#makeMembership();
  }

  #makeMembership(): Membership {
    const client = this.#client, config = this.#config, subscriptions = this.#subscriptions;
    return new Membership({
      client,
      consumerGroup: config.consumerGroup,
      missingTopic: config.missingTopic,
      rebalanceIntervalMs: config.rebalanceIntervalMs,
      subscriptions,
      topics: () => subscriptions.topics(),
      assignment: this.#assignment,
      store: this.#store,
      trace: this.#trace,
      member: groupMember({
        client,
        config,
        assignment: this.#assignment,
        pool: this.#pool,
        speed: (topic) => this.#speed.status(topic),
        consumeType: "CONSUME_PASSIVELY",
        subscribed: () => this.#subscribed(),
        topics: () => this.#topics(),
        rebalance: () => this.#membership.nudge("rebalance"),
        lookAround: () => this.#membership.nudge("agreement"),
        signal: this.#over.signal,
      }),
      emit: this.#emit,
      over: this.#over,
      onRound: () => void Object.assign(this.#limits, windowLimits(config, this.#assignment.size)),
    });
  }

  #makeAssignment(fetch: FetchLoopOptions, listener: WindowListener): Assignment {
    const { consumerGroup, messageModel, ...config } = this.#config;
    const client = this.#client, counters = this.#counters, emit = this.#emit;
    return new Assignment({
      client,
      consumerGroup,
      store: this.#store,
      popped: this.#popped,
      divide: divisionFor(this.#config, client, this.#popped, emit),
      policy: startPolicy(config, client.clock.now()),
      settlement: this.#mode.settler,
      order: this.#mode.order,
      messageModel,
      storesProgress: true,
      wishFor: (queue) => ({ offset: undefined, paused: this.#pauses.has(queue) }),
      onUnblocked: () => this.#membership.nudge("rebalance"),
      onLocksExpired: () => this.#membership.nudge("locks"),
      limits: this.#limits,
      listener,
      puller: {
        ...fetch,
        consumerGroup,
        batchSize: config.pullBatchSize,
        batchBytes: () => this.#budget.pullBytes(config.pullBatchSizeBytes, this.#assignment.size),
        suspendMs: config.brokerSuspendMs,
        checkCrc: config.checkCrc,
        onBadRecord: config.onBadRecord,
        carriesSubscription: false,
        subscription: (topic) =>
          topic === this.#retry.topic
            ? this.#retry
            : this.#subscriptions.get(topic)?.data ?? this.#popped?.leftovers.subscription(topic),
      },
      counters,
      speed: this.#speed,
      trace: this.#trace,
      emit,
      topics: () => this.#topics(),
    });
  }

  #makePopped(fetch: FetchLoopOptions, listener: WindowListener): PoppedQueues {
    return new PoppedQueues(this.#config, {
      fetch,
      subscription: (topic) => this.#subscriptions.get(topic)?.data,
      isPaused: (queue) => this.#pauses.has(queue),
      onLeftovers: () => this.#membership.subscriptionsChanged(),
      settler: this.#mode.popSettler,
      listener,
      speed: this.#speed,
      trace: this.#trace,
    });
  }

  /** What asking for messages works with, by pull or by pop. */
  #fetchOptions(): FetchLoopOptions {
    return {
      client: this.#client,
      budget: this.#budget,
      counters: this.#counters,
      emit: this.#emit,
      intervalMs: this.#config.pullIntervalMs,
      tracer: tracerOf(this.#client, this.#config),
      isTaken: (window) => this.#takers.isWindowTaken(window),
      onSubscriptionUnknown: () => void this.#client.heartbeat().catch(() => {}),
    };
  }

  #windowListener(): WindowListener {
    const { clock } = this.#client, counters = this.#counters;
    return {
      onReady: (lane) => this.#takers.offer(lane),
      onAck: (delivery) => {
        counters.acked++;
        delivery.outcome = TraceOutcome.SUCCESS;
        delivery.time(clock);
      },
      onExtend: (delivery, ms) => {
        delivery.extendedUntil = clock.now() + ms;
        return Promise.resolve(true);
      },
      onLateSettlement: () => void counters.lateSettlements++,
    };
  }

  #subscribed(): SubscriptionData[] {
    const retry = this.#config.messageModel === "CLUSTERING" ? [this.#retry] : [];
    const leftovers = this.#popped?.leftovers.subscriptions() ?? [];
    return Array.from(this.#subscriptions.values(), ({ data }) => data).concat(retry, leftovers);
  }

  #topics(): Iterable<string> {
    return this.#subscribed().map(({ topic }) => topic);
  }

  /** Subscribes or changes a selector. */
  subscribe(topic: string, selector: string | MessageSelector): void {
    this.#subscriptions.set(topic, selector);
    this.#membership.subscriptionsChanged();
  }

  /** Unsubscribes. */
  unsubscribe(topic: string): void {
    this.#subscriptions.delete(topic);
    this.#pool.unregister(topic);
    this.#popped?.leftovers.note(topic, false);
    this.#membership.subscriptionsChanged();
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
    await this.#membership.join(this.#timetable(), signal);
  }

  #timetable(): Loop[] {
    const { consumerGroup, persistIntervalMs } = this.#config;
    const client = this.#client, subscriptions = this.#subscriptions;
    const renewLocks = () => this.#assignment.renewLocks();
    const persist = () => this.#membership.persist();
    const popped = this.#popped;
    const keep = popped &&
      { name: "popped", firstMs: KEEP_EVERY_MS, everyMs: KEEP_EVERY_MS, run: () => popped.keep() };
    return [
      { name: "locks", firstMs: LOCK_RENEWAL_MS, everyMs: LOCK_RENEWAL_MS, run: renewLocks },
      { name: "persist", firstMs: persistIntervalMs, everyMs: persistIntervalMs, run: persist },
      { name: "watch", firstMs: WATCH_EVERY_MS, everyMs: WATCH_EVERY_MS, run: () => this.#watch.run() },
      lagLoop(client, () => this.#assignment.pulled()),
      agreementLoop({ client, consumerGroup, subscriptions, emit: this.#emit }),
      ...(keep ? [keep] : []),
    ];
  }

  /** After the first send-back the retry topic exists: its queues are to be divided before the message comes back. */
  #seekRetryTopic(): void {
    for (const queue of this.queues()) if (queue.topic === this.#retry.topic) return;
    this.#client.route(this.#retry.topic, { refresh: true }).then(
      () => this.#membership.nudge("rebalance"),
      () => {},
    );
  }

  /** The ordered drain. */
  async drain(): Promise<void> {
    await this.#membership.drain({
      endTakers: () => this.#takers.end(),
      fillsHoles: this.#mode.order?.keyOf !== undefined,
      patienceMs: this.#config.shutdownTimeoutMs,
      commits: true,
    });
  }

  /** Undoes what a start that failed has done. */
  async abandon(): Promise<void> {
    await this.#membership.abandon(() => this.#takers.end());
  }

  /** Ends every stream. */
  endTakers(): void {
    this.#takers.end();
  }

  /** Stores offsets now. */
  commit(): Promise<void> {
    return this.#assignment.commit();
  }

  /** The queues that are owned now. */
  queues(): MessageQueue[] {
    return this.#assignment.queues();
  }

  /** Pauses or resumes topics and queues; all when undefined. */
  pause(targets: readonly PauseTarget[] | undefined, paused: boolean): void {
    this.#pauses.set(targets, paused);
    for (const each of [true, false]) {
      this.#assignment.pause(this.queues().filter((queue) => this.#pauses.has(queue) === each), each);
    }
  }

  /** Sets how the group gets the messages of `topic`, of all topics when undefined. */
  async setRequestMode(topic: string | undefined, mode: RequestMode): Promise<void> {
    const modes = new RequestModes(this.#client, this.#config.consumerGroup);
    for (const each of this.#subscriptions.topicsOf(topic)) {
      await modes.set(await this.#client.route(each), mode);
    }
    this.#membership.nudge("rebalance");
  }

  /** Starts a pulled queue afresh at `offset`; false when it is not pulled here. */
  seek(queue: MessageQueue, offset: number): boolean {
    return this.#assignment.seek(queue, offset);
  }

  /** Changes how many listener calls may be pending. */
  setConcurrency(bounds: ConcurrencyBounds): void {
    this.#pool.bounds = bounds;
  }

  /** The picture of now. */
  statistics(): ConsumerStatistics {
    const picture = pullStatistics({
      counters: this.#counters,
      budget: this.#budget,
      assignment: this.#assignment,
      speed: this.#speed,
      trace: this.#trace,
      client: this.#client,
    });
    return {
      ...picture,
      concurrency: this.#pool.concurrency,
      pendingCalls: this.#pool.pending,
      rate: this.#rate?.statistics(),
      queues: [...picture.queues, ...this.#popped?.statistics() ?? []],
    };
  }
}
