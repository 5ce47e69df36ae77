/**
 * Changes when popped messages are seen again: later while a handler is at work, after a delay on failure, at once on giving up.
 *
 * Changes of one message go one after the other, because each makes the handle that the next needs. A change whose answer is
 * lost leaves the old handle; should the broker have made it, one more delivery may come of it.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { changeMessageInvisibleTime } from "../../protocol/operations.ts";
import { encodePopHandle, PopHandle } from "../../protocol/pop.ts";
import type { ConsumerCounters } from "../statistics.ts";
import type { PopReceipt } from "./receipt.ts";

/** How long a broker may take to answer, in milliseconds (Java: ASYNC_TIMEOUT). */
const CHANGE_TIMEOUT_MS = 3_000;

/**
 * A handle is this old before it is changed, in milliseconds: a broker knows what is hidden by the millisecond in which it was,
 * and would take the end of the old hold for that of the new.
 */
const APART_MS = 2;

/** Asks brokers to change the time of one group's messages. */
export class Invisibility {
  readonly #client: RocketMQClient;
  readonly #group: string;
  readonly #counters: ConsumerCounters;

  constructor(client: RocketMQClient, consumerGroup: string, counters: ConsumerCounters) {
    this.#client = client;
    this.#group = consumerGroup;
    this.#counters = counters;
  }

  /** Has a message seen again `ms` from now. Rejects when the broker has not confirmed that. */
  change(receipt: PopReceipt, ms: number): Promise<void> {
    const change = receipt.pending === undefined
      ? this.#change(receipt, ms)
      : receipt.pending.then(() => this.#change(receipt, ms));
    const pending = change.catch(() => {}).then(() => {
      if (receipt.pending === pending) receipt.pending = undefined;
    });
    receipt.pending = pending;
    return change;
  }

  /** Lets everyone see a message at once. It comes back by itself if that fails. Never rejects. */
  async release(receipt: PopReceipt): Promise<void> {
    receipt.visibleAt = Infinity;
    await this.change(receipt, 0).catch(() => {});
  }

  async #change(receipt: PopReceipt, ms: number): Promise<void> {
    const { queue } = receipt;
    const { clock } = this.#client;
    const restMs = receipt.since + APART_MS - clock.now();
    if (restMs > 0) await clock.sleep(restMs);
    const handle = new PopHandle(receipt.handle);
    const { queueId, queueOffset } = handle;
    const topic = handle.topicOf(queue.topic, this.#group);
    const askedAt = clock.now();
    this.#counters.invisibleTimeChanges++;
    const { header } = await this.#client.call(queue.brokerName, changeMessageInvisibleTime, {
      consumerGroup: this.#group,
      topic,
      queueId,
      extraInfo: receipt.handle,
      offset: queueOffset,
      invisibleTime: ms,
    }, { timeoutMs: CHANGE_TIMEOUT_MS, brokerId: 0 });
    receipt.handle = encodePopHandle({
      checkpointOffset: queueOffset,
      popTime: header.popTime,
      invisibleTime: header.invisibleTime,
      reviveQueueId: header.reviveQid,
      topic,
      brokerName: queue.brokerName,
      queueId,
      queueOffset,
    });
    receipt.since = clock.now();
    if (receipt.visibleAt !== Infinity) receipt.visibleAt = askedAt + ms;
  }
}
