/**
 * A consumer as its client sees it: what heartbeats say about it, which routes it needs, who answers for it.
 */
import type { ConsumerMember } from "../client/client.ts";
import { type InboundOptions, InboundRequests } from "./inbound_requests.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { SubscriptionData } from "../protocol/subscription_data.ts";

/** What a member is made from. */
export interface GroupMemberOptions extends Omit<InboundOptions, "heartbeat"> {
  readonly subscriptions: Subscriptions;
  /** The subscription of the group's retry topic. */
  readonly retry: SubscriptionData;
  readonly topics: () => Iterable<string>;
  /** Divides the queues anew. */
  readonly rebalance: () => void;
}

/** The member of one group. */
export function groupMember(options: GroupMemberOptions): ConsumerMember {
  const { config: { consumerGroup, consumeFromWhere, messageModel }, subscriptions, topics, rebalance } =
    options;
  const retry = messageModel === "BROADCASTING" ? [] : [options.retry];
  const heartbeat: ConsumerMember["heartbeat"] = () => ({
    groupName: consumerGroup,
    consumeType: "CONSUME_PASSIVELY",
    messageModel,
    consumeFromWhere,
    subscriptionDataSet: Array.from(subscriptions.values(), ({ data }) => data).concat(retry),
    unitMode: false,
  });
  const inbound = new InboundRequests({ ...options, heartbeat });
  return {
    kind: "consumer",
    group: consumerGroup,
    heartbeat,
    topics,
    onMembersChanged: rebalance,
    onRouteChanged: rebalance,
    onRequest: (request) => inbound.answer(request),
  };
}
