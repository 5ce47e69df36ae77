/**
 * The messages of one assigned queue between pull and settlement.
 *
 * Picture a strip of paper: at the right end pulls are pasted on (`cursor` is the next offset to pull), in the middle
 * `lanes` hand messages out, and the left edge is cut off up to the lowest unsettled message. That edge is what is
 * committed; when the strip is empty it is the cursor. A window belongs to one assignment (generation): once dropped, it
 * commits nothing, hands nothing out and takes no settlement.
 */
import type { RecordView } from "../message/record_view.ts";
import { PropertyKey } from "../message/property_keys.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import { newTopicTotals, type TopicTotals } from "../telemetry/consume_speed.ts";
import type { MessageTrace } from "../telemetry/message_trace.ts";
import type { Budget } from "./budget.ts";
import { Delivery } from "./delivery.ts";
import { Lane } from "./lane.ts";
import type { Settlement } from "./settlement.ts";

/** The bytes of one pull, held until its last message is settled. */
export interface FrameHold {
  /** Bytes that the budget counts for it. */
  bytes: number;
  /** Messages not settled. */
  messages: number;
  /** Their share of the bytes. */
  liveBytes: number;
  /** Few of its messages live; when bytes are short they are copied out, */
  sparse: boolean;
  /** and when they were, each counts on its own. */
  compacted: boolean;
  /** The window's seq of its first message, and one past the last. */
  readonly from: number;
  readonly to: number;
}

/** How messages of a window leave it other than by ack. */
export type SendBack = Pick<Settlement, "retry" | "deadLetter">;

/** What a window tells the engine that it belongs to. */
export interface WindowListener {
  /** A lane has messages to hand out. */
  onReady(lane: Lane): void;
  /** A settlement came too late: settled before, or the queue is lost. */
  onLateSettlement(): void;
  /** A message was settled by ack. */
  onAck(delivery: Delivery): void;
  /** A message that was out is so no longer. */
  onBack(): void;
}

/** When less than this share of a frame is live, the live messages are copied out of it. */
const COMPACT_BELOW = 0.25;
/** Frames smaller than this are not worth copying out of. */
const COMPACT_MIN_BYTES = 4096;

/** The limits of one queue. */
export interface WindowLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Messages that may wait to be handed out when a pull leaves: what it brings comes on top. */
  readonly maxWaiting: number;
  /** Largest distance between the lowest unsettled offset and the cursor. */
  readonly maxSpan: number;
}

/** One assigned queue. */
export class QueueWindow {
  readonly queue: MessageQueue;
  readonly generation: number;
  readonly settlement: SendBack;
  /** The topic whose retries come through this queue, when it is a retry topic's. */
  readonly isRetry: boolean;
  /** What is counted for its topic. */
  readonly totals: TopicTotals;
  /** Where hand-outs and settlements are traced, if they are. */
  readonly trace: MessageTrace | undefined;
  /** Next offset to pull. */
  cursor: number;
  /** The broker id that the last answer suggested to pull from. */
  suggestedBrokerId = 0;
  /** Messages handed out and neither settled nor given back. */
  out = 0;
  /** Whether the application paused it. */
  paused = false;
  /** Highest offset of the queue as of the last answer, for the lag. */
  maxOffset = -1;
  /** When the last answer came, in milliseconds since the epoch. */
  lastAnswerAt: number;
  /** When a message was last handed out, in milliseconds since the epoch; 0 before the first. */
  lastHandOutAt = 0;
  lostReason: unknown = undefined;
  #dropped = false;
  #entries: (Delivery | undefined)[] = [];
  #base = 0;
  #head = 0;
  #messages = 0;
  #bytes = 0;
  #wake: (() => void) | undefined;
  #inLine = false;
  readonly #lanes = new Map<string, Lane>();
  readonly #budget: Budget;
  readonly #limits: WindowLimits;
  readonly #listener: WindowListener;

  constructor(options: {
    queue: MessageQueue;
    generation: number;
    isRetry: boolean;
    startOffset: number;
    now: number;
    settlement: SendBack;
    budget: Budget;
    limits: WindowLimits;
    listener: WindowListener;
    totals?: TopicTotals;
    trace?: MessageTrace | undefined;
  }) {
    this.queue = options.queue;
    this.generation = options.generation;
    this.isRetry = options.isRetry;
    this.cursor = options.startOffset;
    this.lastAnswerAt = options.now;
    this.settlement = options.settlement;
    this.trace = options.trace;
    this.totals = options.totals ?? newTopicTotals();
    this.#budget = options.budget;
    this.#limits = options.limits;
    this.#listener = options.listener;
  }

  /** Whether the queue is lost. */
  get dropped(): boolean {
    return this.#dropped;
  }

  /** Unsettled messages. */
  get messages(): number {
    return this.#messages;
  }

  /** Bytes of the unsettled messages. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The lowest unsettled offset, or the next one to pull when all is settled: what may be committed. */
  get commitOffset(): number {
    return this.#head < this.#entries.length ? this.#entries[this.#head]!.queueOffset : this.cursor;
  }

  /** The lowest and the highest unsettled offset; `undefined` when all is settled. */
  get heldOffsets(): { first: number; last: number } | undefined {
    const first = this.#entries[this.#head];
    const last = this.#entries.findLast((delivery) => delivery !== undefined);
    return first && last && { first: first.queueOffset, last: last.queueOffset };
  }

  /**
   * Whether this queue's own limits let a pull leave. A reader that is faster than the takers would fill the window with
   * messages that help nobody; on a retry topic the messages of one topic must not stop those of another.
   */
  get hasRoom(): boolean {
    return (this.#messages - this.out <= this.#limits.maxWaiting || this.isRetry) &&
      this.#messages < this.#limits.maxMessages && this.#bytes < this.#limits.maxBytes &&
      this.cursor - this.commitOffset < this.#limits.maxSpan && !this.paused;
  }

  /** The lanes with messages or without. */
  lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** Pastes the messages of one pull on; `frameBytes` is what their frame keeps in memory. */
  append(records: readonly RecordView[], nextOffset: number, frameBytes: number): void {
    this.cursor = nextOffset;
    if (records.length === 0) return;
    const from = this.#base + this.#entries.length;
    const hold: FrameHold = {
      bytes: frameBytes,
      messages: records.length,
      liveBytes: 0,
      sparse: false,
      compacted: false,
      from,
      to: from + records.length,
    };
    let lane: Lane | undefined;
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const topic = this.isRetry
        ? record.property(PropertyKey.RETRY_TOPIC) ?? this.queue.topic
        : this.queue.topic;
      if (lane === undefined || lane.topic !== topic) lane = this.lane(topic);
      const delivery = new Delivery(record, this, from + i, hold, topic);
      hold.liveBytes += record.sizeBytes;
      this.#entries.push(delivery);
      lane.add(delivery);
    }
    this.#messages += records.length;
    this.#bytes += hold.liveBytes;
    this.#budget.take(records.length, frameBytes);
    for (const ready of this.#lanes.values()) if (ready.size > 0) this.#listener.onReady(ready);
  }

  /** A lane has handed a message out. */
  handedOut(now: number): void {
    this.lastHandOutAt = now;
    this.out++;
    if (this.#wake !== undefined && this.hasRoom) this.#wakeUp();
  }

  /** Settles by ack. Called from outside once per message; the first settlement wins. */
  ack(delivery: Delivery): void {
    const state = delivery.state;
    if (state !== "out" && state !== "waiting") return this.#listener.onLateSettlement();
    this.totals.consumed++;
    this.#listener.onAck(delivery);
    this.remove(delivery);
  }

  /** Takes a message off the strip for good: acked, or confirmed elsewhere by the broker. */
  remove(delivery: Delivery): void {
    const wasOut = delivery.state !== "waiting";
    delivery.state = "settled";
    this.#forget(delivery);
    if (wasOut) this.#back();
    if (this.#wake !== undefined && this.hasRoom) this.#wakeUp();
  }

  /** Puts a message that was handed out back at the head of its lane, unsettled. */
  giveBack(delivery: Delivery): void {
    if (delivery.state !== "out" && delivery.state !== "settling") return;
    delivery.state = "waiting";
    delivery.resetSignal();
    const lane = this.lane(delivery.topic);
    lane.giveBack(delivery);
    this.#back();
    this.#listener.onReady(lane);
  }

  /** Every message that was handed out before `before` and is still out. */
  *outSince(before: number): Iterable<Delivery> {
    if (this.out === 0) return;
    for (let i = this.#head; i < this.#entries.length; i++) {
      const delivery = this.#entries[i];
      if (delivery && delivery.state === "out" && delivery.handedOutAt <= before) yield delivery;
    }
  }

  /** The queue is lost: nothing more is handed out, settled or committed from here. */
  drop(reason: unknown): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.lostReason = reason;
    for (const lane of this.#lanes.values()) lane.clear();
    const entries = this.#entries;
    this.#entries = [];
    for (let i = this.#head; i < entries.length; i++) {
      const delivery = entries[i];
      if (delivery === undefined) continue;
      const wasOut = delivery.state === "out" || delivery.state === "settling";
      delivery.state = "stale";
      this.#releaseHold(delivery);
      if (wasOut) this.#back();
      delivery.abort(reason);
    }
    this.#messages = 0;
    this.#bytes = 0;
    this.#wakeUp();
  }

  /** Resolves when a pull may leave again, or the queue was dropped or resumed. */
  waitForRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.hasRoom && !this.#budget.hasRoom && !this.#inLine) {
        this.#inLine = true;
        this.#budget.enqueue(() => {
          this.#inLine = false;
          if (this.#wake) this.#wakeUp();
          else this.#budget.passOn(); // woken by something else meanwhile: the turn is another's
        });
      }
    });
  }

  /** Lets a waiting puller look again: resumed, or a taker has come. */
  lookAgain(): void {
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #back(): void {
    this.out--;
    this.#listener.onBack();
  }

  /** The lane of `topic`. */
  lane(topic: string): Lane {
    let lane = this.#lanes.get(topic);
    if (!lane) this.#lanes.set(topic, lane = new Lane(this, topic));
    return lane;
  }

  /** Leaves a hole, and cuts the left edge when the hole is there. */
  #forget(delivery: Delivery): void {
    const index = delivery.seq - this.#base;
    this.#entries[index] = undefined;
    this.#messages--;
    this.#bytes -= delivery.record.sizeBytes;
    if (index === this.#head) {
      while (this.#head < this.#entries.length && this.#entries[this.#head] === undefined) this.#head++;
      if (this.#head === this.#entries.length) {
        this.#base += this.#entries.length;
        this.#entries = [];
        this.#head = 0;
      } else if (this.#head >= 1024) {
        this.#entries.splice(0, this.#head);
        this.#base += this.#head;
        this.#head = 0;
      }
    }
    this.#releaseHold(delivery);
  }

  #releaseHold(delivery: Delivery): void {
    const hold = delivery.hold;
    hold.messages--;
    hold.liveBytes -= delivery.record.sizeBytes;
    if (hold.compacted) {
      hold.bytes -= delivery.record.sizeBytes;
      this.#budget.release(1, delivery.record.sizeBytes);
    } else if (hold.messages === 0) {
      if (hold.sparse) this.#budget.forgetSparse(hold);
      this.#budget.release(1, hold.bytes);
    } else {
      this.#budget.release(1, 0);
      if (!hold.sparse && hold.liveBytes < hold.bytes * COMPACT_BELOW && hold.bytes > COMPACT_MIN_BYTES) {
        hold.sparse = true;
        if (!this.#dropped) this.#budget.addSparse(hold, () => this.#compact(hold));
      }
    }
  }

  /** Copies the few live messages out of their frame, so that the frame can go. */
  #compact(hold: FrameHold): void {
    for (let seq = Math.max(hold.from, this.#base); seq < hold.to; seq++) {
      this.#entries[seq - this.#base]?.record.compact();
    }
    this.#budget.release(0, hold.bytes - hold.liveBytes);
    hold.bytes = hold.liveBytes;
    hold.compacted = true;
  }
}
