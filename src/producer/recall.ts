/**
 * Taking a delayed message back: which broker its handle names, what that is asked, and how a failure is told.
 */
import type { RocketMQClient } from "../client/client.ts";
import { ProducerError, RocketMQError, ValidationError } from "../core/errors.ts";
import { recallMessage } from "../protocol/operations.ts";
import { decodeRecallHandle } from "../protocol/recall_handle.ts";
import type { Deadline } from "../time/deadline.ts";
import type { PublishRoutes } from "./publish_routes.ts";

/** Who takes back. */
export interface RecallPlace {
  /** Makes the call. */
  readonly client: RocketMQClient;
  /** Knows the topic's brokers. */
  readonly routes: PublishRoutes;
  /** The group as brokers call it. */
  readonly producerGroup: string;
}

/** Takes back the message of `handle`, and gives its id. @throws ValidationError; ProducerError; the signal's reason. */
export async function recall(
  topic: string,
  wireTopic: string,
  handle: string,
  { client, routes, producerGroup }: RecallPlace,
  { deadline, signal }: { readonly deadline: Deadline; readonly signal?: AbortSignal | undefined },
): Promise<string> {
  const brokerName = brokerOfHandle(handle);
  if (client.brokerAddress(brokerName) === undefined) await routes.find(topic, deadline, signal);
  const header = { producerGroup, topic: wireTopic, recallHandle: handle, bname: brokerName };
  try {
    const reply = await client.call(brokerName, recallMessage, header, {
      timeoutMs: deadline.left(),
      signal,
    });
    return reply.header.msgId;
  } catch (error) {
    signal?.throwIfAborted();
    throw recallFailure(topic, brokerName, error);
  }
}

/** The broker that has the message of `handle`. @throws ValidationError when the handle cannot be read. */
function brokerOfHandle(handle: string): string {
  try {
    return decodeRecallHandle(handle).brokerName;
  } catch (cause) {
    throw new ValidationError(`Cannot recall message: ${(cause as Error).message}`, { cause });
  }
}

/** What the caller of a recall is told that failed with `cause`. */
function recallFailure(topic: string, broker: string, cause: unknown): ProducerError {
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
