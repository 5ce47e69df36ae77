/**
 * Where a consumer keeps its offsets unless it was told: on the broker, in broadcasting in a file, and where no file may be used
 * in memory.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { createFileOffsetStore } from "../../offsets/file.ts";
import { DEFAULT_FOLDER } from "../../offsets/file_disk.ts";
import { checkStoreServes, type OffsetStore } from "../../offsets/offset_store.ts";
import { RemoteOffsetStore } from "../../offsets/remote.ts";
import type { MessageModel } from "../queue/assignment_terms.ts";
import type { ConsumerEvent } from "../events.ts";

/** What a store is chosen by. */
export interface StoreChoice {
  readonly consumerGroup: string;
  readonly messageModel: MessageModel;
  readonly offsetStore?: OffsetStore | undefined;
  readonly offsetStorePath: string;
}

/** The store of a consumer. @throws ConfigError when the one that it was given is not for its message model. */
export function storeFor(
  client: RocketMQClient,
  config: StoreChoice,
  emit: (event: ConsumerEvent) => void,
): OffsetStore {
  const { consumerGroup, messageModel, offsetStore, offsetStorePath: path } = config;
  if (offsetStore) {
    checkStoreServes(offsetStore, messageModel);
    return offsetStore;
  }
  if (messageModel === "CLUSTERING") return new RemoteOffsetStore(client, consumerGroup);
  return createFileOffsetStore({
    consumerGroup,
    messageModel,
    path,
    instanceName: client.options.instanceName,
    logger: client.logger,
    // a folder that was named must be usable
    onUnavailable: path !== DEFAULT_FOLDER ? undefined : (error) => emit({ type: "offsetsInMemory", error }),
  });
}
