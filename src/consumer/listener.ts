/**
 * What an application hands in to be called with messages, and what it answers.
 *
 * A plain function gets one message at a time; a MessageListenerConcurrently gets batches of up to
 * `consumeMessageBatchMaxSize`. Both may be async. Returning nothing means success (in Java, null means retry); a throw
 * means RECONSUME_LATER.
 */
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { ConsumedMessage } from "./consumed_message.ts";

/** How consuming went: settled, or to be delivered again. */
export type ConsumeResult = "CONSUME_SUCCESS" | "RECONSUME_LATER";

/** The results by name, for those who prefer `ConsumeResult.CONSUME_SUCCESS`. */
export const ConsumeResult: {
  /** The messages are done with. */
  readonly CONSUME_SUCCESS: "CONSUME_SUCCESS";
  /** The messages are sent back and delivered again later. */
  readonly RECONSUME_LATER: "RECONSUME_LATER";
} = { CONSUME_SUCCESS: "CONSUME_SUCCESS", RECONSUME_LATER: "RECONSUME_LATER" };

/** What belongs to one call of a listener. */
export interface ConsumeContext {
  /** The group that consumes. */
  readonly consumerGroup: string;
  /** The queue that the messages came from. */
  readonly queue: MessageQueue;
  /** 1 at the first delivery of the (first) message. */
  readonly attempt: number;
  /** Aborts when the (first) message's time is up, its queue is lost, or a shutdown has no more patience. */
  readonly signal: AbortSignal;
  /** Delay level of the next delivery when this one fails: 0 lets the broker choose, −1 goes to the dead letters. */
  delayLevelWhenNextConsume: number;
}

/** A function that handles one message. */
export type MessageHandler = (
  message: ConsumedMessage,
  context: ConsumeContext,
) => ConsumeResult | void | Promise<ConsumeResult | void>;

/** A listener that handles batches; the result concerns the messages that were not settled one by one. */
export interface MessageListenerConcurrently {
  /** Handles `messages`, all of one queue. */
  consumeMessageConcurrently(
    messages: readonly ConsumedMessage[],
    context: ConsumeContext,
  ): ConsumeResult | void | Promise<ConsumeResult | void>;
}

/** Anything that can be called with messages. */
export type MessageListener = MessageHandler | MessageListenerConcurrently;
