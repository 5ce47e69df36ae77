/**
 * The options of popping, and what they do not go together with.
 */
import * as v from "valibot";
import type { MessageRequestMode } from "../../protocol/bodies.ts";
import { whole } from "../config/config_check.ts";
import type { ConsumerConfig } from "../config/options.ts";

/** The strategies that brokers know. */
const BROKER_STRATEGIES: readonly string[] = ["AVG", "AVG_BY_CIRCLE"];

/** The options of popping, as an application gives them. */
export interface PopConfig {
  /**
   * How the group gets the messages of its topics. It is set on the brokers, for the whole group, when this member first asks
   * for its queues; `clientRebalance` is false then. "POP": the brokers hand out message by message, so members share
   * queues, none waits for another's, and no offsets are kept here. "PULL": as without POP. Default: left as it is.
   */
  readonly messageRequestMode?: MessageRequestMode | undefined;
  /**
   * Whether the members divide the queues by themselves and pull (default), or the brokers divide them and say what is popped.
   * All members must use the same: a member that pulls by itself gets the messages that others pop.
   */
  readonly clientRebalance?: boolean | undefined;
  /** With `messageRequestMode: "POP"`: how many further members share each queue. Default 0: all members share all. */
  readonly popShareQueueNum?: number | undefined;
  /** How long a popped message is hidden from others; prolonged while it is here. 5,000 to 300,000 ms, default 60,000. */
  readonly popInvisibleTimeMs?: number | undefined;
  /** Messages per pop (1–32). Default 32. */
  readonly popBatchNums?: number | undefined;
  /** Unsettled messages of one popped queue (1–1,000). Default 96. */
  readonly popThresholdForQueue?: number | undefined;
}

/** The schema of each option. */
export const popEntries = {
  messageRequestMode: v.optional(v.picklist(["PULL", "POP"])),
  clientRebalance: v.optional(v.boolean()),
  popShareQueueNum: whole(0, 1_024, 0),
  popInvisibleTimeMs: whole(5_000, 300_000, 60_000),
  popBatchNums: whole(1, 32, 32),
  popThresholdForQueue: whole(1, 1_000, 96),
};

/** Whether the brokers divide the queues. */
export function isDividedByBrokers(
  config: Pick<ConsumerConfig, "messageRequestMode" | "clientRebalance">,
): boolean {
  return config?.messageRequestMode !== undefined || config?.clientRebalance === false;
}

/** What does not go together with a division by brokers, or with popping. */
export function popProblems(
  config: ConsumerConfig,
  strategyName: string | undefined,
): { path: string; message: string }[] {
  const problems: { path: string; message: string }[] = [];
  const refuse = (path: string, message: string): void => void problems.push({ path, message });
  if (config?.messageRequestMode !== undefined && config.clientRebalance === true) {
    refuse(
      "clientRebalance",
      "must not be true with messageRequestMode: where the mode counts, the brokers divide",
    );
  }
  if (!isDividedByBrokers(config)) return problems;
  if (config.messageModel === "BROADCASTING") {
    refuse(
      "messageModel",
      "must be CLUSTERING where the brokers divide the queues: they give each message to one member",
    );
  }
  if (typeof config.ordering === "object") {
    refuse(
      "ordering",
      "must not be by key where the brokers may have messages popped: keys would be acknowledged out of order, and after " +
        "a crash the broker would repeat what it had confirmed",
    );
  }
  if (strategyName !== undefined && !BROKER_STRATEGIES.includes(strategyName)) {
    refuse("allocateStrategy", `must be one that brokers know: ${BROKER_STRATEGIES.join(" or ")}`);
  }
  if (config.messageRequestMode !== "POP") return problems;
  if (config.consumeFromWhere === "CONSUME_FROM_TIMESTAMP") {
    refuse(
      "consumeFromWhere",
      "must be CONSUME_FROM_FIRST_OFFSET or CONSUME_FROM_LAST_OFFSET: a pop knows no other start",
    );
  }
  if (config.offsetStore !== undefined) {
    refuse("offsetStore", "must be absent with POP: the brokers keep the progress of what is popped");
  }
  return problems;
}
