/**
 * What a popped message is held by until it is acknowledged: the broker's handle, and until when it counts.
 *
 * A message that was popped is out of everyone's sight until `visibleAt`; then the broker gives it to whoever asks, and the
 * handle is void. A change of that time makes a new handle, so whoever uses a receipt waits for `pending` first.
 */
import type { MessageQueue } from "../../protocol/message_queue.ts";

/** The hold on one popped message. */
export interface PopReceipt {
  /** The queue of its topic, as an application sees it: a retried message is shown under the topic that it was sent to. */
  readonly queue: MessageQueue;
  /** How often the broker delivered it before. */
  readonly timesBefore: number;
  /** What it is acknowledged with. */
  handle: string;
  /** When it is to be seen again, in milliseconds since the epoch by this side's clock; Infinity when that is decided for good. */
  visibleAt: number;
  /** When the handle came, in milliseconds since the epoch by this side's clock. */
  since: number;
  /** Whether its time was up before it was settled: others may have it. */
  isLost: boolean;
  /** Ends when no change of its time is under way. */
  pending: Promise<unknown> | undefined;
}
