/**
 * Messages of a queue's window that wait in one line to be handed out.
 *
 * A window has one lane, a retry topic's window one for each topic that its messages came from, a window by key one for
 * each key. A serial lane hands out one run of messages and then nothing until the last of them is settled or back, and
 * nothing at all while its window is closed, save its holes: all that ordered consumption needs of hand-out is here. What was
 * handed out and given back comes first again.
 */
import { withoutNamespace } from "../../protocol/namespace.ts";
import type { Delivery } from "./delivery.ts";
import type { QueueWindow } from "./queue_window.ts";

/** Messages of one topic (and key) within a window, in the order they are handed out. */
export class Lane {
  readonly window: QueueWindow;
  /** As brokers call it. */
  readonly topic: string;
  /** As the application does. */
  readonly shownTopic: string;
  /** Whether the next run is handed out only when the last is done with. */
  readonly serial: boolean;
  /** What its messages have in common, when the window is ordered by key. */
  readonly key: string | undefined;
  /** Whether a ring holds it. */
  queued = false;
  /** What a serial lane waits for: messages that are out, and calls that have not returned. */
  #busy = 0;
  #waiting: Delivery[] = [];
  #at = 0;
  #returned: Delivery[] = [];

  constructor(window: QueueWindow, topic: string, serial = false, key?: string) {
    this.window = window;
    this.topic = topic;
    this.shownTopic = withoutNamespace(window.namespace, topic);
    this.serial = serial;
    this.key = key;
  }

  /** How many can be handed out now. */
  get size(): number {
    if (!this.serial) return this.window.isOpen ? this.#left : 0;
    if (this.#busy > 0) return 0;
    if (this.window.isOpen) return this.#left;
    return this.#beginsWithHole ? 1 : 0;
  }

  /** Whether it has nothing waiting and waits for nothing. */
  get isIdle(): boolean {
    return this.#busy === 0 && this.#left === 0;
  }

  /** Whether a closed window hands out the next one. One that came back has failed or was left: it waits for the next owner. */
  get #beginsWithHole(): boolean {
    const next = this.#returned.length > 0 ? undefined : this.#waiting[this.#at];
    return next !== undefined && this.window.isHole(next);
  }

  get #left(): number {
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
    if (!this.serial) return this.window.isOpen ? this.#take(now) : undefined;
    if (this.#busy > 0) return undefined;
    return this.window.checkOpen(now) || this.#beginsWithHole ? this.#take(now) : undefined;
  }

  /** Up to `max`, the first of which may be taken already. */
  takeRun(max: number, now: number, first: Delivery | undefined = this.take(now)): Delivery[] {
    const run: Delivery[] = [];
    const most = this.window.isOpen ? max : 1;
    for (let next = first; next !== undefined; next = this.#take(now)) if (run.push(next) >= most) break;
    return run;
  }

  /** A call has begun that holds the lane up until it returns. */
  enter(): void {
    this.#busy++;
  }

  /** A call has returned, or a message is out no more. */
  leave(): void {
    this.#busy--;
  }

  #take(now: number): Delivery | undefined {
    for (let delivery = this.#next(); delivery !== undefined; delivery = this.#next()) {
      if (delivery.state !== "waiting") continue; // given back by its loop, and then settled after all
      delivery.state = "out";
      delivery.handedOutAt = now;
      this.window.handedOut(now);
      this.#busy++;
      const { trace, tracer } = this.window;
      if (trace !== undefined) delivery.traceId = trace.begin(delivery.record, this.shownTopic, now);
      if (tracer !== undefined) delivery.trail = tracer.handedOut(delivery, delivery.hold.received);
      return delivery;
    }
    return undefined;
  }

  #next(): Delivery | undefined {
    if (this.#returned.length > 0) return this.#returned.shift();
    if (this.#at === this.#waiting.length) return undefined;
    const delivery = this.#waiting[this.#at++]!;
    if (this.#at === this.#waiting.length) {
      this.#waiting.length = 0; // see Strip.clear
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

/** What the lane of a key goes by. A topic has no line feed in its name, so no key can be taken for a topic. */
export function laneName(topic: string, key: string): string {
  return `${topic}\n${key}`;
}
