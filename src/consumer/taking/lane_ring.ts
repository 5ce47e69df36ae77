/**
 * The lanes that have something to hand out, taken from in turn, so that no queue starves another.
 */
import type { Delivery } from "../window/delivery.ts";
import type { Lane } from "../window/lane.ts";

/** Lanes in a ring. A lane is in at most one ring, and leaves it when it is empty. */
export class LaneRing {
  #lanes: Lane[] = [];
  #at = 0;

  /** Whether there is nothing to hand out. */
  get isEmpty(): boolean {
    return this.#lanes.length === 0;
  }

  /** Puts a lane in, unless it is in already. */
  add(lane: Lane): void {
    if (lane.queued) return;
    lane.queued = true;
    this.#lanes.push(lane);
  }

  /** The next message, from the next lane. */
  next(now: number): Delivery | undefined {
    while (this.#lanes.length > 0) {
      const lane = this.#step();
      const delivery = lane.take(now);
      this.#leave(lane);
      if (delivery !== undefined) return delivery;
    }
    return undefined;
  }

  /** Up to `max` messages of the next lane, in their order. */
  nextRun(max: number, now: number): Delivery[] {
    while (this.#lanes.length > 0) {
      const lane = this.#step();
      const run = lane.takeRun(max, now);
      this.#leave(lane);
      if (run.length > 0) return run;
    }
    return [];
  }

  /** Takes every lane out. */
  clear(): Lane[] {
    const lanes = this.#lanes;
    for (const lane of lanes) lane.queued = false;
    this.#lanes = [];
    this.#at = 0;
    return lanes;
  }

  #step(): Lane {
    if (this.#at >= this.#lanes.length) this.#at = 0;
    return this.#lanes[this.#at]!;
  }

  /** After taking from the lane at hand: out with it when empty, on to the next otherwise. */
  #leave(lane: Lane): void {
    if (lane.size === 0) {
      lane.queued = false;
      this.#lanes.splice(this.#at, 1);
    } else this.#at++;
  }
}
