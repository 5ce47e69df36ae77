/**
 * Spans of consuming: `receive` for each answer that brought messages, `process` for each delivery, `ack` or `nack` for each settlement.
 *
 *   send (another service) ← parent ─ process ← parent ─ ack | nack
 *                        ← link ─ receive ← link ─ process
 * A retried message keeps its properties, so the deliveries of one message are children of the same send.
 */
import {
  type Attributes,
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type {
  ConsumerTracer,
  DeliveryEnd,
  DeliveryTrail,
  TracedMessage,
  TracedParty,
  TracedPull,
  TracedRecord,
} from "../core/tracer.ts";
import { Attribute, known, Property, SYSTEM } from "./attributes.ts";
import { errorType, failSpan, type Instruments, recordMs } from "./instruments.ts";
import { contextOf, spanContextOf } from "./trace_context.ts";

/** Whose deliveries are followed. */
export type ConsumingParty = TracedParty & { readonly messageModel: "CLUSTERING" | "BROADCASTING" };

/** Follows the deliveries of one consumer. */
export class ConsumerSpans implements ConsumerTracer {
  readonly instruments: Instruments;
  readonly party: ConsumingParty;
  /** Attributes of every span. */
  readonly #all: Attributes;

  /** Follows the deliveries of `party`. */
  constructor(instruments: Instruments, party: ConsumingParty) {
    this.instruments = instruments;
    this.party = party;
    this.#all = {
      [Attribute.SYSTEM]: SYSTEM,
      [Attribute.CONSUMER_GROUP]: party.group,
      [Attribute.NAMESPACE]: party.namespace,
      [Attribute.MODEL]: party.messageModel.toLowerCase(),
    };
  }

  /** Attributes of an operation that few values have: those of its span, and all of its time's. */
  shared(topic: string, name: string, type: string): Attributes {
    return {
      [Attribute.SYSTEM]: SYSTEM,
      [Attribute.OPERATION_NAME]: name,
      [Attribute.OPERATION_TYPE]: type,
      [Attribute.DESTINATION]: topic,
      [Attribute.CONSUMER_GROUP]: this.party.group,
    };
  }

  /** One span for the answer, from question to now, linked to the senders of what it brought. */
  received({ queue, askedAt, messages }: TracedPull): SpanContext | undefined {
    if (messages.length === 0) return undefined;
    const shared = this.shared(queue.topic, "receive", "receive");
    const span = this.instruments.tracer.startSpan(`receive ${queue.topic}`, {
      kind: SpanKind.CLIENT,
      startTime: askedAt,
      links: messages.flatMap((message) => linkTo(spanContextOf(message), stored(message))),
      attributes: {
        ...this.#all,
        ...shared,
        [Attribute.CLIENT_ID]: this.party.clientId(),
        [Attribute.PARTITION]: String(queue.queueId),
        [Attribute.BROKER]: queue.brokerName,
        [Attribute.BATCH_COUNT]: messages.length,
      },
    }, ROOT_CONTEXT);
    span.end();
    recordMs(this.instruments.operations, this.party.now() - askedAt, shared);
    return span.spanContext();
  }

  /** Begins the span of one delivery, child of the send that its message tells of. */
  handedOut(message: TracedMessage, received: unknown): DeliveryTrail {
    const { topic, queue, tag, keys } = message;
    const shared = this.shared(topic, "process", "process");
    const parent = contextOf(message.record);
    const span = this.instruments.tracer.startSpan(`process ${topic}`, {
      kind: SpanKind.CONSUMER,
      links: linkTo(received as SpanContext | undefined),
      attributes: known({
        ...this.#all,
        ...shared,
        ...stored(message.record),
        [Attribute.CLIENT_ID]: this.party.clientId(),
        [Attribute.PARTITION]: String(queue.queueId),
        [Attribute.BROKER]: queue.brokerName,
        [Attribute.OFFSET]: message.queueOffset,
        [Attribute.MESSAGE_ID]: message.messageId,
        [Attribute.ATTEMPT]: message.attempt,
        [Attribute.TAG]: tag,
        [Attribute.KEYS]: keys.length === 0 ? undefined : [...keys],
      }),
    }, parent);
    return new DeliverySpan(span, trace.setSpan(parent, span), topic, shared, this);
  }
}

class DeliverySpan implements DeliveryTrail {
  readonly #span: Span;
  readonly #context: Context;
  readonly #topic: string;
  readonly #shared: Attributes;
  readonly #owner: ConsumerSpans;
  readonly #startedAt: number;
  #error: string | undefined;
  #isOver = false;
  #settling: { readonly span: Span; readonly shared: Attributes; readonly since: number } | undefined;

  constructor(span: Span, context: Context, topic: string, shared: Attributes, owner: ConsumerSpans) {
    this.#span = span;
    this.#context = context;
    this.#topic = topic;
    this.#shared = shared;
    this.#owner = owner;
    this.#startedAt = owner.party.now();
  }

  run<A extends unknown[], T>(call: (...args: A) => T, ...args: A): T {
    return context.with(this.#context, call as (...args: unknown[]) => T, undefined, ...args);
  }

  failed(error: unknown): void {
    if (this.#isOver) return;
    this.#error = errorType(error);
    failSpan(this.#span, error);
  }

  ended(how: DeliveryEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (how !== "ack" && this.#error === undefined) {
      this.#error = how;
      this.#span.setAttribute(Attribute.ERROR_TYPE, how);
      if (how !== "returned") this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
    const { instruments, party } = this.#owner;
    recordMs(instruments.processing, party.now() - this.#startedAt, this.#shared, this.#error);
    if (how === "returned" || how === "lost") return;
    this.#beginSettling(how === "ack" ? "ack" : "nack");
    if (how === "ack") this.settled();
  }

  #beginSettling(name: string): void {
    const { instruments, party } = this.#owner;
    const shared = this.#owner.shared(this.#topic, name, "settle");
    const span = instruments.tracer.startSpan(`${name} ${this.#topic}`, {
      kind: SpanKind.CLIENT,
      attributes: { ...shared, [Attribute.CLIENT_ID]: party.clientId() },
    }, this.#context);
    this.#settling = { span, shared, since: party.now() };
  }

  settled(error?: unknown): void {
    if (this.#settling === undefined) return;
    const { span, shared, since } = this.#settling;
    this.#settling = undefined;
    if (error !== undefined) failSpan(span, error);
    span.end();
    const { instruments, party } = this.#owner;
    recordMs(
      instruments.operations,
      party.now() - since,
      shared,
      error === undefined ? undefined : errorType(error),
    );
  }
}

function linkTo(spanContext: SpanContext | undefined, attributes: Attributes = {}): Link[] {
  return spanContext === undefined ? [] : [{ context: spanContext, attributes }];
}

/** What the properties of a stored message tell. */
function stored(record: TracedRecord): Attributes {
  return known({
    [Attribute.MESSAGE_GROUP]: record.property(Property.MESSAGE_GROUP),
    [Attribute.DELAY_LEVEL]: whole(record.property(Property.DELAY_LEVEL)),
    [Attribute.DELIVER_AT]: whole(record.property(Property.DUE_AT) ?? record.property(Property.DELIVER_AT)),
  });
}

/** Other clients may have written anything. */
function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
