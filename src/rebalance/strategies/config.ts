/**
 * CONFIG: whatever the configuration says, no matter who else is there.
 *
 * Agrees with AllocateMessageQueueByConfig.
 */
import type { MessageQueue } from "../../protocol/message_queue.ts";
import type { AllocateStrategy } from "../allocate_strategy.ts";

/** Always `queues`; it is up to the caller that members do not overlap. */
export function createConfigStrategy(queues: readonly MessageQueue[]): AllocateStrategy {
  return { name: "CONFIG", allocate: () => [...queues] };
}
