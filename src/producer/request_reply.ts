/**
 * Requests and their replies, over topics.
 *
 *   requester → topic → replier (a consumer) → <cluster>_REPLY_TOPIC → broker → PUSH_REPLY_MESSAGE_TO_CLIENT → requester
 *
 * The requester is found by its client id, so the broker must have had a heartbeat; the reply finds its request by the
 * correlation id. A reply may come before the send of its request is confirmed. Agrees with Java's RequestFutureHolder,
 * MessageUtil and ClientRemotingProcessor.processReplyMessage.
 */
import { ProducerError, ProtocolError, TimeoutError, ValidationError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { decodeProperties } from "../message/properties.ts";
import { PropertyKey } from "../message/property_keys.ts";
import { replyTopic } from "../protocol/names.ts";
import { pushReplyMessageToClient } from "../protocol/operations.ts";
import type { InboundRequest } from "../remoting/call.ts";
import type { Clock } from "../time/clock.ts";
import type { Deadline } from "../time/deadline.ts";
import { COMPRESSED, compressionType, decompress } from "../wire/compression.ts";
import { readFields } from "../wire/schema.ts";
import { ReceivedMessage } from "./received_message.ts";

/** Requests that may wait for their reply at once. */
const MAX_PENDING_REQUESTS = 65_535;
/** Topics remembered as asked before; beyond, all are forgotten and the next request of each costs a heartbeat. */
const MAX_ASKED_TOPICS = 10_000;

/** What a replier needs of the request that it consumed. */
export interface RepliableMessage {
  /** The topic of the request. */
  readonly topic: string;
  /** Its properties. */
  readonly properties: Readonly<Record<string, string>>;
}

/** What goes with a reply on its way back. */
export interface ReplyAddress {
  /** The topic that replies of the requester's cluster travel through. */
  readonly topic: string;
  /** Properties that lead the reply to the request. */
  readonly properties: Readonly<Record<string, string>>;
}

/** The way back from `request` (MessageUtil.createReplyMessage). @throws ValidationError when it is not a request. */
export function replyAddress(request: RepliableMessage): ReplyAddress {
  const need = (key: string): string => {
    const value = request.properties[key];
    if (value !== undefined) return value;
    throw new ValidationError(
      `Cannot reply to a message of topic "${request.topic}": it is no request, property ${key} is missing`,
      { topic: request.topic },
    );
  };
  return {
    topic: replyTopic(need(PropertyKey.CLUSTER)),
    properties: {
      [PropertyKey.MESSAGE_TYPE]: "reply",
      [PropertyKey.REPLY_TO_CLIENT]: need(PropertyKey.REPLY_TO_CLIENT),
      [PropertyKey.TTL]: need(PropertyKey.TTL),
      [PropertyKey.CORRELATION_ID]: need(PropertyKey.CORRELATION_ID),
    },
  };
}

/** One request that waits. */
interface PendingRequest {
  resolve(reply: ReceivedMessage): void;
  reject(error: unknown): void;
}

/** The requests of one producer that wait for their reply. */
export class PendingRequests {
  readonly #pending = new Map<string, PendingRequest>();
  readonly #asked = new Set<string>();

  /** How many wait. */
  get size(): number {
    return this.#pending.size;
  }

  /** Whether the brokers of `topic` know by heartbeat who asks. */
  hasAsked(topic: string): boolean {
    return this.#asked.has(topic);
  }

  /** From now on they do. */
  noteAsked(topic: string): void {
    if (this.#asked.size >= MAX_ASKED_TOPICS) this.#asked.clear();
    this.#asked.add(topic);
  }

  /**
   * Waits for the reply to `correlationId`, at most until the deadline.
   *
   * @throws ProducerError when the time is over or too many wait already; what `fail` is given; the signal's reason.
   */
  async wait(
    correlationId: string,
    options: { topic: string; deadline: Deadline; clock: Clock; signal?: AbortSignal | undefined },
  ): Promise<ReceivedMessage> {
    const { topic, deadline, clock, signal } = options;
    const waiting = this.#pending.size;
    if (waiting >= MAX_PENDING_REQUESTS) {
      throw new ProducerError(`Cannot request from topic "${topic}": ${waiting} requests wait already`, {
        topic,
      });
    }
    const patience = new AbortController();
    const stop = (): void => patience.abort();
    try {
      return await new Promise<ReceivedMessage>((resolve, reject) => {
        signal?.throwIfAborted();
        this.#pending.set(correlationId, { resolve, reject });
        signal?.addEventListener("abort", stop, { once: true });
        clock.sleep(deadline.left(), patience.signal).then(
          () => reject(noReply(topic, deadline.timeoutMs)),
          () => reject(signal?.reason),
        );
      });
    } finally {
      patience.abort();
      signal?.removeEventListener("abort", stop);
      this.#pending.delete(correlationId);
    }
  }

  /** Ends the wait for `correlationId` with `error`. */
  fail(correlationId: string, error: unknown): void {
    this.#pending.get(correlationId)?.reject(error);
  }

  /** Ends every wait with `error`. */
  failAll(error: unknown): void {
    for (const pending of this.#pending.values()) pending.reject(error);
  }

  /**
   * Takes a reply that a broker pushed; false when nobody here waits for it.
   *
   * @throws ProtocolError when it cannot be read.
   */
  onReply(request: InboundRequest, now: number): boolean {
    const header = readFields(
      pushReplyMessageToClient.request,
      request.command.extFields,
      pushReplyMessageToClient.name,
    );
    const properties = decodeProperties(header.properties ?? "");
    const correlationId = properties[PropertyKey.CORRELATION_ID];
    if (correlationId === undefined) throw new ProtocolError("Cannot take a reply: it has no CORRELATION_ID");
    const pending = this.#pending.get(correlationId);
    if (pending === undefined) return false;
    pending.resolve(
      new ReceivedMessage({
        topic: header.topic,
        body: header.sysFlag & COMPRESSED
          ? decompress(compressionType(header.sysFlag), request.body)
          : request.body.slice(),
        properties: { ...properties, [PropertyKey.ARRIVE_TIME]: String(now) },
        bornTimestamp: header.bornTimestamp,
        storeTimestamp: header.storeTimestamp,
      }),
    );
    return true;
  }
}

/** A version 4 UUID drawn from `random`, as Java's CorrelationIdUtil makes one. */
export function correlationId(random: Random): string {
  const hex = (digits: number): string => {
    let text = "";
    for (let i = 0; i < digits; i++) text += random.int(16).toString(16);
    return text;
  };
  const variant = (8 + random.int(4)).toString(16);
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(12)}`;
}

function noReply(topic: string, timeoutMs: number): ProducerError {
  const cause = new TimeoutError(`Cannot wait for a reply any longer: ${timeoutMs} ms have passed`, {
    timeoutMs,
  });
  return new ProducerError(
    `Cannot request from topic "${topic}": the request is stored, but no reply came within ${timeoutMs} ms`,
    { cause, topic, timeoutMs, retriable: true },
  );
}

/** What requests that wait are told at a shutdown. */
export function shuttingDown(group: string): ProducerError {
  return new ProducerError(`Cannot wait for a reply: producer "${group}" is shutting down`, { group });
}
