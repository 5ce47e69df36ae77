/**
 * Offsets kept in memory only: for tests, and for consumers that always begin where they are told.
 *
 * "Persisted" offsets live in a map that can be handed from one store to the next, so that a test can restart a consumer.
 */
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import type { OffsetStore, OffsetStoreMetrics, ReadOffsetType } from "./offset_store.ts";

/** Keeps offsets in memory. */
export class MemoryOffsetStore implements OffsetStore {
  readonly #stored: Map<string, number>;
  readonly #offsets = new Map<string, number>();
  #persisted = 0;
  #fetched = 0;

  /** A store over `stored`, by queue key; a fresh map by default. */
  constructor(stored: Map<string, number> = new Map()) {
    this.#stored = stored;
  }

  /** Nothing to open. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing to release. */
  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** See OffsetStore. */
  load(queues: readonly MessageQueue[]): Promise<void> {
    for (const queue of queues) {
      const offset = this.#stored.get(queueKey(queue));
      if (offset !== undefined) this.#offsets.set(queueKey(queue), offset);
    }
    return Promise.resolve();
  }

  /** See OffsetStore. */
  readOffset(queue: MessageQueue, type: ReadOffsetType): Promise<number | undefined> {
    const key = queueKey(queue);
    const known = this.#offsets.get(key);
    if (type === "READ_FROM_MEMORY" || (type === "MEMORY_FIRST_THEN_STORE" && known !== undefined)) {
      return Promise.resolve(known);
    }
    this.#fetched++;
    const stored = this.#stored.get(key);
    if (stored !== undefined) this.#offsets.set(key, stored);
    return Promise.resolve(stored);
  }

  /** See OffsetStore. */
  updateOffset(queue: MessageQueue, offset: number, increaseOnly = true): void {
    const key = queueKey(queue);
    const known = this.#offsets.get(key);
    if (known === undefined || !increaseOnly || offset > known) this.#offsets.set(key, offset);
  }

  /** See OffsetStore. */
  persist(queue: MessageQueue): Promise<void> {
    const key = queueKey(queue);
    const offset = this.#offsets.get(key);
    if (offset !== undefined && this.#stored.get(key) !== offset) {
      this.#stored.set(key, offset);
      this.#persisted++;
    }
    return Promise.resolve();
  }

  /** See OffsetStore. */
  async persistAll(queues: readonly MessageQueue[]): Promise<void> {
    for (const queue of queues) await this.persist(queue);
  }

  /** See OffsetStore. */
  removeOffset(queue: MessageQueue): void {
    this.#offsets.delete(queueKey(queue));
  }

  /** See OffsetStore. */
  metrics(): OffsetStoreMetrics {
    return {
      queues: this.#offsets.size,
      persisted: this.#persisted,
      persistFailures: 0,
      fetched: this.#fetched,
    };
  }
}
