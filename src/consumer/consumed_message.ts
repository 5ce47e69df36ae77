/**
 * What a handler or a loop gets: the message, where it came from, and how to settle it. A poll gets the same without the
 * settlement: what is polled is settled by commits.
 */
import type { MessageQueue } from "../protocol/message_queue.ts";

/** When a message is to come again. */
export interface RetryOptions {
  /** Delay level of the broker, 1 to 18; 0 (default) lets the broker choose by attempt: 10 s, 30 s, 1 min, … */
  readonly delayLevel?: number;
  /** Wished delay in milliseconds: exact where messages are popped or stay in order, else rounded up to the next delay level. */
  readonly delayMs?: number;
}

/** A message as a lite pull consumer hands it out. */
export interface PulledMessage {
  /** The topic it was sent to; for a retried message the original one. */
  readonly topic: string;
  /** Its tag, if any. */
  readonly tag: string | undefined;
  /** Its keys. */
  readonly keys: readonly string[];
  /** All properties, system ones included. */
  readonly properties: Readonly<Record<string, string>>;
  /**
   * The body, decompressed. A view into the frame that it came in: copy it with `bytes()` to keep it.
   *
   * @throws ProtocolError when the compressed body is broken or larger than allowed.
   */
  readonly body: Uint8Array;
  /** A copy of the body. */
  bytes(): Uint8Array;
  /** The body as UTF-8 text. */
  text(): string;
  /** The body as JSON. @throws SyntaxError when it is not. */
  json<T = unknown>(): T;
  /** The queue that it was pulled from; a retried message comes from the group's retry topic. */
  readonly queue: MessageQueue;
  /** Its offset in that queue. */
  readonly queueOffset: number;
  /** The id that the producer gave it (UNIQ_KEY), or the offset id. */
  readonly messageId: string;
  /** The id that tells broker and commit-log offset. */
  readonly offsetMessageId: string;
  /** The number that the producer gave it as `flag`. */
  readonly flag: number;
  /** When the producer made it. */
  readonly bornAt: Date;
  /** Where the producer was, as the broker saw it: `ip:port`. */
  readonly bornHost: string;
  /** When the broker stored it. */
  readonly storedAt: Date;
  /** The broker that stored it: `ip:port`. */
  readonly storeHost: string;
  /** 1 at the first delivery, one more at each redelivery. */
  readonly attempt: number;
}

/** A message that was consumed, with its settlement. */
export interface ConsumedMessage extends PulledMessage {
  /** Aborts when the message's time is up, its queue is lost, or a shutdown has no more patience. */
  readonly signal: AbortSignal;
  /** Whether `ack`, `retry` or `deadLetter` was called. */
  readonly settled: boolean;
  /** Done with it. The first settlement wins; after the queue is lost it does nothing. */
  ack(): void;
  /**
   * Asks for another delivery. Resolves with `true` when the broker has confirmed it, and with `false` when it could
   * not be reached (the message is then delivered again from here after 5 s) or the message was settled already.
   * Never rejects.
   */
  retry(options?: RetryOptions): Promise<boolean>;
  /**
   * Keeps it for `ms` milliseconds from now: its time is not up before then, and no other member gets it when it was
   * popped (what was popped is kept for a handler at work anyway, until its time is up). Resolves with `true` when that
   * is settled, with the broker too if it was popped; with `false` when the message is out no more or the broker
   * could not be reached. Never rejects.
   */
  extend(ms: number): Promise<boolean>;
  /** Sends it to the group's dead-letter topic. Resolves like `retry`. The reason appears in the event. */
  deadLetter(reason?: string): Promise<boolean>;
}
