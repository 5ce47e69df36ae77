/**
 * What a strategy is: a pure answer to "which of these queues are mine?".
 *
 * Every member of a group asks the same question with the same sorted lists and its own id; the answers must not
 * overlap and must cover all queues. The built-in strategies agree with the Java client's to the byte, so members of
 * both kinds share a group.
 */
import { RebalanceError } from "../core/errors.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";

/** The question. */
export interface AllocateContext {
  /** The group. It and the queues are called as brokers call them: with the namespace, so that every member divides alike. */
  readonly consumerGroup: string;
  /** Id of the client that asks. */
  readonly consumerId: string;
  /** Whether members share the messages; strategies are asked in clustering only. */
  readonly messageModel: "CLUSTERING" | "BROADCASTING";
  /** Ids of all members, sorted by UTF-16 code units. */
  readonly allConsumerIds: readonly string[];
  /** All queues of one topic, sorted by `compareQueues`. */
  readonly allMessageQueues: readonly MessageQueue[];
}

/** A way to divide queues among members. */
export interface AllocateStrategy {
  /** Its name, as in Java's `getName()`. */
  readonly name: string;
  /**
   * The queues of `context.consumerId`; none when it is not among the members.
   *
   * @throws RebalanceError when the question makes no sense (no id, no members, no queues).
   */
  allocate(context: AllocateContext): MessageQueue[];
}

/**
 * Position of the asking client among the members, −1 when it is none
 * (AbstractAllocateMessageQueueStrategy.check).
 *
 * @throws RebalanceError when id, members or queues are missing.
 */
export function memberIndex(context: AllocateContext): number {
  const missing = context.consumerId === ""
    ? "the consumer id is empty"
    : context.allMessageQueues.length === 0
    ? "there are no queues"
    : context.allConsumerIds.length === 0
    ? "there are no members"
    : undefined;
  if (missing !== undefined) {
    throw new RebalanceError(`Cannot allocate queues: ${missing}`, { group: context.consumerGroup });
  }
  return context.allConsumerIds.indexOf(context.consumerId);
}
