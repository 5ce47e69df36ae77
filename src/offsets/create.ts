/**
 * Offset stores by configuration, usable without a consumer.
 */
import { createFileOffsetStore } from "./file.ts";
import { createKvOffsetStore } from "./kv.ts";
import { MemoryOffsetStore } from "./memory.ts";
import type { OffsetStore } from "./offset_store.ts";
import { createRedisOffsetStore } from "./redis.ts";
import { RemoteOffsetStore } from "./remote.ts";
import { chosenStore, type OffsetStoreConfig, validateOffsetStoreConfig } from "./store_config.ts";

/**
 * Makes the store that a group needs: on the broker in clustering, in a file when broadcasting, or where `config` says. It
 * does no I/O before `start()`.
 *
 * @example
 * ```ts
 * import { createClient, createOffsetStore } from "@contrail/rocketmq";
 *
 * const client = createClient({ namesrvAddr: "127.0.0.1:9876" });
 * await client.start();
 * const store = createOffsetStore({ client, consumerGroup: "billing" });
 * await store.start();
 * const route = await client.route("orders");
 * for (const queue of route.readQueues) {
 *   const offset = await store.readOffset(queue, "READ_FROM_STORE");
 *   console.log(queue.brokerName, queue.queueId, offset ?? "none");
 * }
 * await store.stop();
 * await client.shutdown();
 * ```
 * @throws ConfigError naming everything that keeps the store from serving the group.
 */
export function createOffsetStore(config: OffsetStoreConfig): OffsetStore {
  validateOffsetStoreConfig(config);
  const messageModel = config.messageModel ?? "CLUSTERING";
  switch (chosenStore(config)) {
    case "remote":
      return new RemoteOffsetStore(config.client!, config.consumerGroup);
    case "file":
      return createFileOffsetStore({ ...config, messageModel });
    case "kv":
      return createKvOffsetStore({ ...config, kv: config.kv!, messageModel });
    case "redis":
      return createRedisOffsetStore({ ...config, redis: config.redis!, messageModel });
    case "memory":
      return new MemoryOffsetStore();
  }
}
