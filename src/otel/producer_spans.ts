/**
 * Spans of sending: one per send, of kind PRODUCER, child of whatever the program is doing.
 *
 * Its context goes along in the message's properties, so that it is the parent of what consumers make of the message.
 */
import { type Attributes, context, type Span, SpanKind, trace } from "@opentelemetry/api";
import type { ProducerTracer, SendTrail, TracedParty, TracedQueue, TracedSend } from "../core/tracer.ts";
import { Attribute, known, SYSTEM } from "./attributes.ts";
import { errorType, failSpan, type Instruments, recordMs } from "./instruments.ts";
import { contextProperties } from "./trace_context.ts";

/** Follows the sends of one producer. */
export class ProducerSpans implements ProducerTracer {
  readonly #instruments: Instruments;
  readonly #party: TracedParty;

  /** Follows the sends of `party`. */
  constructor(instruments: Instruments, party: TracedParty) {
    this.#instruments = instruments;
    this.#party = party;
  }

  /** Begins the span. */
  sending(message: TracedSend): SendTrail {
    const { group, clientId, namespace } = this.#party;
    const shared = {
      [Attribute.SYSTEM]: SYSTEM,
      [Attribute.OPERATION_NAME]: "send",
      [Attribute.OPERATION_TYPE]: "send",
      [Attribute.DESTINATION]: message.topic,
    };
    const active = context.active();
    const span = this.#instruments.tracer.startSpan(`send ${message.topic}`, {
      kind: SpanKind.PRODUCER,
      attributes: known({
        ...shared,
        [Attribute.CLIENT_ID]: clientId(),
        [Attribute.NAMESPACE]: namespace,
        [Attribute.PRODUCER_GROUP]: group,
        [Attribute.MESSAGE_TYPE]: message.type,
        [Attribute.TAG]: message.tag,
        [Attribute.KEYS]: message.keys.length === 0 ? undefined : [...message.keys],
        [Attribute.MESSAGE_GROUP]: message.group,
        [Attribute.DELAY_LEVEL]: message.delayLevel,
        [Attribute.DELIVER_AT]: this.#deliverAt(message),
        [Attribute.BATCH_COUNT]: message.batchSize,
      }),
    }, active);
    const properties = contextProperties(span, trace.setSpan(active, span));
    return new SendSpan(span, properties, shared, this.#instruments, this.#party.now);
  }

  /** As brokers do: a delay goes before a time. */
  #deliverAt({ delayMs, deliverAt }: TracedSend): number | undefined {
    return delayMs === undefined ? deliverAt : this.#party.now() + delayMs;
  }
}

class SendSpan implements SendTrail {
  readonly properties: Readonly<Record<string, string>>;
  readonly #span: Span;
  readonly #shared: Attributes;
  readonly #instruments: Instruments;
  readonly #now: () => number;
  readonly #startedAt: number;

  constructor(
    span: Span,
    properties: Record<string, string>,
    shared: Attributes,
    instruments: Instruments,
    now: () => number,
  ) {
    this.#span = span;
    this.properties = properties;
    this.#shared = shared;
    this.#instruments = instruments;
    this.#now = now;
    this.#startedAt = now();
  }

  stored(result?: { readonly messageId: string; readonly queue: TracedQueue }): void {
    if (result !== undefined) {
      this.#span.setAttributes({
        [Attribute.MESSAGE_ID]: result.messageId,
        [Attribute.PARTITION]: String(result.queue.queueId),
        [Attribute.BROKER]: result.queue.brokerName,
      });
    }
    this.#end(undefined);
  }

  failed(error: unknown): void {
    failSpan(this.#span, error);
    this.#end(errorType(error));
  }

  #end(error: string | undefined): void {
    this.#span.end();
    recordMs(this.#instruments.operations, this.#now() - this.#startedAt, this.#shared, error);
  }
}
