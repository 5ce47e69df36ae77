/**
 * How a request finds the function that serves it, and how that function answers.
 *
 * A handler row ties an operation of the table to a function: its header arrives read and typed, the header of its answer is
 * written from a typed value. A refusal is thrown as a BrokerError with the response code; whatever else is thrown becomes
 * SYSTEM_ERROR with the text as remark, as Java's processors answer.
 */
import { BrokerError } from "../../core/errors.ts";
import type { InboundRequest, OutboundReply } from "../../remoting/call.ts";
import { type Fields, type Of, type Operation, readFields, writeFields } from "../../wire/schema.ts";

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

/** Ties `operation` to the function that serves it; an answer of `undefined` leaves the request unanswered. */
export function on<S, Q extends Fields, R extends Fields>(
  operation: Operation<Q, R>,
  serve: (server: S, header: Of<Q>, request: InboundRequest) => Served<R> | Promise<Served<R>>,
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
          readFields(operation.request, request.command.extFields, where),
          request,
        );
        return answer instanceof Promise ? answer.then(reply, refusal) : reply(answer);
      } catch (error) {
        return refusal(error);
      }
    },
  };
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
