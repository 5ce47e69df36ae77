/**
 * What one exchange over a connection is made of: the options of a call, its reply, a request that came in and what
 * answers it. Both sides speak these shapes: clients make calls, the embedded broker answers them, and either may do both.
 */
import type { Command } from "../wire/command.ts";
import type { Fields, Of, Operation } from "../wire/schema.ts";
import type { Channel } from "./channel.ts";

export type { Fields, Of, Operation };

/** How one call is made. */
export interface CallOptions {
  /** What follows the header; nothing by default. */
  readonly body?: Uint8Array | undefined;
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends the wait early; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Header fields beside those of the operation; they are signed too. */
  readonly extFields?: Readonly<Record<string, string>> | undefined;
}

/** An answer whose code is one of the operation's `answers`. */
export interface Reply<R extends Fields> {
  /** The response code. */
  readonly code: number;
  /** What the peer said about it; may be set on success too. */
  readonly remark: string | undefined;
  /** The response header. */
  readonly header: Of<R>;
  /** What followed the header: a view of the received frame. */
  readonly body: Uint8Array;
  /** The peer's version (an MQVersion ordinal). */
  readonly version: number;
  /** Every header field as it was sent. */
  readonly extFields: Readonly<Record<string, string>>;
}

/** What a one-way request carries beside its header. */
export interface OnewayOptions {
  /** What follows the header; nothing by default. */
  readonly body?: Uint8Array | undefined;
  /** Header fields beside those of the operation; they are signed too. */
  readonly extFields?: Readonly<Record<string, string>> | undefined;
}

/** A request that the peer made. */
export interface InboundRequest {
  /** Its header. */
  readonly command: Command;
  /** What followed the header: a view of the received frame. */
  readonly body: Uint8Array;
  /**
   * The connection that it came over.
   *
   * @internal
   */
  readonly channel: Channel;
  /** Whether the peer wants no answer. */
  readonly oneway: boolean;
}

/** The answer to an inbound request. */
export interface OutboundReply {
  /** The response code. */
  readonly code: number;
  /** What to say about it. */
  readonly remark?: string | undefined;
  /** Header fields. */
  readonly extFields?: Readonly<Record<string, string>> | undefined;
  /** What follows the header. */
  readonly body?: Uint8Array | undefined;
}

/**
 * Answers inbound requests. `undefined` leaves the request unanswered; a throw becomes SYSTEM_ERROR with its message
 * as remark. What it returns for a one-way request is ignored.
 */
export type RequestHandler = (
  request: InboundRequest,
) => OutboundReply | undefined | Promise<OutboundReply | undefined>;

/** One frame that went by, for a wire log: never a body, never a header field. */
export interface FrameEvent {
  /** Which way it went, seen from this side. */
  readonly direction: "in" | "out";
  /** Its header. */
  readonly command: Command;
  /** Bytes of the body. */
  readonly bodyBytes: number;
  /** Bytes of the whole frame, with its length. */
  readonly sizeBytes: number;
}

/** Any operation, where its fields do not matter. */
// deno-lint-ignore no-explicit-any
export type AnyOperation = Operation<any, any>;
