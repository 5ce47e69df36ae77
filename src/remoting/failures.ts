/**
 * The errors of a connection, worded in one place: what was attempted, at which address, what was met.
 */
import { BrokerError, NetworkError, ProtocolError } from "../core/errors.ts";
import { ResponseCode, responseCodeName, responseCodes } from "../protocol/response_codes.ts";
import type { AnyOperation, OutboundReply } from "./call.ts";

/** The peer answered with a code that is none of the operation's `answers`. */
export function refusal(
  operation: AnyOperation,
  address: string,
  responseCode: number,
  remark: string | undefined,
): BrokerError {
  const name = responseCodeName(responseCode);
  const said = remark ? `: ${remark}` : "";
  return new BrokerError(
    `Cannot call ${operation.name} at ${address}: answer is ${name} (${responseCode})${said}`,
    {
      address,
      responseCode,
      retriable: responseCodes.get(responseCode)?.retriable ?? false,
      ...(remark === undefined ? {} : { remark }),
    },
  );
}

/** A call met, or was pending at, the end of its connection; `why` is absent when this side closed it. */
export function callOnClosed(operation: AnyOperation, address: string, why: Error | undefined): Error {
  if (why instanceof ProtocolError) return why;
  return new NetworkError(
    `Cannot call ${operation.name} at ${address}: the connection is closed (${
      why?.message ?? "by this side"
    })`,
    { address, ...(why ? { cause: why } : {}) },
  );
}

/** What ended a connection: bytes that are no frames, or the network. */
export function connectionEnd(address: string, what: string, cause?: unknown): Error {
  if (cause instanceof ProtocolError) {
    return new ProtocolError(`${cause.message} (from ${address})`, { ...cause.facts, address });
  }
  const because = cause instanceof Error ? `: ${cause.message}` : "";
  return new NetworkError(`Cannot keep the connection to ${address}: ${what}${because}`, {
    address,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What a peer hears when its request's handler fails. */
export function systemError(error: unknown): OutboundReply {
  return { code: ResponseCode.SYSTEM_ERROR, remark: error instanceof Error ? error.message : String(error) };
}
