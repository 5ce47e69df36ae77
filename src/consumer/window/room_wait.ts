/**
 * How a puller waits until it may pull again.
 *
 * Its queue has no room of its own, or waits in the budget's line for a turn; whatever changes wakes it, and it looks for itself.
 * One waits at a time. A turn that comes when something else has woken it already goes to the next in line.
 */
import type { Budget } from "./budget.ts";

/** The wait of one queue's puller. */
export class RoomWait {
  readonly #budget: Budget;
  #wake: (() => void) | undefined;
  #inLine = false;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Whether someone waits. */
  get isAwaited(): boolean {
    return this.#wake !== undefined;
  }

  /** Resolves when there may be room; `hasRoom` says whether only the budget is in the way. */
  start(hasRoom: boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (!hasRoom || this.#budget.hasRoom || this.#inLine) return;
      this.#inLine = true;
      this.#budget.enqueue(() => {
        this.#inLine = false;
        if (this.#wake) this.end();
        else this.#budget.passOn();
      });
    });
  }

  /** Wakes who waits. */
  end(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
