/**
 * The ways to consume that are simulated, as a table: what the consumers are told, and which promises hold.
 */
import type { Random } from "../../src/core/random.ts";
import type { ConsumerConfig } from "../../src/consumer/config/options.ts";
import type { LitePullConsumerConfig } from "../../src/consumer/lite_pull/lite_pull_options.ts";
import type { Scope } from "./ledger.ts";

/** How a member takes its messages. */
export type Way = "listener" | "batch listener" | "stream" | "stream of batches" | "polls";

/** One way to consume. */
export interface Workload {
  readonly name: string;
  /** Which messages may not be at work at the same time, and are begun in order. */
  readonly scope: Scope;
  /** Whether each member sees every message; else the members share them. */
  readonly broadcast: boolean;
  /** How messages come: pulled, popped, or pulled for a member that polls. */
  readonly kind: "push" | "pop" | "lite pull";
  /** What the configuration says beside what all seeds draw. */
  readonly config: Partial<ConsumerConfig>;
}

/** All of them, by name. */
export const WORKLOADS: readonly Workload[] = [
  { name: "concurrent", kind: "push", scope: "message", broadcast: false, config: {} },
  { name: "orderly", kind: "push", scope: "queue", broadcast: false, config: { ordering: "orderly" } },
  {
    name: "by-key",
    kind: "push",
    scope: "key",
    broadcast: false,
    config: { ordering: { by: (message) => message.tag ?? "" } },
  },
  {
    name: "broadcasting",
    kind: "push",
    scope: "message",
    broadcast: true,
    config: { messageModel: "BROADCASTING", maxReconsumeTimes: 1000 },
  },
  { name: "pop", kind: "pop", scope: "message", broadcast: false, config: { messageRequestMode: "POP" } },
  {
    name: "orderly-pop",
    kind: "pop",
    scope: "queue",
    broadcast: false,
    config: { messageRequestMode: "POP", ordering: "orderly" },
  },
  { name: "lite-pull", kind: "lite pull", scope: "message", broadcast: false, config: {} },
];

/** The workload of a seed, unless one is asked for. */
export function workloadOf(seed: number): string {
  return WORKLOADS[seed % WORKLOADS.length]!.name;
}

const WAYS: readonly Way[] = ["listener", "listener", "batch listener", "stream", "stream of batches"];
const LITE_PULL_WAYS: readonly Way[] = ["polls", "polls", "stream"];

/** How one member takes its messages. */
export function drawWay({ kind }: Workload, random: Random): Way {
  return pick(kind === "lite pull" ? LITE_PULL_WAYS : WAYS, random);
}

/** Settings that all members of a world share: small limits are where limits show. */
export function drawConfig(
  { kind, config }: Workload,
  random: Random,
): Partial<ConsumerConfig & LitePullConsumerConfig> {
  const shared = {
    pullBatchSize: pick([8, 16, 32], random),
    pullThresholdForQueue: pick([20, 100, 1000], random),
    pullThresholdForAll: pick([64, 400, 50_000], random),
    pullThresholdSizeForAllBytes: pick([64 * 1024, 1024 * 1024, 64 * 1024 * 1024], random),
    allocateStrategy: pick(["AVG", "AVG_BY_CIRCLE", "CONSISTENT_HASH"] as const, random),
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    messageTrace: false,
  } as const;
  if (kind === "lite pull") return { ...shared, consumeMaxSpan: pick([100, 2000], random) };
  const push = {
    ...shared,
    consumeConcurrentlyMaxSpan: pick([100, 2000], random),
    consumeMessageBatchMaxSize: pick([1, 4, 16], random),
    consumeConcurrencyMin: 4,
    consumeConcurrencyMax: pick([8, 64], random),
    consumeTimeoutMs: pick([15_000, 30_000], random),
    ...config,
  };
  if (kind !== "pop") return push;
  return {
    ...push,
    allocateStrategy: pick(["AVG", "AVG_BY_CIRCLE"] as const, random),
    popInvisibleTimeMs: pick([20_000, 60_000], random),
    popShareQueueNum: pick([0, 1, 2], random),
    popBatchNums: pick([8, 32], random),
    popThresholdForQueue: pick([20, 96], random),
  };
}

/** The brokers of a world. */
export interface Servers {
  /** Whether each master has a slave. */
  readonly slaves: boolean;
  /** Whether masters tell members to read from their slaves. */
  readonly suggestSlave: boolean;
  /** Whether a reset waits at its broker for the next pull; else members are told. */
  readonly useServerSideResetOffset: boolean;
}

/** How the brokers of one world are set up. Members are told of a reset only where they keep the offsets. */
export function drawServers({ kind }: Workload, random: Random): Servers {
  return {
    slaves: random.next() < 0.5,
    suggestSlave: random.next() < 0.5,
    useServerSideResetOffset: random.next() < 0.5 || kind === "pop",
  };
}

/** One of `items`. */
export function pick<T>(items: readonly T[], random: Random): T {
  return items[random.int(items.length)]!;
}
