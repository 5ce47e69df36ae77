/**
 * What an application hands in to be called with messages, and what it answers.
 *
 * A plain function gets one message at a time; a MessageListenerConcurrently or MessageListenerOrderly gets batches of up
 * to `consumeMessageBatchMaxSize`, and serves the ordering that its method is named for. All may be async. Returning nothing
 * means success (in Java, null means retry); a throw means RECONSUME_LATER, where messages stay in order
 * SUSPEND_CURRENT_QUEUE_A_MOMENT.
 */
import { ConfigError } from "../../core/errors.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import type { ConsumedMessage } from "../consumed_message.ts";

/** How consuming went: settled, or to be delivered again. */
export type ConsumeResult = "CONSUME_SUCCESS" | "RECONSUME_LATER";

/** The results by name, for those who prefer `ConsumeResult.CONSUME_SUCCESS`. */
export const ConsumeResult: {
  /** The messages are done with. */
  readonly CONSUME_SUCCESS: "CONSUME_SUCCESS";
  /** The messages are sent back and delivered again later. */
  readonly RECONSUME_LATER: "RECONSUME_LATER";
} = { CONSUME_SUCCESS: "CONSUME_SUCCESS", RECONSUME_LATER: "RECONSUME_LATER" };

/**
 * How consuming in order went. COMMIT and ROLLBACK matter only with `context.autoCommit = false`; with it, both commit,
 * as in Java.
 */
export type ConsumeOrderlyResult = "SUCCESS" | "COMMIT" | "ROLLBACK" | "SUSPEND_CURRENT_QUEUE_A_MOMENT";

/** The results of ordered consumption by name. */
export const ConsumeOrderlyResult: {
  /** The messages are handled: settled, or without `autoCommit` set aside until COMMIT or ROLLBACK. */
  readonly SUCCESS: "SUCCESS";
  /** These messages and what was set aside before them are done with. */
  readonly COMMIT: "COMMIT";
  /** These messages and what was set aside before them come again after a moment, no attempt counted. */
  readonly ROLLBACK: "ROLLBACK";
  /** These messages come again after a moment, one attempt further, before any that follow. */
  readonly SUSPEND_CURRENT_QUEUE_A_MOMENT: "SUSPEND_CURRENT_QUEUE_A_MOMENT";
} = {
  SUCCESS: "SUCCESS",
  COMMIT: "COMMIT",
  ROLLBACK: "ROLLBACK",
  SUSPEND_CURRENT_QUEUE_A_MOMENT: "SUSPEND_CURRENT_QUEUE_A_MOMENT",
};

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

/** What belongs to one call of a listener where messages stay in order. */
export interface ConsumeOrderlyContext {
  /** The group that consumes. */
  readonly consumerGroup: string;
  /** The queue that the messages came from. */
  readonly queue: MessageQueue;
  /** 1 at the first delivery of the (first) message. */
  readonly attempt: number;
  /** Aborts when the (first) message's time is up, its queue is lost, or a shutdown has no more patience. */
  readonly signal: AbortSignal;
  /** Whether success settles the messages; begins as the consumer's option of this name. */
  autoCommit: boolean;
  /** Rest before these messages come again, in milliseconds (10 to 30,000); −1: the consumer's option of this name. */
  suspendCurrentQueueTimeMs: number;
}

/** What a function that handles messages may return. */
export type HandlerAnswer = ConsumeResult | ConsumeOrderlyResult | void;

/** A function that handles one message; in order or not, as the consumer is configured. */
export type MessageHandler = (
  message: ConsumedMessage,
  context: ConsumeContext,
) => HandlerAnswer | Promise<HandlerAnswer>;

/** A listener that handles batches; the result concerns the messages that were not settled one by one. */
export interface MessageListenerConcurrently {
  /** Handles `messages`, all of one queue. */
  consumeMessageConcurrently(
    messages: readonly ConsumedMessage[],
    context: ConsumeContext,
  ): ConsumeResult | void | Promise<ConsumeResult | void>;
}

/** A listener that handles the messages of a queue (or of a key) in order. */
export interface MessageListenerOrderly {
  /** Handles `messages`, consecutive ones of one queue (or one key); the next are handed out when it has answered. */
  consumeMessageOrderly(
    messages: readonly ConsumedMessage[],
    context: ConsumeOrderlyContext,
  ): ConsumeOrderlyResult | void | Promise<ConsumeOrderlyResult | void>;
}

/** Anything that can be called with messages. */
export type MessageListener = MessageHandler | MessageListenerConcurrently | MessageListenerOrderly;

type BatchHandler =
  | MessageListenerConcurrently["consumeMessageConcurrently"]
  | MessageListenerOrderly["consumeMessageOrderly"];

/**
 * Makes a listener object of a function that handles batches: a MessageListenerConcurrently, or for "orderly" (and order by
 * key) a MessageListenerOrderly. A function that handles single messages needs no object: it is a listener as it is.
 *
 * @example
 * ```ts
 * import { createConsumer, createMessageListener } from "@contrail/rocketmq";
 *
 * const listener = createMessageListener((messages, { queue, attempt }) => {
 *   console.log(`${messages.length} messages of queue ${queue.queueId}, attempt ${attempt}`);
 *   return "CONSUME_SUCCESS";
 * });
 * createConsumer({
 *   consumerGroup: "billing",
 *   namesrvAddr: "127.0.0.1:9876",
 *   consumeMessageBatchMaxSize: 16,
 *   listener,
 * });
 * ```
 * @throws ConfigError when `handler` is no function.
 */
export function createMessageListener(
  handler: MessageListenerConcurrently["consumeMessageConcurrently"],
  ordering?: "concurrent",
): MessageListenerConcurrently;
/** The same, where messages stay in order. */
export function createMessageListener(
  handler: MessageListenerOrderly["consumeMessageOrderly"],
  ordering: "orderly",
): MessageListenerOrderly;
/** Either. */
export function createMessageListener(
  handler: BatchHandler,
  ordering: "concurrent" | "orderly" = "concurrent",
): MessageListener {
  if (typeof handler !== "function") {
    throw new ConfigError(`Cannot make a listener: the handler is ${typeof handler}, not a function`);
  }
  return { [methodFor(ordering === "orderly")]: handler } as unknown as MessageListener;
}

/** The method that a listener object needs. */
function methodFor(ordered: boolean): string {
  return ordered ? "consumeMessageOrderly" : "consumeMessageConcurrently";
}

/** What is wrong with a listener, if anything. */
export function listenerProblem(listener: unknown, ordered: boolean): string | undefined {
  if (typeof listener === "function") return undefined;
  const methods = (listener ?? {}) as Record<string, unknown>;
  if (typeof methods[methodFor(ordered)] === "function") return undefined;
  if (typeof methods[methodFor(!ordered)] === "function") {
    return `it has ${methodFor(!ordered)}, which ordering ${
      ordered ? '"orderly" and by key' : '"concurrent"'
    } never calls`;
  }
  return `it is neither a function nor an object with ${methodFor(ordered)}`;
}

/** Checks that a listener can be called. @throws ConfigError */
export function checkListener(listener: unknown, ordered: boolean): asserts listener is MessageListener {
  const problem = listenerProblem(listener, ordered);
  if (problem !== undefined) throw new ConfigError(`Cannot register the listener: ${problem}`);
}
