/**
 * The messages of one topic within a queue's window, in the order they are handed out.
 *
 * A window has one lane, a retry topic's window one for each topic that its messages came from. What was handed out and
 * given back comes first again.
 */
import type { Delivery } from "./delivery.ts";
import type { QueueWindow } from "./queue_window.ts";

/** The messages of one topic within a window, in the order they are handed out. */
export class Lane {
  readonly window: QueueWindow;
  readonly topic: string;
  /** Whether a ring holds it. */
  queued = false;
  #waiting: Delivery[] = [];
  #at = 0;
  #returned: Delivery[] = [];

  constructor(window: QueueWindow, topic: string) {
    this.window = window;
    this.topic = topic;
  }

  /** How many wait to be handed out. */
  get size(): number {
    return this.#waiting.length - this.#at + this.#returned.length;
  }

  add(delivery: Delivery): void {
    this.#waiting.push(delivery);
  }

  /** Puts one back at the head: what was left unsettled comes first, by offset. */
  giveBack(delivery: Delivery): void {
    this.#returned.push(delivery);
    if (this.#returned.length > 1) this.#returned.sort((a, b) => a.seq - b.seq);
  }

  /** The next one, marked as out at `now`. */
  take(now: number): Delivery | undefined {
    for (let delivery = this.#next(); delivery !== undefined; delivery = this.#next()) {
      if (delivery.state !== "waiting") continue; // given back by its loop, and then settled after all
      delivery.state = "out";
      delivery.handedOutAt = now;
      this.window.handedOut(now);
      const { trace } = this.window;
      if (trace !== undefined) delivery.traceId = trace.begin(delivery.record, this.topic, now);
      return delivery;
    }
    return undefined;
  }

  #next(): Delivery | undefined {
    if (this.#returned.length > 0) return this.#returned.shift();
    if (this.#at === this.#waiting.length) return undefined;
    const delivery = this.#waiting[this.#at++]!;
    if (this.#at === this.#waiting.length) {
      this.#waiting = [];
      this.#at = 0;
    } else if (this.#at >= 1024) {
      this.#waiting.splice(0, this.#at);
      this.#at = 0;
    }
    return delivery;
  }

  clear(): void {
    this.#waiting = [];
    this.#at = 0;
    this.#returned = [];
  }
}
