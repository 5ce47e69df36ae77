/**
 * MACHINE_ROOM_NEARBY: queues go to members in the same room; rooms without members are shared by all.
 *
 * Inside a room another strategy decides. Agrees with AllocateMachineRoomNearby.
 */
import { RebalanceError } from "../../core/errors.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { type AllocateContext, type AllocateStrategy, memberIndex } from "../allocate_strategy.ts";

/** Says where things are. */
export interface MachineRoomResolver {
  /** Room of a queue's broker. */
  brokerRoom(queue: MessageQueue): string | undefined;
  /** Room of a member. */
  consumerRoom(consumerId: string): string | undefined;
}

function groupByRoom<T>(
  items: readonly T[],
  room: (item: T) => string | undefined,
  describe: (item: T) => string,
): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = room(item);
    if (!name) {
      throw new RebalanceError(`Cannot allocate queues: no machine room is known for ${describe(item)}`);
    }
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}

/** Same room first; `inner` divides the queues of each room. */
export function createMachineRoomNearbyStrategy(
  inner: AllocateStrategy,
  resolver: MachineRoomResolver,
): AllocateStrategy {
  return {
    name: `MACHINE_ROOM_NEARBY-${inner.name}`,
    allocate(context: AllocateContext): MessageQueue[] {
      if (memberIndex(context) < 0) return [];
      const queues = groupByRoom(
        context.allMessageQueues,
        (queue) => resolver.brokerRoom(queue),
        (queue) => `broker ${queue.brokerName}`,
      );
      const members = groupByRoom(
        context.allConsumerIds,
        (id) => resolver.consumerRoom(id),
        (id) => `consumer ${id}`,
      );
      const ownRoom = resolver.consumerRoom(context.consumerId)!;
      const result: MessageQueue[] = [];
      const nearby = queues.get(ownRoom);
      if (nearby) {
        result.push(
          ...inner.allocate({
            ...context,
            allMessageQueues: nearby,
            allConsumerIds: members.get(ownRoom)!,
          }),
        );
      }
      for (const room of [...queues.keys()].sort()) {
        if (members.has(room)) continue;
        result.push(...inner.allocate({ ...context, allMessageQueues: queues.get(room)! }));
      }
      return result;
    },
  };
}
