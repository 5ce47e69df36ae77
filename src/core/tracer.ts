/**
 * What follows a message from service to service, as the library sees it.
 *
 * Picture a guide who is told at each station of a message: sent, received, handed out, settled. The core knows only
 * these shapes; `./otel` is one that makes OpenTelemetry spans of them. Where there is no guide, one look at a field says so
 * and nothing is made or called.
 */

/** Where a message is or goes to. */
export interface TracedQueue {
  /** The topic. */
  readonly topic: string;
  /** The broker. */
  readonly brokerName: string;
  /** The queue's number on that broker. */
  readonly queueId: number;
}

/** A stored message, of which single properties can be asked for. */
export interface TracedRecord {
  /** The value of one property. */
  property(name: string): string | undefined;
}

/** A message that is about to be sent, or the batch that it is the first of. */
export interface TracedSend {
  /** The topic. */
  readonly topic: string;
  /** What kind of message it is, as topics tell them apart. */
  readonly type: "normal" | "fifo" | "delay" | "transaction";
  /** What it is kept in order by: its sharding key. */
  readonly group: string | undefined;
  /** The delay level that it waits for; undefined without one. */
  readonly delayLevel: number | undefined;
  /** How long it waits, in milliseconds; undefined without a time of its own. */
  readonly delayMs: number | undefined;
  /** Until when it waits, in milliseconds since the epoch; undefined without a time of its own. */
  readonly deliverAt: number | undefined;
  /** How many messages; undefined where it is not a batch. */
  readonly batchSize: number | undefined;
  /** Tag. */
  readonly tag: string | undefined;
  /** Keys. */
  readonly keys: readonly string[];
}

/** Follows one send. */
export interface SendTrail {
  /** Properties that go along with each message, for whoever consumes it. */
  readonly properties: Readonly<Record<string, string>>;
  /** A broker has stored it; without a result it was sent one-way. */
  stored(result?: { readonly messageId: string; readonly queue: TracedQueue }): void;
  /** It could not be sent. */
  failed(error: unknown): void;
}

/** One answer of a broker that brought messages. */
export interface TracedPull {
  /** The queue that was asked. */
  readonly queue: TracedQueue;
  /** When it was asked, in milliseconds since the epoch. */
  readonly askedAt: number;
  /** What came. */
  readonly messages: readonly TracedRecord[];
}

/** A message that is handed out. */
export interface TracedMessage {
  /** The topic that it was sent to, of a retried one too. */
  readonly topic: string;
  /** Where it was pulled from. */
  readonly queue: TracedQueue;
  /** Its offset there. */
  readonly queueOffset: number;
  /** Its id. */
  readonly messageId: string;
  /** Tag. */
  readonly tag: string | undefined;
  /** Keys. */
  readonly keys: readonly string[];
  /** Deliveries so far, this one included. */
  readonly attempt: number;
  /** It as it is stored. */
  readonly record: TracedRecord;
}

/** How a delivery ends: done with, to come again or never again, out of time, or taken from whoever had it. */
export type DeliveryEnd = "ack" | "nack" | "timeout" | "returned" | "lost";

/** Follows one delivery. */
export interface DeliveryTrail {
  /** Calls a handler in such a way that what it sends or calls belongs to this delivery. */
  run<A extends unknown[], T>(call: (...args: A) => T, ...args: A): T;
  /** The handler threw. */
  failed(error: unknown): void;
  /** The work on it is over; the first word counts. After `nack` and `timeout` a settlement is under way, until `settled`. */
  ended(how: DeliveryEnd): void;
  /** The settlement that was under way is over; `error` where it was not confirmed. */
  settled(error?: unknown): void;
}

/** Follows the sends of one producer. */
export interface ProducerTracer {
  /** A send begins. */
  sending(message: TracedSend): SendTrail;
}

/** Follows the deliveries of one consumer. */
export interface ConsumerTracer {
  /** Messages came; what it gives is handed back with each of them. */
  received(pull: TracedPull): unknown;
  /** A message is handed out. */
  handedOut(message: TracedMessage, received: unknown): DeliveryTrail;
}

/** Whose messages are followed. */
export interface TracedParty {
  /** The group. */
  readonly group: string;
  /** The id of its client; empty before it has started. */
  readonly clientId: () => string;
  /** The namespace; empty without one. */
  readonly namespace: string;
  /** Milliseconds since the epoch, by its clock. */
  readonly now: () => number;
}

/** Follows messages. Given as `tracer` of the world, the last argument of `createConsumer` and `createProducer`. */
export interface Tracer {
  /** Made once for each producer. */
  producer(party: TracedParty): ProducerTracer;
  /** Made once for each consumer. */
  consumer(party: TracedParty & { readonly messageModel: "CLUSTERING" | "BROADCASTING" }): ConsumerTracer;
}

/** A message that may be followed, as the taker sees it. */
export interface Followed {
  /** Who follows it; undefined without a tracer, and once it is settled. */
  readonly trail?: DeliveryTrail | undefined;
}
