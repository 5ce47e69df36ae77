/**
 * How a request finds the function that serves it, and how that function answers.
 *
 * A handler row ties an operation of the table to a function: its header arrives read and typed, the header of its answer is
 * written from a typed value. As in Java's decoder a field that cannot be read counts as missing, and a row says what stands
 * in for those that its processor can do without. A refusal is thrown as a BrokerError with the response code; whatever else
 * is thrown becomes SYSTEM_ERROR with the text as remark, as Java's processors answer.
 */
import { BrokerError, ProtocolError } from "../../core/errors.ts";
import type { InboundRequest, OutboundReply } from "../../remoting/call.ts";
import { type Fields, type Kind, type Of, type Operation, writeFields } from "../../wire/schema.ts";

/** What a handler answers. */
export interface Answer<R extends Fields> {
  /** Response code; 0 by default. */
  readonly code?: number | undefined;
  /** Remark; none by default. */
  readonly remark?: string | undefined;
  /** Header of the answer. */
  readonly header?: Of<R> | undefined;
  /** Header fields as texts, beside those of `header`. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
  /** Body of the answer. */
  readonly body?: Uint8Array | undefined;
}

/** What serves one request code on a server of type S. */
export interface HandlerRow<S> {
  /** The request code. */
  readonly code: number;
  /** Serves a request; `undefined` leaves it unanswered. */
  serve(server: S, request: InboundRequest): OutboundReply | undefined | Promise<OutboundReply | undefined>;
}

type Served<R extends Fields> = Answer<R> | undefined;

/**
 * Ties `operation` to the function that serves it; an answer of `undefined` leaves the request unanswered. `absent` is what
 * stands in for required fields that a request lacks.
 */
export function on<S, Q extends Fields, R extends Fields>(
  operation: Operation<Q, R>,
  serve: (server: S, header: Of<Q>, request: InboundRequest) => Served<R> | Promise<Served<R>>,
  absent: Partial<Of<Q>> = {},
): HandlerRow<S> {
  const where = `header of ${operation.name}`;
  const reply = (answer: Served<R>): OutboundReply | undefined => {
    if (answer === undefined) return undefined;
    const { code = 0, remark, header, fields, body } = answer;
    const extFields = header === undefined ? fields : {
      ...writeFields(operation.response, header, `answer to ${operation.name}`),
      ...fields,
    };
    return { code, remark, extFields, body };
  };
  return {
    code: operation.code,
    serve(server, request) {
      try {
        const answer = serve(
          server,
          readHeader(operation.request, request.command.extFields, where, absent),
          request,
        );
        return answer instanceof Promise ? answer.then(reply, refusal) : reply(answer);
      } catch (error) {
        return refusal(error);
      }
    },
  };
}

function readHeader<F extends Fields>(
  fields: F,
  texts: Readonly<Record<string, string>> | undefined,
  where: string,
  absent: Partial<Of<F>>,
): Of<F> {
  const out: Record<string, unknown> = { ...absent };
  for (const name in fields) {
    const kind = fields[name]!;
    const text = texts?.[kind.wireName ?? name];
    const value = typeof text === "string" ? readable(kind, text) : undefined;
    if (value !== undefined) out[name] = value;
    else if (!kind.optional && out[name] === undefined) {
      throw new ProtocolError(`Cannot read ${where}: field "${name}" is missing`);
    }
  }
  return out as Of<F>;
}

function readable(kind: Kind<unknown>, text: string): unknown {
  try {
    return kind.read(text);
  } catch {
    return undefined;
  }
}

/** Handlers by request code. */
export function handlerTable<S>(
  ...groups: readonly (readonly HandlerRow<S>[])[]
): Map<number, HandlerRow<S>> {
  return new Map(groups.flat().map((row) => [row.code, row]));
}

/** Refuses a request with a response code. @throws BrokerError always. */
export function refuse(responseCode: number, remark: string): never {
  throw new BrokerError(remark, { responseCode, remark });
}

/** What Java appends to remarks that a page explains. */
export const SEE_FAQ = "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.";

/** A handler whose refusals carry `fields`: where Java writes the header of its answer before it looks at the request. */
export function refusingWith<A extends unknown[], R extends Fields>(
  fields: Readonly<Record<string, string>>,
  serve: (...given: A) => Served<R> | Promise<Served<R>>,
): (...given: A) => Served<R> | Promise<Served<R>> {
  return (...given) => {
    try {
      return serve(...given);
    } catch (error) {
      const code = error instanceof BrokerError ? error.facts.responseCode : undefined;
      if (code === undefined) throw error;
      return { code, remark: (error as Error).message || NOT_SET, fields };
    }
  };
}

/** What Java leaves as remark of an answer that was made with a header and never got another. */
export const NOT_SET = "not set any response code";

/** What a text that is missing reads as in Java's remarks. */
export const NULL_TEXT = "null";

/** The answer to a request code that nobody serves. */
export function notSupported(code: number): OutboundReply {
  return { code: 3, remark: ` request type ${code} not supported` };
}

function refusal(error: unknown): OutboundReply {
  if (error instanceof BrokerError && error.facts.responseCode !== undefined) {
    return { code: error.facts.responseCode, remark: error.message };
  }
  return { code: 1, remark: error instanceof Error ? error.message : String(error) };
}
