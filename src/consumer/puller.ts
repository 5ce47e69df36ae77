/**
 * Pulls one queue for as long as it is assigned.
 *
 *   room? → ask → answer → paste onto the window → ask again, before anything is handed out.
 * One question is under way at a time. Whatever goes wrong (a broker gone, a throw, an answer that makes no sense) is told
 * once, waited out with backoff and tried again; the loop ends only when its window is dropped.
 */
import type { RocketMQClient } from "../client/client.ts";
import { BrokerError, type ProtocolError } from "../core/errors.ts";

import { type RecordView, scanRecords } from "../message/record_view.ts";
import { PropertyKey } from "../message/property_keys.ts";
import { pullMessage } from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { SubscriptionData } from "../protocol/subscription_data.ts";
import type { Reply } from "../remoting/channel.ts";
import { type Backoff, backoffMs } from "../time/backoff.ts";
import type { Budget } from "./budget.ts";
import type { ConsumerEvent } from "./events.ts";
import type { QueueWindow } from "./queue_window.ts";
import type { ConsumerCounters } from "./statistics.ts";

/** PullSysFlag: the broker may park the call. */
const FLAG_SUSPEND = 0x2;
/** Beyond what the broker may park a call for, it gets this long to answer, in milliseconds (Java: 30 s − 15 s). */
const ANSWER_PATIENCE_MS = 15_000;
/** After FLOW_CONTROL (Java: PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL). */
const FLOW_CONTROL_MS = 20;
const FAILURE_BACKOFF: Backoff = { baseMs: 200, maxMs: 5_000 };
const CORRUPT_BACKOFF: Backoff = { baseMs: 500, maxMs: 30_000 };
/** How often a record that cannot be read is asked for before `onBadRecord` decides. */
const CORRUPT_TRIES = 3;

/** What a puller works with. */
export interface PullerOptions {
  readonly client: RocketMQClient;
  readonly consumerGroup: string;
  readonly budget: Budget;
  readonly counters: ConsumerCounters;
  readonly emit: (event: ConsumerEvent) => void;
  /** Messages per pull. */
  readonly batchSize: number;
  /** Bytes per pull; fewer when the number of queues times this would pass the budget. */
  readonly batchBytes: () => number;
  /** Pause between two pulls, in milliseconds. */
  readonly intervalMs: number;
  /** How long the broker may park a pull, in milliseconds. */
  readonly suspendMs: number;
  readonly checkCrc: boolean;
  readonly onBadRecord: "stall" | "skip";
  /** The subscription that the broker knows, by the window's topic. */
  readonly subscription: (topic: string) => SubscriptionData | undefined;
  /** Whether someone takes the messages of a topic. */
  readonly isTaken: (window: QueueWindow) => boolean;
  /** The broker does not know our subscription (yet): heartbeat. */
  readonly onSubscriptionUnknown: () => void;
  /** The broker moved the offset: the queue starts afresh at `offset`. */
  readonly onOffsetMoved: (window: QueueWindow, offset: number) => void;
}

/** The loop of one window. */
export class Puller {
  readonly #options: PullerOptions;
  readonly #window: QueueWindow;
  #stopped = false;
  #failures = 0;
  #corrupt = { offset: -1, tries: 0 };
  #call = new AbortController();

  constructor(window: QueueWindow, options: PullerOptions) {
    this.#window = window;
    this.#options = options;
  }

  /** Gives the current call up; the loop goes on, or ends when the window is dropped. */
  interrupt(reason: unknown): void {
    this.#call.abort(reason);
    this.#window.lookAgain();
  }

  /** Ends the loop after the current call, which is given up. */
  stop(reason: unknown): void {
    this.#stopped = true;
    this.interrupt(reason);
  }

  /** Whether the loop has nothing to do any more. */
  get #over(): boolean {
    return this.#stopped || this.#window.dropped;
  }

  /** Runs until the window is dropped or `stop` is called. Never rejects. */
  async run(): Promise<void> {
    const { budget, isTaken, intervalMs } = this.#options;
    const window = this.#window;
    while (!this.#over) {
      if (!isTaken(window) || !window.hasRoom || !budget.hasRoom) {
        await window.waitForRoom();
        budget.passOn(); // whether or not this queue may pull now, the next in line looks too
        window.lastAnswerAt = this.#options.client.clock.now();
        continue;
      }
      if (this.#call.signal.aborted) this.#call = new AbortController();
      try {
        const askedAt = this.#options.client.clock.now();
        const reply = await this.#ask(this.#call.signal);
        if (this.#over) return;
        this.#failures = 0;
        await this.#take(reply, askedAt);
        if (intervalMs > 0) await this.#pause(intervalMs);
      } catch (error) {
        if (this.#over) return;
        await this.#failed(error as Error);
      }
    }
  }

  #ask(signal: AbortSignal): Promise<Reply<typeof pullMessage.response>> {
    const { client, consumerGroup, batchSize, batchBytes, suspendMs, subscription } = this.#options;
    const window = this.#window;
    const { topic, brokerName, queueId } = window.queue;
    return client.call(brokerName, pullMessage, {
      consumerGroup,
      topic,
      queueId,
      queueOffset: window.cursor,
      maxMsgNums: batchSize,
      // Java sends an offset along (FLAG_COMMIT_OFFSET). Brokers serve pulls and commits on threads of their own, so
      // that of a pull served late would take back a later commit: the last one of a shutdown, or a new owner's.
      sysFlag: FLAG_SUSPEND,
      commitOffset: 0,
      suspendTimeoutMillis: suspendMs,
      subVersion: subscription(topic)?.subVersion ?? 0,
      expressionType: subscription(topic)?.expressionType ?? "TAG",
      maxMsgBytes: batchBytes(),
      requestSource: -1,
    }, { timeoutMs: suspendMs + ANSWER_PATIENCE_MS, signal, brokerId: window.suggestedBrokerId });
  }

  async #take(reply: Reply<typeof pullMessage.response>, askedAt: number): Promise<void> {
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
      return await this.#found(reply.body, nextBeginOffset);
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

  async #found(body: Uint8Array, nextOffset: number): Promise<void> {
    const { counters, checkCrc } = this.#options;
    const window = this.#window;
    const { records, bad } = scanRecords(body, { checkCrc });
    const wanted = this.#withSubscribedTag(records);
    counters.pulled += wanted.length;
    window.totals.pulled += wanted.length;
    counters.filtered += records.length - wanted.length;
    if (bad === undefined) {
      this.#corrupt.tries = 0;
      return window.append(wanted, nextOffset, body.byteLength);
    }
    const last = records.at(-1);
    const badOffset = last === undefined ? window.cursor : last.queueOffset + 1;
    window.append(wanted, badOffset, body.byteLength);
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

  async #failed(error: Error): Promise<void> {
    const { counters, client, emit, onSubscriptionUnknown } = this.#options;
    const code = error instanceof BrokerError ? error.facts.responseCode : undefined;
    if (code === ResponseCode.FLOW_CONTROL) return await this.#pause(FLOW_CONTROL_MS);
    counters.pullFailures++;
    this.#window.suggestedBrokerId = 0;
    if (code === ResponseCode.SUBSCRIPTION_NOT_EXIST || code === ResponseCode.SUBSCRIPTION_NOT_LATEST) {
      onSubscriptionUnknown();
    }
    if (++this.#failures === 1) emit({ type: "pullFailed", queue: this.#window.queue, error });
    await this.#pause(backoffMs(FAILURE_BACKOFF, this.#failures, client.random));
  }

  /** Waits, but no longer than the window lives. */
  async #pause(ms: number): Promise<void> {
    if (this.#call.signal.aborted) this.#call = new AbortController();
    await this.#options.client.clock.sleep(ms, this.#call.signal).catch(() => {});
  }
}
