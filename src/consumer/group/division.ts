/**
 * Which queues of a topic are this member's: the question that every round of rebalancing asks of a route.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { compareQueues, type MessageQueue } from "../../protocol/message_queue.ts";
import { wrapQueue } from "../../protocol/namespace.ts";
import type { AllocateStrategy } from "../../rebalance/strategies.ts";
import type { TopicRoute } from "../../routing/route.ts";
import { groupRoster } from "./group_roster.ts";

/** What falls to this member of a topic. */
export interface Allotment {
  readonly queues: readonly MessageQueue[];
  /** Whether other members are there, who may have to hear of it first. */
  readonly hasOthers: boolean;
}

/** The queues of a routed topic that this member is to own. Rejects when that cannot be found out. */
export type Division = (route: TopicRoute) => Allotment | Promise<Allotment>;

/** All of them, as in broadcasting. */
export function everyQueue(route: TopicRoute): MessageQueue[] {
  return [...route.readQueues].sort(compareQueues);
}

/** The division that gives every member all of them. */
export const allToEach: Division = (route) => ({ queues: everyQueue(route), hasOthers: false });

/** Those that the strategy gives to this member of the group. */
export function sharedByGroup(
  client: RocketMQClient,
  consumerGroup: string,
  strategy: AllocateStrategy,
): Division {
  return async (route) => {
    const allConsumerIds = await groupRoster(client, consumerGroup, route);
    const allocated = strategy.allocate({
      consumerGroup,
      consumerId: client.clientId,
      messageModel: "CLUSTERING",
      allConsumerIds,
      allMessageQueues: everyQueue(route),
    });
    // a strategy that names queues, as CONFIG does, names them as the application does, and those of other topics too
    const queues = allocated.map((queue) => wrapQueue(client.options.namespace, queue))
      .filter(({ topic }) => topic === route.topic);
    return { queues, hasOthers: allConsumerIds.length > 1 };
  };
}
