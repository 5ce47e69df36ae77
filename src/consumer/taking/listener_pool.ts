/**
 * Hands messages to listeners, so many at once.
 *
 * Picture a counter with slots: a message takes a slot while its handler's promise is pending or its send-back is not
 * confirmed; a handler that answers synchronously never takes one, and runs in the same turn as its neighbours. One
 * ring feeds all listeners of the consumer, so queues and topics share the slots fairly.
 */
import type { Clock } from "../../time/clock.ts";
import { TraceOutcome } from "../../telemetry/message_trace.ts";
import { type ConcurrencyBounds, type ConcurrencyState, firstLimit, nextLimit } from "./concurrency_limit.ts";
import type { Delivery } from "../window/delivery.ts";
import type { ConsumerEvent } from "../events.ts";
import { LaneRing } from "./lane_ring.ts";
import type {
  ConsumeContext,
  ConsumeResult,
  MessageHandler,
  MessageListener,
  MessageListenerConcurrently,
  MessageListenerOrderly,
} from "./listener.ts";
import type { Lane } from "../window/lane.ts";
import { type OrderedAnswer, type OrderedCalls, OrderedContext } from "./ordered_calls.ts";
import type { RateLimit } from "./rate_limit.ts";
import type { ConsumerCounters } from "../statistics.ts";

/** What the pool works with. */
export interface ListenerPoolOptions {
  readonly consumerGroup: string;
  readonly clock: Clock;
  /** How many calls may be pending at once, at least and at most. */
  readonly concurrency: ConcurrencyBounds;
  /** How fast messages may be handed out; as fast as can be when undefined. */
  readonly rate?: RateLimit | undefined;
  /** What answers mean where messages stay in order; undefined where they do not. */
  readonly ordered?: OrderedCalls | undefined;
  /** Whether success settles; in order a listener may say otherwise. */
  readonly autoCommit: boolean;
  /** Messages per call of a listener object. */
  readonly batchMaxSize: number;
  readonly counters: ConsumerCounters;
  readonly emit: (event: ConsumerEvent) => void;
}

/** One call's context; the signal is the message's, made only when asked for. */
class HandlerContext implements ConsumeContext {
  readonly consumerGroup: string;
  readonly #delivery: Delivery;
  delayLevelWhenNextConsume = 0;

  constructor(consumerGroup: string, delivery: Delivery) {
    this.consumerGroup = consumerGroup;
    this.#delivery = delivery;
  }

  get queue(): Delivery["queue"] {
    return this.#delivery.queue;
  }

  get attempt(): number {
    return this.#delivery.attempt;
  }

  get signal(): AbortSignal {
    return this.#delivery.signal;
  }
}

/** The listeners of one consumer. */
export class ListenerPool {
  readonly #options: ListenerPoolOptions;
  readonly #ring = new LaneRing();
  readonly #byTopic = new Map<string, MessageListener>();
  #default: MessageListener | undefined;
  #busy = 0;
  #bounds: ConcurrencyBounds;
  #slots: ConcurrencyState;
  /** Calls that ended, those that ended well, and whether all slots were taken while messages waited, since the last look. */
  #ended = 0;
  #good = 0;
  #saturated = false;
  readonly #wake = (): void => this.#pump();
  #pumping = false;
  #stopped = false;
  readonly #failing = new Set<string>();

  constructor(options: ListenerPoolOptions) {
    this.#options = options;
    this.#bounds = options.concurrency;
    this.#slots = firstLimit(options.concurrency);
  }

  /** How many calls may be pending at once, at least and at most; holds from now on. */
  set bounds(bounds: ConcurrencyBounds) {
    this.#bounds = bounds;
    this.#slots = firstLimit(bounds);
    this.#pump();
  }

  /** How many calls may be pending at once, now. */
  get concurrency(): number {
    return this.#slots.limit;
  }

  /** How many calls are pending. */
  get pending(): number {
    return this.#busy;
  }

  /** Registers the listener of `topic`, or of every topic that has none of its own. */
  register(topic: string | undefined, listener: MessageListener): void {
    if (topic === undefined) this.#default = listener;
    else this.#byTopic.set(topic, listener);
  }

  /** Forgets the listener of `topic`, and hands nothing of it out any more unless another listener serves it. */
  unregister(topic: string): void {
    this.#byTopic.delete(topic);
    for (const lane of this.#ring.clear()) if (this.serves(lane.topic)) this.#ring.add(lane);
  }

  /** Whether `topic` has a listener of its own, or one that serves all. */
  serves(topic: string): boolean {
    return this.#default !== undefined || this.#byTopic.has(topic);
  }

  /** The listener that gets the messages of `topic`. */
  listener(topic: string): MessageListener | undefined {
    return this.#byTopic.get(topic) ?? this.#default;
  }

  /** Whether any listener is registered. */
  get isUsed(): boolean {
    return this.#default !== undefined || this.#byTopic.size > 0;
  }

  /**
   * A lane has messages. They are handed out at the end of this turn: after the next pull has left, unless the queue was read
   * to its end, where a pull only waits for what comes.
   */
  offer(lane: Lane): void {
    this.#ring.add(lane);
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    const { cursor, maxOffset } = lane.window;
    if (maxOffset >= 0 && cursor >= maxOffset) queueMicrotask(this.#wake);
    // Two hops: the first lets the puller ask for more, the second lets the connection write the question.
    else queueMicrotask(() => queueMicrotask(this.#wake));
  }

  /** Hands nothing out any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Lets the number of slots follow how the calls fare. Called once a second. */
  adapt(): void {
    const seen = { saturated: this.#saturated, pending: this.#busy, ended: this.#ended, good: this.#good };
    this.#slots = nextLimit(this.#slots, seen, this.#bounds);
    this.#saturated = false;
    this.#ended = 0;
    this.#good = 0;
    this.#pump();
  }

  #pump(): void {
    this.#pumping = false;
    const { clock, rate } = this.#options;
    const { limit } = this.#slots;
    while (this.#busy < limit && !this.#stopped) {
      const now = clock.now();
      if (rate !== undefined && !this.#takeToken(rate, now)) return;
      const delivery = this.#ring.next(now);
      if (delivery === undefined) return;
      // A lane is in the ring only while its topic is served.
      const listener = this.listener(delivery.lane.topic)!;
      if (this.#options.ordered) this.#callInOrder(this.#options.ordered, listener, delivery);
      else if (typeof listener === "function") this.#call(listener, delivery);
      else this.#callWithBatch(listener as MessageListenerConcurrently, delivery);
    }
    if (!this.#ring.isEmpty) this.#saturated = true;
  }

  /** Whether there is a message that may be handed out now; if it may later, the pump goes on then. */
  #takeToken(rate: RateLimit, now: number): boolean {
    if (this.#ring.isEmpty) return false;
    if (rate.isOpen(now, this.#wake)) {
      rate.spend(1);
      return true;
    }
    rate.wait(this.#wake);
    return false;
  }

  /** The rest of a run, of which the first is taken and counted. */
  #runOf(first: Delivery, max: number): Delivery[] {
    const run = first.lane.takeRun(max, first.handedOutAt, first);
    this.#options.rate?.spend(run.length - 1);
    return run;
  }

  #call(listener: MessageHandler, delivery: Delivery): void {
    const context = new HandlerContext(this.#options.consumerGroup, delivery);
    let answer: ReturnType<typeof listener>;
    try {
      answer = delivery.trail === undefined
        ? listener(delivery, context)
        : delivery.trail.run(listener, delivery, context);
    } catch (error) {
      return this.#failed([delivery], context, error);
    }
    if (typeof answer === "object" && answer !== null) this.#pending(answer, [delivery], context);
    else if (asksAgain(answer)) this.#later([delivery], context);
    else {
      if (this.#failing.size > 0) this.#failing.delete(delivery.topic);
      if (delivery.state === "out" && this.#options.autoCommit) delivery.window.ack(delivery);
    }
  }

  #callWithBatch(listener: MessageListenerConcurrently, first: Delivery): void {
    const batch = this.#runOf(first, this.#options.batchMaxSize);
    const context = new HandlerContext(this.#options.consumerGroup, first);
    let answer: ReturnType<typeof listener.consumeMessageConcurrently>;
    try {
      answer = first.trail === undefined
        ? listener.consumeMessageConcurrently(batch, context)
        : first.trail.run(callConcurrently, listener, batch, context);
    } catch (error) {
      return this.#failed(batch, context, error);
    }
    if (typeof answer === "object" && answer !== null) this.#pending(answer, batch, context);
    else this.#finish(batch, context, answer as ConsumeResult | undefined);
  }

  #pending(answer: Promise<OrderedAnswer>, batch: Delivery[], context: HandlerContext): void {
    this.#busy++;
    answer.then(
      (result) => {
        this.#free();
        this.#finish(batch, context, result);
        this.#pump();
      },
      (error) => {
        this.#free();
        this.#failed(batch, context, error);
        this.#pump();
      },
    );
  }

  /** A call has ended. */
  #free(): void {
    this.#busy--;
    this.#ended++;
  }

  #finish(batch: Delivery[], context: HandlerContext, result: OrderedAnswer): void {
    if (asksAgain(result)) return this.#later(batch, context);
    this.#good++;
    this.#failing.delete(batch[0]!.topic);
    if (!this.#options.autoCommit) return;
    for (const delivery of batch) if (delivery.state === "out") delivery.window.ack(delivery);
  }

  #failed(batch: Delivery[], context: HandlerContext, error: unknown): void {
    this.#tell(batch, error);
    this.#later(batch, context);
  }

  /** Counts a throw, and tells of the first of a run of throws. */
  #tell(batch: readonly Delivery[], error: unknown): void {
    for (const delivery of batch) {
      delivery.outcome = TraceOutcome.EXCEPTION;
      if (delivery.trail !== undefined) delivery.trail.failed(error);
    }
    const { topic } = batch[0]!;
    this.#options.counters.handlerFailures++;
    if (this.#failing.has(topic)) return;
    this.#failing.add(topic);
    this.#options.emit({ type: "handlerFailed", topic, error });
  }

  /** Sends back what is unsettled; the slot is taken until the broker has confirmed. */
  #later(batch: Delivery[], context: HandlerContext): void {
    const unsettled = batch.filter((delivery) => delivery.state === "out");
    if (unsettled.length === 0) return;
    const delayLevel = context.delayLevelWhenNextConsume;
    this.#busy++;
    Promise.all(
      unsettled.map((delivery) => delayLevel < 0 ? delivery.deadLetter() : delivery.retry({ delayLevel })),
    ).then(() => {
      this.#busy--;
      this.#pump();
    });
  }

  /** One call of a run whose line waits for it; what comes of it decides `ordered`. */
  #callInOrder(ordered: OrderedCalls, listener: MessageListener, first: Delivery): void {
    const { consumerGroup, autoCommit, batchMaxSize } = this.#options;
    const { lane, window } = first;
    const single = typeof listener === "function";
    const run = this.#runOf(first, single ? 1 : batchMaxSize);
    const context = new OrderedContext(consumerGroup, first, autoCommit);
    const failed = (error: unknown): void => {
      this.#tell(run, error);
      ordered.failed(run, context);
      window.leave(lane);
    };
    const answered = (answer: OrderedAnswer): void => {
      if (!asksAgain(answer)) this.#good++;
      if (this.#failing.size > 0) this.#failing.delete(lane.shownTopic);
      ordered.answered(lane, run, context, answer);
      window.leave(lane);
    };
    window.enter(lane);
    let answer: OrderedAnswer | Promise<OrderedAnswer>;
    try {
      answer = first.trail === undefined
        ? callOrderly(listener, run, context)
        : first.trail.run(callOrderly, listener, run, context);
    } catch (error) {
      return failed(error);
    }
    if (typeof answer !== "object" || answer === null) return answered(answer);
    this.#busy++;
    answer.then(answered, failed).then(() => {
      this.#free();
      this.#pump();
    });
  }
}

function callConcurrently(
  listener: MessageListenerConcurrently,
  batch: readonly Delivery[],
  context: ConsumeContext,
): ReturnType<MessageListenerConcurrently["consumeMessageConcurrently"]> {
  return listener.consumeMessageConcurrently(batch, context);
}

function callOrderly(
  listener: MessageListener,
  run: readonly Delivery[],
  context: OrderedContext,
): OrderedAnswer | Promise<OrderedAnswer> {
  if (typeof listener === "function") return listener(run[0]!, context);
  return (listener as MessageListenerOrderly).consumeMessageOrderly(run, context);
}

/** Whether an answer asks for another delivery where messages do not wait for each other. */
function asksAgain(answer: OrderedAnswer): boolean {
  return answer === "RECONSUME_LATER" || answer === "SUSPEND_CURRENT_QUEUE_A_MOMENT" || answer === "ROLLBACK";
}
