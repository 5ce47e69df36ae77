/**
 * Keeps what is popped hidden for as long as it is here.
 *
 * Looked at once a second: when half of a message's time is gone it gets the whole time again, whether a handler has it or it still
 * waits for one. Or a slow consumer would have the broker count deliveries of messages that nobody saw. What a paused queue
 * holds is not kept: it goes to others when its time is up. In order a queue's messages are given up from the first that is.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { RebalanceError } from "../../core/errors.ts";
import { type MessageQueue, sameQueue } from "../../protocol/message_queue.ts";
import { PopHandle } from "../../protocol/pop.ts";
import type { Delivery } from "../window/delivery.ts";
import type { QueueWindow } from "../window/queue_window.ts";
import type { ConsumerCounters } from "../statistics.ts";
import type { Invisibility } from "./invisibility.ts";
import type { PopReceipt } from "./receipt.ts";

/** Between two looks, in milliseconds. */
export const KEEP_EVERY_MS = 1_000;
/** What waits is not handed out when less than this is left, in milliseconds: two looks and a way to the broker. */
const TOO_LATE_MS = 2_500;

/** What keeping works with. */
export interface HoldKeeperOptions {
  readonly client: RocketMQClient;
  readonly invisibility: Invisibility;
  readonly counters: ConsumerCounters;
  /** How long popped messages stay hidden, in milliseconds. */
  readonly invisibleMs: number;
  /** Whether messages of a queue wait for each other. */
  readonly order: boolean;
}

/** Looks after the receipts of windows. */
export class HoldKeeper {
  readonly #options: HoldKeeperOptions;
  readonly #tooLateMs: number;

  constructor(options: HoldKeeperOptions) {
    this.#options = options;
    this.#tooLateMs = Math.min(TOO_LATE_MS, options.invisibleMs / 4);
  }

  /** One look at all windows. It waits for no broker: one that is not reached would keep the next look from telling who is too late. */
  keep(windows: readonly QueueWindow[]): void {
    const { client, invisibleMs } = this.#options;
    const now = client.clock.now();
    for (const window of windows) {
      for (const delivery of [...window.unsettled()]) {
        const { visibleAt, pending, isLost } = delivery.receipt!;
        const leftMs = visibleAt - now;
        if (leftMs > invisibleMs / 2 || isLost) continue;
        const waits = delivery.state === "waiting";
        if (leftMs <= (waits ? this.#tooLateMs : 0)) {
          this.#giveUp(delivery);
          if (this.#options.order) this.#giveUpAfter(delivery.receipt!.queue, delivery.queueOffset, windows);
        } else if (pending === undefined && (!waits || !window.paused)) {
          void this.extend(delivery, invisibleMs);
        }
      }
    }
  }

  /**
   * In order a message keeps those after it from others until its broker hears that it is settled, or its time is up: what comes
   * after one that is settled here, and still not known to be when its time is almost up, is given up.
   */
  keepOrder(settled: PopReceipt, windows: readonly QueueWindow[]): void {
    if (settled.visibleAt - this.#options.client.clock.now() > this.#tooLateMs) return;
    this.#giveUpAfter(settled.queue, Number(new PopHandle(settled.handle).queueOffset), windows);
  }

  #giveUpAfter(queue: MessageQueue, queueOffset: number, windows: readonly QueueWindow[]): void {
    for (const window of windows) {
      for (const delivery of [...window.unsettled()]) {
        const { receipt } = delivery;
        if (delivery.queueOffset <= queueOffset || receipt!.isLost || !sameQueue(receipt!.queue, queue)) {
          continue;
        }
        const waits = delivery.state === "waiting";
        this.#giveUp(delivery);
        // its own time is not up, and it would keep the whole queue from others until then
        if (waits) void this.#options.invisibility.release(receipt!);
      }
    }
  }

  /** Keeps one message for `ms` from now; resolves with whether the broker has confirmed it. Never rejects. */
  extend({ receipt }: Delivery, ms: number): Promise<boolean> {
    return this.#options.invisibility.change(receipt!, ms).then(() => true, () => false);
  }

  /** Lets others have what waits here, at once. Never rejects. */
  async release(windows: Iterable<QueueWindow>): Promise<void> {
    const released: Promise<void>[] = [];
    for (const window of windows) {
      for (const delivery of [...window.unsettled()]) {
        // what is being settled is on its way already, or back here soon
        if (delivery.state !== "waiting" && delivery.state !== "held") continue;
        window.letGo(delivery);
        released.push(this.#options.invisibility.release(delivery.receipt!));
      }
    }
    await Promise.all(released);
  }

  /** Its time is up: others may have it by now. A handler at work is told, and may still settle it. */
  #giveUp(delivery: Delivery): void {
    const { counters } = this.#options;
    const { receipt, window } = delivery;
    counters.expired++;
    receipt!.isLost = true;
    if (delivery.state === "waiting") return window.letGo(delivery);
    delivery.abort(
      new RebalanceError(
        `Message ${delivery.messageId} is lost: it could not be kept hidden, others may get it`,
        { topic: delivery.topic, broker: receipt!.queue.brokerName },
      ),
    );
  }
}
