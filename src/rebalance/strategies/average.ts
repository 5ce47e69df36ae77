/**
 * AVG: each member gets one consecutive run; the first members get one more when the division leaves a rest.
 *
 * Agrees with AllocateMessageQueueAveragely.
 */
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { type AllocateContext, type AllocateStrategy, memberIndex } from "../allocate_strategy.ts";

function allocate(context: AllocateContext): MessageQueue[] {
  const index = memberIndex(context);
  if (index < 0) return [];
  const { allMessageQueues: queues, allConsumerIds } = context;
  const rest = queues.length % allConsumerIds.length;
  const share = Math.floor(queues.length / allConsumerIds.length);
  const start = index * share + Math.min(index, rest);
  return queues.slice(start, start + share + (index < rest ? 1 : 0));
}

/** The default: consecutive runs of equal length. */
export function createAverageStrategy(): AllocateStrategy {
  return { name: "AVG", allocate };
}
