/**
 * The configuration of a lite pull consumer: what it shares with other consumers, and what is its own, with the defaults of
 * Java's DefaultLitePullConsumer.
 */
import * as v from "valibot";
import type { PartialWorld } from "../../client/world.ts";
import type { OffsetStore } from "../../offsets/offset_store.ts";
import type { AllocateStrategy } from "../../rebalance/strategies.ts";
import type { MissingTopic } from "../group/group_check.ts";
import type { MessageModel } from "../queue/assignment_terms.ts";
import { type AnyConsumerConfig, checkConfig, whole } from "../config/config_check.ts";
import { type ConsumerConfig, consumerEntries } from "../config/options.ts";
import type { MessageQueueListener } from "./queue_listeners.ts";
import type { ConsumeFromWhere } from "../queue/start_offset.ts";

/** The options that mean the same for every consumer. */
export type SharedConsumerOptions = Pick<
  ConsumerConfig,
  | "consumerGroup"
  | "consumeFromWhere"
  | "consumeTimestamp"
  | "messageModel"
  | "allocateStrategy"
  | "offsetStore"
  | "offsetStorePath"
  | "pullBatchSizeBytes"
  | "pullIntervalMs"
  | "pullThresholdForQueue"
  | "pullThresholdSizeForAllBytes"
  | "missingTopic"
  | "checkCrc"
  | "onBadRecord"
  | "rebalanceIntervalMs"
  | "messageTrace"
  | "traceTopic"
  | "shutdownTimeoutMs"
>;

/** What a lite pull consumer is made of. Only `consumerGroup`, and `namesrvAddr` or `client`, have no default. */
export interface LitePullConsumerConfig extends AnyConsumerConfig, SharedConsumerOptions {
  /**
   * Whether what former polls handed out is committed by itself. Otherwise only `commit()` moves the stored offset. Default true.
   */
  readonly autoCommit?: boolean | undefined;
  /** How often that happens, in milliseconds. Default 5,000. */
  readonly autoCommitIntervalMs?: number | undefined;
  /** How long a poll waits that does not say, in milliseconds. Default 5,000. */
  readonly pollTimeoutMs?: number | undefined;
  /** Messages per pull, and at most per poll that does not say (1–1024). Default 10. */
  readonly pullBatchSize?: number | undefined;
  /** How long a broker may park a pull that finds nothing, in milliseconds. Default 20,000. */
  readonly brokerSuspendMs?: number | undefined;
  /** Bytes of the messages of one queue that are pulled and not committed yet. Default 100 MiB. */
  readonly pullThresholdSizeForQueueBytes?: number | undefined;
  /** Messages of all queues that are pulled and not committed yet. Default 10,000. */
  readonly pullThresholdForAll?: number | undefined;
  /** Largest distance between a queue's lowest offset that is not finished and the next one to pull. Default 2,000. */
  readonly consumeMaxSpan?: number | undefined;
  /** How often the queues of topics with a change listener are asked for, in milliseconds. Default 30,000. */
  readonly topicMetadataCheckIntervalMs?: number | undefined;
  /** Called when this member's queues of a topic have changed. */
  readonly messageQueueListener?: MessageQueueListener | undefined;
}

/** A configuration with every default filled in. */
export interface ResolvedLitePullConfig {
  readonly consumerGroup: string;
  readonly consumeFromWhere: ConsumeFromWhere;
  readonly consumeTimestamp: number | undefined;
  readonly messageModel: MessageModel;
  readonly allocateStrategy: AllocateStrategy;
  readonly offsetStore: OffsetStore | undefined;
  readonly offsetStorePath: string;
  readonly autoCommit: boolean;
  readonly autoCommitIntervalMs: number;
  readonly pollTimeoutMs: number;
  readonly pullBatchSize: number;
  readonly pullBatchSizeBytes: number;
  readonly pullIntervalMs: number;
  readonly brokerSuspendMs: number;
  readonly pullThresholdForQueue: number;
  readonly pullThresholdSizeForQueueBytes: number;
  readonly pullThresholdForAll: number;
  readonly pullThresholdSizeForAllBytes: number;
  readonly consumeMaxSpan: number;
  readonly topicMetadataCheckIntervalMs: number;
  readonly messageQueueListener: MessageQueueListener | undefined;
  readonly missingTopic: MissingTopic;
  readonly checkCrc: boolean;
  readonly onBadRecord: "stall" | "skip";
  readonly rebalanceIntervalMs: number;
  readonly messageTrace: boolean;
  readonly traceTopic: string;
  readonly shutdownTimeoutMs: number;
}

const MIB = 1024 * 1024;

const schema = v.object({
  consumerGroup: consumerEntries.consumerGroup,
  consumeFromWhere: consumerEntries.consumeFromWhere,
  consumeTimestamp: consumerEntries.consumeTimestamp,
  messageModel: consumerEntries.messageModel,
  allocateStrategy: consumerEntries.allocateStrategy,
  offsetStore: consumerEntries.offsetStore,
  offsetStorePath: consumerEntries.offsetStorePath,
  autoCommit: v.optional(v.boolean(), true),
  autoCommitIntervalMs: whole(1, 86_400_000, 5_000),
  pollTimeoutMs: whole(0, 86_400_000, 5_000),
  pullBatchSize: whole(1, 1024, 10),
  pullBatchSizeBytes: consumerEntries.pullBatchSizeBytes,
  pullIntervalMs: consumerEntries.pullIntervalMs,
  brokerSuspendMs: whole(0, 600_000, 20_000),
  pullThresholdForQueue: consumerEntries.pullThresholdForQueue,
  pullThresholdSizeForQueueBytes: whole(1, 1024 * MIB, 100 * MIB),
  pullThresholdForAll: whole(1, 10_000_000, 10_000),
  pullThresholdSizeForAllBytes: consumerEntries.pullThresholdSizeForAllBytes,
  consumeMaxSpan: whole(1, 1_000_000, 2_000),
  topicMetadataCheckIntervalMs: whole(1, 86_400_000, 30_000),
  messageQueueListener: v.optional(
    v.custom<MessageQueueListener>((listener) => typeof listener === "function", "Expected a function"),
  ),
  missingTopic: consumerEntries.missingTopic,
  checkCrc: consumerEntries.checkCrc,
  onBadRecord: consumerEntries.onBadRecord,
  rebalanceIntervalMs: consumerEntries.rebalanceIntervalMs,
  messageTrace: consumerEntries.messageTrace,
  traceTopic: consumerEntries.traceTopic,
  shutdownTimeoutMs: consumerEntries.shutdownTimeoutMs,
});

/**
 * Checks a configuration and fills in the defaults.
 *
 * @throws ConfigError that names every problem with its path.
 */
export function parseLitePullConfig(
  config: LitePullConsumerConfig,
  world?: PartialWorld,
): ResolvedLitePullConfig {
  return checkConfig(schema, config, Object.keys(schema.entries), world) as ResolvedLitePullConfig;
}
