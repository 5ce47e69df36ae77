/**
 * The queues of a static topic: logical ones, spread over brokers by a mapping with epochs.
 *
 * Each broker tells which logical queues it holds and in which epoch; of two that claim one queue the newer epoch wins.
 * Agrees with MQClientInstance.topicRouteData2EndpointsForStaticTopic: the queues belong to a broker that does not
 * exist, `__syslo__<scope>`, so that their identity outlives a move.
 */
import type { TopicQueueMapping } from "../protocol/bodies.ts";
import { compareQueues, type MessageQueue, queueKey } from "../protocol/message_queue.ts";

/** Logical queues and who holds them. */
export interface LogicalQueues {
  /** The queues, by number. */
  readonly queues: MessageQueue[];
  /** Name of the broker that holds each, keyed by `queueKey`. */
  readonly brokers: ReadonlyMap<string, string>;
}

const MOCK_BROKER_PREFIX = "__syslo__";
const GLOBAL_SCOPE = "__global__";
/** Who holds a queue that no broker claims. */
const NO_BROKER = "__syslo__none__";
/** A mapping that claims more logical queues is not believed. */
const MAX_LOGICAL_QUEUES = 65_536;

/** The logical queues of `topic`; undefined when it has no mapping, so is no static topic. */
export function logicalQueues(
  topic: string,
  mappings: Readonly<Record<string, TopicQueueMapping>> | undefined,
): LogicalQueues | undefined {
  const all = Object.values(mappings ?? {});
  if (all.length === 0) return undefined;
  const queues: MessageQueue[] = [];
  const brokers = new Map<string, string>();
  for (const scope of new Set(all.map((mapping) => mapping.scope))) {
    if (scope === undefined) continue;
    const holders = holdersOf(all.filter((mapping) => mapping.scope === scope));
    const brokerName = MOCK_BROKER_PREFIX + (scope === GLOBAL_SCOPE ? scope.slice(2) : scope);
    holders.forEach((holder, queueId) => {
      const queue: MessageQueue = { topic, brokerName, queueId };
      queues.push(queue);
      brokers.set(queueKey(queue), holder);
    });
  }
  queues.sort((a, b) => a.queueId - b.queueId || compareQueues(a, b));
  return { queues, brokers };
}

/** The broker of each logical queue of one scope, from number 0. */
function holdersOf(mappings: readonly TopicQueueMapping[]): string[] {
  const newestFirst = [...mappings].sort((a, b) => b.epoch - a.epoch);
  const total = Math.min(MAX_LOGICAL_QUEUES, Math.max(...newestFirst.map((mapping) => mapping.totalQueues)));
  const holders = new Array<string>(Math.max(0, total)).fill(NO_BROKER);
  const epochs = new Map<number, number>();
  for (const { epoch, bname, currIdMap } of newestFirst) {
    for (const logicalId of currIdMap.keys()) {
      if (!(logicalId in holders) || (epochs.get(logicalId) ?? epoch) > epoch) continue;
      epochs.set(logicalId, epoch);
      holders[logicalId] = bname ?? NO_BROKER;
    }
  }
  return holders;
}
