/**
 * The bytes of one pull, held until its last message is settled.
 *
 * Messages are views into their frame, so the budget counts the whole frame as long as one lives. Of a sparse frame little
 * is live: when bytes are short the window copies the live messages out, and only those count from then on.
 */
import type { Budget } from "./budget.ts";

/** When less than this share of a frame is live, the live messages are copied out of it. */
const COMPACT_BELOW = 0.25;
/** Frames smaller than this are not worth copying out of. */
const COMPACT_MIN_BYTES = 4096;

/** The hold on one frame. */
export class FrameHold {
  /** The window's seq of its first message, and one past the last. */
  readonly from: number;
  readonly to: number;
  /** Bytes of the messages that are not settled. */
  liveBytes = 0;
  /** What the tracer made of the answer that it came with. */
  readonly received: unknown;
  readonly #budget: Budget;
  /** Bytes that the budget counts for it. */
  #bytes: number;
  #messages: number;
  #sparse = false;
  #compacted = false;

  constructor(budget: Budget, bytes: number, from: number, messages: number, received?: unknown) {
    this.#budget = budget;
    this.#bytes = bytes;
    this.#messages = messages;
    this.from = from;
    this.to = from + messages;
    this.received = received;
  }

  /** One of its messages is settled. True when it becomes sparse by that. */
  release(sizeBytes: number): boolean {
    this.#messages--;
    this.liveBytes -= sizeBytes;
    if (this.#compacted) {
      this.#bytes -= sizeBytes;
      this.#budget.release(1, sizeBytes);
      return false;
    }
    if (this.#messages === 0) {
      if (this.#sparse) this.#budget.forgetSparse(this);
      this.#budget.release(1, this.#bytes);
      return false;
    }
    this.#budget.release(1, 0);
    if (this.#sparse || this.#bytes <= COMPACT_MIN_BYTES) return false;
    return this.#sparse = this.liveBytes < this.#bytes * COMPACT_BELOW;
  }

  /** What lives was copied out: only that counts now. */
  compacted(): void {
    this.#budget.release(0, this.#bytes - this.liveBytes);
    this.#bytes = this.liveBytes;
    this.#compacted = true;
  }
}
