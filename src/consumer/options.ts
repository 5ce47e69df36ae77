/**
 * The configuration of a consumer: one schema with defaults, ranges and the rules that tie options together.
 *
 * All problems are told at once, each with its path, before any I/O. What comes out is frozen and complete: the rest of
 * the consumer never meets `undefined`. An explicit `undefined` means the default.
 */
import * as v from "valibot";
import type { ClientOptions, RocketMQClient } from "../client/client.ts";
import type { OffsetStore } from "../offsets/offset_store.ts";
import { groupProblem } from "../protocol/names.ts";
import {
  type AllocateStrategy,
  averageStrategy,
  circleStrategy,
  consistentHashStrategy,
} from "../rebalance/strategies.ts";
import type { MessageModel } from "./assignment_terms.ts";
import { checkConfig, type ConfigProblem, whole } from "./config_check.ts";
import type { ConsumedMessage } from "./consumed_message.ts";
import { listenerProblem, type MessageListener } from "./listener.ts";
import { clampSuspend } from "./ordered_calls.ts";
import {
  isDividedByBrokers,
  type PopConfig,
  popEntries,
  popProblems,
  type ResolvedPopConfig,
} from "./pop/options.ts";
import type { WindowLimits } from "./window_terms.ts";
import type { ConsumeFromWhere } from "./start_offset.ts";

/** The strategies that go by a name. */
export type AllocateStrategyName = "AVG" | "AVG_BY_CIRCLE" | "CONSISTENT_HASH";

/**
 * Which messages wait for each other. "concurrent": none. "orderly": those of a queue. By key: those of a queue with the same
 * key, while other keys go on; `by` must give the same key for the same message.
 */
export type Ordering = "concurrent" | "orderly" | { readonly by: (message: ConsumedMessage) => string };

/** What a consumer is made of. Only `consumerGroup`, and `namesrvAddr` or `client`, have no default. */
export interface ConsumerConfig extends Partial<Omit<ClientOptions, "namesrvAddr">>, PopConfig {
  /** The group whose members share the queues; at most 120 characters of letters, digits, `_ - % |`. */
  readonly consumerGroup: string;
  /** Name servers, `host:port` separated by `;` or as a list, or an `http://` address server. */
  readonly namesrvAddr?: string | readonly string[] | undefined;
  /** A client to share connections, routes and heartbeats with; by default the consumer makes its own. */
  readonly client?: RocketMQClient | undefined;
  /** Called with messages of every topic that has no listener of its own. */
  readonly listener?: MessageListener | undefined;
  /** Where a group without a stored offset begins. Default CONSUME_FROM_LAST_OFFSET. */
  readonly consumeFromWhere?: ConsumeFromWhere | undefined;
  /** For CONSUME_FROM_TIMESTAMP: a Date, or milliseconds since the epoch. Default 30 minutes ago. */
  readonly consumeTimestamp?: Date | number | undefined;
  /** "CLUSTERING" (default): the members share the queues. "BROADCASTING": each member gets every message. */
  readonly messageModel?: MessageModel | undefined;
  /** Which messages wait for each other; all members must use the same. Default "concurrent". */
  readonly ordering?: Ordering | undefined;
  /** In ordered consumption: whether success settles; a listener may change it per call. Default true. */
  readonly autoCommit?: boolean | undefined;
  /** Rest before a message comes again from here, in milliseconds (10 to 30,000). Default 1,000. */
  readonly suspendCurrentQueueTimeMs?: number | undefined;
  /** How queues are divided among the members; all must use the same. Default AVG. */
  readonly allocateStrategy?: AllocateStrategyName | AllocateStrategy | undefined;
  /** Where offsets are kept. Default: on the broker; in broadcasting in memory, so that each start obeys `consumeFromWhere`. */
  readonly offsetStore?: OffsetStore | undefined;
  /**
   * Async listener calls pending at once, at least (1–1000). Default 20, or the maximum if that is less. Between this and the
   * maximum their number follows what it brings: up while more slots make more calls end well, down when they only make
   * calls longer or fail.
   */
  readonly consumeConcurrencyMin?: number | undefined;
  /** Async listener calls pending at once, at most. Default 64. */
  readonly consumeConcurrencyMax?: number | undefined;
  /** Messages a second that are handed out at most, to listeners and streams together; a fraction will do. Default: no limit. */
  readonly maxMessagesPerSecond?: number | undefined;
  /** Messages per call of a MessageListenerConcurrently (1–1024). Default 1. */
  readonly consumeMessageBatchMaxSize?: number | undefined;
  /** How long a message may be out, counted from its hand-out, in milliseconds. Default 30,000. */
  readonly consumeTimeoutMs?: number | undefined;
  /**
   * Deliveries after the first before a message goes to the dead letters, in broadcasting before it is dropped.
   * Default −1: 16, in ordered clustering without limit.
   */
  readonly maxReconsumeTimes?: number | undefined;
  /** Messages per pull (1–1024). Default 32. */
  readonly pullBatchSize?: number | undefined;
  /** Bytes per pull. Default 262,144. */
  readonly pullBatchSizeBytes?: number | undefined;
  /** Pause between two pulls of a queue, in milliseconds. Default 0. */
  readonly pullIntervalMs?: number | undefined;
  /** How long a broker may park a pull that finds nothing, in milliseconds. Default 15,000. */
  readonly brokerSuspendMs?: number | undefined;
  /** Unsettled messages of one queue. Default 1,000. */
  readonly pullThresholdForQueue?: number | undefined;
  /** Bytes of the unsettled messages of one queue. Default 32 MiB. */
  readonly pullThresholdSizeForQueueBytes?: number | undefined;
  /** Unsettled messages of all queues. Default 50,000. */
  readonly pullThresholdForAll?: number | undefined;
  /** Bytes kept for the unsettled messages of all queues. Default 64 MiB. */
  readonly pullThresholdSizeForAllBytes?: number | undefined;
  /** Largest distance between the lowest unsettled offset of a queue and the next one to pull. Default 2,000. */
  readonly consumeConcurrentlyMaxSpan?: number | undefined;
  /** Whether the CRC of each body is checked. Default true. */
  readonly checkCrc?: boolean | undefined;
  /** What happens to a queue at a stored message that cannot be read after three tries. Default "stall". */
  readonly onBadRecord?: "stall" | "skip" | undefined;
  /** How often offsets are stored, in milliseconds. Default 5,000. */
  readonly persistIntervalMs?: number | undefined;
  /** How often the queues are divided anew without a cause, in milliseconds. Default 20,000. */
  readonly rebalanceIntervalMs?: number | undefined;
  /**
   * Whether hand-outs and settlements are written to the brokers' trace topic, where that has a route. Default true. At most
   * 2,048 records wait; more are dropped and counted.
   */
  readonly messageTrace?: boolean | undefined;
  /** How long a shutdown waits for messages that are out, in milliseconds. Default 10,000. */
  readonly shutdownTimeoutMs?: number | undefined;
}

/** A configuration with every default filled in. */
export interface ResolvedConsumerConfig extends ResolvedPopConfig {
  readonly consumerGroup: string;
  readonly consumeFromWhere: ConsumeFromWhere;
  readonly consumeTimestamp: number | undefined;
  readonly messageModel: MessageModel;
  readonly ordering: Ordering;
  readonly autoCommit: boolean;
  readonly suspendCurrentQueueTimeMs: number;
  readonly allocateStrategy: AllocateStrategy;
  readonly offsetStore: OffsetStore | undefined;
  readonly listener: MessageListener | undefined;
  readonly consumeConcurrencyMin: number;
  readonly consumeConcurrencyMax: number;
  readonly maxMessagesPerSecond: number;
  readonly consumeMessageBatchMaxSize: number;
  readonly consumeTimeoutMs: number;
  readonly maxReconsumeTimes: number;
  readonly pullBatchSize: number;
  readonly pullBatchSizeBytes: number;
  readonly pullIntervalMs: number;
  readonly brokerSuspendMs: number;
  readonly pullThresholdForQueue: number;
  readonly pullThresholdSizeForQueueBytes: number;
  readonly pullThresholdForAll: number;
  readonly pullThresholdSizeForAllBytes: number;
  readonly consumeConcurrentlyMaxSpan: number;
  readonly checkCrc: boolean;
  readonly onBadRecord: "stall" | "skip";
  readonly persistIntervalMs: number;
  readonly rebalanceIntervalMs: number;
  readonly messageTrace: boolean;
  readonly shutdownTimeoutMs: number;
}

const MIB = 1024 * 1024;
const STRATEGIES: Record<AllocateStrategyName, () => AllocateStrategy> = {
  AVG: averageStrategy,
  AVG_BY_CIRCLE: circleStrategy,
  CONSISTENT_HASH: () => consistentHashStrategy(),
};

const strategy = v.pipe(
  v.optional(
    v.union([
      v.picklist(["AVG", "AVG_BY_CIRCLE", "CONSISTENT_HASH"]),
      v.custom<AllocateStrategy>(
        (value) => typeof (value as AllocateStrategy | null)?.allocate === "function",
        "Expected the name of a strategy or an object with allocate()",
      ),
    ]),
    "AVG",
  ),
  v.transform((value): AllocateStrategy => typeof value === "string" ? STRATEGIES[value]() : value),
);

const ordering = v.union([
  v.picklist(["concurrent", "orderly"]),
  v.custom<Exclude<Ordering, string>>(
    (value) => typeof (value as { by?: unknown } | null)?.by === "function",
    'Expected "concurrent", "orderly" or an object with by()',
  ),
]);

/** Deliveries after the first, when no number is given (Java: getMaxReconsumeTimes of the two services). */
const DEFAULT_RECONSUMES = 16;

/** The options that a consumer has beside those of its client, by name. */
export const consumerEntries = {
  consumerGroup: v.pipe(
    v.string("Expected a consumer group"),
    v.check((group) => groupProblem(group) === undefined, (issue) => groupProblem(issue.input) ?? ""),
    v.notValue("DEFAULT_CONSUMER", "DEFAULT_CONSUMER is not a name of your own: choose one"),
  ),
  consumeFromWhere: v.optional(
    v.picklist(["CONSUME_FROM_LAST_OFFSET", "CONSUME_FROM_FIRST_OFFSET", "CONSUME_FROM_TIMESTAMP"]),
    "CONSUME_FROM_LAST_OFFSET",
  ),
  consumeTimestamp: v.optional(
    v.pipe(
      v.union([v.date(), v.pipe(v.number(), v.integer(), v.minValue(0))]),
      v.transform((at): number => Number(at)),
    ),
  ),
  allocateStrategy: strategy,
  offsetStore: v.optional(
    v.custom<OffsetStore>(
      (store) => typeof (store as OffsetStore | null)?.readOffset === "function",
      "Expected an OffsetStore",
    ),
  ),
  listener: v.optional(v.custom<MessageListener>(() => true)),
  messageModel: v.optional(v.picklist(["CLUSTERING", "BROADCASTING"]), "CLUSTERING"),
  ordering: v.optional(ordering, "concurrent"),
  autoCommit: v.optional(v.boolean(), true),
  suspendCurrentQueueTimeMs: v.pipe(whole(0, 86_400_000, 1_000), v.transform(clampSuspend)),
  consumeConcurrencyMin: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000))),
  consumeConcurrencyMax: whole(1, 1000, 64),
  maxMessagesPerSecond: v.optional(v.pipe(v.number(), v.minValue(0.001)), Infinity),
  consumeMessageBatchMaxSize: whole(1, 1024, 1),
  consumeTimeoutMs: whole(1, 86_400_000, 30_000),
  maxReconsumeTimes: whole(-1, 1_000_000, -1),
  pullBatchSize: whole(1, 1024, 32),
  pullBatchSizeBytes: whole(1024, 16 * MIB, 262_144),
  pullIntervalMs: whole(0, 65_535, 0),
  brokerSuspendMs: whole(0, 600_000, 15_000),
  pullThresholdForQueue: whole(1, 1_000_000, 1_000),
  pullThresholdSizeForQueueBytes: whole(1, 1024 * MIB, 32 * MIB),
  pullThresholdForAll: whole(1, 10_000_000, 50_000),
  pullThresholdSizeForAllBytes: whole(1, 8192 * MIB, 64 * MIB),
  consumeConcurrentlyMaxSpan: whole(1, 1_000_000, 2_000),
  checkCrc: v.optional(v.boolean(), true),
  onBadRecord: v.optional(v.picklist(["stall", "skip"]), "stall"),
  persistIntervalMs: whole(1, 86_400_000, 5_000),
  rebalanceIntervalMs: whole(1, 86_400_000, 20_000),
  messageTrace: v.optional(v.boolean(), true),
  shutdownTimeoutMs: whole(0, 86_400_000, 10_000),
  ...popEntries,
};

const schema = v.pipe(
  v.object(consumerEntries),
  v.forward(
    v.partialCheck(
      [["consumeConcurrencyMin"], ["consumeConcurrencyMax"]],
      ({ consumeConcurrencyMin: min, consumeConcurrencyMax: max }) => min === undefined || min <= max,
      "Expected at most consumeConcurrencyMax",
    ),
    ["consumeConcurrencyMin"],
  ),
  v.transform((config) => ({
    ...config,
    maxReconsumeTimes: config.maxReconsumeTimes >= 0
      ? config.maxReconsumeTimes
      : !isOrdered(config.ordering) || config.messageModel === "BROADCASTING"
      ? DEFAULT_RECONSUMES
      : Infinity,
    clientRebalance: !isDividedByBrokers(config),
    consumeConcurrencyMin: config.consumeConcurrencyMin ?? Math.min(20, config.consumeConcurrencyMax),
  })),
);

/** What is wrong with the listener, for the ordering at hand. */
function listenerProblems(config: ConsumerConfig): ConfigProblem[] {
  if (config?.listener === undefined) return [];
  const message = listenerProblem(config.listener, isOrdered(config.ordering));
  return message === undefined ? [] : [{ path: "listener", message }];
}

/** Whether messages wait for each other. */
export function isOrdered(ordering: Ordering | undefined): boolean {
  return ordering !== undefined && ordering !== "concurrent";
}

/**
 * Checks a configuration and fills in the defaults.
 *
 * @throws ConfigError that names every problem with its path.
 */
export function parseConsumerConfig(config: ConsumerConfig): ResolvedConsumerConfig {
  const names = Object.keys(consumerEntries);
  return checkConfig(schema, config, names, (parsed) => [
    ...popProblems(config, parsed?.allocateStrategy.name),
    ...listenerProblems(config),
  ]) as ResolvedConsumerConfig;
}

/** What the options say about the window of one queue. */
export function windowLimits(config: ResolvedConsumerConfig): WindowLimits {
  return {
    maxMessages: config.pullThresholdForQueue,
    maxBytes: config.pullThresholdSizeForQueueBytes,
    maxWaiting: config.pullBatchSize,
    maxSpan: config.consumeConcurrentlyMaxSpan,
  };
}

/** What the options say about the window of one popped queue. */
export function popWindowLimits(config: ResolvedConsumerConfig): WindowLimits {
  return {
    maxMessages: config.popThresholdForQueue,
    maxBytes: config.pullThresholdSizeForQueueBytes,
    maxWaiting: config.popBatchNums,
    maxSpan: Infinity,
  };
}
