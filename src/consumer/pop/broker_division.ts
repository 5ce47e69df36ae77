/**
 * Which queues of a topic are this member's when the brokers decide, and which of them it pops.
 *
 *   set the mode, if one is wished → ask any broker of the topic → popped queues start popping, the others are pulled
 * A broker that knows no such question (before 5.0) leaves it to the group's strategy, for this topic for good, as in Java's
 * RebalanceImpl.tryQueryAssignment; other failures (Java takes three timeouts for the same) do not: members that pop and
 * members that pull by themselves would get the same messages.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { RebalanceError } from "../../core/errors.ts";
import { shuffled } from "../../core/random.ts";
import {
  assignmentResult,
  type MessageQueueAssignment,
  type MessageRequestMode,
  queryAssignmentBody,
} from "../../protocol/bodies.ts";
import { isRetryTopic } from "../../protocol/names.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { queryAssignment } from "../../protocol/operations.ts";
import type { TopicRoute } from "../../routing/route.ts";
import type { Division } from "../group/division.ts";
import type { ConsumerEvent } from "../events.ts";
import { isUnknownRequest } from "./acknowledger.ts";
import { RequestModes } from "./request_modes.ts";

/** How long a broker may take to answer, in milliseconds (Java: QUERY_ASSIGNMENT_TIMEOUT). */
const QUERY_TIMEOUT_MS = 3_000;

/** What a division by brokers works with. */
export interface BrokerDivisionOptions {
  readonly client: RocketMQClient;
  readonly consumerGroup: string;
  /** Name of the strategy that brokers are to divide by. */
  readonly strategyName: string;
  /** The mode that is set for each topic before its first question; undefined leaves the mode as it is. */
  readonly mode: MessageRequestMode | undefined;
  /** How many further members share each queue; 0 for all. */
  readonly popShareQueueNum: number;
  /** Divides where brokers do not. */
  readonly otherwise: Division;
  /** The brokers have divided `topic`. */
  readonly onDivided: (topic: string, share: BrokerShare) => void;
  readonly emit: (event: ConsumerEvent) => void;
}

/** What falls to this member of a topic. */
export interface BrokerShare {
  readonly popped: readonly MessageQueue[];
  readonly pulled: readonly MessageQueue[];
}

/** A division by brokers. */
export function dividedByBrokers(options: BrokerDivisionOptions): Division {
  const { client, consumerGroup, mode, popShareQueueNum, otherwise, onDivided, emit } = options;
  const modes = new RequestModes(client, consumerGroup);
  const unknown = new Set<string>();
  return async (route) => {
    const { topic } = route;
    if (unknown.has(topic)) return otherwise(route);
    try {
      // Brokers refuse a mode for retry topics, which are always pulled.
      if (mode && !isRetryTopic(topic)) await modes.setOnce(route, { mode, popShareQueueNum });
      const assignments = await assignmentOf(options, route);
      const share = { popped: queuesOf(assignments, "POP"), pulled: queuesOf(assignments, "PULL") };
      onDivided(topic, share);
      return { queues: share.pulled, hasOthers: false };
    } catch (error) {
      if (!isUnknownRequest(error)) throw error;
      unknown.add(topic);
      if (mode === "POP" && !isRetryTopic(topic)) {
        emit({ type: "popUnavailable", topic, error: error as Error });
      }
      return otherwise(route);
    }
  };
}

function queuesOf(assignments: readonly MessageQueueAssignment[], mode: MessageRequestMode): MessageQueue[] {
  return assignments.flatMap(({ messageQueue, mode: its = "PULL" }) =>
    messageQueue !== undefined && its === mode ? [messageQueue] : []
  );
}

/** What a broker says. @throws when none could; RebalanceError when they know nobody of the group. */
async function assignmentOf(
  { client, consumerGroup, strategyName }: BrokerDivisionOptions,
  { topic, brokers }: TopicRoute,
): Promise<readonly MessageQueueAssignment[]> {
  const body = queryAssignmentBody.write({
    topic,
    consumerGroup,
    clientId: client.clientId,
    strategyName,
    messageModel: "CLUSTERING",
  });
  let failure: unknown;
  let introduced = false;
  for (const broker of shuffled([...brokers.keys()], client.random)) {
    try {
      const reply = await client.call(broker, queryAssignment, {}, { body, timeoutMs: QUERY_TIMEOUT_MS });
      const { messageQueueAssignments } = assignmentResult.read(reply.body);
      if (messageQueueAssignments) return messageQueueAssignments;
      // The broker has forgotten the group (it restarted, or the connection broke), or knows no route: all are told once.
      if (!introduced) await client.heartbeat();
      introduced = true;
    } catch (error) {
      failure = error;
      if (isUnknownRequest(error)) throw error;
    }
  }
  throw failure ??
    new RebalanceError(`Cannot learn the queues of "${topic}": no broker knows group "${consumerGroup}"`);
}
