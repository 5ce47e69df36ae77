/**
 * Queues that a consumer has lost and not yet let go of.
 *
 * Nothing of them is handed out any more (by key: nothing but holes), but a handler may still be at work. In order the queue stays
 * locked until it is done (or patience ends), so that no other member begins with the next message; else the new owner gives it a
 * moment. Then: commit, drop, unlock. Agrees with Java's RebalancePushImpl.removeUnnecessaryMessageQueue, save that the wait does
 * not hold up the rebalancing of other queues, and that Java knows none where messages do not wait for each other.
 */
import type { OffsetStore } from "../../offsets/offset_store.ts";
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import { type Clock, UNAWAITED } from "../../time/clock.ts";
import type { ConsumerEvent } from "../events.ts";
import { FINISH_MS } from "./hand_over.ts";
import type { QueueLocks } from "./queue_locks.ts";
import type { QueueWindow } from "../window/queue_window.ts";

/** A running handler is left in peace for so long before its signal fires, in milliseconds (Java: 500). */
const QUIET_MS = 500;
/** And is waited for so long after that, in milliseconds (Java: rocketmq.client.unlockDelayTimeMills). */
const PATIENCE_MS = 20_000;

/** What departures work with. */
export interface DeparturesOptions {
  readonly clock: Clock;
  readonly store: OffsetStore;
  /** Whether what is settled is stored without the application's asking. */
  readonly storesProgress: boolean;
  /** Absent where queues need no locks. */
  readonly locks: QueueLocks | undefined;
  readonly emit: (event: ConsumerEvent) => void;
  /** A queue is gone for good: it may be started again. */
  readonly onGone: () => void;
}

/** The queues on their way out. */
export class Departures {
  readonly #options: DeparturesOptions;
  readonly #leaving = new Map<string, { window: QueueWindow; gone: Promise<void> }>();
  /** Where queues go on that were moved: what their brokers have stored may not be that yet. */
  readonly #places = new Map<string, { readonly topic: string; readonly offset: number }>();
  readonly #hurry = new AbortController();

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** Whether a queue is on its way out. */
  has(key: string): boolean {
    return this.#leaving.has(key);
  }

  /** Messages of such queues that are handed out and not settled. */
  get outstanding(): number {
    let out = 0;
    for (const { window } of this.#leaving.values()) out += window.out;
    return out;
  }

  /**
   * Lets go of a closed queue that is this member's: waits for its handlers (and a renewal under way), commits, unlocks. Resolves
   * then; never rejects.
   */
  leave(window: QueueWindow, reason: unknown, renewed: () => Promise<void>): Promise<void> {
    return this.#track(window, this.#leave(window, reason, renewed));
  }

  /**
   * Drops a queue that another member may own by now, or that goes on at `place`: commits nothing, and waits only for its
   * handlers to return.
   */
  forsake(window: QueueWindow, reason: unknown, place?: number): void {
    window.drop(reason);
    const { topic } = window.queue;
    if (place !== undefined) this.#places.set(queueKey(window.queue), { topic, offset: place });
    this.#options.store.removeOffset(window.queue);
    void this.#track(window, this.#idleWithin(window, PATIENCE_MS).then(() => {}));
  }

  /** Where a queue that starts again goes on; undefined when nobody moved it. */
  takePlace(key: string): number | undefined {
    const place = this.#places.get(key);
    this.#places.delete(key);
    return place?.offset;
  }

  /** Of a topic's queues only `allocated` are still this member's: the others go on where their owners find them. */
  keepPlaces(topic: string, allocated: readonly MessageQueue[]): void {
    const own = new Set(allocated.map(queueKey));
    for (const [key, place] of this.#places) {
      if (place.topic === topic && !own.has(key)) this.#places.delete(key);
    }
  }

  /** Only `topics` are still subscribed to. */
  keepPlacesOf(topics: ReadonlySet<string>): void {
    for (const [key, { topic }] of this.#places) if (!topics.has(topic)) this.#places.delete(key);
  }

  /** Resolves when nothing of such queues is out any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#leaving.values()].map(({ window }) => window.idle()));
  }

  /** Waits no longer for handlers; resolves when every queue is let go of. */
  async finish(): Promise<void> {
    this.#hurry.abort();
    await Promise.all([...this.#leaving.values()].map(({ gone }) => gone));
  }

  #track(window: QueueWindow, work: Promise<void>): Promise<void> {
    const key = queueKey(window.queue);
    const gone = work.finally(() => {
      this.#leaving.delete(key);
      this.#options.onGone();
    });
    this.#leaving.set(key, { window, gone });
    return gone;
  }

  async #leave(window: QueueWindow, reason: unknown, renewed: () => Promise<void>): Promise<void> {
    const { store, storesProgress, locks, emit } = this.#options;
    const { queue, order } = window;
    const storeNow = async (): Promise<void> => {
      if (!storesProgress) return;
      store.updateOffset(queue, window.commitOffset, order === undefined);
      await store.persist(queue).catch((error) => emit({ type: "persistFailed", error }));
    };
    // a new owner that does not wait, such as a Java client, repeats the less
    if (!order && window.out > 0) void storeNow();
    if (!await this.#idleWithin(window, order ? QUIET_MS : FINISH_MS) && order) {
      for (const delivery of window.outSince(Infinity)) delivery.abort(reason);
      await this.#idleWithin(window, PATIENCE_MS);
    }
    const stored = storeNow();
    window.drop(reason);
    await stored;
    store.removeOffset(queue);
    // A renewal that the broker saw after the release would lock the queue again, for nobody.
    await renewed();
    await locks?.release([queue]);
  }

  /** Whether the window became idle within `ms`. */
  async #idleWithin(window: QueueWindow, ms: number): Promise<boolean> {
    const waiting = new AbortController();
    let idle = false;
    window.idle().then(() => {
      idle = true;
      waiting.abort(UNAWAITED);
    });
    const hurry = (): void => waiting.abort(UNAWAITED);
    if (this.#hurry.signal.aborted) hurry();
    this.#hurry.signal.addEventListener("abort", hurry, { once: true });
    // An idle window's promise is heard before the sleep begins.
    await Promise.resolve();
    await this.#options.clock.sleep(ms, waiting.signal).catch(() => {});
    this.#hurry.signal.removeEventListener("abort", hurry);
    return idle;
  }
}
