/**
 * One message on its way: from the queue's window, out to a handler, to its settlement.
 *
 *   waiting → out → settling → settled, with out → waiting when a loop is left early, and anything → stale when
 *   the queue is lost; out → held → settled or waiting with explicit commits. The first settlement wins; what comes later, or to a stale message, is a counted no-op.
 * This is the object behind ConsumedMessage; everything costly (properties, signal) is made on first use.
 */
import { formatAddress } from "../../core/address.ts";
import type { DeliveryEnd, DeliveryTrail } from "../../core/tracer.ts";
import type { RecordView } from "../../message/record_view.ts";
import { PropertyKey } from "../../message/property_keys.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { unwrapQueue } from "../../protocol/namespace.ts";
import { TraceOutcome } from "../../telemetry/message_trace.ts";
import type { ConsumedMessage, RetryOptions } from "../consumed_message.ts";
import type { FrameHold } from "./frame_hold.ts";
import type { Lane } from "./lane.ts";
import type { PopReceipt } from "../pop/receipt.ts";
import type { QueueWindow } from "./queue_window.ts";

/** Where a delivery is in its life. */
export type DeliveryState = "waiting" | "out" | "held" | "settling" | "settled" | "stale";

/** What the one who follows it is told of each outcome. */
const END_OF: Readonly<Record<TraceOutcome, DeliveryEnd>> = {
  [TraceOutcome.SUCCESS]: "ack",
  [TraceOutcome.TIME_OUT]: "timeout",
  [TraceOutcome.EXCEPTION]: "nack",
  [TraceOutcome.FAILED]: "nack",
};

const decoder: TextDecoder = new TextDecoder();

/** The object behind ConsumedMessage. */
export class Delivery implements ConsumedMessage {
  readonly record: RecordView;
  readonly window: QueueWindow;
  /** Position in the window, counted from the first message of the assignment. */
  readonly seq: number;
  readonly hold: FrameHold;
  /** The line that it waits in; set once by its window. */
  lane: Lane;
  state: DeliveryState = "waiting";
  /** When it was handed out, in milliseconds since the epoch. */
  handedOutAt = 0;
  /** Whether its time was up, and that was told. */
  timedOut = false;
  /** What it is acknowledged with, when it was popped. */
  readonly receipt: PopReceipt | undefined;
  /** Until when its handler may keep it whatever the consume timeout says, in milliseconds since the epoch. */
  extendedUntil = 0;
  /** Deliveries on this side after a send-back that did not reach the broker. */
  localRetries = 0;
  /** The id of its trace since it was handed out; empty when it is not traced. */
  traceId = "";
  /** Who follows it since it was handed out, if anybody does. */
  trail: DeliveryTrail | undefined = undefined;
  /** What its trace says of the end. */
  outcome: TraceOutcome = TraceOutcome.FAILED;
  #abort: AbortController | undefined;

  constructor(
    record: RecordView,
    window: QueueWindow,
    seq: number,
    hold: FrameHold,
    lane: Lane,
    receipt?: PopReceipt,
  ) {
    this.record = record;
    this.window = window;
    this.seq = seq;
    this.hold = hold;
    this.lane = lane;
    this.receipt = receipt;
  }

  get topic(): string {
    return this.lane.shownTopic;
  }

  get queue(): MessageQueue {
    return unwrapQueue(this.window.namespace, this.receipt?.queue ?? this.window.queue);
  }

  get queueOffset(): number {
    return this.record.queueOffset;
  }

  get body(): Uint8Array {
    return this.record.body;
  }

  get tag(): string | undefined {
    return this.record.property(PropertyKey.TAGS);
  }

  get keys(): readonly string[] {
    const keys = this.record.property(PropertyKey.KEYS);
    return keys === undefined || keys === "" ? [] : keys.split(" ");
  }

  get properties(): Readonly<Record<string, string>> {
    return this.record.properties;
  }

  get messageId(): string {
    return this.record.messageId;
  }

  get offsetMessageId(): string {
    return this.record.offsetMessageId;
  }

  get flag(): number {
    return this.record.flag;
  }

  get bornAt(): Date {
    return new Date(this.record.bornTimestamp);
  }

  get bornHost(): string {
    return formatAddress(this.record.bornHost);
  }

  get storedAt(): Date {
    return new Date(this.record.storeTimestamp);
  }

  get storeHost(): string {
    return formatAddress(this.record.storeHost);
  }

  get attempt(): number {
    return this.timesBefore + this.localRetries + 1;
  }

  /** How often the broker delivered it before. */
  get timesBefore(): number {
    return this.receipt?.timesBefore ?? this.record.reconsumeTimes;
  }

  get settled(): boolean {
    return this.state === "settled" || this.state === "settling";
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.state === "stale") this.#abort.abort(this.window.lostReason);
    }
    return this.#abort.signal;
  }

  bytes(): Uint8Array {
    return this.record.body.slice();
  }

  text(): string {
    return decoder.decode(this.record.body);
  }

  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T;
  }

  ack(): void {
    this.window.ack(this);
  }

  retry(options?: RetryOptions): Promise<boolean> {
    return this.window.settlement.retry(this, options);
  }

  deadLetter(reason?: string): Promise<boolean> {
    return this.window.settlement.deadLetter(this, reason);
  }

  extend(ms: number): Promise<boolean> {
    return this.window.extend(this, ms);
  }

  /** The same message as a delivery of its own, one attempt further and still being settled; this one is settled. */
  again(): Delivery {
    const { record, window, seq, hold, lane, receipt } = this;
    const next = new Delivery(record, window, seq, hold, lane, receipt);
    next.localRetries = this.localRetries + 1;
    next.state = "settling";
    this.state = "settled";
    return next;
  }

  /** The work on it is over. Counts how long it was out, if it is the first of its pull: one of each is timed, so that a batch costs one look at the clock. */
  time(clock: { now(): number }): void {
    if (this.trail !== undefined) this.trail.ended(END_OF[this.outcome]);
    const isFirst = this.seq === this.hold.from;
    if (!isFirst && this.traceId === "") return;
    const now = clock.now();
    const costTime = now - this.handedOutAt;
    if (isFirst) {
      this.window.totals.consumeMs += costTime;
      this.window.totals.consumeTimes++;
    }
    if (this.traceId === "") return;
    this.window.trace?.end(this.traceId, this.record, this.topic, { now, costTime, outcome: this.outcome });
    this.traceId = "";
  }

  /** Fires the signal, if anyone ever asked for it. */
  abort(reason: unknown): void {
    if (this.trail !== undefined && this.state === "stale") this.#leaveTrail("lost");
    this.#abort?.abort(reason);
  }

  /** A fresh signal for the next hand-out. */
  resetSignal(): void {
    if (this.trail !== undefined) this.#leaveTrail("returned");
    this.#abort = undefined;
    this.outcome = TraceOutcome.FAILED;
    this.timedOut = false;
    this.extendedUntil = 0;
  }

  #leaveTrail(how: DeliveryEnd): void {
    this.trail?.ended(how);
    this.trail = undefined;
  }
}
