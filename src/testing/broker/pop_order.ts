/**
 * Popping in order: which messages of a queue are out, and whether the next may leave.
 *
 * One entry per group, topic and queue: the offsets of the last pop, which of them are acknowledged, when each may be seen again and how
 * often each came before. While an unacknowledged one is invisible the queue is blocked. Agrees with
 * ConsumerOrderInfoManager.
 */

interface OrderEntry {
  readonly attemptId: string | undefined;
  readonly popTime: number;
  readonly invisibleTime: number;
  readonly offsets: readonly number[];
  readonly acked: Set<number>;
  readonly visibleAt: Map<number, number>;
  readonly counts: ReadonlyMap<number, number>;
}

/** A queue of a topic, as a group sees it. */
export interface OrderedQueue {
  /** The group. */
  readonly group: string;
  /** The topic. */
  readonly topic: string;
  /** The queue. */
  readonly queueId: number;
}

/** How an acknowledgement went: the offset to commit, or why there is none. */
export type OrderedAck = number | "unknown offset" | "other pop";

/** The ordered pops of one broker. */
export class PopOrders {
  readonly #entries = new Map<string, OrderEntry>();

  /** Whether an unacknowledged message holds the queue back at `now`; the same attempt may always pop again. */
  isBlocked(queue: OrderedQueue, attemptId: string | undefined, now: number): boolean {
    const entry = this.#entries.get(keyOf(queue));
    if (entry === undefined) return false;
    if (entry.attemptId !== undefined && entry.attemptId === attemptId) return false;
    return entry.offsets.some((offset) => !entry.acked.has(offset) && now < visibleAt(entry, offset));
  }

  /** When the queue is free again at the latest, 0 when it is free. */
  freeAt(queue: OrderedQueue): number {
    const entry = this.#entries.get(keyOf(queue));
    if (entry === undefined) return 0;
    const out = entry.offsets.filter((offset) => !entry.acked.has(offset));
    return Math.max(0, ...out.map((offset) => visibleAt(entry, offset)));
  }

  /** Notes a pop; gives how often each of its messages came before, where that is more than never. */
  popped(
    queue: OrderedQueue,
    pop: {
      attemptId: string | undefined;
      popTime: number;
      invisibleTime: number;
      offsets: readonly number[];
    },
  ): ReadonlyMap<number, number> {
    const before = this.#entries.get(keyOf(queue));
    const counts =
      before !== undefined && before.attemptId !== undefined && before.attemptId === pop.attemptId
        ? before.counts
        : countsAfter(before, pop.offsets);
    this.#entries.set(keyOf(queue), { ...pop, acked: new Set(), visibleAt: new Map(), counts });
    return counts;
  }

  /** Acknowledges a message of a pop. */
  ack(queue: OrderedQueue, queueOffset: number, popTime: number): OrderedAck {
    const entry = this.#entries.get(keyOf(queue));
    if (entry === undefined) return queueOffset + 1;
    if (entry.popTime !== popTime) return "other pop";
    if (!entry.offsets.includes(queueOffset)) return "unknown offset";
    entry.acked.add(queueOffset);
    const first = entry.offsets.find((offset) => !entry.acked.has(offset));
    return first ?? entry.offsets.at(-1)! + 1;
  }

  /** Changes when a message of a pop may be seen again. */
  postpone(queue: OrderedQueue, queueOffset: number, popTime: number, until: number): void {
    const entry = this.#entries.get(keyOf(queue));
    if (entry?.popTime === popTime) entry.visibleAt.set(queueOffset, until);
  }

  /** Forgets what is out of every queue, as after a crash: a real broker saves it every ten seconds, and most of it is over by then. */
  clearAll(): void {
    this.#entries.clear();
  }

  /** Forgets what is out of a queue. */
  clear(queue: OrderedQueue): void {
    this.#entries.delete(keyOf(queue));
  }
}

function visibleAt(entry: OrderEntry, offset: number): number {
  return entry.visibleAt.get(offset) ?? entry.popTime + entry.invisibleTime;
}

function countsAfter(before: OrderEntry | undefined, offsets: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const offset of offsets) {
    if (before?.offsets.includes(offset)) counts.set(offset, (before.counts.get(offset) ?? 0) + 1);
  }
  return counts;
}

function keyOf({ group, topic, queueId }: OrderedQueue): string {
  return `${topic}@${group}@${queueId}`;
}
