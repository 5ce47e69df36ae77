/**
 * Where a group's progress is kept.
 *
 * A store holds, per queue, the offset of the next message to consume. Updates go to memory; persisting carries them to
 * wherever the store keeps them (broker, file, database). "No offset" and "the question failed" are different answers:
 * the first is `undefined`, the second rejects.
 */
import { ConfigError } from "../core/errors.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";

/** Who shares the queues: CLUSTERING, the members among them; BROADCASTING, every member has them all. */
export type OffsetMessageModel = "CLUSTERING" | "BROADCASTING";

/** Which memory a read asks: the store's own, what was persisted, or the first and then the second. */
export type ReadOffsetType = "READ_FROM_MEMORY" | "READ_FROM_STORE" | "MEMORY_FIRST_THEN_STORE";

/** What a store did so far. */
export interface OffsetStoreMetrics {
  /** Queues with an offset in memory. */
  readonly queues: number;
  /** Offsets persisted. */
  readonly persisted: number;
  /** Persists that failed; each is tried again at the next interval. */
  readonly persistFailures: number;
  /** Offsets read from where they are persisted. */
  readonly fetched: number;
  /** Persists that found another member's offset further on, and left it. */
  readonly overtaken: number;
}

/** Keeps the offsets of one group. Implement it to keep them elsewhere. */
export interface OffsetStore {
  /** The message model that it is made for; a consumer of the other refuses it. Absent: it serves both. */
  readonly messageModel?: OffsetMessageModel | undefined;
  /** Opens what the store needs. */
  start(): Promise<void>;
  /** Persists nothing by itself; releases what `start` opened. */
  stop(): Promise<void>;
  /** Reads what is persisted for `queues` into memory, where a store can do that at once. */
  load(queues: readonly MessageQueue[]): Promise<void>;
  /**
   * The offset of the next message to consume; `undefined` where none is stored.
   *
   * @throws OffsetFetchError when it cannot be found out.
   */
  readOffset(queue: MessageQueue, type: ReadOffsetType): Promise<number | undefined>;
  /** Sets the offset in memory; with `increaseOnly` (default true) a smaller one is ignored. */
  updateOffset(queue: MessageQueue, offset: number, increaseOnly?: boolean): void;
  /** Persists one queue's offset. @throws OffsetError when it cannot be stored. */
  persist(queue: MessageQueue): Promise<void>;
  /** Persists the offsets of `queues`. @throws OffsetError naming the queues that could not be stored. */
  persistAll(queues: readonly MessageQueue[]): Promise<void>;
  /** Forgets the offset in memory; what is persisted stays. */
  removeOffset(queue: MessageQueue): void;
  /** What it did so far. */
  metrics(): OffsetStoreMetrics;
}

/** What a store did so far; the same as `store.metrics()`. */
export function getOffsetStoreMetrics(store: OffsetStore): OffsetStoreMetrics {
  return store.metrics();
}

/** Checks that a group of `messageModel` may keep its offsets in `store`. @throws ConfigError */
export function checkStoreServes(store: OffsetStore, messageModel: OffsetMessageModel): void {
  if (store.messageModel === undefined || store.messageModel === messageModel) return;
  const message = `it is made for ${store.messageModel}, not for ${messageModel}`;
  throw new ConfigError(`Cannot use the offset store: ${message}`, {
    problems: [{ path: "offsetStore", message }],
  });
}
