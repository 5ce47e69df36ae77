/**
 * What a delivery asks when it was not handled: another delivery, or the end.
 *
 * Two kinds: Settlement sends back to the broker (concurrent consumption in clustering), LocalSettlement delivers again from
 * here (ordered consumption and broadcasting). Both take a message only once, and neither ever rejects.
 */
import type { RetryOptions } from "../consumed_message.ts";
import type { Delivery } from "../window/delivery.ts";

/** Settles what was not handled. */
export interface Settler {
  /** See ConsumedMessage.retry. */
  retry(delivery: Delivery, options?: RetryOptions): Promise<boolean>;
  /** See ConsumedMessage.deadLetter. */
  deadLetter(delivery: Delivery, reason?: string): Promise<boolean>;
}
