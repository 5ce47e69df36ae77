/**
 * Offsets in Redis, by any client that has `get`, `set` and `eval`: ioredis, `Bun.redis`, or one of your own.
 *
 * One key per queue, `rocketmq:offsets:<group>:<topic>:<broker>:<queue id>`, each part percent-encoded, with the text
 * `<offset>` or, once it was set back, `<offset>@<epoch>`. In clustering the members share the keys, so every write is a
 * compare-and-set in Lua; when broadcasting `<group>` is followed by `@<instance>` and each member has its own.
 *
 * @module
 */
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { Cell } from "./cell.ts";
import { CellOffsetStore, type OffsetCells, type StoredCell } from "./cell_store.ts";
import { encodeName } from "./names.ts";
import type { OffsetMessageModel, OffsetStore } from "./offset_store.ts";
import { validateOffsetStoreConfig } from "./store_config.ts";

export type { MessageQueue } from "../protocol/message_queue.ts";
export type { OffsetMessageModel, OffsetStore, OffsetStoreMetrics, ReadOffsetType } from "./offset_store.ts";

/** What is needed of a Redis client. */
export interface RedisClient {
  /** GET: the value of a key, null where there is none. */
  get(key: string): Promise<string | null>;
  /** SET. */
  set(key: string, value: string): Promise<unknown>;
  /** EVAL: runs a Lua script on `numberOfKeys` keys and the arguments that follow them; needed in clustering. */
  eval?(script: string, numberOfKeys: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** How a Redis store is made. */
export interface RedisOffsetStoreOptions {
  /** The client; connected and closed by the application. */
  readonly redis: RedisClient;
  /** The group whose offsets they are. */
  readonly consumerGroup: string;
  /** Default CLUSTERING. */
  readonly messageModel?: OffsetMessageModel | undefined;
  /** Which member it is, the same after a restart; needed when broadcasting. */
  readonly instanceName?: string | undefined;
  /** What every key begins with. Default "rocketmq:offsets". */
  readonly keyPrefix?: string | undefined;
}

/** Sets KEYS[1] to ARGV[2] if it still is ARGV[1]; an empty ARGV[1] means that there was no such key. */
const COMPARE_AND_SET = `local met = redis.call("GET", KEYS[1])
if (met or "") ~= ARGV[1] then return 0 end
redis.call("SET", KEYS[1], ARGV[2])
return 1`;

/**
 * A store in Redis.
 *
 * @example
 * ```ts
 * import { createRedisOffsetStore, type RedisClient } from "@contrail/rocketmq/offsets/redis";
 *
 * // with ioredis: redis = new Redis(); on Bun: redis = Bun.redis
 * function billingOffsets(redis: RedisClient) {
 *   return createRedisOffsetStore({ redis, consumerGroup: "billing" });
 * }
 * ```
 * @throws ConfigError when the client cannot serve the group.
 */
export function createRedisOffsetStore(options: RedisOffsetStoreOptions): OffsetStore {
  const { redis, consumerGroup, instanceName, keyPrefix = "rocketmq:offsets" } = options;
  const messageModel = options.messageModel ?? "CLUSTERING";
  validateOffsetStoreConfig({ ...options, messageModel, store: "redis" });
  const owner = messageModel === "CLUSTERING"
    ? encodeName(consumerGroup)
    : `${encodeName(consumerGroup)}@${encodeName(instanceName!)}`;
  return new CellOffsetStore(redisCells(redis, `${keyPrefix}:${owner}`), consumerGroup, messageModel);
}

function redisCells(redis: RedisClient, prefix: string): OffsetCells {
  const keyOf = ({ topic, brokerName, queueId }: MessageQueue): string =>
    `${prefix}:${encodeName(topic)}:${encodeName(brokerName)}:${queueId}`;
  return {
    async read(queue): Promise<StoredCell | undefined> {
      const text = await redis.get(keyOf(queue));
      return text === null || text === undefined ? undefined : { cell: readCell(text), token: text };
    },
    async swap(queue, cell, token): Promise<StoredCell | undefined> {
      const text = cell.epoch === 0 ? `${cell.offset}` : `${cell.offset}@${cell.epoch}`;
      const written = { cell, token: text };
      if (redis.eval === undefined) {
        await redis.set(keyOf(queue), text);
        return written;
      }
      const done = await redis.eval(COMPARE_AND_SET, 1, keyOf(queue), token ?? "", text);
      return Number(done) === 1 ? written : undefined;
    },
  };
}

/** @throws Error when something else than an offset is stored there. */
function readCell(text: string): Cell {
  const [, offset, epoch = "0"] = /^(\d{1,16})(?:@(\d{1,16}))?$/.exec(text) ?? [];
  if (offset === undefined) throw new Error(`the stored value is not an offset: ${JSON.stringify(text)}`);
  return { offset: Number(offset), epoch: Number(epoch) };
}
