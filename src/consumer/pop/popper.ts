/**
 * Pops one queue for as long as it is assigned: what a FetchLoop asks, and what the answer means.
 *
 * A pop names no offset: the broker hands out what nobody holds, hides it for a while, and remembers. So an answer that
 * nobody waits for any more still hides messages: what comes late is let go of at once. A pop in order that failed or was given up
 * is asked again under the same name, or the broker would take what it gave then for being worked on; it gives the same messages
 * under that name each time, so only the last answer counts.
 */
import { scanRecords } from "../../message/record_view.ts";
import type { RecordView } from "../../message/record_view.ts";
import { PropertyKey } from "../../message/property_keys.ts";
import { unwrapQueue } from "../../protocol/namespace.ts";
import { popMessage } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";
import type { Reply } from "../../remoting/channel.ts";
import { type Fetch, FetchLoop, type FetchLoopOptions } from "../queue/fetch_loop.ts";
import type { QueueWindow } from "../window/queue_window.ts";
import { receiptsOf } from "./popped_records.ts";
import type { PopReceipt } from "./receipt.ts";

/** Beyond what the broker may park a call for, it gets this long to answer, in milliseconds (Java: MQClientAPIImpl.popMessageAsync). */
const ANSWER_PATIENCE_MS = 10_000;
/** After an answer without messages that came sooner than a parked call would, and when the broker has no place to park one (Java: 1000). */
const NOTHING_MS = 1_000;
/** ConsumeInitMode: where a group without progress begins. */
const INIT_MIN = 0;
const INIT_MAX = 1;

/** What a popper works with. */
export interface PopperOptions extends FetchLoopOptions {
  readonly consumerGroup: string;
  /** Messages per pop. */
  readonly batchNums: number;
  /** How long popped messages stay hidden, in milliseconds. */
  readonly invisibleMs: number;
  /** How long the broker may park a pop that finds nothing, in milliseconds. */
  readonly suspendMs: number;
  /** Whether a group without progress begins at the first message. */
  readonly fromFirst: boolean;
  /** Whether in order. */
  readonly order: boolean;
  readonly checkCrc: boolean;
  /** The subscription of a topic. */
  readonly subscription: (topic: string) => SubscriptionData | undefined;
  /** Messages that are nobody's: their tag was not asked for. */
  readonly onUnwanted: (receipt: PopReceipt) => void;
  /** Messages that came when nobody waited for them any more. */
  readonly onLate: (receipt: PopReceipt) => Promise<void>;
}

type PopReply = Reply<typeof popMessage.response>;

/** One queue's pops, and what the last of them said. */
export interface Popping {
  readonly loop: FetchLoop<PopReply>;
  /** Messages that the broker had left after the last pop. */
  readonly restCount: number;
  /** Resolves when nothing that was asked is unanswered, and what came too late is let go of. Never rejects. */
  answered(): Promise<void>;
}

/** The loop that pops for `window`. */
export function popLoop(window: QueueWindow, options: PopperOptions): Popping {
  const popper = new Popper(window, options, (ms) => loop.pause(ms));
  const loop: FetchLoop<PopReply> = new FetchLoop(window, popper, options);
  return {
    loop,
    get restCount() {
      return popper.restCount;
    },
    answered: () => popper.unanswered,
  };
}

/** What one answer brought. */
interface Haul {
  readonly records: RecordView[];
  readonly receipts: PopReceipt[];
}

class Popper implements Fetch<PopReply> {
  restCount = 0;
  /** Ends with the question under way. */
  unanswered: Promise<void> = Promise.resolve();
  readonly #options: PopperOptions;
  readonly #window: QueueWindow;
  readonly #pause: (ms: number) => Promise<void>;
  /** A pop in order, until it is answered: its name, and how often it was asked. */
  #attempt: { readonly id: string; asked: number } | undefined;

  constructor(window: QueueWindow, options: PopperOptions, pause: (ms: number) => Promise<void>) {
    this.#window = window;
    this.#options = options;
    this.#pause = pause;
  }

  /** Asks for what nobody holds. An answer after `signal` has fired is let go of, unless it was asked for again by its name. */
  ask(signal: AbortSignal): Promise<PopReply> {
    const { client, order } = this.#options;
    const askedAt = client.clock.now();
    if (order) this.#attempt ??= { id: newAttemptId(client.random), asked: 0 };
    const attempt = this.#attempt;
    const nth = attempt && ++attempt.asked;
    const call = this.#call(askedAt, attempt?.id);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(signal.reason);
      signal.addEventListener("abort", giveUp, { once: true });
      this.unanswered = call.then((reply) => {
        if (signal.aborted) return nth === attempt?.asked ? this.late(reply, askedAt) : undefined;
        signal.removeEventListener("abort", giveUp);
        resolve(reply);
      }, reject).catch(() => {}); // an answer that cannot be read hides its messages until their time is up
    });
  }

  #call(bornTime: number, attemptId: string | undefined): Promise<PopReply> {
    const { client, consumerGroup, batchNums, invisibleMs, suspendMs, fromFirst, order, subscription } =
      this.#options;
    const { topic, brokerName, queueId } = this.#window.queue;
    const { expressionType = "TAG", subString = "*" } = subscription(topic) ?? {};
    return client.call(brokerName, popMessage, {
      consumerGroup,
      topic,
      queueId,
      maxMsgNums: batchNums,
      invisibleTime: invisibleMs,
      pollTime: suspendMs,
      bornTime,
      initMode: fromFirst ? INIT_MIN : INIT_MAX,
      expType: expressionType,
      exp: subString,
      order,
      attemptId,
    }, { timeoutMs: suspendMs + ANSWER_PATIENCE_MS, brokerId: 0 });
  }

  /** Messages, or the news that there are none. */
  async take(reply: PopReply, askedAt: number): Promise<void> {
    const { counters, client, suspendMs } = this.#options;
    const window = this.#window;
    this.#attempt = undefined;
    counters.pulls++;
    window.lastAnswerAt = client.clock.now();
    this.restCount = reply.header.restNum;
    const tookMs = window.lastAnswerAt - askedAt;
    if (reply.code === ResponseCode.SUCCESS) {
      window.totals.pullMs += tookMs;
      window.totals.pullTimes++;
      return this.#found(reply, askedAt);
    }
    if (reply.code === ResponseCode.POLLING_FULL || tookMs < Math.min(NOTHING_MS, suspendMs)) {
      await this.#pause(NOTHING_MS);
    }
  }

  #found(reply: PopReply, askedAt: number): void {
    const { counters, onUnwanted } = this.#options;
    const window = this.#window;
    const { records, receipts } = this.#read(reply, askedAt);
    const tags = this.#options.subscription(window.queue.topic)?.tagsSet;
    const wanted = tags && tags.length > 0 ? new Set(tags) : undefined;
    const kept: Haul = { records: [], receipts: [] };
    records.forEach((record, i) => {
      const receipt = receipts[i]!;
      // The broker filters by the tag's hash.
      if (wanted && !wanted.has(record.property(PropertyKey.TAGS) ?? "")) return onUnwanted(receipt);
      kept.records.push(record);
      kept.receipts.push(receipt);
    });
    counters.pulled += kept.records.length;
    window.totals.pulled += kept.records.length;
    counters.filtered += records.length - kept.records.length;
    const queue = unwrapQueue(window.namespace, window.queue);
    const received = this.#options.tracer?.received({ queue, askedAt, messages: kept.records });
    window.append(kept.records, 0, reply.body.byteLength, { receipts: kept.receipts, received });
  }

  /** What can be read of an answer; a record that cannot is told, and comes again when its time is up. */
  #read(reply: PopReply, askedAt: number): Haul {
    const { emit, checkCrc, order, client } = this.#options;
    const { queue } = this.#window;
    const { records, bad } = scanRecords(reply.body, { checkCrc });
    if (bad !== undefined) {
      const offset = records.at(-1)?.queueOffset ?? -1;
      emit({ type: "corrupt", queue, offset: offset + 1, skipped: false, error: bad });
    }
    const answeredAt = client.clock.now();
    const receipts = receiptsOf(reply.header, records, { ...queue, order, askedAt, answeredAt });
    return { records, receipts };
  }

  /** Nobody waits for it any more: others may have what it brought. */
  async late(reply: PopReply, askedAt: number): Promise<void> {
    if (reply.code !== ResponseCode.SUCCESS) return;
    await Promise.all(this.#read(reply, askedAt).receipts.map((receipt) => this.#options.onLate(receipt)));
  }
}

/** A name that no other pop has. */
function newAttemptId(random: { int(bound: number): number }): string {
  return Array.from({ length: 4 }, () => random.int(2 ** 32).toString(16).padStart(8, "0")).join("");
}
