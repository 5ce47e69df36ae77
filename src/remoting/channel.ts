/**
 * One connection, seen from either side: calls go out and find their answers, requests come in and get theirs.
 *
 *   call → Waiters (opaque) → Outbox → peer → FrameDecoder → waiter | request handler → Outbox → peer
 *
 * Client and embedded broker use it alike. A channel lives once: whatever breaks it (reset, end, torn frame, garbage)
 * closes it, and every pending call is rejected at that moment with what happened.
 */
import { NetworkError } from "../core/errors.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import { CLIENT_VERSION } from "../protocol/versions.ts";
import type { Clock } from "../time/clock.ts";
import { type Address, type Duplex, formatAddress } from "../transport/seam.ts";
import { type Command, FLAG_ONEWAY, FLAG_RESPONSE } from "../wire/command.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../wire/frame.ts";
import type { SerializeType } from "../wire/header.ts";
import { type Fields, type Of, type Operation, readFields, writeFields } from "../wire/schema.ts";
import type {
  CallOptions,
  FrameEvent,
  InboundRequest,
  OnewayOptions,
  OutboundReply,
  Reply,
  RequestHandler,
} from "./call.ts";
export type {
  AnyOperation,
  CallOptions,
  FrameEvent,
  InboundRequest,
  OnewayOptions,
  OutboundReply,
  Reply,
  RequestHandler,
} from "./call.ts";
import { callOnClosed, connectionEnd, refusal, systemError } from "./failures.ts";
import { Outbox } from "./outbox.ts";
import { Waiters } from "./waiters.ts";

/** How a channel behaves; everything but the clock has a default. */
export interface ChannelOptions {
  /** Tells deadlines. */
  readonly clock: Clock;
  /** Answers the peer's requests; without it each is answered REQUEST_CODE_NOT_SUPPORTED. */
  readonly onRequest?: RequestHandler | undefined;
  /** Hears of every frame, both ways. */
  readonly onFrame?: ((event: FrameEvent) => void) | undefined;
  /** Runs once when the channel is closed; `error` is absent for an orderly close by this side. */
  readonly onClose?: ((error?: Error) => void) | undefined;
  /** Header fields of every request that this side makes, beside its own; signed too. */
  readonly requestFields?: Readonly<Record<string, string>> | undefined;
  /** Adds the signature to a request; runs last, when every other header field is in place. */
  readonly sign?: ((command: Command, body: Uint8Array | undefined) => void) | undefined;
  /** Longest frame accepted, in bytes; 16 MiB by default. */
  readonly maxFrameBytes?: number | undefined;
  /** Language name sent; "JAVA" by default, which every broker version knows. */
  readonly language?: string | undefined;
  /** MQVersion ordinal sent; 513 (V5_5_0) by default. */
  readonly version?: number | undefined;
  /** How headers are written; JSON by default. */
  readonly serializeType?: SerializeType | undefined;
  /** Bytes queued for writing past which calls wait for room; 16 MiB by default. */
  readonly maxQueuedBytes?: number | undefined;
  /** Most calls pending at once; 65,535 by default, as NettyClientConfig. */
  readonly maxPendingCalls?: number | undefined;
  /** Number of the first request; 0 by default. */
  readonly firstOpaque?: number | undefined;
}

const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
const MAX_PENDING_CALLS = 65_535;

/** One connection. */
export class Channel {
  readonly #duplex: Duplex;
  readonly #options: ChannelOptions;
  readonly #address: string;
  readonly #waiters: Waiters;
  readonly #outbox: Outbox;
  readonly #maxQueuedBytes: number;
  readonly #closed: Promise<void>;
  #isClosed = false;
  #closedBy: Error | undefined;
  #goingAway = false;
  #peerVersion: number | undefined;
  #lastUsedAt: number;
  #lastReceivedAt = -Infinity;

  /** Takes the connection over and starts reading. */
  constructor(duplex: Duplex, options: ChannelOptions) {
    this.#duplex = duplex;
    this.#options = options;
    this.#address = formatAddress(duplex.remote);
    this.#waiters = new Waiters(options.clock, this.#address, options.firstOpaque ?? 0);
    this.#maxQueuedBytes = options.maxQueuedBytes ?? MAX_QUEUED_BYTES;
    this.#outbox = new Outbox(duplex.writable, {
      limitBytes: this.#maxQueuedBytes,
      onError: (cause) => this.#end(connectionEnd(this.#address, "write failed", cause)),
    });
    this.#lastUsedAt = options.clock.now();
    this.#closed = this.#read();
  }

  /** The other end. */
  get remote(): Address {
    return this.#duplex.remote;
  }

  /** This end. */
  get local(): Address {
    return this.#duplex.local;
  }

  /** Calls that wait for their answer. */
  get pending(): number {
    return this.#waiters.size;
  }

  /** Whether it is closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether the peer said GO_AWAY: what is pending may still be answered, new calls belong on another connection. */
  get goingAway(): boolean {
    return this.#goingAway;
  }

  /** The version that the peer's last response carried. */
  get peerVersion(): number | undefined {
    return this.#peerVersion;
  }

  /** When a frame last went either way, in milliseconds since the epoch. */
  get lastUsedAt(): number {
    return this.#lastUsedAt;
  }

  /** When bytes last came, in milliseconds since the epoch; −Infinity before the first. */
  get lastReceivedAt(): number {
    return this.#lastReceivedAt;
  }

  /** Resolves when it is closed and nothing of it runs any more. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /**
   * Makes a request and waits for its answer.
   *
   * @throws BrokerError for a response code that is not one of the operation's `answers`; TimeoutError; NetworkError when
   * the connection breaks; ProtocolError when the header cannot be written or read; the signal's reason.
   */
  call<Q extends Fields, R extends Fields>(
    operation: Operation<Q, R>,
    header: Of<Q>,
    options: CallOptions,
  ): Promise<Reply<R>> {
    return new Promise((resolve, reject) => {
      options.signal?.throwIfAborted();
      if (this.#isClosed) throw callOnClosed(operation, this.#address, this.#closedBy);
      if (this.#waiters.size >= (this.#options.maxPendingCalls ?? MAX_PENDING_CALLS)) {
        throw new NetworkError(
          `Cannot call ${operation.name} at ${this.#address}: ${this.#waiters.size} calls are pending already`,
          { address: this.#address },
        );
      }
      const opaque = this.#waiters.nextOpaque();
      const command = this.#request(operation, header, options, opaque, 0);
      this.#waiters.add(opaque, {
        operation,
        timeoutMs: options.timeoutMs,
        deadlineAt: this.#options.clock.now() + options.timeoutMs,
        signal: options.signal,
        onAbort: undefined,
        reject,
        answer: (frame) => {
          try {
            resolve(this.#reply(operation, frame));
          } catch (error) {
            reject(error);
          }
        },
      });
      if (this.#outbox.hasRoom) this.#writeCall(opaque, command, options.body);
      else this.#outbox.whenRoom(() => this.#writeCall(opaque, command, options.body));
    });
  }

  /**
   * Makes a request that the peer does not answer.
   *
   * @throws NetworkError when the channel is closed or too much waits to be written; ProtocolError when the header
   * cannot be written.
   */
  oneway<Q extends Fields>(
    operation: Operation<Q, Fields>,
    header: Of<Q>,
    options: OnewayOptions = {},
  ): void {
    if (this.#isClosed) throw callOnClosed(operation, this.#address, this.#closedBy);
    if (!this.#outbox.hasRoom) {
      throw new NetworkError(
        `Cannot send ${operation.name} to ${this.#address}: ${this.#outbox.queuedBytes} bytes wait to be written`,
        { address: this.#address },
      );
    }
    const opaque = this.#waiters.nextOpaque();
    this.#write(this.#request(operation, header, options, opaque, FLAG_ONEWAY), options.body);
  }

  /** Resolves when everything handed over so far is written, or the channel is closed. */
  flush(): Promise<void> {
    return this.#outbox.flush();
  }

  /** Closes the connection; every pending call is rejected. Calling it again does nothing. */
  close(reason?: Error): void {
    this.#end(reason);
  }

  #request<Q extends Fields>(
    operation: Operation<Q, Fields>,
    header: Of<Q>,
    options: OnewayOptions,
    opaque: number,
    flag: number,
  ): Command {
    const extFields = writeFields(operation.request, header, operation.name);
    const { requestFields } = this.#options;
    if (requestFields) Object.assign(extFields, requestFields);
    if (options.extFields) Object.assign(extFields, options.extFields);
    const command = this.#command(operation.code, opaque, flag, undefined, extFields);
    this.#options.sign?.(command, options.body);
    return command;
  }

  #command(
    code: number,
    opaque: number,
    flag: number,
    remark: string | undefined,
    extFields: Record<string, string> | undefined,
  ): Command {
    const { language = "JAVA", version = CLIENT_VERSION } = this.#options;
    return { code, language, version, opaque, flag, remark, extFields };
  }

  #writeCall(opaque: number, command: Command, body: Uint8Array | undefined): void {
    // While it waited for room its deadline may have passed; then nobody wants the answer.
    if (!this.#waiters.has(opaque)) return;
    try {
      this.#write(command, body);
    } catch (error) {
      this.#waiters.take(opaque)?.reject(error);
    }
  }

  #write(command: Command, body: Uint8Array | undefined): void {
    const frame = encodeFrame(command, body, this.#options.serializeType);
    this.#lastUsedAt = this.#options.clock.now();
    this.#outbox.push(frame);
    this.#options.onFrame?.({
      direction: "out",
      command,
      bodyBytes: body?.length ?? 0,
      sizeBytes: frame.length,
    });
  }

  async #read(): Promise<void> {
    const decoder = new FrameDecoder(
      this.#options.maxFrameBytes === undefined ? {} : { maxFrameBytes: this.#options.maxFrameBytes },
    );
    const deliver = (frame: Frame): void => this.#deliver(frame);
    const reader = this.#duplex.readable.getReader();
    try {
      while (!this.#isClosed) {
        const { done, value } = await reader.read();
        if (done) {
          decoder.end();
          this.#end(connectionEnd(this.#address, "closed by the peer"));
          break;
        }
        this.#lastReceivedAt = this.#options.clock.now();
        decoder.push(value, deliver);
        this.#duplex.recycle?.(value); // frames own their bytes
        // A peer that asks but does not read its answers is not read from either. A side that waits for answers
        // itself always reads, so that two full sides cannot wait for each other.
        if (this.#waiters.size === 0 && this.#outbox.queuedBytes >= this.#maxQueuedBytes) {
          await new Promise<void>((resolve) => this.#outbox.whenRoom(resolve));
        }
      }
    } catch (cause) {
      this.#end(connectionEnd(this.#address, "read failed", cause));
    }
    await this.#outbox.flush();
  }

  #deliver(frame: Frame): void {
    if (this.#isClosed) return;
    this.#lastUsedAt = this.#options.clock.now();
    const { command } = frame;
    this.#options.onFrame?.({
      direction: "in",
      command,
      bodyBytes: frame.body.length,
      sizeBytes: frame.sizeBytes,
    });
    if ((command.flag & FLAG_RESPONSE) === 0) return this.#serve(frame);
    this.#peerVersion = command.version;
    if (command.code === ResponseCode.GO_AWAY) this.#goingAway = true;
    // An answer that nobody waits for any more came after its deadline.
    this.#waiters.take(command.opaque)?.answer(frame);
  }

  #reply<R extends Fields>(operation: Operation<Fields, R>, frame: Frame): Reply<R> {
    const { code, remark, version, extFields } = frame.command;
    if (!operation.answers.includes(code)) throw refusal(operation, this.#address, code, remark);
    const header = readFields(operation.response, extFields, `answer to ${operation.name}`);
    return { code, remark, header, body: frame.body, version, extFields: extFields ?? {} };
  }

  #serve(frame: Frame): void {
    const { command, body } = frame;
    const oneway = (command.flag & FLAG_ONEWAY) !== 0;
    const request: InboundRequest = { command, body, channel: this, oneway };
    const handler = this.#options.onRequest;
    if (!handler) {
      return this.#answer(request, {
        code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
        remark: ` request type ${command.code} not supported`,
      });
    }
    try {
      const reply = handler(request);
      if (reply instanceof Promise) {
        reply.then(
          (settled) => this.#answer(request, settled),
          (error) => this.#answer(request, systemError(error)),
        );
      } else {
        this.#answer(request, reply);
      }
    } catch (error) {
      this.#answer(request, systemError(error));
    }
  }

  #answer({ command, oneway }: InboundRequest, reply: OutboundReply | undefined): void {
    if (!reply || oneway || this.#isClosed) return;
    const { code, remark, extFields, body } = reply;
    const fields = extFields as Record<string, string> | undefined;
    try {
      this.#write(this.#command(code, command.opaque, FLAG_RESPONSE, remark, fields), body);
    } catch (error) {
      // What the handler gave cannot be written (too long, say): the peer hears that rather than nothing.
      const failed = systemError(error);
      this.#write(
        this.#command(failed.code, command.opaque, FLAG_RESPONSE, failed.remark, undefined),
        undefined,
      );
    }
  }

  #end(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closedBy = error;
    this.#waiters.failAll((waiter) => callOnClosed(waiter.operation, this.#address, error));
    this.#outbox.close();
    this.#duplex.close(error);
    this.#options.onClose?.(error);
  }
}
