/**
 * How a message that was not handled comes again where messages stay in order or in one place: from here.
 *
 * It rests for a while and is handed out again, one attempt further, before anything that comes after it in its line; after
 * `maxReconsumeTimes` it is given up, and only when that is confirmed does it leave its window. Agrees with Java's
 * ConsumeMessageOrderlyService.processConsumeResult and checkReconsumeTimes.
 */
import { delayLevelMs } from "../../protocol/delay_levels.ts";
import type { Clock } from "../../time/clock.ts";
import type { RetryOptions } from "../consumed_message.ts";
import type { Delivery } from "../window/delivery.ts";
import type { ConsumerEvent } from "../events.ts";
import type { Lane } from "../window/lane.ts";
import type { Settler } from "./settler.ts";
import type { ConsumerCounters } from "../statistics.ts";

/** How long a message rests that could not be given up, in milliseconds. */
const GIVE_UP_RETRY_MS = 5_000;

/** What a local settlement works with. */
export interface LocalSettlementOptions {
  readonly clock: Clock;
  /** Deliveries after the first before a message is given up; Infinity for never. */
  readonly maxReconsumeTimes: number;
  /** How long a message rests before it is handed out again, in milliseconds. */
  readonly suspendMs: number;
  /** What giving up means; tells it as an event and counts it. */
  readonly giveUp: (delivery: Delivery, reason: string | undefined) => Promise<void>;
  readonly counters: ConsumerCounters;
  readonly emit: (event: ConsumerEvent) => void;
}

/** Delivers again from here. */
export class LocalSettlement implements Settler {
  readonly #options: LocalSettlementOptions;

  constructor(options: LocalSettlementOptions) {
    this.#options = options;
  }

  /** See ConsumedMessage.retry. The delay is exact; a delay level stands for its time. */
  retry(delivery: Delivery, { delayLevel = 0, delayMs }: RetryOptions = {}): Promise<boolean> {
    const { maxReconsumeTimes, suspendMs, counters } = this.#options;
    if (!delivery.window.beginSettling(delivery)) return Promise.resolve(false);
    delivery.time(this.#options.clock);
    if (delivery.attempt > maxReconsumeTimes) return this.#giveUp(delivery, undefined);
    counters.retriedLocally++;
    if (delivery.trail !== undefined) delivery.trail.settled();
    void this.#redeliver(delivery, delayMs ?? (delayLevel > 0 ? delayLevelMs(delayLevel) : suspendMs));
    return Promise.resolve(true);
  }

  /** See ConsumedMessage.deadLetter. */
  deadLetter(delivery: Delivery, reason?: string): Promise<boolean> {
    if (!delivery.window.beginSettling(delivery)) return Promise.resolve(false);
    delivery.time(this.#options.clock);
    return this.#giveUp(delivery, reason);
  }

  /** Hands `deliveries` of `lane` out again after a rest, as if they had not been handed out yet. */
  async rollBack(lane: Lane, deliveries: readonly Delivery[], restMs: number): Promise<void> {
    const { window } = lane;
    window.enter(lane);
    await this.#rest(window.closing.signal, restMs);
    for (const delivery of deliveries) window.giveBack(delivery);
    window.leave(lane);
  }

  async #redeliver(delivery: Delivery, restMs: number): Promise<void> {
    await this.#rest(delivery.window.closing.signal, restMs);
    delivery.window.redeliver(delivery);
  }

  /** Waits, but no longer than the window hands out. */
  #rest(signal: AbortSignal, ms: number): Promise<void> {
    return this.#options.clock.sleep(ms, signal).catch(() => {});
  }

  async #giveUp(delivery: Delivery, reason: string | undefined): Promise<boolean> {
    const { giveUp, counters, emit } = this.#options;
    try {
      await giveUp(delivery, reason);
    } catch (cause) {
      counters.sendBackFailures++;
      if (delivery.trail !== undefined) delivery.trail.settled(cause);
      const { queue, queueOffset } = delivery;
      emit({ type: "sendBackFailed", queue, queueOffset, error: cause as Error });
      void this.#redeliver(delivery, GIVE_UP_RETRY_MS);
      return false;
    }
    if (delivery.trail !== undefined) delivery.trail.settled();
    if (delivery.state === "settling") delivery.window.remove(delivery);
    return true;
  }
}
