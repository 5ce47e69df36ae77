/**
 * Pulls one queue for as long as it is assigned: what a FetchLoop asks, and what the answer means.
 *
 * A pull names the offset where it begins, the window's cursor; the answer says where the next begins. A record that cannot
 * be read holds the queue there.
 */
import type { ProtocolError } from "../../core/errors.ts";
import { type RecordView, scanRecords } from "../../message/record_view.ts";
import { PropertyKey } from "../../message/property_keys.ts";
import { unwrapQueue } from "../../protocol/namespace.ts";
import { litePullMessage, pullMessage } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";
import { MQVersion } from "../../protocol/versions.ts";
import type { Reply } from "../../remoting/channel.ts";
import { type Backoff, backoffMs } from "../../time/backoff.ts";
import { type Fetch, FetchLoop, type FetchLoopOptions } from "./fetch_loop.ts";
import type { QueueWindow } from "../window/queue_window.ts";

/** PullSysFlag: the broker may park the call. */
const FLAG_SUSPEND = 0x2;
/** PullSysFlag: the call carries its subscription. */
const FLAG_SUBSCRIPTION = 0x4;
/** PullSysFlag: a lite pull consumer asks. */
const FLAG_LITE_PULL = 0x10;
/** Beyond what the broker may park a call for, it gets this long to answer, in milliseconds (Java: 30 s − 15 s). */
const ANSWER_PATIENCE_MS = 15_000;
const CORRUPT_BACKOFF: Backoff = { baseMs: 500, maxMs: 30_000 };
/** How often a record that cannot be read is asked for before `onBadRecord` decides. */
const CORRUPT_TRIES = 3;

/** What a puller works with. */
export interface PullerOptions extends FetchLoopOptions {
  readonly consumerGroup: string;
  /** Messages per pull. */
  readonly batchSize: number;
  /** Bytes per pull; fewer when the number of queues times this would pass the budget. */
  readonly batchBytes: () => number;
  /** How long the broker may park a pull, in milliseconds. */
  readonly suspendMs: number;
  readonly checkCrc: boolean;
  readonly onBadRecord: "stall" | "skip";
  /**
   * Whether each pull says what is wanted, as a lite pull consumer's does; otherwise the broker goes by the heartbeat. Brokers from
   * 5.0 have a request code of their own for it, which an administrator can forbid.
   */
  readonly carriesSubscription: boolean;
  /** The subscription that the broker knows, by the window's topic. */
  readonly subscription: (topic: string) => SubscriptionData | undefined;
  /** The broker moved the offset: the queue starts afresh at `offset`. */
  readonly onOffsetMoved: (window: QueueWindow, offset: number) => void;
}

type PullReply = Reply<typeof pullMessage.response>;

/** The loop that pulls `window`. */
export function pullLoop(window: QueueWindow, options: PullerOptions): FetchLoop<PullReply> {
  const puller = new Puller(window, options, (ms) => loop.pause(ms));
  const loop: FetchLoop<PullReply> = new FetchLoop(window, puller, options);
  return loop;
}

/** The pulls of one window. */
class Puller implements Fetch<PullReply> {
  readonly #options: PullerOptions;
  readonly #window: QueueWindow;
  readonly #pause: (ms: number) => Promise<void>;
  #corrupt = { offset: -1, tries: 0 };

  constructor(window: QueueWindow, options: PullerOptions, pause: (ms: number) => Promise<void>) {
    this.#window = window;
    this.#options = options;
    this.#pause = pause;
  }

  /** After a failure the master is asked. */
  failed(): void {
    this.#window.suggestedBrokerId = 0;
  }

  /** Asks from the cursor on. */
  ask(signal: AbortSignal): Promise<PullReply> {
    const { client, consumerGroup, batchSize, batchBytes, suspendMs, carriesSubscription } = this.#options;
    const window = this.#window;
    const { topic, brokerName, queueId } = window.queue;
    const subscription = this.#options.subscription(topic);
    const expressionType = subscription?.expressionType ?? "TAG";
    const brokerId = window.suggestedBrokerId;
    const header = {
      consumerGroup,
      topic,
      queueId,
      queueOffset: window.cursor,
      maxMsgNums: batchSize,
      // Java sends an offset along (FLAG_COMMIT_OFFSET). Brokers serve pulls and commits on threads of their own, so
      // that of a pull served late would take back a later commit: the last one of a shutdown, or a new owner's.
      sysFlag: carriesSubscription ? FLAG_SUSPEND | FLAG_SUBSCRIPTION | FLAG_LITE_PULL : FLAG_SUSPEND,
      commitOffset: 0,
      suspendTimeoutMillis: suspendMs,
      subscription: carriesSubscription ? subscription?.subString : undefined,
      subVersion: carriesSubscription && expressionType === "TAG" ? 0 : subscription?.subVersion ?? 0,
      expressionType,
      maxMsgBytes: batchBytes(),
      requestSource: -1,
    };
    const timeoutMs = suspendMs + ANSWER_PATIENCE_MS;
    const isLite = carriesSubscription && this.#knowsLitePull(brokerName, brokerId);
    const operation = isLite ? litePullMessage : pullMessage;
    return client.call(brokerName, operation, header, { timeoutMs, signal, brokerId });
  }

  #knowsLitePull(brokerName: string, brokerId: number): boolean {
    const { client } = this.#options;
    const address = client.brokerAddress(brokerName, brokerId);
    return address !== undefined && (client.brokerVersion(address) ?? 0) >= MQVersion.V5_0_0;
  }

  /** Messages, or the news that there are none or that the offset is wrong. */
  async take(reply: PullReply, askedAt: number): Promise<void> {
    const { counters, client, onOffsetMoved } = this.#options;
    const window = this.#window;
    const { nextBeginOffset, maxOffset, suggestWhichBrokerId } = reply.header;
    counters.pulls++;
    window.lastAnswerAt = client.clock.now();
    window.maxOffset = maxOffset;
    window.suggestedBrokerId = suggestWhichBrokerId;
    if (reply.code === ResponseCode.SUCCESS) {
      window.totals.pullMs += window.lastAnswerAt - askedAt;
      window.totals.pullTimes++;
      return await this.#found(reply.body, nextBeginOffset, askedAt);
    }
    if (reply.code === ResponseCode.PULL_OFFSET_MOVED) {
      this.#options.emit({
        type: "offsetIllegal",
        queue: window.queue,
        from: window.cursor,
        to: nextBeginOffset,
      });
      return onOffsetMoved(window, nextBeginOffset);
    }
    if (nextBeginOffset > window.cursor) window.append([], nextBeginOffset, 0);
  }

  async #found(body: Uint8Array, nextOffset: number, askedAt: number): Promise<void> {
    const { counters, checkCrc, tracer } = this.#options;
    const window = this.#window;
    const { records, bad } = scanRecords(body, { checkCrc });
    const wanted = this.#withSubscribedTag(records);
    counters.pulled += wanted.length;
    window.totals.pulled += wanted.length;
    counters.filtered += records.length - wanted.length;
    const queue = unwrapQueue(window.namespace, window.queue);
    const received = tracer?.received({ queue, askedAt, messages: wanted });
    if (bad === undefined) {
      this.#corrupt.tries = 0;
      return window.append(wanted, nextOffset, body.byteLength, { received });
    }
    const last = records.at(-1);
    const badOffset = last === undefined ? window.cursor : last.queueOffset + 1;
    window.append(wanted, badOffset, body.byteLength, { received });
    await this.#badRecord(badOffset, bad);
  }

  /** The broker filters by the tag's hash; equal hashes of other tags are dropped here. */
  #withSubscribedTag(records: RecordView[]): RecordView[] {
    const tags = this.#window.isRetry
      ? undefined
      : this.#options.subscription(this.#window.queue.topic)?.tagsSet;
    if (tags === undefined || tags.length === 0) return records;
    const wanted = new Set(tags);
    return records.filter((record) => wanted.has(record.property(PropertyKey.TAGS) ?? ""));
  }

  /** Holds the queue at a record that cannot be read, and asks again; after three tries `onBadRecord` decides. */
  async #badRecord(offset: number, error: ProtocolError): Promise<void> {
    const { counters, emit, onBadRecord, client } = this.#options;
    const window = this.#window;
    if (this.#corrupt.offset !== offset) this.#corrupt = { offset, tries: 0 };
    const tries = ++this.#corrupt.tries;
    const skipped = tries >= CORRUPT_TRIES && onBadRecord === "skip";
    if (tries === 1 || tries === CORRUPT_TRIES) {
      emit({ type: "corrupt", queue: window.queue, offset, skipped, error });
    }
    if (skipped) {
      counters.badRecordsSkipped++;
      return window.append([], offset + 1, 0);
    }
    // Another copy may be whole: every other try asks a slave, where there is one.
    window.suggestedBrokerId =
      tries % 2 === 1 && client.brokerAddress(window.queue.brokerName, 1, { only: true }) ? 1 : 0;
    await this.#pause(backoffMs(CORRUPT_BACKOFF, tries, client.random));
  }
}
