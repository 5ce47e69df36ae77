/**
 * What a MessageStream draws from: the messages of one topic or of all, one by one or in runs of one queue.
 *
 * One reader waits at most. What a loop leaves unsettled goes back to the head of its queue's window; `end` finishes
 * the reader with `done`.
 */
import type { Clock } from "../../time/clock.ts";
import type { Delivery } from "../window/delivery.ts";
import { LaneRing } from "./lane_ring.ts";
import type { RateLimit } from "./rate_limit.ts";
import type { Lane } from "../window/lane.ts";

/** How a stream's items relate to deliveries: one message, or a run of them. */
export interface ItemShape<T> {
  /** The next item. */
  take(ring: LaneRing, now: number): T | undefined;
  /** The deliveries in an item. */
  deliveries(item: T): readonly Delivery[];
}

/** Items are single messages. */
export const singleShape: ItemShape<Delivery> = {
  take: (ring, now) => ring.next(now),
  deliveries: (item) => [item],
};

/** Items are runs of up to `max` messages of one queue. */
export function runShape(max: number): ItemShape<Delivery[]> {
  return {
    take(ring, now) {
      const run = ring.nextRun(max, now);
      return run.length > 0 ? run : undefined;
    },
    deliveries: (item) => item,
  };
}

/** The source of one stream. */
export class StreamSource<T> {
  /** The topic that it takes; all when undefined. */
  readonly topic: string | undefined;
  readonly #shape: ItemShape<T>;
  readonly #clock: Clock;
  readonly #rate: RateLimit | undefined;
  readonly #onEnd: (left: Lane[]) => void;
  readonly #ring = new LaneRing();
  #waiting: ((item: T | undefined) => void) | undefined;
  #letGo: (() => void) | undefined;
  #ended = false;

  constructor(options: {
    topic: string | undefined;
    shape: ItemShape<T>;
    clock: Clock;
    /** How fast items may be handed out; as fast as can be when undefined. */
    rate?: RateLimit | undefined;
    /** Called once when the source ends, with the lanes that still have messages. */
    onEnd: (left: Lane[]) => void;
  }) {
    this.topic = options.topic;
    this.#shape = options.shape;
    this.#clock = options.clock;
    this.#rate = options.rate;
    this.#onEnd = options.onEnd;
  }

  /** Whether `end` was called. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Ends with `signal`; lets go of the signal when it ends by itself. */
  endWith(signal: AbortSignal): void {
    if (signal.aborted) return this.end();
    const end = (): void => this.end();
    signal.addEventListener("abort", end, { once: true });
    this.#letGo = () => signal.removeEventListener("abort", end);
  }

  /** A lane has messages. */
  offer(lane: Lane): void {
    this.#ring.add(lane);
    this.#serve();
  }

  /** Hands the waiting reader its item, if there is one now. */
  readonly #serve = (): void => {
    if (this.#waiting === undefined) return;
    const item = this.#take();
    if (item === undefined) return;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting(item);
  };

  #take(): T | undefined {
    const now = this.#clock.now();
    const rate = this.#rate;
    if (rate === undefined) return this.#shape.take(this.#ring, now);
    if (this.#ring.isEmpty) return undefined;
    if (!rate.isOpen(now, this.#serve)) {
      rate.wait(this.#serve);
      return undefined;
    }
    const item = this.#shape.take(this.#ring, now);
    if (item !== undefined) rate.spend(this.#shape.deliveries(item).length);
    return item;
  }

  /** The next item: at once if there is one, else when one comes; `undefined` at the end. */
  next(): T | undefined | Promise<T | undefined> {
    if (this.#ended) return undefined;
    const item = this.#take();
    if (item !== undefined) return item;
    return new Promise((resolve) => this.#waiting = resolve);
  }

  /** Gives up waiting for an item: the pending `next` resolves with `undefined`, and the source goes on. */
  giveUp(): void {
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }

  /** Acks what is unsettled in an item. */
  ack(item: T): void {
    for (const delivery of this.#shape.deliveries(item)) {
      if (delivery.state === "out" || delivery.state === "stale") delivery.ack();
    }
  }

  /** Puts what is unsettled in an item back at the head of its queue's window. */
  giveBack(item: T): void {
    for (const delivery of this.#shape.deliveries(item)) {
      if (delivery.state === "out") delivery.window.giveBack(delivery);
    }
  }

  /** Whether nothing of an item is out any more. */
  isSettled(item: T): boolean {
    return this.#shape.deliveries(item).every((delivery) => delivery.state !== "out");
  }

  /** No more items. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#letGo?.();
    this.#onEnd(this.#ring.clear());
    this.giveUp();
  }
}
