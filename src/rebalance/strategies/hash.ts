/**
 * HASH: a queue's own hash picks its member.
 *
 * There is no Java counterpart, so all members of a group must be this library's. Cheaper than a ring, but a member
 * that comes or goes moves most queues.
 */
import { type MessageQueue, queueHash } from "../../protocol/message_queue.ts";
import { type AllocateContext, type AllocateStrategy, memberIndex } from "../allocate_strategy.ts";

function allocate(context: AllocateContext): MessageQueue[] {
  const index = memberIndex(context);
  if (index < 0) return [];
  const members = context.allConsumerIds.length;
  return context.allMessageQueues.filter((queue) => (queueHash(queue) >>> 0) % members === index);
}

/** Member i of n gets the queues whose hash leaves i when divided by n. */
export function createHashStrategy(): AllocateStrategy {
  return { name: "HASH", allocate };
}
