/**
 * Messages made ready under the eyes of a tracer, if there is one.
 *
 * The trail begins before a message is made ready, because its properties go along, and ends with the send, or with the rule
 * that the message broke. Without a tracer this hands on to outgoing.ts and makes nothing.
 */
import type { ProducerTracer, SendTrail, TracedSend } from "../core/tracer.ts";
import { joinKeys, type Message } from "../message/message.ts";
import { PropertyKey } from "../message/property_keys.ts";
import { SysFlag } from "../message/sys_flags.ts";
import {
  type Outgoing,
  outgoingBatch,
  outgoingMessage,
  type OutgoingOptions,
  outgoingReply,
  type SendExtras,
} from "./outgoing.ts";
import type { ReplyAddress } from "./request_reply.ts";
import type { SendResult } from "./send_result.ts";

type MaybeTracer = ProducerTracer | undefined;

/** As `outgoingMessage`. */
export function tracedMessage(
  tracer: MaybeTracer,
  message: Message,
  wireTopic: string,
  options: OutgoingOptions,
  extras?: SendExtras,
): Outgoing {
  if (tracer === undefined) return outgoingMessage(message, wireTopic, options, extras);
  const isTransaction = extras?.sysFlag === SysFlag.TRANSACTION_PREPARED;
  const trail = begin(tracer, message, isTransaction ? "transaction" : typeOf(message));
  return onTrail(trail, () => outgoingMessage(message, wireTopic, options, { ...extras, trail }));
}

/** As `outgoingBatch`. */
export function tracedBatch(
  tracer: MaybeTracer,
  messages: readonly Message[],
  wireTopic: string,
  options: OutgoingOptions,
): Outgoing {
  if (tracer === undefined) return outgoingBatch(messages, wireTopic, options);
  const trail = begin(tracer, messages[0], "normal", messages.length);
  return onTrail(trail, () => outgoingBatch(messages, wireTopic, options, trail));
}

/** As `outgoingReply`. */
export function tracedReply(
  tracer: MaybeTracer,
  address: ReplyAddress,
  body: Uint8Array | string,
  wireTopic: string,
  options: OutgoingOptions,
): Outgoing {
  if (tracer === undefined) return outgoingReply(address, body, wireTopic, options);
  const trail = begin(tracer, { topic: address.topic, body }, "normal");
  return onTrail(trail, () => outgoingReply(address, body, wireTopic, options, trail));
}

/** Lets the trail of `outgoing`, if it has one, end as `sending` does. */
export function followSend<T extends SendResult | void>(
  { trail }: Outgoing,
  sending: Promise<T>,
): Promise<T> {
  if (trail !== undefined) {
    sending.then((result) => trail.stored(result ?? undefined), (error) => trail.failed(error));
  }
  return sending;
}

function begin(
  tracer: ProducerTracer,
  message: Message | undefined,
  type: TracedSend["type"],
  batchSize?: number,
): SendTrail {
  const { topic = "", tag, keys = [], properties, delayLevel, delayMs, deliverAt } = message ??
    {} as Partial<Message>;
  return tracer.sending({
    topic,
    tag,
    keys: keys.length === 0 ? [] : joinKeys(keys).split(" "),
    type,
    group: properties?.[PropertyKey.SHARDING_KEY],
    delayLevel: delayLevel || undefined,
    delayMs,
    deliverAt,
    batchSize,
  });
}

function onTrail(trail: SendTrail, make: () => Outgoing): Outgoing {
  try {
    return make();
  } catch (error) {
    trail.failed(error);
    throw error;
  }
}

function typeOf(message: Message | undefined): TracedSend["type"] {
  const { delayLevel, delayMs, deliverAt, properties } = message ?? {} as Partial<Message>;
  if (delayLevel || delayMs !== undefined || deliverAt !== undefined) return "delay";
  return properties?.[PropertyKey.SHARDING_KEY] === undefined ? "normal" : "fifo";
}
