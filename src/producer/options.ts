/**
 * What a producer can be told, as one schema: defaults, ranges, and every problem at once with its path.
 *
 * What concerns connections and names is the client's to check (`ClientOptions`); both lists of problems end in one
 * ConfigError. Names and defaults are those of Java's DefaultMQProducer, units added.
 */
import * as v from "valibot";
import { type ClientOptions, RocketMQClient } from "../client/client.ts";
import { clientProblems, type ConfigProblem, topicName, unknownOptions } from "../client/options.ts";
import type { PartialWorld } from "../client/world.ts";
import { ConfigError } from "../core/errors.ts";
import { DEFAULT_CREATE_TOPIC, groupProblem, TRACE_TOPIC } from "../protocol/names.ts";
import type { QueueSelector } from "./queue_selector.ts";
import { DEFAULT_RETRY_RESPONSE_CODES } from "./send_failure.ts";
import type { TransactionListener } from "./transactions.ts";

/** What only concerns sending. */
export interface ProducerOptions {
  /** The group: what brokers know producers of one kind by, and whom they ask about transactions. */
  readonly producerGroup: string;
  /** Time for one send with all its attempts, in milliseconds; 3,000 by default. */
  readonly sendTimeoutMs?: number | undefined;
  /** Longest single attempt while another may follow, in milliseconds; by default what is left of `sendTimeoutMs`. */
  readonly maxAttemptTimeoutMs?: number | undefined;
  /** Attempts after the first, each on another broker where there is one; 2 by default. */
  readonly retryTimesWhenSendFailed?: number | undefined;
  /** Whether what was stored with a status other than SEND_OK is sent to another broker too; false by default. */
  readonly retryAnotherBrokerWhenNotStoreOk?: boolean | undefined;
  /** Response codes of brokers that are worth another attempt; those of Java 5.5 by default. */
  readonly retryResponseCodes?: readonly number[] | undefined;
  /** Bodies from this size on are compressed, in bytes; 4,096 by default, `Infinity` for never. */
  readonly compressBodyOverBytes?: number | undefined;
  /** How they are compressed; `ZLIB`, which every version reads, by default. LZ4 and ZSTD need brokers and consumers of 5.0. */
  readonly compressType?: "ZLIB" | "LZ4" | "ZSTD" | undefined;
  /** How hard ZLIB and ZSTD try, 0 to 9; 5 by default. LZ4 has one level only. */
  readonly compressLevel?: number | undefined;
  /** Largest body, in bytes; 4 MiB by default, as on brokers. */
  readonly maxMessageSizeBytes?: number | undefined;
  /** Template topic for topics that are created by their first message; `TBW102` by default. */
  readonly createTopicKey?: string | undefined;
  /** Queues per broker that such a topic gets at most; 4 by default. */
  readonly defaultTopicQueueNums?: number | undefined;
  /** Topics whose routes are fetched by `start()`; none by default. */
  readonly topics?: readonly string[] | undefined;
  /** Chooses the queue of each message; a RoundRobinSelector by default. */
  readonly queueSelector?: QueueSelector | undefined;
  /** Whether slow and failing brokers are passed over for a while; false by default. */
  readonly sendLatencyFaultTolerance?: boolean | undefined;
  /** Tells brokers what became of a transaction; needed for `sendInTransaction`. */
  readonly transactionListener?: TransactionListener | undefined;
  /**
   * Whether each send that a broker has stored, and each verdict on a transaction, is written to the brokers' trace topic, where
   * that has a route; false by default, as in Java. At most 2,048 records wait; more are dropped and counted.
   */
  readonly messageTrace?: boolean | undefined;
  /** The trace topic, as brokers call it; `RMQ_SYS_TRACE_TOPIC` by default, which brokers have with `traceTopicEnable`. */
  readonly traceTopic?: string | undefined;
  /** How long `shutdown()` waits for sends under way, in milliseconds; 10,000 by default. */
  readonly shutdownTimeoutMs?: number | undefined;
}

/**
 * What `createProducer` takes: options of its own, and either those of the client it makes (`namesrvAddr`, credentials,
 * TLS, …) or a `client` to share.
 */
export type ProducerConfig =
  & ProducerOptions
  & (
    | (ClientOptions & { readonly client?: undefined })
    | ({ readonly client: RocketMQClient } & { readonly [K in keyof ClientOptions]?: undefined })
  );

const milliseconds = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2_147_483_647));
const object = <T>(shape: string, method: string): v.GenericSchema<T> =>
  v.custom<T>(
    (value) => typeof (value as Record<string, unknown> | null)?.[method] === "function",
    `Invalid value: Expected ${shape}`,
  );

/** The schema of the producer's own options. */
const producerEntries = {
  producerGroup: v.pipe(
    v.string(),
    v.check((group) => groupProblem(group) === undefined, ({ input }) => groupProblem(input)!),
    v.notValue("DEFAULT_PRODUCER", 'group name is reserved: current value is "DEFAULT_PRODUCER"'),
  ),
  sendTimeoutMs: v.optional(milliseconds, 3000),
  maxAttemptTimeoutMs: v.optional(milliseconds, 2_147_483_647),
  retryTimesWhenSendFailed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(64)), 2),
  retryAnotherBrokerWhenNotStoreOk: v.optional(v.boolean(), false),
  retryResponseCodes: v.optional(v.array(v.pipe(v.number(), v.integer())), [...DEFAULT_RETRY_RESPONSE_CODES]),
  compressBodyOverBytes: v.optional(v.pipe(v.number(), v.minValue(0)), 4096),
  compressType: v.optional(v.picklist(["ZLIB", "LZ4", "ZSTD"]), "ZLIB"),
  compressLevel: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9)), 5),
  maxMessageSizeBytes: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(16 * 1024 * 1024)),
    4 * 1024 * 1024,
  ),
  createTopicKey: v.optional(topicName, DEFAULT_CREATE_TOPIC),
  defaultTopicQueueNums: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_536)), 4),
  topics: v.optional(v.array(v.string()), []),
  queueSelector: v.optional(object<QueueSelector>("a QueueSelector", "select")),
  sendLatencyFaultTolerance: v.optional(v.boolean(), false),
  transactionListener: v.optional(object<TransactionListener>("a TransactionListener", "check")),
  messageTrace: v.optional(v.boolean(), false),
  traceTopic: v.optional(topicName, TRACE_TOPIC),
  shutdownTimeoutMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 10_000),
} as const;

/** Options that have no default: absent means none, or one that is made for the producer. */
type WithoutDefault = "queueSelector" | "transactionListener";

/** The producer's own options with every default in place, frozen. */
export type ResolvedProducerOptions =
  & {
    readonly [K in Exclude<keyof ProducerOptions, WithoutDefault>]-?: Exclude<ProducerOptions[K], undefined>;
  }
  & Pick<ProducerOptions, WithoutDefault>;

/** Validated options, and the client's part of the config. */
export interface ResolvedProducerConfig {
  /** The producer's own options. */
  readonly options: ResolvedProducerOptions;
  /** The client it uses: the given one, or one of its own. */
  readonly client: RocketMQClient;
}

/**
 * Checks a whole config and makes the client, which does no I/O.
 *
 * @throws ConfigError naming every problem of the producer's and the client's options.
 */
export function resolveProducerConfig(
  config: ProducerConfig,
  world: PartialWorld | undefined,
): ResolvedProducerConfig {
  const parsed = v.safeParse(v.object(producerEntries), config ?? {});
  const problems: ConfigProblem[] = [
    ...(parsed.issues ?? []).map((issue) => ({ path: v.getDotPath(issue) ?? "", message: issue.message })),
    ...clientProblems(config, world),
    ...unknownOptions(config, [...Object.keys(producerEntries), "client"], "producer"),
  ];
  if (problems.length > 0 || !parsed.success) {
    const list = problems.map(({ path, message }) => `\n  ${path}: ${message}`).join("");
    throw new ConfigError(`Cannot create producer: ${problems.length} problem(s) in its config${list}`, {
      problems,
    });
  }
  const client = config.client ?? new RocketMQClient(config as ClientOptions, world);
  return { options: Object.freeze(parsed.output), client };
}
