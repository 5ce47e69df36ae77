/**
 * On what terms a window works: its limits, its order, and whom it tells.
 */
import type { MessageQueue } from "../../protocol/message_queue.ts";
import type { TopicTotals } from "../../telemetry/consume_speed.ts";
import type { ConsumerTracer } from "../../core/tracer.ts";
import type { MessageTrace } from "../../telemetry/message_trace.ts";
import type { Budget } from "./budget.ts";
import type { ConsumedMessage } from "../consumed_message.ts";
import type { Delivery } from "./delivery.ts";
import type { Lane } from "./lane.ts";
import type { PopReceipt } from "../pop/receipt.ts";
import type { Settler } from "../settlement/settler.ts";

/** What a window tells the engine that it belongs to. */
export interface WindowListener {
  /** A lane has messages to hand out. */
  onReady(lane: Lane): void;
  /** A settlement came too late: settled before, or the queue is lost. */
  onLateSettlement(): void;
  /** A message was settled by ack. */
  onAck(delivery: Delivery): void;
  /** A message is done with, by ack or elsewhere: who keeps no offset for it tells its broker now. */
  onDone?(delivery: Delivery): void;
  /** A handler wants to keep a message for `ms` from now. */
  onExtend(delivery: Delivery, ms: number): Promise<boolean>;
}

/** The limits of one queue. */
export interface WindowLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Messages that may wait to be handed out when a pull leaves: what it brings comes on top. */
  readonly maxWaiting: number;
  /** Largest distance between the lowest unsettled offset and the cursor. */
  readonly maxSpan: number;
}

/** How an ordered window hands out: one run at a time, of the whole queue or of each key. */
export interface WindowOrder {
  /** The key whose messages stay in order; the whole queue is one line without it. */
  readonly keyOf?: ((message: ConsumedMessage) => string) | undefined;
  /** Until when the queue's lock is held, in milliseconds since the epoch; Infinity where none is needed. */
  readonly lockedUntil: number;
}

/** What comes with the messages of one answer. */
export interface Arrival {
  /** What hands each popped message back to the broker. */
  readonly receipts?: readonly PopReceipt[];
  /** What the tracer made of the answer. */
  readonly received?: unknown;
}

/** What a window is made of. */
export interface WindowOptions {
  readonly queue: MessageQueue;
  readonly generation: number;
  readonly isRetry: boolean;
  /** The namespace that its names lie in, which the application does not see. */
  readonly namespace?: string | undefined;
  /** The topic that its messages were sent to, where that is another than the queue's and the same for all. */
  readonly plainTopic?: string | undefined;
  readonly startOffset: number;
  readonly now: number;
  readonly settlement: Settler;
  readonly budget: Budget;
  readonly limits: WindowLimits;
  readonly listener: WindowListener;
  readonly totals?: TopicTotals;
  readonly trace?: MessageTrace | undefined;
  readonly tracer?: ConsumerTracer | undefined;
  readonly order?: WindowOrder | undefined;
}
