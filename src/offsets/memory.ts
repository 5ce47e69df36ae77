/**
 * Offsets kept in memory only: for tests, and for consumers that always begin where they are told.
 *
 * "Persisted" offsets live in a map that can be handed from one store to the next, so that a test can restart a consumer.
 */
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import type { OffsetStore, OffsetStoreMetrics, ReadOffsetType } from "./offset_store.ts";
import { OffsetTable } from "./offset_table.ts";

/** Keeps offsets in memory. */
export class MemoryOffsetStore implements OffsetStore {
  readonly #stored: Map<string, number>;
  readonly #table = new OffsetTable();
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
    for (const queue of queues) this.#fetch(queue);
    return Promise.resolve();
  }

  #fetch(queue: MessageQueue): number | undefined {
    this.#fetched++;
    const stored = this.#stored.get(queueKey(queue));
    if (stored !== undefined) this.#table.set(queue, stored);
    return stored;
  }

  /** See OffsetStore. */
  readOffset(queue: MessageQueue, type: ReadOffsetType): Promise<number | undefined> {
    const known = this.#table.get(queue)?.offset;
    const fromMemory = type === "READ_FROM_MEMORY" || (type !== "READ_FROM_STORE" && known !== undefined);
    return Promise.resolve(fromMemory ? known : this.#fetch(queue));
  }

  /** See OffsetStore. @throws OffsetError when `offset` is none. */
  updateOffset(queue: MessageQueue, offset: number, increaseOnly = true): void {
    this.#table.update(queue, offset, increaseOnly);
  }

  /** See OffsetStore. */
  persist(queue: MessageQueue): Promise<void> {
    const entry = this.#table.get(queue);
    if (entry && this.#stored.get(queueKey(queue)) !== entry.offset) {
      this.#stored.set(queueKey(queue), entry.offset);
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
    this.#table.delete(queue);
  }

  /** See OffsetStore. */
  metrics(): OffsetStoreMetrics {
    return {
      queues: this.#table.size,
      persisted: this.#persisted,
      persistFailures: 0,
      fetched: this.#fetched,
      overtaken: 0,
    };
  }
}
