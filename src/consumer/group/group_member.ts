/**
 * A consumer as its client sees it: what heartbeats say about it, which routes it needs, who answers for it.
 */
import type { ConsumerMember } from "../../client/client.ts";
import { type InboundOptions, InboundRequests } from "./inbound_requests.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";

/** What a member is made from. */
export interface GroupMemberOptions extends Omit<InboundOptions, "heartbeat"> {
  /** "CONSUME_PASSIVELY" when messages are pushed to a listener or a stream, "CONSUME_ACTIVELY" when they are polled. */
  readonly consumeType: "CONSUME_PASSIVELY" | "CONSUME_ACTIVELY";
  /** What brokers are told of the subscriptions. */
  readonly subscribed: () => readonly SubscriptionData[];
  readonly topics: () => Iterable<string>;
  /** Divides the queues anew. */
  readonly rebalance: () => void;
  /** Looks at the other members, which have changed. */
  readonly lookAround?: (() => void) | undefined;
}

/** The member of one group. */
export function groupMember(options: GroupMemberOptions): ConsumerMember {
  const { config: { consumerGroup, consumeFromWhere, messageModel }, consumeType, topics, rebalance } =
    options;
  const heartbeat: ConsumerMember["heartbeat"] = () => ({
    groupName: consumerGroup,
    consumeType,
    messageModel,
    consumeFromWhere,
    subscriptionDataSet: options.subscribed(),
    unitMode: false,
  });
  const inbound = new InboundRequests({ ...options, heartbeat });
  return {
    kind: "consumer",
    group: consumerGroup,
    heartbeat,
    topics,
    onMembersChanged() {
      rebalance();
      options.lookAround?.();
    },
    onRouteChanged: rebalance,
    onRequest: (request) => inbound.answer(request),
  };
}
