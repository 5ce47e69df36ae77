/**
 * What an assignment changes: which queues come, which go, which stay.
 *
 * Pure: held and allocated go in, three lists come out. Each queue of either side stands in exactly one of them.
 */
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";

/** The difference between what is held and what shall be held. */
export interface AssignmentPlan {
  /** Allocated but not held, in the order of the allocation. */
  readonly gained: MessageQueue[];
  /** Held but not allocated, in the order they are held. */
  readonly lost: MessageQueue[];
  /** Both, in the order of the allocation. */
  readonly kept: MessageQueue[];
}

/** Compares `held` with `allocated`; a queue that is listed twice counts once. */
export function planAssignment(
  held: Iterable<MessageQueue>,
  allocated: Iterable<MessageQueue>,
): AssignmentPlan {
  const before = new Map<string, MessageQueue>();
  for (const queue of held) before.set(queueKey(queue), queue);
  const after = new Map<string, MessageQueue>();
  for (const queue of allocated) if (!after.has(queueKey(queue))) after.set(queueKey(queue), queue);

  const gained: MessageQueue[] = [];
  const kept: MessageQueue[] = [];
  for (const [key, queue] of after) (before.has(key) ? kept : gained).push(queue);
  const lost = [...before].filter(([key]) => !after.has(key)).map(([, queue]) => queue);
  return { gained, lost, kept };
}
