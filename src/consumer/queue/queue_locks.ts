/**
 * The locks that brokers keep on the queues of an ordered, clustering group: who holds one may hand messages out.
 *
 * A lock is asked for before the first pull, renewed every 20 s, considered dead 30 s after the request that last got it,
 * and forgotten by the broker after 60 s. Time counts from the sending of a request, so this side never believes in a lock
 * for longer than the broker does. Agrees with Java's RebalanceImpl.lockAll and ProcessQueue.isLockExpired.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { lockBatch, lockBatchResult } from "../../protocol/bodies.ts";
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import { lockBatchMq, unlockBatchMq } from "../../protocol/operations.ts";

/** Between two renewals, in milliseconds (Java: rocketmq.client.rebalance.lockInterval). */
export const LOCK_RENEWAL_MS = 20_000;
/** How long a lock counts here without renewal, in milliseconds (Java: rocketmq.client.rebalance.lockMaxLiveTime). */
export const LOCK_LIVE_MS = 30_000;
/** How long a broker keeps it without renewal, in milliseconds (rocketmq.broker.rebalance.lockMaxLiveTime). */
export const BROKER_LOCK_LIVE_MS = 60_000;
/** How long a broker may take to answer, in milliseconds (Java: 1000). */
const LOCK_TIMEOUT_MS = 1_000;

/** What came of asking for a lock; "unknown" when the broker did not answer. */
export interface LockAnswer {
  readonly queue: MessageQueue;
  readonly state: "held" | "refused" | "unknown";
  /** Until when it counts, in milliseconds since the epoch, when it is held. */
  readonly until: number;
}

/** Asks brokers for the locks of one member. */
export class QueueLocks {
  readonly #client: RocketMQClient;
  readonly #group: string;

  /** The locks of `consumerGroup`, in the name of `client`. */
  constructor(client: RocketMQClient, consumerGroup: string) {
    this.#client = client;
    this.#group = consumerGroup;
  }

  /** Locks `queues`, or renews their locks. One answer for each, in their order; never rejects. */
  async acquire(queues: readonly MessageQueue[]): Promise<LockAnswer[]> {
    const states = new Map<string, LockAnswer>();
    await Promise.all([...byBroker(queues)].map(async ([broker, mqSet]) => {
      const until = this.#client.clock.now() + LOCK_LIVE_MS;
      const held = await this.#lock(broker, mqSet);
      for (const queue of mqSet) {
        const key = queueKey(queue);
        const state = held === undefined ? "unknown" : held.has(key) ? "held" : "refused";
        states.set(key, { queue, state, until });
      }
    }));
    return queues.map((queue) => states.get(queueKey(queue))!);
  }

  async #lock(broker: string, mqSet: readonly MessageQueue[]): Promise<Set<string> | undefined> {
    try {
      const reply = await this.#client.call(broker, lockBatchMq, {}, {
        timeoutMs: LOCK_TIMEOUT_MS,
        body: this.#body(mqSet),
        brokerId: 0,
      });
      return new Set(lockBatchResult.read(reply.body).lockOKMQSet.map(queueKey));
    } catch {
      return undefined;
    }
  }

  /** Gives locks back. What does not reach its broker ends there by itself. Never rejects. */
  async release(queues: readonly MessageQueue[]): Promise<void> {
    await Promise.all(
      [...byBroker(queues)].map(([broker, mqSet]) =>
        this.#client.call(broker, unlockBatchMq, {}, {
          timeoutMs: LOCK_TIMEOUT_MS,
          body: this.#body(mqSet),
          brokerId: 0,
        }).catch(() => {})
      ),
    );
  }

  #body(mqSet: readonly MessageQueue[]): Uint8Array {
    const { clientId } = this.#client;
    return lockBatch.write({ consumerGroup: this.#group, clientId, onlyThisBroker: false, mqSet });
  }
}

function byBroker(queues: readonly MessageQueue[]): Map<string, MessageQueue[]> {
  const groups = new Map<string, MessageQueue[]>();
  for (const queue of queues) {
    const group = groups.get(queue.brokerName);
    if (group) group.push(queue);
    else groups.set(queue.brokerName, [queue]);
  }
  return groups;
}
