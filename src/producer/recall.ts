/**
 * Taking a delayed message back: which broker its handle names, and how a failure is told.
 */
import { ProducerError, RocketMQError, ValidationError } from "../core/errors.ts";
import { decodeRecallHandle } from "../protocol/recall_handle.ts";

/** The broker that has the message of `handle`. @throws ValidationError when the handle cannot be read. */
export function brokerOfHandle(handle: string): string {
  try {
    return decodeRecallHandle(handle).brokerName;
  } catch (cause) {
    throw new ValidationError(`Cannot recall message: ${(cause as Error).message}`, { cause });
  }
}

/** What the caller of a recall is told that failed with `cause`. */
export function recallFailure(topic: string, broker: string, cause: unknown): ProducerError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const facts = cause instanceof RocketMQError ? cause.facts : {};
  return new ProducerError(`Cannot recall message of topic "${topic}": ${said}`, {
    ...facts,
    cause,
    topic,
    broker,
    retriable: cause instanceof RocketMQError && cause.retriable,
  });
}
