/**
 * The queues that a broker has this member pop, and the windows and loops that serve them.
 *
 * A popped queue has no offset and no lock here: the broker remembers who holds what. So a queue is taken by asking, and
 * left by asking no more; what is out of it is settled as if nothing had happened, what waits goes back at once. A
 * queue id of −1 stands for all queues of a topic on one broker; in order, each of them has a line of its own.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { RebalanceError } from "../../core/errors.ts";
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import { planAssignment } from "../../rebalance/plan.ts";
import type { ConsumeSpeed } from "../../telemetry/consume_speed.ts";
import type { MessageTrace } from "../../telemetry/message_trace.ts";
import { within } from "../../time/within.ts";
import type { Delivery } from "../window/delivery.ts";
import type { FetchLoopOptions } from "../queue/fetch_loop.ts";
import { isOrdered, popWindowLimits, type ResolvedConsumerConfig } from "../config/options.ts";
import { QueueWindow } from "../window/queue_window.ts";
import type { Settler } from "../settlement/settler.ts";
import type { QueueStatistics } from "../statistics.ts";
import type { WindowLimits, WindowListener, WindowOrder } from "../window/window_terms.ts";
import { Acknowledger } from "./acknowledger.ts";
import { HoldKeeper } from "./hold_keeper.ts";
import { Invisibility } from "./invisibility.ts";
import type { BrokerShare } from "./broker_division.ts";
import { PopLeftovers } from "./leftovers.ts";
import { popLoop, type PopperOptions, type Popping } from "./popper.ts";

/** What popping works with. */
export interface PoppedQueuesOptions {
  /** What asking for messages works with. */
  readonly fetch: FetchLoopOptions;
  /** The subscription of a topic. */
  readonly subscription: PopperOptions["subscription"];
  /** Whether the application wants a queue that is about to start to rest. */
  readonly isPaused: (queue: MessageQueue) => boolean;
  /** Other leftovers than before are to be pulled: brokers are to be told. */
  readonly onLeftovers: () => void;
  /** What becomes of messages that were not handled. */
  readonly settler: (invisibility: Invisibility) => Settler;
  readonly listener: WindowListener;
  readonly speed: ConsumeSpeed;
  readonly trace: MessageTrace;
}

/** How long a pop under way may take to be answered at the end before it counts as parked, in milliseconds. */
const ANSWER_GRACE_MS = 200;

interface PoppedSlot {
  readonly window: QueueWindow;
  readonly popping: Popping;
  readonly done: Promise<void>;
}

/** In order, the messages of each queue wait for each other, whichever queues a window holds. */
const BY_QUEUE: WindowOrder = {
  keyOf: ({ queue }) => String(queue.queueId),
  lockedUntil: Infinity,
};

/** The popped queues of one member. */
export class PoppedQueues {
  readonly #options: PoppedQueuesOptions;
  readonly #popper: Omit<PopperOptions, "onUnwanted" | "onLate">;
  readonly #limits: WindowLimits;
  readonly #client: RocketMQClient;
  readonly #invisibility: Invisibility;
  readonly #acknowledger: Acknowledger;
  readonly #keeper: HoldKeeper;
  readonly #settler: Settler;
  readonly #slots = new Map<string, PoppedSlot>();
  /** What is to be pulled of messages that were popped before. */
  readonly leftovers: PopLeftovers;
  /** What is to be popped, by topic, in the round of rebalancing under way. */
  readonly #planned = new Map<string, BrokerShare>();
  /** Queues that are popped no more, while something of them is out. */
  readonly #leaving = new Set<PoppedSlot>();
  #generation = 0;
  #stopped = false;

  constructor(config: ResolvedConsumerConfig, options: PoppedQueuesOptions) {
    this.#options = options;
    const { client, counters, emit } = options.fetch;
    const { consumerGroup, popInvisibleTimeMs: invisibleMs } = config;
    this.#popper = {
      ...options.fetch,
      consumerGroup,
      invisibleMs,
      batchNums: config.popBatchNums,
      suspendMs: config.brokerSuspendMs,
      fromFirst: config.consumeFromWhere === "CONSUME_FROM_FIRST_OFFSET",
      order: isOrdered(config.ordering),
      checkCrc: config.checkCrc,
      subscription: options.subscription,
    };
    this.#limits = popWindowLimits(config);
    this.#client = client;
    const invisibility = this.#invisibility = new Invisibility(client, consumerGroup, counters);
    this.#acknowledger = new Acknowledger({ client, consumerGroup, counters, emit });
    const { order } = this.#popper;
    this.#keeper = new HoldKeeper({ client, invisibility, counters, invisibleMs, order });
    this.leftovers = new PopLeftovers(consumerGroup, client.clock, options.onLeftovers);
    this.#settler = options.settler(invisibility);
  }

  /** How many queues are popped. */
  get size(): number {
    return this.#slots.size;
  }

  /** The queues that are popped. */
  queues(): MessageQueue[] {
    return [...this.#slots.values()].map(({ window }) => window.queue);
  }

  /** The windows of all queues of which something may be here. */
  *windows(): Iterable<QueueWindow> {
    for (const { window } of this.#slots.values()) yield window;
    for (const { window } of this.#leaving) yield window;
  }

  /** Notes what is to be popped of `topic` as soon as the queues of it that are pulled no longer have made way. */
  plan(topic: string, share: BrokerShare): void {
    const { popped, pulled } = share;
    this.#planned.set(topic, share);
    this.leftovers.note(topic, popped.length === 0 && pulled.length > 0);
  }

  /** The pulled queues of `topic` have made way, their offsets are stored: what was planned is popped. */
  async follow(topic: string): Promise<void> {
    const share = this.#planned.get(topic);
    this.#planned.delete(topic);
    if (share === undefined) return;
    const left = this.#hold(topic, share.popped);
    // what a parked pop would still take, the pulls that begin now get too
    if (share.pulled.length > 0 && left.length > 0) await this.#hangUp(left);
  }

  /** Pops `queues` of `topic`, and no others of it any more; gives those that were left. */
  #hold(topic: string, queues: readonly MessageQueue[]): PoppedSlot[] {
    if (this.#stopped) return [];
    const { emit } = this.#popper;
    const held = this.queues().filter((queue) => queue.topic === topic);
    const { gained, lost } = planAssignment(held, queues);
    const left = lost.map((queue) => this.#leave(queue));
    if (lost.length > 0) emit({ type: "revoked", queues: lost });
    for (const queue of gained) this.#start(queue);
    if (gained.length > 0) emit({ type: "assigned", queues: gained });
    return left;
  }

  /** Pops nothing of topics other than `topics` any more. */
  keepOnly(topics: ReadonlySet<string>): void {
    for (const { topic } of this.queues()) if (!topics.has(topic)) this.#hold(topic, []);
  }

  #start(queue: MessageQueue): void {
    const { speed, trace } = this.#options;
    const popper = this.#popper;
    const window = new QueueWindow({
      queue,
      generation: ++this.#generation,
      namespace: this.#client.options.namespace,
      isRetry: false,
      startOffset: 0,
      now: this.#client.clock.now(),
      settlement: this.#settler,
      budget: popper.budget,
      limits: this.#limits,
      listener: this.#listener(),
      totals: speed.totals(queue.topic),
      trace: trace.of(queue.topic),
      tracer: popper.tracer,
      order: popper.order ? BY_QUEUE : undefined,
    });
    window.paused = this.#options.isPaused(queue);
    const popping = popLoop(window, {
      ...popper,
      onUnwanted: (receipt) => this.#acknowledger.add(receipt),
      onLate: (receipt) => this.#invisibility.release(receipt),
    });
    this.#slots.set(queueKey(queue), { window, popping, done: popping.loop.run() });
  }

  #listener(): WindowListener {
    const { listener } = this.#options;
    return {
      ...listener,
      onDone: ({ receipt }: Delivery) => this.#acknowledger.add(receipt!),
      onExtend: async (delivery, ms) =>
        await this.#keeper.extend(delivery, ms) && await listener.onExtend(delivery, ms),
    };
  }

  #leave(queue: MessageQueue): PoppedSlot {
    const key = queueKey(queue);
    const slot = this.#slots.get(key)!;
    this.#slots.delete(key);
    this.#leaving.add(slot);
    const reason = new RebalanceError(`Queue ${key} is popped no more`);
    slot.popping.loop.stop(reason);
    slot.window.close(reason);
    void this.#keeper.release([slot.window]);
    return slot;
  }

  /** One look at what is held: it is kept, or let go of. */
  keep(): void {
    const keeper = this.#keeper;
    const left = [...this.#leaving];
    const windows = [...this.windows()];
    keeper.keep(windows);
    if (this.#popper.order) {
      for (const receipt of this.#acknowledger.unconfirmed()) keeper.keepOrder(receipt, windows);
    }
    void keeper.release(left.map(({ window }) => window));
    for (const slot of left) {
      if (slot.window.messages > 0) continue;
      this.#leaving.delete(slot);
      slot.window.drop(undefined);
    }
  }

  /** Looks after queues that are silent. */
  watch(now: number): void {
    for (const { popping } of this.#slots.values()) popping.loop.watchSilence(now);
  }

  /**
   * Pops no more. What waits goes to others now; what is out is kept for `patienceMs` longer, since nothing is looked
   * after from here on.
   */
  async stop(reason: unknown, patienceMs: number): Promise<void> {
    this.#stopped = true;
    const keeper = this.#keeper;
    const slots = [...this.#slots.values()];
    for (const { window, popping } of slots) {
      popping.loop.stop(reason);
      window.close(reason);
    }
    await Promise.all(slots.map(({ done }) => done));
    await this.#hangUp(slots);
    const until = this.#client.clock.now() + patienceMs;
    const kept: Promise<unknown>[] = [];
    for (const window of this.windows()) {
      for (const delivery of window.outSince(Infinity)) {
        if (delivery.receipt!.visibleAt < until) kept.push(keeper.extend(delivery, patienceMs));
      }
    }
    await Promise.all([keeper.release(this.windows()), ...kept]);
  }

  /**
   * Sees to it that no broker hands out to loops that have stopped: a pop that is parked would be the first to get what is
   * let go of. One that finds something is answered at once; the connection of one that is not is closed.
   */
  async #hangUp(slots: readonly PoppedSlot[]): Promise<void> {
    const parked = new Set(slots);
    const answered = slots.map((slot) => slot.popping.answered().then(() => void parked.delete(slot)));
    await within(Promise.all(answered), { ms: ANSWER_GRACE_MS, clock: this.#client.clock }).catch(() => {});
    for (const broker of new Set(Array.from(parked, ({ window }) => window.queue.brokerName))) {
      this.#client.hangUp(broker);
    }
  }

  /** Lets go of what is not out, and waits until the brokers have confirmed what is settled. Never rejects. */
  async finish(): Promise<void> {
    await this.#keeper.release(this.windows());
    await this.#acknowledger.finish();
  }

  /** Forgets every queue. What is out comes to others when its time is up. */
  release(reason: unknown): void {
    for (const window of [...this.windows()]) window.drop(reason);
    this.#slots.clear();
    this.#leaving.clear();
  }

  /** The picture of each queue. */
  statistics(): QueueStatistics[] {
    return [...this.#slots.values()].map(({ window, popping }) => ({
      queue: window.queue,
      commitOffset: -1,
      cursor: -1,
      lag: popping.restCount + window.messages,
      cachedMessages: window.messages,
      cachedBytes: window.bytes,
      inFlight: window.out,
      paused: window.paused,
      lastAnswerAt: window.lastAnswerAt,
      lastHandOutAt: window.lastHandOutAt,
    }));
  }
}
