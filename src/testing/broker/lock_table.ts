/**
 * Which member of a group holds which queue, for consumption in order.
 *
 * A lock belongs to a client id until it is unlocked, or was not renewed for 60 s; then the next who asks gets it. Agrees
 * with RebalanceLockManager.
 */
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";

/** Life of a lock without renewal, in milliseconds. */
export const LOCK_LIFE_MS = 60_000;

/** A held lock. */
export interface QueueLock {
  /** The locked queue. */
  readonly queue: MessageQueue;
  /** Who holds it. */
  readonly clientId: string;
  /** When it was taken or last renewed, in milliseconds since the epoch. */
  readonly renewedAt: number;
}

/** The queue locks of one broker. */
export class LockTable {
  readonly #groups = new Map<string, Map<string, QueueLock>>();

  /** Locks or renews `queues` for a client; gives those it holds now. */
  lock(group: string, queues: readonly MessageQueue[], clientId: string, now: number): MessageQueue[] {
    let locks = this.#groups.get(group);
    if (locks === undefined) this.#groups.set(group, locks = new Map());
    const held: MessageQueue[] = [];
    for (const queue of queues) {
      const lock = locks.get(queueKey(queue));
      if (lock !== undefined && lock.clientId !== clientId && !expired(lock, now)) continue;
      locks.set(queueKey(queue), { queue, clientId, renewedAt: now });
      held.push(queue);
    }
    return held;
  }

  /** Releases `queues` as far as the client holds them. */
  unlock(group: string, queues: readonly MessageQueue[], clientId: string): void {
    const locks = this.#groups.get(group);
    for (const queue of queues) {
      if (locks?.get(queueKey(queue))?.clientId === clientId) locks.delete(queueKey(queue));
    }
  }

  /** Whether anyone holds a lock of the group on the topic (RebalanceLockManager.isLockAllExpired, turned around). */
  isAnyHeld(group: string, now: number): boolean {
    return this.of(group, now).length > 0;
  }

  /** The locks of a group that are in force. */
  of(group: string, now: number): QueueLock[] {
    return [...this.#groups.get(group)?.values() ?? []].filter((lock) => !expired(lock, now));
  }
}

function expired(lock: QueueLock, now: number): boolean {
  return now - lock.renewedAt > LOCK_LIFE_MS;
}
