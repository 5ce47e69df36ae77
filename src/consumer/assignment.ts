/**
 * Which queues this member owns, and the windows and pullers that serve them.
 *
 * A round asks, per topic, who is in the group and what queues there are, lets the strategy divide, and applies the
 * difference: lost queues are committed and dropped before anything else, gained ones start at their stored offset. What
 * cannot be found out in a round leaves the assignment of that topic as it is. Rounds never overlap (the loop
 * that calls `rebalance` sees to it). Each window gets a generation, so that nothing of a former assignment commits.
 */
import type { RocketMQClient } from "../client/client.ts";
import { BrokerError, RebalanceError } from "../core/errors.ts";
import { shuffled } from "../core/random.ts";
import type { OffsetStore } from "../offsets/offset_store.ts";
import { consumerIdList } from "../protocol/bodies.ts";
import { compareQueues, type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import { isRetryTopic } from "../protocol/names.ts";
import { getConsumerListByGroup } from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import { planAssignment } from "../rebalance/plan.ts";
import type { AllocateStrategy } from "../rebalance/strategies.ts";
import type { TopicRoute } from "../routing/route.ts";
import type { ConsumeSpeed } from "../telemetry/consume_speed.ts";
import type { MessageTrace } from "../telemetry/message_trace.ts";
import type { ConsumerEvent } from "./events.ts";
import { Puller, type PullerOptions } from "./puller.ts";
import { QueueWindow, type WindowLimits, type WindowListener } from "./queue_window.ts";
import type { Settlement } from "./settlement.ts";
import { startOffset, type StartPolicy } from "./start_offset.ts";
import type { ConsumerCounters } from "./statistics.ts";

/** A queue without an answer for so long is started afresh, in milliseconds (Java: pullMaxIdleTime). */
const STALLED_MS = 120_000;
const MEMBERS_TIMEOUT_MS = 3_000;
/** How often a retry topic that does not exist is looked for with haste; after that the route poll finds it. */
const RETRY_TOPIC_LOOKS = 10;

/** What the assignment works with. */
export interface AssignmentOptions {
  readonly client: RocketMQClient;
  readonly consumerGroup: string;
  readonly store: OffsetStore;
  readonly strategy: AllocateStrategy;
  readonly policy: StartPolicy;
  readonly settlement: Settlement;
  readonly limits: WindowLimits;
  readonly listener: WindowListener;
  readonly puller: Omit<PullerOptions, "onOffsetMoved">;
  readonly counters: ConsumerCounters;
  readonly speed: ConsumeSpeed;
  readonly trace: MessageTrace;
  readonly emit: (event: ConsumerEvent) => void;
  /** The topics to own queues of, the group's retry topic included. */
  readonly topics: () => Iterable<string>;
}

interface Slot {
  readonly window: QueueWindow;
  readonly puller: Puller;
  readonly done: Promise<void>;
}

/** The queues of one member. */
export class Assignment {
  readonly #options: AssignmentOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #failing = new Set<string>();
  #generation = 0;
  #missingRetryTopic = 0;
  #stopped = false;

  constructor(options: AssignmentOptions) {
    this.#options = options;
  }

  /** The windows of the queues that are owned now. */
  *windows(): Iterable<QueueWindow> {
    for (const { window } of this.#slots.values()) yield window;
  }

  /** How many queues are owned. */
  get size(): number {
    return this.#slots.size;
  }

  /** Messages handed out and not settled, over all queues. */
  get outstanding(): number {
    let out = 0;
    for (const { window } of this.#slots.values()) out += window.out;
    return out;
  }

  /** One round over all topics. Resolves with whether every topic was divided; never rejects. */
  async rebalance(): Promise<boolean> {
    const { counters, emit, topics } = this.#options;
    counters.rebalances++;
    const wanted = new Set(topics());
    await this.#revoke(
      [...this.windows()].filter((window) => !wanted.has(window.queue.topic)),
      "unsubscribed",
    );
    let balanced = true;
    for (const topic of wanted) {
      if (this.#stopped) return true;
      try {
        if (await this.#divide(topic)) this.#failing.delete(topic);
        else balanced = false;
      } catch (cause) {
        balanced = false;
        counters.rebalanceFailures++;
        if (this.#failing.has(topic)) continue;
        this.#failing.add(topic);
        const error = new RebalanceError(
          `Cannot divide the queues of "${topic}" in group "${this.#options.consumerGroup}": ${
            (cause as Error).message
          }`,
          { cause, topic, group: this.#options.consumerGroup },
        );
        emit({ type: "rebalanceFailed", topic, error });
      }
    }
    return balanced;
  }

  /** Divides one topic's queues among the members; false when something is missing and is to be asked again soon. */
  async #divide(topic: string): Promise<boolean> {
    const { client, consumerGroup, strategy } = this.#options;
    const route = await this.#route(topic);
    // A topic that does not exist yet is looked for by the route poll; a retry topic comes with the first heartbeat.
    if (route === undefined) return !isRetryTopic(topic) || ++this.#missingRetryTopic > RETRY_TOPIC_LOOKS;
    if (route.readQueues.length === 0) return true;
    const members = await this.#members(route);
    const allocated = strategy.allocate({
      consumerGroup,
      consumerId: client.clientId,
      messageModel: "CLUSTERING",
      allConsumerIds: members,
      allMessageQueues: [...route.readQueues].sort(compareQueues),
    });
    const held = [...this.windows()].filter((window) => window.queue.topic === topic);
    const plan = planAssignment(held.map((window) => window.queue), allocated);
    const lost = new Set(plan.lost.map(queueKey));
    await this.#revoke(held.filter((window) => lost.has(queueKey(window.queue))), "moved to another member");
    return await this.#gain(plan.gained);
  }

  async #route(topic: string): Promise<TopicRoute | undefined> {
    const { client } = this.#options;
    const known = client.cachedRoute(topic);
    if (known) return known;
    try {
      return await client.route(topic);
    } catch (error) {
      if (error instanceof BrokerError && error.facts.responseCode === ResponseCode.TOPIC_NOT_EXIST) {
        return undefined;
      }
      throw error;
    }
  }

  /** The ids of the group's members, sorted as every member sorts them. */
  async #members(route: TopicRoute): Promise<string[]> {
    const { client, consumerGroup } = this.#options;
    let failure: unknown;
    for (const broker of shuffled([...route.brokers.keys()], client.random)) {
      try {
        const ids = await this.#membersAt(broker);
        if (ids.includes(client.clientId)) return ids.sort();
        // The broker has forgotten us (it restarted, or the connection broke): say hello, and ask once more.
        await client.heartbeat();
        return (await this.#membersAt(broker)).sort();
      } catch (error) {
        failure = error;
      }
    }
    if (failure instanceof BrokerError) await client.heartbeat();
    throw failure ??
      new RebalanceError(`Cannot find a broker that knows group "${consumerGroup}": the route has none`);
  }

  async #membersAt(broker: string): Promise<string[]> {
    const { client, consumerGroup } = this.#options;
    const reply = await client.call(broker, getConsumerListByGroup, { consumerGroup }, {
      timeoutMs: MEMBERS_TIMEOUT_MS,
    });
    return [...consumerIdList.read(reply.body).consumerIdList];
  }

  /** Starts the gained queues; false when the start of one could not be found out. */
  async #gain(queues: readonly MessageQueue[]): Promise<boolean> {
    if (queues.length === 0) return true;
    const { store, policy, client, emit, counters } = this.#options;
    const starts = await Promise.allSettled(queues.map((queue) => startOffset(queue, store, policy, client)));
    if (this.#stopped) return true;
    const started: MessageQueue[] = [];
    let failure: Error | undefined;
    starts.forEach((start, i) => {
      if (start.status === "rejected") failure = start.reason as Error;
      else {
        this.#start(queues[i]!, start.value);
        started.push(queues[i]!);
      }
    });
    if (started.length > 0) emit({ type: "assigned", queues: started });
    if (failure === undefined) return true;
    counters.rebalanceFailures++;
    const topic = queues[0]!.topic;
    if (!this.#failing.has(topic)) emit({ type: "rebalanceFailed", topic, error: failure });
    this.#failing.add(topic);
    return false;
  }

  #start(queue: MessageQueue, offset: number, paused = false): void {
    const { settlement, limits, listener, client, store } = this.#options;
    const window = new QueueWindow({
      queue,
      generation: ++this.#generation,
      isRetry: isRetryTopic(queue.topic),
      startOffset: offset,
      now: client.clock.now(),
      settlement,
      budget: this.#options.puller.budget,
      limits,
      listener,
      totals: this.#options.speed.totals(queue.topic),
      trace: this.#options.trace.of(queue.topic),
    });
    window.paused = paused;
    store.updateOffset(queue, offset, false);
    const puller = new Puller(window, {
      ...this.#options.puller,
      onOffsetMoved: (moved, to) => this.#moveOffset(moved, to),
    });
    this.#slots.set(queueKey(queue), { window, puller, done: puller.run() });
  }

  /** Starts an owned queue afresh at `offset`, as an administrator wants; one that is not owned is another's business. */
  resetOffset(queue: MessageQueue, offset: number): void {
    const slot = this.#slots.get(queueKey(queue));
    if (slot === undefined || this.#stopped) return;
    this.#options.emit({
      type: "offsetIllegal",
      queue: slot.window.queue,
      from: slot.window.cursor,
      to: offset,
    });
    this.#moveOffset(slot.window, offset);
    slot.puller.interrupt(slot.window.lostReason);
  }

  /** The broker's offsets changed under us: start the queue afresh at `offset`, whatever was cached. */
  #moveOffset(window: QueueWindow, offset: number): void {
    const key = queueKey(window.queue);
    const slot = this.#slots.get(key);
    if (slot?.window !== window || this.#stopped) return;
    this.#slots.delete(key);
    window.drop(new RebalanceError(`The offset of ${key} was moved to ${offset} by the broker`));
    this.#start(window.queue, offset, window.paused);
    this.#options.store.persist(window.queue).catch((error) =>
      this.#options.emit({ type: "persistFailed", error })
    );
  }

  /** Commits and drops windows: nothing is handed out, pulled or settled from them any more. */
  async #revoke(windows: readonly QueueWindow[], why: string): Promise<void> {
    if (windows.length === 0) return;
    const { store, emit } = this.#options;
    const queues = windows.map((window) => window.queue);
    for (const window of windows) {
      const key = queueKey(window.queue);
      store.updateOffset(window.queue, window.commitOffset);
      window.drop(new RebalanceError(`Queue ${key} is lost: ${why}`));
      this.#slots.get(key)?.puller.interrupt(window.lostReason);
      this.#slots.delete(key);
    }
    emit({ type: "revoked", queues });
    await store.persistAll(queues).catch((error) => emit({ type: "persistFailed", error }));
    for (const queue of queues) store.removeOffset(queue);
  }

  /** Stores what may be committed of every queue. @throws OffsetError when some could not be stored. */
  async commit(): Promise<void> {
    const { store } = this.#options;
    const queues: MessageQueue[] = [];
    for (const window of this.windows()) {
      store.updateOffset(window.queue, window.commitOffset);
      queues.push(window.queue);
    }
    await store.persistAll(queues);
  }

  /** Starts the pull of a queue afresh that has not answered for two minutes although it could. */
  watch(now: number): void {
    for (const { window, puller } of this.#slots.values()) {
      const silentMs = now - window.lastAnswerAt;
      if (silentMs < STALLED_MS || !window.hasRoom || !this.#options.puller.isTaken(window)) continue;
      if (!this.#options.puller.budget.hasRoom) continue;
      this.#options.emit({ type: "stalled", queue: window.queue, silentMs });
      window.lastAnswerAt = now;
      puller.interrupt(
        new RebalanceError(`Queue ${queueKey(window.queue)} has not answered for ${silentMs} ms`),
      );
    }
  }

  /** Lets every puller look again whether it may pull. */
  lookAgain(): void {
    for (const { window } of this.#slots.values()) window.lookAgain();
  }

  /** Asks no broker for messages any more; what is cached stays. */
  async stopPulling(reason: unknown): Promise<void> {
    this.#stopped = true;
    const slots = [...this.#slots.values()];
    for (const { puller } of slots) puller.stop(reason);
    await Promise.all(slots.map(({ done }) => done));
  }

  /** Forgets every queue: the last step of a shutdown. What is unsettled is delivered to the next owner. */
  release(reason: unknown): void {
    for (const { window } of this.#slots.values()) window.drop(reason);
    this.#slots.clear();
  }
}
