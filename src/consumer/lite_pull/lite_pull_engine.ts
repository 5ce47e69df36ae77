/**
 * The parts of a lite pull consumer put together, and the timetable that they live by.
 *
 *   Assignment (what is pulled) → QueueWindow → Poller (who gets it) → finished by the next request → offset store
 * The same windows, pullers and stores as a push consumer's. What differs: queues may be named by the application, which may
 * also move and pause them, and nothing goes back to the broker: who wants a message again seeks.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { Gate } from "../../core/gate.ts";
import type { OffsetStore } from "../../offsets/offset_store.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";
import type { TopicRoute } from "../../routing/route.ts";
import { ConsumeSpeed } from "../../telemetry/consume_speed.ts";
import { type MessageTrace, TraceOutcome } from "../../telemetry/message_trace.ts";
import type { Loop } from "../../time/loop.ts";
import { Assignment } from "../queue/assignment.ts";
import { Budget } from "../window/budget.ts";
import type { LivingEngine } from "../consumer_life.ts";
import { allToEach, type Division, everyQueue, sharedByGroup } from "../group/division.ts";
import type { ConsumerEvent } from "../events.ts";
import { knownRoute } from "../group/group_roster.ts";
import { groupMember } from "../group/group_member.ts";
import type { ResolvedLitePullConfig } from "./lite_pull_options.ts";
import { Membership } from "../group/membership.ts";
import { Poller } from "./poller.ts";
import { QueueChoice } from "./queue_choice.ts";
import { AssignmentListener, TopicListeners } from "./queue_listeners.ts";
import type { MessageSelector } from "../subscription/selector.ts";
import type { Settler } from "../settlement/settler.ts";
import { lagLoop } from "../queue/lag_watch.ts";
import { startPolicy } from "../queue/start_offset.ts";
import { type ConsumerCounters, newCounters, type PullStatistics, pullStatistics } from "../statistics.ts";
import { storeFor } from "../config/store_choice.ts";
import { type Subscription, Subscriptions } from "../subscription/subscriptions.ts";
import { messageTraceOf, tracerOf } from "../tracing.ts";
import { WATCH_EVERY_MS } from "../watch.ts";

/** Nothing is sent back or delivered again by itself. */
const NO_SETTLER: Settler = {
  retry: () => Promise.resolve(false),
  deadLetter: () => Promise.resolve(false),
};
/** There are no listeners to call with messages. */
const NO_LISTENERS = { concurrency: 0, listener: () => undefined };

/** The inside of a lite pull consumer. Group, topics and queues are called here as brokers call them. */
export class LitePullEngine implements LivingEngine {
  readonly poller: Poller;
  readonly topics: TopicListeners;
  readonly #config: ResolvedLitePullConfig;
  readonly #choice: QueueChoice;
  readonly #client: RocketMQClient;
  readonly #store: OffsetStore;
  /** A read of the store and a commit by hand come one after the other. */
  readonly #storeGate = new Gate(1);
  readonly #counters: ConsumerCounters = newCounters();
  readonly #speed: ConsumeSpeed;
  readonly #trace: MessageTrace;
  readonly #budget: Budget;
  readonly #subscriptions: Subscriptions;
  readonly #assignment: Assignment;
  readonly #membership: Membership;
  readonly #emit: (event: ConsumerEvent) => void;
  readonly #over = new AbortController();

  constructor(
    config: ResolvedLitePullConfig,
    client: RocketMQClient,
    emit: (event: ConsumerEvent) => void,
  ) {
    this.#config = config;
    this.#client = client;
    const { consumerGroup } = config;
    this.#choice = new QueueChoice(consumerGroup);
    this.#emit = (event) => {
      if (event.type === "revoked") this.#choice.forget(event.queues);
      emit(event);
    };
    this.#speed = new ConsumeSpeed(client.clock);
    this.#trace = messageTraceOf(client, config, () => this.#membership.nudge("trace"));
    this.#subscriptions = new Subscriptions(client.clock);
    this.#budget = new Budget({
      maxMessages: config.pullThresholdForAll,
      maxBytes: config.pullThresholdSizeForAllBytes,
    });
    this.#store = storeFor(client, config, emit);
    this.#assignment = this.#makeAssignment();
    this.poller = new Poller(client.clock, () => this.#assignment.windows());
    this.topics = new TopicListeners(async (topic) => {
      const route = await knownRoute(client, topic, { refresh: true });
      return route ? everyQueue(route) : [];
    }, (topic, call) => this.#guard(topic, call));
    this.#membership = this.#makeMembership();
  }

  #makeAssignment(): Assignment {
    const config = this.#config, client = this.#client, counters = this.#counters, emit = this.#emit;
    const { consumerGroup } = config;
    return new Assignment({
      client,
      consumerGroup,
      store: this.#store,
      divide: this.#division(),
      policy: startPolicy(config, client.clock.now()),
      settlement: NO_SETTLER,
      order: undefined,
      messageModel: config.messageModel,
      storesProgress: config.autoCommit,
      wishFor: (queue) => this.#choice.wishFor(queue),
      onUnblocked: () => this.#membership.nudge("rebalance"),
      onLocksExpired: () => {},
      limits: {
        maxMessages: config.pullThresholdForQueue,
        maxBytes: config.pullThresholdSizeForQueueBytes,
        maxWaiting: Infinity,
        maxSpan: config.consumeMaxSpan,
      },
      listener: {
        onReady: (lane) => this.poller.offer(lane),
        onAck: (delivery) => {
          counters.acked++;
          delivery.outcome = TraceOutcome.SUCCESS;
          delivery.time(client.clock);
        },
        onExtend: () => Promise.resolve(false),
        onLateSettlement: () => void counters.lateSettlements++,
      },
      puller: {
        client,
        consumerGroup,
        budget: this.#budget,
        counters,
        emit,
        batchSize: config.pullBatchSize,
        batchBytes: () => this.#budget.pullBytes(config.pullBatchSizeBytes, this.#assignment.size),
        intervalMs: config.pullIntervalMs,
        suspendMs: config.brokerSuspendMs,
        checkCrc: config.checkCrc,
        onBadRecord: config.onBadRecord,
        tracer: tracerOf(client, config),
        carriesSubscription: true,
        subscription: (topic) => this.#subscriptions.get(topic)?.data,
        isTaken: () => true,
        onSubscriptionUnknown: () => void client.heartbeat().catch(() => {}),
      },
      counters,
      speed: this.#speed,
      trace: this.#trace,
      emit,
      topics: () => this.#topics(),
    });
  }

  #makeMembership(): Membership {
    const client = this.#client, config = this.#config, { messageQueueListener } = config;
    const listener = messageQueueListener &&
      new AssignmentListener(messageQueueListener, (topic, call) => this.#guard(topic, call));
    const queuesOf = (topic: string) => client.cachedRoute(topic)?.readQueues ?? [];
    return new Membership({
      client,
      consumerGroup: config.consumerGroup,
      missingTopic: config.missingTopic,
      rebalanceIntervalMs: config.rebalanceIntervalMs,
      subscriptions: this.#subscriptions,
      topics: () => this.#topics(),
      assignment: this.#assignment,
      store: this.#store,
      trace: this.#trace,
      member: groupMember({
        client,
        config,
        assignment: this.#assignment,
        pool: NO_LISTENERS,
        speed: (topic) => this.#speed.status(topic),
        consumeType: "CONSUME_ACTIVELY",
        subscribed: () => this.#subscribed(),
        topics: () => this.#topics(),
        rebalance: () => this.#membership.nudge("rebalance"),
        signal: this.#over.signal,
      }),
      emit: this.#emit,
      over: this.#over,
      onRound: listener && (() => listener.check(this.queues(), queuesOf)),
    });
  }

  /** The application's queues, or this member's share. */
  #division(): Division {
    const { consumerGroup, messageModel, allocateStrategy } = this.#config;
    const shared = messageModel === "BROADCASTING"
      ? allToEach
      : sharedByGroup(this.#client, consumerGroup, allocateStrategy);
    return (route: TopicRoute) =>
      this.#choice.isAssigned
        ? { queues: this.#choice.named.filter(({ topic }) => topic === route.topic), hasOthers: false }
        : shared(route);
  }

  /** Brokers divide nothing for queues that the application names: they are told no subscription (as in Java). */
  #subscribed(): SubscriptionData[] {
    if (!this.#choice.isSubscribed) return [];
    return Array.from(this.#subscriptions.values(), ({ data }) => data);
  }

  #topics(): Iterable<string> {
    return this.#choice.isAssigned ? this.#choice.namedTopics : this.#subscriptions.topics();
  }

  /** Calls into the application; what it throws is told. */
  #guard(topic: string, call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#emit({ type: "handlerFailed", topic, error });
    }
  }

  /** Subscribes or changes a selector. */
  subscribe(topic: string, selector: string | MessageSelector): void {
    this.#choice.check("subscribe", `subscribe "${topic}"`);
    this.#subscriptions.set(topic, selector);
    this.#choice.choose("subscribe");
    this.#membership.subscriptionsChanged();
  }

  /** Unsubscribes. */
  unsubscribe(topic: string): void {
    this.#choice.check("subscribe", `unsubscribe "${topic}"`);
    this.#subscriptions.delete(topic);
    this.#membership.subscriptionsChanged();
  }

  /** Names the queues to pull. */
  assign(queues: readonly MessageQueue[]): void {
    this.#choice.check("assign", `assign ${queues.length} queues`);
    this.#choice.choose("assign");
    this.#choice.name(queues);
    for (const topic of this.#choice.namedTopics) {
      if (!this.#subscriptions.get(topic)) this.select(topic, "*");
    }
    this.#membership.subscriptionsChanged();
  }

  /** Chooses what of a topic the assigned queues give. */
  select(topic: string, selector: string | MessageSelector): void {
    this.#choice.check("assign", `choose what of "${topic}" assigned queues give`);
    this.#subscriptions.set(topic, selector);
    this.#choice.choose("assign");
  }

  /** All selectors, by topic. */
  subscriptions(): readonly Subscription[] {
    return [...this.#subscriptions.values()];
  }

  /** Begins a queue at `offset`. @throws ConsumerStateError when it is not this consumer's. */
  seek(queue: MessageQueue, offset: number): void {
    if (this.#assignment.seek(queue, offset)) return;
    this.requireOwned(queue, "seek");
    this.#choice.seek(queue, offset);
  }

  /** Checks that a queue is this consumer's. @throws ConsumerStateError */
  requireOwned(queue: MessageQueue, attempted: string): void {
    this.#choice.require(queue, this.queues(), attempted);
  }

  /** Pauses or resumes queues; all when undefined. */
  pause(queues: readonly MessageQueue[] | undefined, paused: boolean): void {
    this.#choice.pause(queues, this.queues(), paused);
    this.#assignment.pause(queues, paused);
  }

  /** Whether a queue is paused. */
  isPaused(queue: MessageQueue): boolean {
    return this.#choice.isPaused(queue);
  }

  /** Finishes everything that was handed out, and stores it. @throws OffsetError */
  async commitAll(): Promise<void> {
    this.poller.finishAll();
    await this.#assignment.commit();
  }

  /** Stores these offsets, whatever was handed out. @throws ConsumerStateError, OffsetError */
  async commitOffsets(offsets: Iterable<readonly [MessageQueue, number]>): Promise<void> {
    const given = [...offsets];
    for (const [queue] of given) this.requireOwned(queue, "commit the offset of");
    await this.#storeGate.enter();
    try {
      for (const [queue, offset] of given) this.#store.updateOffset(queue, offset, false);
      await this.#store.persistAll(given.map(([queue]) => queue));
    } finally {
      this.#storeGate.leave();
    }
  }

  /** The offset that is stored for a queue. What the store has in memory is put back where the read has replaced it. */
  async committed(queue: MessageQueue): Promise<number | undefined> {
    const store = this.#store;
    await this.#storeGate.enter();
    try {
      const window = this.#assignment.window(queue);
      const ahead = await store.readOffset(queue, "READ_FROM_MEMORY");
      const stored = await store.readOffset(queue, "READ_FROM_STORE");
      const now = this.#assignment.window(queue);
      if (now === undefined) store.removeOffset(queue);
      else if (now !== window) store.updateOffset(queue, now.commitOffset, false);
      else if (ahead !== undefined) store.updateOffset(queue, ahead, false);
      return stored;
    } finally {
      this.#storeGate.leave();
    }
  }

  /** The queues that are owned now. */
  queues(): MessageQueue[] {
    return this.#assignment.queues();
  }

  /** Looks at the topics that have a change listener, now. */
  checkTopics(): void {
    this.#membership.nudge("topic metadata");
  }

  /** See LivingEngine. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#membership.join(this.#timetable(), signal);
  }

  #timetable(): Loop[] {
    const { autoCommit, autoCommitIntervalMs, topicMetadataCheckIntervalMs } = this.#config;
    const commit: Loop = {
      name: "commit",
      firstMs: autoCommitIntervalMs,
      everyMs: autoCommitIntervalMs,
      run: () => this.#membership.persist(),
    };
    const checkTopics = () => this.topics.check();
    return [
      ...(autoCommit ? [commit] : []),
      { name: "watch", firstMs: WATCH_EVERY_MS, everyMs: WATCH_EVERY_MS, run: () => this.#watch() },
      lagLoop(this.#client, () => this.#assignment.pulled()),
      { name: "topic metadata", firstMs: 0, everyMs: topicMetadataCheckIntervalMs, run: checkTopics },
    ];
  }

  #watch(): Promise<void> {
    const now = this.#client.clock.now();
    this.#assignment.watch(now);
    this.#speed.sample(now);
    return Promise.resolve();
  }

  /** See LivingEngine. A polled batch has no end that could be waited for; the message of a loop has. */
  async drain(): Promise<void> {
    const { shutdownTimeoutMs, autoCommit } = this.#config;
    await this.#membership.drain({
      endTakers: () => this.poller.end(),
      patienceMs: this.poller.isStreaming ? shutdownTimeoutMs : 0,
      commits: autoCommit,
    });
  }

  /** See LivingEngine. */
  async abandon(): Promise<void> {
    await this.#membership.abandon(() => this.poller.end());
  }

  /** See LivingEngine. */
  endTakers(): void {
    this.poller.end();
  }

  /** The picture of now. */
  statistics(): PullStatistics {
    return pullStatistics({
      counters: this.#counters,
      budget: this.#budget,
      assignment: this.#assignment,
      speed: this.#speed,
      trace: this.#trace,
      client: this.#client,
    });
  }
}
