/**
 * Which store serves which message model, as a table of rules; all that is wrong is told at once.
 *
 * In clustering several members write the offset of one queue one after the other, so a place that is not the broker
 * must be able to compare and set, or have one member only. When broadcasting every member has its own offsets, so the
 * place must know which member it is.
 */
import { ConfigError } from "../core/errors.ts";
import type { Logger } from "../core/logger.ts";
import { groupProblem } from "../protocol/names.ts";
import type { BrokerCaller } from "./broker_caller.ts";
import type { KvDatabase } from "./kv.ts";
import type { OffsetMessageModel } from "./offset_store.ts";
import type { RedisClient } from "./redis.ts";

/** Where offsets are kept. */
export type OffsetStoreName = "remote" | "file" | "kv" | "redis" | "memory";

/** What `createOffsetStore` makes a store of. */
export interface OffsetStoreConfig {
  /** The group whose offsets they are. */
  readonly consumerGroup: string;
  /** Default CLUSTERING. */
  readonly messageModel?: OffsetMessageModel | undefined;
  /** Default: "kv" or "redis" where one is given, else "remote" in clustering and "file" when broadcasting. */
  readonly store?: OffsetStoreName | undefined;
  /** For "remote": a started RocketMQClient. */
  readonly client?: BrokerCaller | undefined;
  /** For "file": its folder. Default `~/.rocketmq/offsets`. */
  readonly path?: string | undefined;
  /** For "file" in clustering: that the group has, and will have, one member only. */
  readonly singleMember?: boolean | undefined;
  /** For "kv": the database. */
  readonly kv?: KvDatabase | undefined;
  /** For "redis": the client. */
  readonly redis?: RedisClient | undefined;
  /** When broadcasting: which member it is, the same after a restart. Needed by "kv" and "redis"; "file" has "DEFAULT". */
  readonly instanceName?: string | undefined;
  /** Where warnings go; the console by default. */
  readonly logger?: Logger | undefined;
}

interface Rule {
  readonly path: keyof OffsetStoreConfig;
  readonly store: OffsetStoreName;
  /** The model that it concerns; both when absent. */
  readonly model?: OffsetMessageModel;
  readonly holds: (config: OffsetStoreConfig) => boolean;
  readonly problem: string;
}

const RULES: readonly Rule[] = [
  {
    path: "client",
    store: "remote",
    holds: ({ client }) => typeof client?.call === "function",
    problem: "the broker's store needs a client",
  },
  {
    path: "messageModel",
    store: "remote",
    model: "BROADCASTING",
    holds: () => false,
    problem: "a broker keeps one offset per group, but when broadcasting every member has its own",
  },
  {
    path: "singleMember",
    store: "file",
    model: "CLUSTERING",
    holds: ({ singleMember }) => singleMember === true,
    problem:
      "the members of a clustering group cannot share a file; a group of one member says singleMember: true",
  },
  {
    path: "singleMember",
    store: "memory",
    model: "CLUSTERING",
    holds: ({ singleMember }) => singleMember === true,
    problem:
      "the members of a clustering group cannot share a memory; a group of one member says singleMember: true",
  },
  {
    path: "path",
    store: "file",
    holds: ({ path }) => path === undefined || path !== "",
    problem: "the folder is empty text",
  },
  {
    path: "kv",
    store: "kv",
    holds: ({ kv }) => typeof kv?.get === "function" && typeof kv.set === "function",
    problem: "Expected an object with get() and set()",
  },
  {
    path: "kv",
    store: "kv",
    model: "CLUSTERING",
    holds: ({ kv }) => typeof kv?.atomic === "function",
    problem: "without atomic() a late persist of a former owner would take an offset back",
  },
  {
    path: "redis",
    store: "redis",
    holds: ({ redis }) => typeof redis?.get === "function" && typeof redis.set === "function",
    problem: "Expected an object with get() and set()",
  },
  {
    path: "redis",
    store: "redis",
    model: "CLUSTERING",
    holds: ({ redis }) => typeof redis?.eval === "function",
    problem: "without eval() a late persist of a former owner would take an offset back",
  },
  ...(["kv", "redis"] as const).map((store): Rule => ({
    path: "instanceName",
    store,
    model: "BROADCASTING",
    holds: ({ instanceName }) => instanceName !== undefined && instanceName !== "",
    problem: "when broadcasting every member has its own offsets: say which member it is",
  })),
];

const STORES: readonly string[] = ["remote", "file", "kv", "redis", "memory"];
const MODELS: readonly string[] = ["CLUSTERING", "BROADCASTING"];

/** The store that a configuration means. */
export function chosenStore(config: OffsetStoreConfig): OffsetStoreName {
  if (config.store !== undefined) return config.store;
  if (config.kv !== undefined) return "kv";
  if (config.redis !== undefined) return "redis";
  return config.messageModel === "BROADCASTING" ? "file" : "remote";
}

/**
 * Checks that a store can be made of `config` and may serve its message model.
 *
 * @throws ConfigError naming every problem with its path.
 */
export function validateOffsetStoreConfig(config: OffsetStoreConfig): void {
  const problems: { path: string; message: string }[] = [];
  const model = config.messageModel ?? "CLUSTERING";
  const store = chosenStore(config);
  const group = groupProblem(config.consumerGroup);
  if (group !== undefined) problems.push({ path: "consumerGroup", message: group });
  if (!MODELS.includes(model)) {
    problems.push({
      path: "messageModel",
      message: `Expected ${MODELS.join(" or ")}, current value is "${model}"`,
    });
  }
  if (!STORES.includes(store)) {
    problems.push({
      path: "store",
      message: `Expected one of ${STORES.join(", ")}, current value is "${store}"`,
    });
  }
  for (const rule of RULES) {
    if (rule.store !== store || (rule.model !== undefined && rule.model !== model)) continue;
    // one problem a path: without a database it need not be said that it has no atomic()
    if (rule.holds(config) || problems.some(({ path }) => path === rule.path)) continue;
    problems.push({ path: rule.path, message: rule.problem });
  }
  if (problems.length === 0) return;
  throw new ConfigError(
    `Cannot make the offset store: ${problems.map(({ path, message }) => `${path}: ${message}`).join("; ")}`,
    { problems },
  );
}
