/**
 * How a popped message that was not handled leaves its window: hidden until it is to come again, or for good.
 *
 * Another delivery is a change of the time at which the broker shows the message again, exact to the millisecond; without a
 * wish it grows with the deliveries. A message that has had all its deliveries is stored with the dead letters, and acknowledged only
 * when that is confirmed. (Java never does: it lets the message come for hours, and acknowledges it then.) Where
 * the broker cannot be reached, the message comes again when its time is up.
 */
import { delayLevelMs } from "../../protocol/delay_levels.ts";
import { MessageConsumeError } from "../../core/errors.ts";
import type { RetryOptions } from "../consumed_message.ts";
import type { Delivery } from "../window/delivery.ts";
import { sendToRetryTopic } from "../settlement/retry_message.ts";
import type { SettlementOptions } from "../settlement/settlement.ts";
import type { Settler } from "../settlement/settler.ts";
import type { Invisibility } from "./invisibility.ts";
import { popRestMs } from "./pop_delay.ts";

/** Settles what was popped and may come in any order. */
export class PopSettlement implements Settler {
  readonly #options: Omit<SettlementOptions, "signal">;
  readonly #invisibility: Invisibility;

  constructor(options: Omit<SettlementOptions, "signal">, invisibility: Invisibility) {
    this.#options = options;
    this.#invisibility = invisibility;
  }

  /** See ConsumedMessage.retry. */
  retry(delivery: Delivery, { delayLevel = 0, delayMs }: RetryOptions = {}): Promise<boolean> {
    if (delayLevel < 0 || delivery.timesBefore >= this.#options.maxReconsumeTimes) {
      return this.deadLetter(delivery);
    }
    const restMs = delayMs ?? (delayLevel > 0 ? delayLevelMs(delayLevel) : popRestMs(delivery.timesBefore));
    return this.#settle(delivery, async () => {
      const receipt = delivery.receipt!;
      if (receipt.isLost) throw lost(delivery); // a change now would make one delivery more
      receipt.visibleAt = Infinity; // whatever comes of it, nobody is to prolong it
      await this.#invisibility.change(receipt, restMs);
      this.#options.counters.sentBack++;
      if (delivery.state === "settling") delivery.window.letGo(delivery);
    });
  }

  /** See ConsumedMessage.deadLetter. */
  deadLetter(delivery: Delivery, reason?: string): Promise<boolean> {
    const { counters, emit, onSentBack } = this.#options;
    return this.#settle(delivery, async () => {
      await sendToRetryTopic(delivery, -1, this.#options);
      counters.deadLettered++;
      const { queue, queueOffset, messageId } = delivery;
      emit({ type: "deadLettered", queue, queueOffset, messageId, reason });
      if (delivery.state === "settling") delivery.window.remove(delivery);
      onSentBack();
    });
  }

  async #settle(delivery: Delivery, work: () => Promise<void>): Promise<boolean> {
    const { counters, emit, client } = this.#options;
    if (!delivery.window.beginSettling(delivery)) return false;
    delivery.time(client.clock);
    try {
      await work();
      if (delivery.trail !== undefined) delivery.trail.settled();
      return true;
    } catch (cause) {
      if (delivery.trail !== undefined) delivery.trail.settled(cause);
      counters.sendBackFailures++;
      const { queue, queueOffset } = delivery;
      emit({ type: "sendBackFailed", queue, queueOffset, error: cause as Error });
      if (delivery.state === "settling") delivery.window.letGo(delivery);
      return false;
    }
  }
}

function lost({ messageId, topic, receipt }: Delivery): MessageConsumeError {
  return new MessageConsumeError(
    `Cannot hide message ${messageId} for a while: its time is up, the broker delivers it again`,
    { topic, broker: receipt!.queue.brokerName },
  );
}
