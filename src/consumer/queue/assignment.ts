/**
 * Which queues this member owns, and the windows and pullers that serve them.
 *
 * A round asks, per topic, who is in the group and what queues there are, lets the strategy divide, and applies the
 * difference: lost queues are committed and dropped before anything else, gained ones start at their stored offset. What
 * cannot be found out in a round leaves the assignment of that topic as it is. Rounds never overlap (the loop
 * that calls `rebalance` sees to it). Each window gets a generation, so that nothing of a former assignment commits.
 * Where messages stay in order, a queue starts only when its lock is held, and is let go of by Departures.
 */
import { RebalanceError } from "../../core/errors.ts";
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import { isRetryTopic, retryTopic } from "../../protocol/names.ts";
import { planAssignment } from "../../rebalance/plan.ts";
import type { AssignmentOptions } from "./assignment_terms.ts";
import { Departures } from "./departures.ts";
import { letOthersFinish, type Round } from "./hand_over.ts";
import type { FetchLoop } from "./fetch_loop.ts";
import { knownRoute } from "../group/group_roster.ts";
import { pullLoop } from "./puller.ts";
import { BROKER_LOCK_LIVE_MS, LOCK_LIVE_MS, QueueLocks } from "./queue_locks.ts";
import { QueueWindow } from "../window/queue_window.ts";
import { startOffset } from "./start_offset.ts";

/** How often a retry topic that does not exist is looked for with haste; after that the route poll finds it. */
const RETRY_TOPIC_LOOKS = 10;
/** A round that could not finish is tried again after this, in milliseconds; sooner when it waits for a lock (Java 5.x: the same). */
const UNBALANCED_RETRY_MS = 1_000;
const LOCK_RETRY_MS = 500;

interface Slot {
  readonly window: QueueWindow;
  readonly puller: FetchLoop<unknown>;
  readonly done: Promise<void>;
}

/** The queues of one member. */
export class Assignment {
  readonly #options: AssignmentOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #failing = new Set<string>();
  readonly #locks: QueueLocks | undefined;
  readonly #departures: Departures;
  #renewal: Promise<void> = Promise.resolve();
  /** Whether the last round met queues that are locked elsewhere, or not let go of here. */
  #isWaiting = false;
  #generation = 0;
  readonly #retryTopic: string;
  #missingRetryTopic = 0;
  #stopped = false;

  constructor(options: AssignmentOptions) {
    this.#options = options;
    this.#retryTopic = retryTopic(options.consumerGroup);
    const { client, consumerGroup, store, emit, onUnblocked } = options;
    if (options.order && options.messageModel === "CLUSTERING") {
      this.#locks = new QueueLocks(client, consumerGroup);
    }
    this.#departures = new Departures({
      clock: client.clock,
      store,
      storesProgress: options.storesProgress,
      locks: this.#locks,
      emit,
      onGone: () => {
        if (!this.#stopped && (options.order || this.#isWaiting)) onUnblocked();
      },
    });
  }

  /** How soon a round that could not finish is to be tried again, in milliseconds. */
  get retryAfterMs(): number {
    return this.#isWaiting ? LOCK_RETRY_MS : UNBALANCED_RETRY_MS;
  }
  /** The windows of the queues that are owned now and pulled: those that have an offset. */
  *pulled(): Iterable<QueueWindow> {
    for (const { window } of this.#slots.values()) yield window;
  }

  /** The windows of the queues that are owned now. */
  *windows(): Iterable<QueueWindow> {
    yield* this.pulled();
    yield* this.popped();
  }

  /** The windows of the queues that are popped: the broker keeps their progress. */
  popped(): Iterable<QueueWindow> {
    return this.#options.popped?.windows() ?? [];
  }

  /** The window of a queue, if it is owned. */
  window(queue: MessageQueue): QueueWindow | undefined {
    return this.#slots.get(queueKey(queue))?.window;
  }

  /** How many queues are owned. */
  get size(): number {
    return this.#slots.size + (this.#options.popped?.size ?? 0);
  }

  /** The queues that are owned. */
  queues(): MessageQueue[] {
    return [...Array.from(this.pulled(), ({ queue }) => queue), ...this.#options.popped?.queues() ?? []];
  }

  /** Messages handed out and not settled, over all queues. */
  get outstanding(): number {
    let out = this.#departures.outstanding;
    for (const window of this.windows()) out += window.out;
    return out;
  }

  /** One round over all topics; `signal` ends its waits. Resolves with whether every topic was divided; never rejects. */
  async rebalance(signal?: AbortSignal): Promise<boolean> {
    this.#options.counters.rebalances++;
    this.#isWaiting = false;
    const round = { beganAt: this.#options.client.clock.now(), signal };
    const wanted = new Set(this.#options.topics());
    this.#departures.keepPlacesOf(wanted);
    await this.#revoke([...this.pulled()].filter(({ queue }) => !wanted.has(queue.topic)), "unsubscribed");
    this.#options.popped?.keepOnly(wanted);
    let balanced = true;
    for (const topic of wanted) {
      if (this.#stopped) return true;
      try {
        if (await this.#divide(topic, round)) this.#failing.delete(topic);
        else balanced = false;
      } catch (cause) {
        balanced = false;
        const { consumerGroup: group } = this.#options;
        const why = `Cannot divide the queues of "${topic}" in group "${group}": ${(cause as Error).message}`;
        this.#failed(topic, new RebalanceError(why, { cause, topic, group }));
      }
    }
    return balanced;
  }

  /** Divides one topic's queues among the members; false when something is missing and is to be asked again soon. */
  async #divide(topic: string, round: Round): Promise<boolean> {
    const { client, divide, order } = this.#options;
    const route = await knownRoute(client, topic);
    // A topic that does not exist yet is looked for by the route poll; the group's retry topic comes with the first heartbeat.
    if (route === undefined) {
      return topic !== this.#retryTopic || ++this.#missingRetryTopic > RETRY_TOPIC_LOOKS;
    }
    if (route.readQueues.length === 0) return true;
    const { queues: allocated, hasOthers } = await divide(route);
    this.#departures.keepPlaces(topic, allocated);
    const held = [...this.pulled()].filter((window) => window.queue.topic === topic);
    const plan = planAssignment(held.map((window) => window.queue), allocated);
    const lost = new Set(plan.lost.map(queueKey));
    await this.#revoke(held.filter((window) => lost.has(queueKey(window.queue))), "moved to another member");
    await this.#options.popped?.follow(topic);
    if (hasOthers && !order && plan.gained.length > 0) await letOthersFinish(round, client.clock);
    return await this.#gain(plan.gained);
  }

  /** Starts the gained queues; false when the start of one could not be found out, or its lock is not to be had yet. */
  async #gain(gained: readonly MessageQueue[]): Promise<boolean> {
    if (gained.length === 0) return true;
    const { store, policy, client, emit } = this.#options;
    const { queues, until } = await this.#lock(gained);
    const starts = await Promise.allSettled(queues.map((queue) => startOffset(queue, store, policy, client)));
    if (this.#stopped) {
      await this.#locks?.release(queues);
      return true;
    }
    const started: MessageQueue[] = [];
    let failure: Error | undefined;
    starts.forEach((start, i) => {
      if (start.status === "rejected") failure = start.reason as Error;
      else {
        this.#start(queues[i]!, start.value, until);
        started.push(queues[i]!);
      }
    });
    if (started.length > 0) emit({ type: "assigned", queues: started });
    if (failure === undefined) return queues.length === gained.length;
    await this.#locks?.release(queues.filter((queue) => !started.includes(queue)));
    this.#failed(queues[0]!.topic, failure);
    return false;
  }

  /** A topic was not divided. The first failure of a run is told. */
  #failed(topic: string, error: Error): void {
    const { counters, emit } = this.#options;
    counters.rebalanceFailures++;
    if (!this.#failing.has(topic)) emit({ type: "rebalanceFailed", topic, error });
    this.#failing.add(topic);
  }

  /** Those of `queues` that may start: their locks are held (until when is told), and nothing of a former time is left. */
  async #lock(queues: readonly MessageQueue[]): Promise<{ queues: readonly MessageQueue[]; until: number }> {
    const free = queues.filter((queue) => !this.#departures.has(queueKey(queue)));
    const answers = await this.#locks?.acquire(free);
    const held = answers?.filter(({ state }) => state === "held");
    const locked = held?.map(({ queue }) => queue) ?? free;
    if (locked.length < queues.length) this.#isWaiting = true;
    return { queues: locked, until: held ? Math.min(...held.map(({ until }) => until)) : Infinity };
  }

  #start(queue: MessageQueue, offset: number, lockedUntil: number, paused = false): void {
    const { settlement, limits, listener, client, store, order, wishFor } = this.#options;
    const wish = wishFor?.(queue);
    const startOffset = wish?.offset ?? this.#departures.takePlace(queueKey(queue)) ?? offset;
    const window = new QueueWindow({
      queue,
      generation: ++this.#generation,
      namespace: client.options.namespace,
      isRetry: isRetryTopic(queue.topic),
      plainTopic: this.#options.popped?.leftovers.plainTopic(queue.topic),
      startOffset,
      now: client.clock.now(),
      settlement,
      budget: this.#options.puller.budget,
      limits,
      listener,
      totals: this.#options.speed.totals(queue.topic),
      trace: this.#options.trace.of(queue.topic),
      tracer: this.#options.puller.tracer,
      order: order && { keyOf: order.keyOf, lockedUntil },
    });
    window.paused = wish?.paused ?? paused;
    store.updateOffset(queue, startOffset, false);
    const puller = pullLoop(window, {
      ...this.#options.puller,
      onOffsetMoved: (moved, to) => this.#moveOffset(moved, to, this.#options.storesProgress),
    });
    this.#slots.set(queueKey(queue), { window, puller, done: puller.run() });
  }

  /** Starts an owned queue afresh at `offset`, as an administrator wants; one that is not owned is another's business. */
  resetOffset(queue: MessageQueue, offset: number): void {
    const slot = this.#slots.get(queueKey(queue));
    if (slot === undefined || this.#stopped) return;
    const { queue: own, cursor: from } = slot.window;
    this.#options.emit({ type: "offsetIllegal", queue: own, from, to: offset });
    this.#moveOffset(slot.window, offset, true);
    slot.puller.interrupt(slot.window.lostReason);
  }

  /** Starts an owned queue afresh at `offset`, as the application wants; says whether it is owned. */
  seek(queue: MessageQueue, offset: number): boolean {
    const slot = this.#slots.get(queueKey(queue));
    if (slot === undefined || this.#stopped) return false;
    this.#moveOffset(slot.window, offset, false);
    slot.puller.interrupt(slot.window.lostReason);
    return true;
  }

  /** Stops pulling queues, a pull under way included, or pulls them again; all of them when undefined. */
  pause(queues: readonly MessageQueue[] | undefined, paused: boolean): void {
    const keys = queues && new Set(queues.map(queueKey));
    for (const [key, { window, puller }] of this.#slots) {
      if (keys && !keys.has(key)) continue;
      window.paused = paused;
      if (paused) puller.rest();
    }
    // what a pop under way brings is hidden from others already: it is let come
    for (const window of this.popped()) if (!keys || keys.has(queueKey(window.queue))) window.paused = paused;
    this.lookAgain();
  }

  /** Starts the queue afresh at `offset`, whatever was cached. */
  #moveOffset(window: QueueWindow, offset: number, stored: boolean): void {
    const key = queueKey(window.queue);
    const slot = this.#slots.get(key);
    if (slot?.window !== window || this.#stopped) return;
    this.#slots.delete(key);
    const { store, emit } = this.#options;
    const persist = (): void => {
      if (stored) void store.persist(window.queue).catch((error) => emit({ type: "persistFailed", error }));
    };
    const reason = new RebalanceError(`The offset of ${key} was moved to ${offset}`);
    if (window.calls > 0) {
      // A handler is at work: the next round starts the queue when it has returned, if it is still this member's.
      this.#departures.forsake(window, reason, offset);
      store.updateOffset(window.queue, offset, false);
      return persist();
    }
    window.drop(reason);
    this.#start(window.queue, offset, window.lockedUntil, window.paused);
    persist();
  }

  /** Loses windows: nothing is handed out or pulled from them any more, and what is out has a moment to be settled. */
  async #revoke(windows: readonly QueueWindow[], why: string): Promise<void> {
    if (windows.length === 0) return;
    const { emit, popped } = this.#options;
    const gone = windows.map((window) => {
      const key = queueKey(window.queue);
      const reason = new RebalanceError(`Queue ${key} is lost: ${why}`);
      this.#close(window, reason);
      this.#slots.get(key)?.puller.stop(reason);
      this.#slots.delete(key);
      return this.#departures.leave(window, reason, () => this.#renewal);
    });
    emit({ type: "revoked", queues: windows.map((window) => window.queue) });
    // what is popped from now on must not have been pulled
    if (popped) await Promise.all(gone);
  }

  /** Renews the locks of all queues. Never rejects; a queue whose lock went to another member is dropped. */
  renewLocks(): Promise<void> {
    return this.#renewal = this.#renewLocks();
  }

  async #renewLocks(): Promise<void> {
    const windows = [...this.pulled()];
    if (!this.#locks || windows.length === 0) return;
    const { client } = this.#options;
    const answers = await this.#locks.acquire(windows.map((window) => window.queue));
    const now = client.clock.now();
    let lost = false;
    answers.forEach(({ state, until }, i) => {
      const window = windows[i]!;
      if (state === "unknown" || this.#slots.get(queueKey(window.queue))?.window !== window) return;
      // After so long without renewal the broker may have given it away, and got it back.
      const lapsed = now >= window.lockedUntil + BROKER_LOCK_LIVE_MS - LOCK_LIVE_MS;
      if (state === "held" && !lapsed) return window.lock(until);
      this.#loseLock(window);
      lost = true;
    });
    if (lost) this.#options.onUnblocked();
  }

  /** Another member may own the queue: nothing of it is committed any more. */
  #loseLock(window: QueueWindow): void {
    const key = queueKey(window.queue);
    const reason = new RebalanceError(`Queue ${key} is lost: its lock is not held any more`);
    this.#slots.get(key)?.puller.stop(reason);
    this.#slots.delete(key);
    this.#departures.forsake(window, reason);
    this.#options.emit({ type: "lockLost", queue: window.queue });
    this.#options.emit({ type: "revoked", queues: [window.queue] });
  }

  /** Lets go of what the brokers keep for this member, once nothing is handed out any more: locks, what was popped. */
  async letGo(): Promise<void> {
    await this.#departures.finish();
    await this.#renewal;
    await this.#locks?.release([...this.pulled()].map((window) => window.queue));
    await this.#options.popped?.finish();
  }

  /** Stores what may be committed of every queue. @throws OffsetError when some could not be stored. */
  async commit(): Promise<void> {
    const { store, order, client } = this.#options;
    const now = client.clock.now(), queues: MessageQueue[] = [];
    for (const window of this.pulled()) {
      // Without the lock, another member's offset may be further.
      if (now >= window.lockedUntil) continue;
      store.updateOffset(window.queue, window.commitOffset, order === undefined);
      queues.push(window.queue);
    }
    await store.persistAll(queues);
  }

  /** Looks after queues that are silent, or whose locks have run out. */
  watch(now: number): void {
    const slots = [...this.#slots.values()];
    for (const slot of slots) if (slot.window.checkOpen(now)) slot.puller.watchSilence(now);
    if (slots.some(({ window }) => now >= window.lockedUntil)) this.#options.onLocksExpired();
    this.#options.popped?.watch(now);
  }

  /** Lets every puller look again whether it may pull. */
  lookAgain(): void {
    for (const window of this.windows()) window.lookAgain();
  }

  /** Asks no broker for messages any more. What was pulled stays; what was popped and is out is kept for `patienceMs`. */
  async stopPulling(reason: unknown, patienceMs: number): Promise<void> {
    this.#stopped = true;
    const slots = [...this.#slots.values()];
    for (const { window, puller } of slots) {
      puller.stop(reason);
      if (this.#options.order) this.#close(window, reason);
    }
    await Promise.all([...slots.map(({ done }) => done), this.#options.popped?.stop(reason, patienceMs)]);
  }

  #close(window: QueueWindow, reason: unknown): void {
    window.close(reason, { fillHoles: this.#options.puller.isTaken(window) });
  }

  /** Resolves when nothing is out any more of any queue. */
  async idle(): Promise<void> {
    await Promise.all([this.#departures.idle(), ...Array.from(this.windows(), (window) => window.idle())]);
  }

  /** Forgets every queue: the last step of a shutdown. What is unsettled is delivered to the next owner. */
  release(reason: unknown): void {
    for (const { window } of this.#slots.values()) window.drop(reason);
    this.#slots.clear();
    this.#options.popped?.release(reason);
  }
}
