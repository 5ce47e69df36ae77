/**
 * Offsets in a key-value database of Deno KV's shape: `Deno.openKv()`, `@deno/kv` on Bun and Node, or one of your own.
 *
 * One key per queue: ["rocketmq", "offsets", group, instance or "", topic, broker, queue id] → { offset, epoch }. In clustering the
 * members share the keys, so every write is `atomic().check().set().commit()`; when broadcasting each has its own.
 *
 * @module
 */
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { Cell } from "./cell.ts";
import { CellOffsetStore, type OffsetCells } from "./cell_store.ts";
import type { OffsetMessageModel, OffsetStore } from "./offset_store.ts";
import { validateOffsetStoreConfig } from "./store_config.ts";

export type { MessageQueue } from "../protocol/message_queue.ts";
export type { OffsetMessageModel, OffsetStore, OffsetStoreMetrics, ReadOffsetType } from "./offset_store.ts";

/** A key: texts and numbers, compared part by part. */
export type KvKey = readonly (string | number)[];

/** An atomic operation: what is set is set only if every check holds. */
export interface KvAtomic {
  /** Holds when `key` still has this versionstamp (null: no value). */
  check(check: { key: KvKey; versionstamp: string | null }): KvAtomic;
  /** Sets a value. */
  set(key: KvKey, value: unknown): KvAtomic;
  /** Does it; `ok` tells whether the checks held. */
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>;
}

/** What is needed of a key-value database. */
export interface KvDatabase {
  /** The value of a key, null where there is none. */
  get(key: KvKey): Promise<{ readonly value: unknown; readonly versionstamp: string | null }>;
  /** Sets a value. */
  set(key: KvKey, value: unknown): Promise<unknown>;
  /** Begins an atomic operation; needed in clustering. */
  atomic?(): KvAtomic;
}

/** How a KV store is made. */
export interface KvOffsetStoreOptions {
  /** The database; opened and closed by the application. */
  readonly kv: KvDatabase;
  /** The group whose offsets they are. */
  readonly consumerGroup: string;
  /** Default CLUSTERING. */
  readonly messageModel?: OffsetMessageModel | undefined;
  /** Which member it is, the same after a restart; needed when broadcasting. */
  readonly instanceName?: string | undefined;
}

/**
 * A store in a key-value database.
 *
 * @example
 * ```ts
 * import { createKvOffsetStore, type KvDatabase } from "@contrail/rocketmq/offsets/kv";
 *
 * // with Deno KV: kv = await Deno.openKv()
 * function billingOffsets(kv: KvDatabase) {
 *   return createKvOffsetStore({ kv, consumerGroup: "billing" });
 * }
 * ```
 * @throws ConfigError when the database cannot serve the group.
 */
export function createKvOffsetStore(options: KvOffsetStoreOptions): OffsetStore {
  const { kv, consumerGroup, instanceName } = options;
  const messageModel = options.messageModel ?? "CLUSTERING";
  validateOffsetStoreConfig({ ...options, messageModel, store: "kv" });
  const prefix = ["rocketmq", "offsets", consumerGroup, messageModel === "CLUSTERING" ? "" : instanceName!];
  return new CellOffsetStore(kvCells(kv, prefix), consumerGroup, messageModel);
}

function kvCells(kv: KvDatabase, prefix: readonly string[]): OffsetCells {
  const keyOf = (queue: MessageQueue): KvKey => [...prefix, queue.topic, queue.brokerName, queue.queueId];
  const read: OffsetCells["read"] = async (queue) => {
    const { value, versionstamp } = await kv.get(keyOf(queue));
    return versionstamp === null ? undefined : { cell: readCell(value), token: versionstamp };
  };
  return {
    read,
    async swap(queue, cell, token) {
      const key = keyOf(queue);
      if (kv.atomic === undefined) {
        await kv.set(key, cell);
        return { cell, token: "" };
      }
      const operation = kv.atomic().check({ key, versionstamp: token ?? null }).set(key, cell);
      const { ok, versionstamp } = await operation.commit();
      if (!ok) return undefined;
      return versionstamp === undefined ? await read(queue) : { cell, token: versionstamp };
    },
  };
}

/** @throws Error when something else than an offset is stored there. */
function readCell(value: unknown): Cell {
  const { offset, epoch } = (value ?? {}) as Partial<Cell>;
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(epoch)) return { offset: offset!, epoch: epoch! };
  throw new Error(`the stored value is not an offset: ${JSON.stringify(value)}`);
}
