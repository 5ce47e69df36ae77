/**
 * The messages of one assigned queue between pull and settlement.
 *
 * Picture a strip of paper: at the right end pulls are pasted on (`cursor` is the next offset to pull), in the middle
 * `lanes` hand messages out, and the left edge is cut off up to the lowest unsettled message. That edge is what is
 * committed; when the strip is empty it is the cursor. A window belongs to one assignment (generation): once dropped, it
 * commits nothing, hands nothing out and takes no settlement. An ordered window is open while its queue's lock is held.
 */
import type { RecordView } from "../../message/record_view.ts";
import { PropertyKey } from "../../message/property_keys.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { newTopicTotals, type TopicTotals } from "../../telemetry/consume_speed.ts";
import type { Budget } from "./budget.ts";
import { Delivery } from "./delivery.ts";
import { FrameHold } from "./frame_hold.ts";
import { Lane, laneName } from "./lane.ts";
import { RoomWait } from "./room_wait.ts";
import type { Settler } from "../settlement/settler.ts";
import { Strip } from "./strip.ts";
import type { Arrival, WindowLimits, WindowListener, WindowOptions, WindowOrder } from "./window_terms.ts";

/** One assigned queue. */
export class QueueWindow {
  readonly queue: MessageQueue;
  readonly generation: number;
  readonly settlement: Settler;
  /** What the application does not see of names. */
  readonly namespace: string | undefined;
  /** How it is ordered; undefined when its messages are handed out side by side. */
  readonly order: WindowOrder | undefined;
  /** The topic whose retries come through this queue, when it is a retry topic's. */
  readonly isRetry: boolean;
  /** What is counted for its topic. */
  readonly totals: TopicTotals;
  /** Where hand-outs and settlements are written down, and who follows them, if anybody does. */
  readonly trace: WindowOptions["trace"];
  readonly tracer: WindowOptions["tracer"];
  /** Next offset to pull. */
  cursor: number;
  /** The broker id that the last answer suggested to pull from. */
  suggestedBrokerId = 0;
  /** Messages handed out and neither settled nor given back. */
  out = 0;
  /** Whether the application paused it. */
  paused = false;
  /** Where the queue ends as far as is known, for the lag: as of the last answer, or as asked when there was none for long. */
  maxOffset = -1;
  /** When the last answer came, in milliseconds since the epoch. */
  lastAnswerAt: number;
  /** When a message was last handed out, in milliseconds since the epoch; 0 before the first. */
  lastHandOutAt = 0;
  lostReason: unknown = undefined;
  /** Until when messages may be handed out, in milliseconds since the epoch: as long as the queue's lock is held. */
  lockedUntil: number;
  /** Listener calls that have not returned. */
  calls = 0;
  /** Fires when nothing more is to be handed out: it ends the waits before a local redelivery. */
  readonly closing: AbortController = new AbortController();
  #open = true;
  #dropped = false;
  readonly #plainTopic: string;
  readonly #strip = new Strip();
  #messages = 0;
  #bytes = 0;
  #idle: PromiseWithResolvers<void> | undefined;
  #settledTo = -1;
  #fillsHoles = false;
  /** By topic, in an ordered window of keys by topic and key. */
  readonly #lanes = new Map<string, Lane>();
  readonly #roomWait: RoomWait;
  readonly #budget: Budget;
  readonly #limits: WindowLimits;
  readonly #listener: WindowListener;

  constructor(options: WindowOptions) {
    this.queue = options.queue;
    this.generation = options.generation;
    this.isRetry = options.isRetry;
    this.#plainTopic = options.plainTopic ?? options.queue.topic;
    this.cursor = options.startOffset;
    this.lastAnswerAt = options.now;
    this.settlement = options.settlement;
    this.namespace = options.namespace;
    this.trace = options.trace;
    this.tracer = options.tracer;
    this.totals = options.totals ?? newTopicTotals();
    this.order = options.order;
    this.lockedUntil = options.order?.lockedUntil ?? Infinity;
    this.#budget = options.budget;
    this.#roomWait = new RoomWait(options.budget);
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
    return this.#strip.first?.queueOffset ?? this.cursor;
  }

  /** The lowest and the highest unsettled offset; `undefined` when all is settled. */
  get heldOffsets(): { first: number; last: number } | undefined {
    const { first, last } = this.#strip;
    return first && last && { first: first.queueOffset, last: last.queueOffset };
  }

  /**
   * Whether this queue's own limits let a pull leave. A reader that is faster than the takers would fill the window with
   * messages that help nobody; those of one retried topic or key must not stop another.
   */
  get hasRoom(): boolean {
    const mayWait = this.isRetry || this.order?.keyOf !== undefined;
    return (mayWait || this.#messages - this.out <= this.#limits.maxWaiting) &&
      this.#messages < this.#limits.maxMessages && this.#bytes < this.#limits.maxBytes &&
      this.cursor - this.commitOffset < this.#limits.maxSpan && !this.paused && this.#open;
  }

  /** Whether messages may be handed out, as of the last look. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Whether messages may be handed out at `now`; a window whose lock has run out closes. */
  checkOpen(now: number): boolean {
    if (now >= this.lockedUntil) {
      this.#open = false;
      this.#fillsHoles = false;
      this.#checkIdle();
    }
    return this.#open;
  }

  /** Whether `delivery`, not handed out yet, is to be handed out although the window is closed. */
  isHole(delivery: Delivery): boolean {
    return this.#fillsHoles && delivery.seq < this.#settledTo;
  }

  /** The queue's lock is held until `until`: opens the window again if it had run out. */
  lock(until: number): void {
    this.lockedUntil = until;
    if (this.#open || this.closing.signal.aborted) return;
    this.#open = true;
    this.#offer();
    this.lookAgain();
  }

  /**
   * Hands nothing out any more; what is out may still be settled, and what waits for a local redelivery is back at once. With
   * `fillHoles`, by key, what lies below the highest settled message is still handed out: a hole makes the next owner repeat.
   */
  close(reason: unknown, { fillHoles = false }: { fillHoles?: boolean } = {}): void {
    this.#open = false;
    this.#fillsHoles = fillHoles && this.order?.keyOf !== undefined;
    this.closing.abort(reason);
    if (this.#fillsHoles) this.#offer();
  }

  /** Resolves when nothing is out or to be handed out, and no call is under way. */
  idle(): Promise<void> {
    const { promise } = this.#idle ??= Promise.withResolvers();
    this.#checkIdle();
    return promise;
  }

  /** A listener call with messages of `lane` begins; the lane is held up until it has returned. */
  enter(lane: Lane): void {
    this.calls++;
    lane.enter();
  }

  /** It has returned. */
  leave(lane: Lane): void {
    this.calls--;
    this.#free(lane);
    this.#checkIdle();
  }

  /** The lanes with messages or without. */
  lanes(): Iterable<Lane> {
    return this.#lanes.values();
  }

  /** Pastes the messages of one answer on; `frameBytes` is what their frame keeps in memory. What was popped has receipts. */
  append(
    records: readonly RecordView[],
    nextOffset: number,
    frameBytes: number,
    { receipts, received }: Arrival = {},
  ): void {
    this.cursor = nextOffset;
    if (records.length === 0) return;
    const from = this.#strip.end;
    const hold = new FrameHold(this.#budget, frameBytes, from, records.length, received);
    const keyOf = this.order?.keyOf;
    let lane: Lane | undefined;
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const topic = (this.isRetry ? record.property(PropertyKey.RETRY_TOPIC) : undefined) ?? this.#plainTopic;
      if (lane === undefined || lane.topic !== topic) lane = this.lane(topic);
      const delivery = new Delivery(record, this, from + i, hold, lane, receipts?.[i]);
      if (keyOf) delivery.lane = this.lane(topic, keyOf(delivery));
      hold.liveBytes += record.sizeBytes;
      this.#strip.push(delivery);
      delivery.lane.add(delivery);
    }
    this.#messages += records.length;
    this.#bytes += hold.liveBytes;
    this.#budget.take(records.length, frameBytes);
    this.#offer();
  }

  #offer(): void {
    for (const ready of this.#lanes.values()) if (ready.size > 0) this.#listener.onReady(ready);
  }

  /** A lane has handed a message out. */
  handedOut(now: number): void {
    this.lastHandOutAt = now;
    this.out++;
    if (this.#roomWait.isAwaited && this.hasRoom) this.lookAgain();
  }

  /** Settles by ack. Called from outside once per message; the first settlement wins. */
  ack(delivery: Delivery): void {
    const state = delivery.state;
    if (state !== "out" && state !== "waiting" && state !== "held") return this.#listener.onLateSettlement();
    this.totals.consumed++;
    this.#listener.onAck(delivery);
    this.remove(delivery);
  }

  /** Takes a message off the strip for good: acked, or confirmed elsewhere by the broker. */
  remove(delivery: Delivery): void {
    this.letGo(delivery);
    this.#listener.onDone?.(delivery);
  }

  /** Takes a message off the strip that its broker will deliver again by itself. */
  letGo(delivery: Delivery): void {
    const wasOut = delivery.state === "out" || delivery.state === "settling";
    delivery.state = "settled";
    this.#forget(delivery);
    if (wasOut) this.#back(delivery);
    if (this.#roomWait.isAwaited && this.hasRoom) this.lookAgain();
  }

  /** Puts a message that was handed out back at the head of its lane, unsettled. */
  giveBack(delivery: Delivery): void {
    const wasOut = delivery.state === "out" || delivery.state === "settling";
    if (!wasOut && delivery.state !== "held") return;
    delivery.state = "waiting";
    delivery.resetSignal();
    delivery.lane.giveBack(delivery);
    if (wasOut) this.#back(delivery);
    if (delivery.lane.size > 0) this.#listener.onReady(delivery.lane);
  }

  /**
   * Puts a message back at the head of its lane as a delivery of its own, one attempt further: what the former handler still
   * says of it comes too late.
   */
  redeliver(delivery: Delivery): void {
    if (delivery.state !== "settling") return;
    const next = delivery.again();
    this.#strip.replace(next);
    this.giveBack(next);
  }

  /** Marks a message as being settled, whether it is out or was given back by its loop; false when it is too late. */
  beginSettling(delivery: Delivery): boolean {
    if (delivery.state === "waiting") {
      this.out++;
      delivery.lane.enter();
    } else if (delivery.state !== "out") {
      this.#listener.onLateSettlement();
      return false;
    }
    delivery.state = "settling";
    this.totals.failed++;
    return true;
  }

  /** Sets a handled message aside until COMMIT or ROLLBACK: unsettled, but the next may be handed out. */
  setAside(delivery: Delivery): void {
    if (delivery.state !== "out") return;
    delivery.state = "held";
    this.#back(delivery);
  }

  /** The handler of a message wants to keep it for `ms` from now. */
  extend(delivery: Delivery, ms: number): Promise<boolean> {
    return delivery.state === "out" ? this.#listener.onExtend(delivery, ms) : Promise.resolve(false);
  }

  /** Every message that is not settled. */
  unsettled(): Iterable<Delivery> {
    return this.#strip.messages();
  }

  /** Every message that was handed out before `before` and is still out. */
  *outSince(before: number): Iterable<Delivery> {
    if (this.out === 0) return;
    for (const each of this.unsettled()) if (each.state === "out" && each.handedOutAt <= before) yield each;
  }

  /** The queue is lost: nothing more is handed out, settled or committed from here. */
  drop(reason: unknown): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.lostReason = reason;
    this.close(reason);
    for (const lane of this.#lanes.values()) lane.clear();
    const left = [...this.#strip.messages()];
    this.#strip.clear();
    for (const delivery of left) {
      const wasOut = delivery.state === "out" || delivery.state === "settling";
      delivery.state = "stale";
      this.#releaseHold(delivery);
      if (wasOut) this.#back(delivery);
      delivery.abort(reason);
    }
    this.#messages = this.#bytes = 0;
    this.#checkIdle();
    this.lookAgain();
  }

  /** Resolves when a pull may leave again, or the queue was dropped or resumed. */
  waitForRoom(): Promise<void> {
    return this.#roomWait.start(this.hasRoom);
  }

  /** Lets a waiting puller look again: resumed, or a taker has come. */
  lookAgain(): void {
    this.#roomWait.end();
  }

  #back(delivery: Delivery): void {
    this.out--;
    this.#free(delivery.lane);
    if (this.#idle) this.#checkIdle();
  }

  /** One thing less that a lane waits for. */
  #free(lane: Lane): void {
    lane.leave();
    if (!lane.serial) return;
    if (lane.size > 0) this.#listener.onReady(lane);
    else if (lane.key !== undefined && lane.isIdle) this.#lanes.delete(laneName(lane.topic, lane.key));
  }

  #checkIdle(): void {
    if (!this.#idle || this.out > 0 || this.calls > 0) return;
    if (this.#fillsHoles && this.#lanes.values().some((lane) => lane.size > 0)) return;
    this.#idle.resolve();
    this.#idle = undefined;
  }

  /** The lane of `topic`, or of one key of it. */
  lane(topic: string, key?: string): Lane {
    const name = key === undefined ? topic : laneName(topic, key);
    let lane = this.#lanes.get(name);
    if (!lane) this.#lanes.set(name, lane = new Lane(this, topic, this.order !== undefined, key));
    return lane;
  }

  #forget(delivery: Delivery): void {
    this.#settledTo = Math.max(this.#settledTo, delivery.seq);
    if (this.#fillsHoles) this.#offer();
    this.#strip.remove(delivery.seq);
    this.#messages--;
    this.#bytes -= delivery.record.sizeBytes;
    this.#releaseHold(delivery);
  }

  #releaseHold({ hold, record }: Delivery): void {
    if (!hold.release(record.sizeBytes) || this.#dropped) return;
    // the few live messages are copied out of their frame, so that the frame can go
    this.#budget.addSparse(hold, () => {
      for (const { record: live } of this.#strip.messages(hold.from, hold.to)) live.compact();
      hold.compacted();
    });
  }
}
