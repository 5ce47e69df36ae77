/**
 * MACHINE_ROOM: only queues of brokers in the given rooms, in consecutive runs; the rest goes round from the first.
 *
 * A broker's room is what stands before the `@` of its name. Agrees with AllocateMessageQueueByMachineRoom.
 */
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { type AllocateContext, type AllocateStrategy, memberIndex } from "../allocate_strategy.ts";

/** The room in a broker's name of the form `room@name`. */
function roomOf(brokerName: string): string | undefined {
  const parts = brokerName.split("@");
  while (parts.at(-1) === "") parts.pop(); // as Java's split does
  return parts.length === 2 ? parts[0] : undefined;
}

/** Queues of brokers in `rooms` only. */
export function createMachineRoomStrategy(rooms: Iterable<string>): AllocateStrategy {
  const wanted = new Set(rooms);
  return {
    name: "MACHINE_ROOM",
    allocate(context: AllocateContext): MessageQueue[] {
      const index = memberIndex(context);
      if (index < 0) return [];
      const members = context.allConsumerIds.length;
      const queues = context.allMessageQueues.filter((queue) => {
        const room = roomOf(queue.brokerName);
        return room !== undefined && wanted.has(room);
      });
      const share = Math.floor(queues.length / members);
      const mine = queues.slice(index * share, (index + 1) * share);
      return index < queues.length % members ? [...mine, queues[members * share + index]!] : mine;
    },
  };
}
