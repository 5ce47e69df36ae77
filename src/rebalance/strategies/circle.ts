/**
 * AVG_BY_CIRCLE: queues are dealt like cards.
 *
 * Agrees with AllocateMessageQueueAveragelyByCircle.
 */
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { type AllocateContext, type AllocateStrategy, memberIndex } from "../allocate_strategy.ts";

function allocate(context: AllocateContext): MessageQueue[] {
  const index = memberIndex(context);
  if (index < 0) return [];
  const members = context.allConsumerIds.length;
  return context.allMessageQueues.filter((_, i) => i % members === index);
}

/** Member i of n gets the queues i, i + n, i + 2n … */
export function createCircleStrategy(): AllocateStrategy {
  return { name: "AVG_BY_CIRCLE", allocate };
}
