/**
 * The offsets that a store holds in memory, by queue.
 *
 * An offset moves forward by itself and back only when it is told to; a store that shares its place with others wants to
 * know which of the two it was, so a step back stays marked (`setBack`) until it is persisted.
 */
import { OffsetError } from "../core/errors.ts";
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";

/** One queue's offset in memory. */
export interface OffsetEntry {
  /** The offset of the next message to consume. */
  offset: number;
  /** Whether it was moved back since it was last persisted. */
  setBack: boolean;
}

/** Refuses what no queue can have as its offset. @throws OffsetError */
export function checkOffset(queue: MessageQueue, offset: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return;
  throw new OffsetError(
    `Cannot update the offset of ${
      queueKey(queue)
    }: it is not a whole number from 0, current value is ${offset}`,
    { topic: queue.topic, broker: queue.brokerName, retriable: false },
  );
}

/** Offsets by queue. */
export class OffsetTable {
  readonly #entries = new Map<string, OffsetEntry>();

  /** Queues with an offset. */
  get size(): number {
    return this.#entries.size;
  }

  /** The entry of a queue. */
  get(queue: MessageQueue): OffsetEntry | undefined {
    return this.#entries.get(queueKey(queue));
  }

  /** Takes over an offset that is stored already. */
  set(queue: MessageQueue, offset: number): void {
    this.#entries.set(queueKey(queue), { offset, setBack: false });
  }

  /** See OffsetStore.updateOffset; `isNew` tells that a queue without an entry has no stored offset either. */
  update(queue: MessageQueue, offset: number, increaseOnly: boolean, isNew = false): void {
    checkOffset(queue, offset);
    const key = queueKey(queue);
    const entry = this.#entries.get(key);
    if (!entry) this.#entries.set(key, { offset, setBack: !increaseOnly && !isNew });
    else if (offset > entry.offset) entry.offset = offset;
    else if (!increaseOnly && offset < entry.offset) {
      entry.offset = offset;
      entry.setBack = true;
    }
  }

  /** Forgets a queue. */
  delete(queue: MessageQueue): void {
    this.#entries.delete(queueKey(queue));
  }
}
