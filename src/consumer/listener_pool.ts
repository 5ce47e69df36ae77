/**
 * Hands messages to listeners, so many at once.
 *
 * Picture a counter with slots: a message takes a slot while its handler's promise is pending or its send-back is not
 * confirmed; a handler that answers synchronously never takes one, and runs in the same turn as its neighbours. One
 * ring feeds all listeners of the consumer, so queues and topics share the slots fairly.
 */
import type { Clock } from "../time/clock.ts";
import { TraceOutcome } from "../telemetry/message_trace.ts";
import type { Delivery } from "./delivery.ts";
import type { ConsumerEvent } from "./events.ts";
import { LaneRing } from "./lane_ring.ts";
import type { ConsumeContext, ConsumeResult, MessageListener } from "./listener.ts";
import type { Lane } from "./lane.ts";
import type { ConsumerCounters } from "./statistics.ts";

/** What the pool works with. */
export interface ListenerPoolOptions {
  readonly consumerGroup: string;
  readonly clock: Clock;
  readonly minConcurrency: number;
  readonly maxConcurrency: number;
  /** Messages per call of a MessageListenerConcurrently. */
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
  #limit: number;
  #pumping = false;
  #stopped = false;
  readonly #failing = new Set<string>();

  constructor(options: ListenerPoolOptions) {
    this.#options = options;
    this.#limit = options.minConcurrency;
  }

  /** How many calls may be pending at once, now. */
  get concurrency(): number {
    return this.#limit;
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

  /** A lane has messages. They are handed out at the end of this turn, after the next pull has left. */
  offer(lane: Lane): void {
    this.#ring.add(lane);
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    // Two hops: the first lets the puller ask for more, the second lets the connection write the question.
    queueMicrotask(() => queueMicrotask(() => this.#pump()));
  }

  /** Hands nothing out any more. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Lets the number of slots follow the work: two more while all are taken and messages wait, two fewer while fewer than half
   * are. Called once a second.
   */
  adapt(): void {
    const { minConcurrency, maxConcurrency } = this.#options;
    if (this.#busy >= this.#limit && !this.#ring.isEmpty) {
      this.#limit = Math.min(maxConcurrency, this.#limit + 2);
    } else if (this.#busy < this.#limit / 2) this.#limit = Math.max(minConcurrency, this.#limit - 2);
    this.#pump();
  }

  #pump(): void {
    this.#pumping = false;
    const { clock } = this.#options;
    while (this.#busy < this.#limit && !this.#stopped) {
      const delivery = this.#ring.next(clock.now());
      if (delivery === undefined) return;
      // A lane is in the ring only while its topic is served.
      const listener = this.listener(delivery.topic)!;
      if (typeof listener === "function") this.#call(listener, delivery);
      else this.#callWithBatch(listener, delivery);
    }
  }

  #call(listener: Extract<MessageListener, (...args: never[]) => unknown>, delivery: Delivery): void {
    const context = new HandlerContext(this.#options.consumerGroup, delivery);
    let answer: ReturnType<typeof listener>;
    try {
      answer = listener(delivery, context);
    } catch (error) {
      return this.#failed([delivery], context, error);
    }
    if (typeof answer === "object" && answer !== null) this.#pending(answer, [delivery], context);
    else if (answer === "RECONSUME_LATER") this.#later([delivery], context);
    else {
      if (this.#failing.size > 0) this.#failing.delete(delivery.topic);
      if (delivery.state === "out") delivery.window.ack(delivery);
    }
  }

  #callWithBatch(listener: Exclude<MessageListener, (...args: never[]) => unknown>, first: Delivery): void {
    const batch = this.#batchFrom(first);
    const context = new HandlerContext(this.#options.consumerGroup, first);
    let answer: ReturnType<typeof listener.consumeMessageConcurrently>;
    try {
      answer = listener.consumeMessageConcurrently(batch, context);
    } catch (error) {
      return this.#failed(batch, context, error);
    }
    if (typeof answer === "object" && answer !== null) this.#pending(answer, batch, context);
    else this.#finish(batch, context, answer as ConsumeResult | undefined);
  }

  /** `first` and what follows it in its lane, up to the batch size. */
  #batchFrom(first: Delivery): Delivery[] {
    const batch = [first];
    const lane = first.window.lane(first.topic);
    const now = first.handedOutAt;
    while (batch.length < this.#options.batchMaxSize) {
      const next = lane.take(now);
      if (next === undefined) break;
      batch.push(next);
    }
    return batch;
  }

  #pending(answer: Promise<ConsumeResult | void>, batch: Delivery[], context: HandlerContext): void {
    this.#busy++;
    answer.then(
      (result) => {
        this.#busy--;
        this.#finish(batch, context, result as ConsumeResult | undefined);
        this.#pump();
      },
      (error) => {
        this.#busy--;
        this.#failed(batch, context, error);
        this.#pump();
      },
    );
  }

  #finish(batch: Delivery[], context: HandlerContext, result: ConsumeResult | undefined): void {
    if (result === "RECONSUME_LATER") return this.#later(batch, context);
    this.#failing.delete(batch[0]!.topic);
    for (const delivery of batch) if (delivery.state === "out") delivery.window.ack(delivery);
  }

  #failed(batch: Delivery[], context: HandlerContext, error: unknown): void {
    const { counters, emit } = this.#options;
    counters.handlerFailures++;
    for (const delivery of batch) delivery.outcome = TraceOutcome.EXCEPTION;
    const topic = batch[0]!.topic;
    if (!this.#failing.has(topic)) {
      this.#failing.add(topic);
      emit({ type: "handlerFailed", topic, error });
    }
    this.#later(batch, context);
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
}
