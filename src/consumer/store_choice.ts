/**
 * Where a consumer keeps its offsets unless it was told: on the broker, in broadcasting in memory.
 */
import type { RocketMQClient } from "../client/client.ts";
import { MemoryOffsetStore } from "../offsets/memory.ts";
import { checkStoreServes, type OffsetStore } from "../offsets/offset_store.ts";
import { RemoteOffsetStore } from "../offsets/remote.ts";
import type { MessageModel } from "./assignment_terms.ts";

/** The store of a consumer. @throws ConfigError when the one that it was given is not for its message model. */
export function storeFor(client: RocketMQClient, config: {
  readonly consumerGroup: string;
  readonly messageModel: MessageModel;
  readonly offsetStore: OffsetStore | undefined;
}): OffsetStore {
  const { consumerGroup, messageModel, offsetStore } = config;
  if (offsetStore) {
    checkStoreServes(offsetStore, messageModel);
    return offsetStore;
  }
  return messageModel === "BROADCASTING"
    ? new MemoryOffsetStore()
    : new RemoteOffsetStore(client, consumerGroup);
}
