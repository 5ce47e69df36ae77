/**
 * What a consumer tells of its life, one discriminated union. Changes of state only, never single messages in a run.
 */
import type { ClientEvent } from "../client/events.ts";
import type { SubscriptionConflict } from "./subscription/subscription_conflicts.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";

/** An event of a consumer; `type` tells which. */
export type ConsumerEvent =
  | ClientEvent
  /** Queues were gained and are being pulled. */
  | { readonly type: "assigned"; readonly queues: readonly MessageQueue[] }
  /** Queues were lost; what was unsettled is delivered to their new owner. */
  | { readonly type: "revoked"; readonly queues: readonly MessageQueue[] }
  /** A round of rebalancing could not finish; it is tried again. */
  | { readonly type: "rebalanceFailed"; readonly topic: string; readonly error: Error }
  /** A subscribed topic has no listener and no stream, so it is not pulled. */
  | { readonly type: "untaken"; readonly topic: string }
  /** A pull failed; the queue is pulled again with backoff. Sent for the first of a run of failures. */
  | { readonly type: "pullFailed"; readonly queue: MessageQueue; readonly error: Error }
  /** A queue has not answered for two minutes; its pull is started afresh, every two minutes. Sent once until it answers. */
  | { readonly type: "stalled"; readonly queue: MessageQueue; readonly silentMs: number }
  /** The broker does not have the offset that was asked for (or it was reset); consumption goes on at `to`. */
  | {
    readonly type: "offsetIllegal";
    readonly queue: MessageQueue;
    readonly from: number;
    readonly to: number;
  }
  /** A stored message cannot be read. `skipped` tells whether the queue went past it. */
  | {
    readonly type: "corrupt";
    readonly queue: MessageQueue;
    readonly offset: number;
    readonly skipped: boolean;
    readonly error: Error;
  }
  /** A message's time was up; it was sent back, or where messages stay in order only told to end. */
  | { readonly type: "consumeTimeout"; readonly queue: MessageQueue; readonly queueOffset: number }
  /** A handler threw. Sent for the first of a run of throws of one topic. */
  | { readonly type: "handlerFailed"; readonly topic: string; readonly error: unknown }
  /** A message went to the dead-letter topic. */
  | {
    readonly type: "deadLettered";
    readonly queue: MessageQueue;
    readonly queueOffset: number;
    readonly messageId: string;
    readonly reason: string | undefined;
  }
  /** Broadcasting: a message was given up after `maxReconsumeTimes` redeliveries, or by `deadLetter()`. */
  | {
    readonly type: "dropped";
    readonly queue: MessageQueue;
    readonly queueOffset: number;
    readonly messageId: string;
    readonly reason: string | undefined;
  }
  /** The lock of a queue went to another member, or could not be renewed in time: the queue is started afresh. */
  | { readonly type: "lockLost"; readonly queue: MessageQueue }
  /** A send-back reached no broker; the message is delivered again from here. */
  | {
    readonly type: "sendBackFailed";
    readonly queue: MessageQueue;
    readonly queueOffset: number;
    readonly error: Error;
  }
  /** A broker knows no POP (it is older than 5.0): the topic is divided by the members and pulled, from now on. */
  | { readonly type: "popUnavailable"; readonly topic: string; readonly error: Error }
  /** POP: a broker has not confirmed that messages are done with; it is told again. Sent for the first of a run of failures. */
  | { readonly type: "ackFailed"; readonly messages: number; readonly error: Error }
  /** Broadcasting: no file may be used for the offsets; they are kept in memory, so each start obeys `consumeFromWhere`. */
  | { readonly type: "offsetsInMemory"; readonly error: Error }
  /** Another member of the group subscribes differently: messages are lost until all subscribe alike. Told once a member and difference. */
  | {
    readonly type: "subscriptionConflict";
    readonly member: string;
    readonly conflicts: readonly SubscriptionConflict[];
    readonly error: Error;
  }
  /** Offsets could not be stored; they are sent again at the next interval. */
  | { readonly type: "persistFailed"; readonly error: Error };

/** Tells what the client tells, until `signal` fires. */
export function forwardEvents(
  events: AsyncIterableIterator<ClientEvent>,
  emit: (event: ConsumerEvent) => void,
  signal: AbortSignal,
): void {
  signal.addEventListener("abort", () => void events.return?.(), { once: true });
  void (async () => {
    for await (const event of events) emit(event);
  })();
}
