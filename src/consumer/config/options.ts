/**
 * The configuration of a consumer: one schema with defaults, ranges and the rules that tie options together.
 *
 * All problems are told at once, each with its path, before any I/O. What comes out is frozen and complete: the rest of
 * the consumer never meets `undefined`. An explicit `undefined` means the default.
 */
import * as v from "valibot";
import { type ConfigProblem, topicName } from "../../client/options.ts";
import type { PartialWorld } from "../../client/world.ts";
import { DEFAULT_FOLDER } from "../../offsets/file_disk.ts";
import type { OffsetStore } from "../../offsets/offset_store.ts";
import { groupProblem, TRACE_TOPIC } from "../../protocol/names.ts";
import type { AllocateStrategy } from "../../rebalance/strategies.ts";
import type { MissingTopic } from "../group/group_check.ts";
import type { MessageModel } from "../queue/assignment_terms.ts";
import { type AnyConsumerConfig, checkConfig, whole } from "./config_check.ts";
import type { ConsumedMessage } from "../consumed_message.ts";
import { listenerProblem, type MessageListener } from "../taking/listener.ts";
import { clampSuspend } from "../taking/ordered_calls.ts";
import { isDividedByBrokers, type PopConfig, popEntries, popProblems } from "../pop/options.ts";
import type { WindowLimits } from "../window/window_terms.ts";
import type { ConsumeFromWhere } from "../queue/start_offset.ts";
import { type AllocateStrategyOption, strategyOption } from "./strategy_option.ts";

/**
 * Which messages wait for each other. "concurrent": none. "orderly": those of a queue. By key: those of a queue with the same
 * key, while other keys go on; `by` must give the same key for the same message.
 */
export type Ordering = "concurrent" | "orderly" | { readonly by: (message: ConsumedMessage) => string };

/** What a consumer is made of. Only `consumerGroup`, and `namesrvAddr` or `client`, have no default. */
export interface ConsumerConfig extends AnyConsumerConfig, PopConfig {
  /** The group whose members share the queues; at most 120 characters of letters, digits, `_ - % |`. */
  readonly consumerGroup: string;
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
  /**
   * Whether success settles a message: a listener's return, a loop that goes on. Where messages stay in order a listener may
   * change it per call. With false the program settles each message, in order by COMMIT. Default true.
   */
  readonly autoCommit?: boolean | undefined;
  /** Rest before a message comes again from here, in milliseconds (10 to 30,000). Default 1,000. */
  readonly suspendCurrentQueueTimeMs?: number | undefined;
  /**
   * How queues are divided among the members; all must use the same. A name, a name with what it needs such as
   * `{ name: "MACHINE_ROOM", rooms: ["hz"] }`, or an object of one's own. Default "AVG".
   */
  readonly allocateStrategy?: AllocateStrategyOption | undefined;
  /**
   * Where offsets are kept; it is told of queues as brokers call them, with the namespace. Default: on the broker; in broadcasting
   * in a file in `offsetStorePath`.
   */
  readonly offsetStore?: OffsetStore | undefined;
  /**
   * In broadcasting: the folder of the offset file, `~` for the user's home. Members on one machine need each an
   * `instanceName`, which their files are called by. Where the default, `~/.rocketmq/offsets`, may not be used (on Deno it needs
   * `--allow-sys=homedir --allow-read --allow-write`), offsets are kept in memory and an event `offsetsInMemory` tells so; a
   * folder that was named must be usable.
   */
  readonly offsetStorePath?: string | undefined;
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
   * Default −1: 16, in ordered clustering Infinity, which is without limit.
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
  /**
   * Unsettled messages of a topic: when given, it takes the place of `pullThresholdForQueue`, divided by the queues that this
   * member owns, those of all its topics, as in Java. Default −1: not.
   */
  readonly pullThresholdForTopic?: number | undefined;
  /** The same for their bytes, in the place of `pullThresholdSizeForQueueBytes`. Default −1: not. */
  readonly pullThresholdSizeForTopicBytes?: number | undefined;
  /** Unsettled messages of all queues. Default 50,000. */
  readonly pullThresholdForAll?: number | undefined;
  /** Bytes kept for the unsettled messages of all queues. Default 64 MiB. */
  readonly pullThresholdSizeForAllBytes?: number | undefined;
  /** Largest distance between the lowest unsettled offset of a queue and the next one to pull. Default 2,000. */
  readonly consumeConcurrentlyMaxSpan?: number | undefined;
  /**
   * What `start()` does about a topic that no name server knows: "wait" begins without it, tells by an event `topicMissing`, and
   * consumes it within a route poll of its creation; "fail" rejects with a ConsumerStartError. Default "wait".
   */
  readonly missingTopic?: MissingTopic | undefined;
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
  /** The trace topic, as brokers call it. Default RMQ_SYS_TRACE_TOPIC, which brokers have with `traceTopicEnable`. */
  readonly traceTopic?: string | undefined;
  /** How long a shutdown waits for messages that are out, in milliseconds. Default 10,000. */
  readonly shutdownTimeoutMs?: number | undefined;
}

/** Options that have no default. */
export type OptionWithoutDefault = "consumeTimestamp" | "offsetStore" | "listener" | "messageRequestMode";

/** A consumer's own options with every default filled in. */
export type ResolvedConsumerConfig =
  & {
    readonly [
      K in Exclude<keyof ConsumerConfig, keyof AnyConsumerConfig | OptionWithoutDefault | "allocateStrategy">
    ]-?: Exclude<ConsumerConfig[K], undefined>;
  }
  & Pick<ConsumerConfig, Exclude<OptionWithoutDefault, "consumeTimestamp">>
  & {
    /** For CONSUME_FROM_TIMESTAMP: milliseconds since the epoch. */
    readonly consumeTimestamp?: number | undefined;
    /** How queues are divided among the members. */
    readonly allocateStrategy: AllocateStrategy;
  };

const MIB = 1024 * 1024;
const ordering = v.union([
  v.picklist(["concurrent", "orderly"]),
  v.custom<Exclude<Ordering, string>>(
    (value) => typeof (value as { by?: unknown } | null)?.by === "function",
    'Expected "concurrent", "orderly" or an object with by()',
  ),
]);

/** A whole number between `min` and `max`, or −1 for none. */
function orNone(min: number, max: number) {
  return v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.check((value) => value === -1 || value >= min, `Expected -1 or >=${min}`),
      v.maxValue(max),
    ),
    -1,
  );
}

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
  allocateStrategy: strategyOption,
  offsetStore: v.optional(
    v.custom<OffsetStore>(
      (store) => typeof (store as OffsetStore | null)?.readOffset === "function",
      "Expected an OffsetStore",
    ),
  ),
  offsetStorePath: v.optional(v.pipe(v.string(), v.nonEmpty()), DEFAULT_FOLDER),
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
  maxReconsumeTimes: v.optional(
    v.pipe(
      v.number(),
      v.check(
        (times) => times === Infinity || (Number.isInteger(times) && times >= -1),
        "Expected a whole number from -1, or Infinity",
      ),
    ),
    -1,
  ),
  pullBatchSize: whole(1, 1024, 32),
  pullBatchSizeBytes: whole(1024, 16 * MIB, 262_144),
  pullIntervalMs: whole(0, 65_535, 0),
  brokerSuspendMs: whole(0, 600_000, 15_000),
  pullThresholdForQueue: whole(1, 1_000_000, 1_000),
  pullThresholdSizeForQueueBytes: whole(1, 1024 * MIB, 32 * MIB),
  pullThresholdForTopic: orNone(1, 10_000_000),
  pullThresholdSizeForTopicBytes: orNone(1, 8192 * MIB),
  pullThresholdForAll: whole(1, 10_000_000, 50_000),
  pullThresholdSizeForAllBytes: whole(1, 8192 * MIB, 64 * MIB),
  consumeConcurrentlyMaxSpan: whole(1, 1_000_000, 2_000),
  missingTopic: v.optional(v.picklist(["wait", "fail"]), "wait"),
  checkCrc: v.optional(v.boolean(), true),
  onBadRecord: v.optional(v.picklist(["stall", "skip"]), "stall"),
  persistIntervalMs: whole(1, 86_400_000, 5_000),
  rebalanceIntervalMs: whole(1, 86_400_000, 20_000),
  messageTrace: v.optional(v.boolean(), true),
  traceTopic: v.optional(topicName, TRACE_TOPIC),
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
export function parseConsumerConfig(config: ConsumerConfig, world?: PartialWorld): ResolvedConsumerConfig {
  const names = Object.keys(consumerEntries);
  return checkConfig(schema, config, names, world, (parsed) => [
    ...popProblems(config, parsed?.allocateStrategy.name),
    ...listenerProblems(config),
  ]) as ResolvedConsumerConfig;
}

/** What the options say about the window of each queue, when this member owns `queues`. */
export function windowLimits(config: ResolvedConsumerConfig, queues: number): WindowLimits {
  const share = (forTopic: number, forQueue: number): number =>
    forTopic === -1 ? forQueue : Math.max(1, Math.floor(forTopic / Math.max(1, queues)));
  return {
    maxMessages: share(config.pullThresholdForTopic, config.pullThresholdForQueue),
    maxBytes: share(config.pullThresholdSizeForTopicBytes, config.pullThresholdSizeForQueueBytes),
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
