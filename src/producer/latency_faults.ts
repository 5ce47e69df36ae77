/**
 * Which brokers answered slowly or failed, and for how long to prefer others.
 *
 * A pure table: every call takes `now`. A send reports how long its broker took; the longer, the longer that broker
 * stays in the penalty box. A penalty is never shortened, a broker nobody heard of is fine. Agrees with Java's
 * MQFaultStrategy and LatencyFaultToleranceImpl; off by default there and here.
 */

/** Latencies in milliseconds, and for how long a broker that reached one of them is passed over. */
export const LATENCY_PENALTIES: readonly { readonly latencyMs: number; readonly penaltyMs: number }[] = [
  { latencyMs: 50, penaltyMs: 0 },
  { latencyMs: 100, penaltyMs: 0 },
  { latencyMs: 550, penaltyMs: 2000 },
  { latencyMs: 1800, penaltyMs: 5000 },
  { latencyMs: 3000, penaltyMs: 6000 },
  { latencyMs: 5000, penaltyMs: 10_000 },
  { latencyMs: 15_000, penaltyMs: 30_000 },
];

/** What a failed send counts as, in milliseconds: Java's "isolation". */
export const ISOLATION_LATENCY_MS = 10_000;

/** Brokers the table remembers; the longest known is forgotten first. */
const MAX_BROKERS = 4096;

/** What is known about one broker. */
export interface LatencyFault {
  /** Name of the broker. */
  readonly broker: string;
  /** How long its last answer took, in milliseconds. */
  readonly latencyMs: number;
  /** When it may be chosen again, in milliseconds since the epoch; 0 for at once. */
  readonly availableAt: number;
  /** Whether it could be reached at all. */
  readonly reachable: boolean;
}

/** For how long a broker that took `latencyMs` is passed over, in milliseconds. */
export function penaltyFor(latencyMs: number): number {
  for (let i = LATENCY_PENALTIES.length - 1; i >= 0; i--) {
    const row = LATENCY_PENALTIES[i]!;
    if (latencyMs >= row.latencyMs) return row.penaltyMs;
  }
  return 0;
}

/** The table. */
export class LatencyFaults {
  readonly #faults = new Map<string, LatencyFault>();

  /** Notes that `broker` took `latencyMs`, for a penalty of `penaltyMs`; an earlier, longer penalty stays. */
  update(broker: string, latencyMs: number, penaltyMs: number, reachable: boolean, now: number): void {
    const before = this.#faults.get(broker);
    const until = penaltyMs > 0 ? now + penaltyMs : 0;
    if (before === undefined && this.#faults.size >= MAX_BROKERS) {
      this.#faults.delete(this.#faults.keys().next().value!);
    }
    const availableAt = Math.max(before?.availableAt ?? 0, until);
    this.#faults.set(broker, { broker, latencyMs, availableAt, reachable });
  }

  /** Notes an answer after `latencyMs`. */
  answered(broker: string, latencyMs: number, now: number): void {
    this.update(broker, latencyMs, penaltyFor(latencyMs), true, now);
  }

  /** Notes that a send to `broker` failed after `latencyMs`; it counts as unreachable until it answers again. */
  failed(broker: string, latencyMs: number, now: number): void {
    this.update(broker, latencyMs, penaltyFor(ISOLATION_LATENCY_MS), false, now);
  }

  /** Whether `broker` has no penalty left. */
  isAvailable(broker: string, now: number): boolean {
    return now >= (this.#faults.get(broker)?.availableAt ?? 0);
  }

  /** Whether `broker` could be reached when it was last tried. */
  isReachable(broker: string): boolean {
    return this.#faults.get(broker)?.reachable ?? true;
  }

  /** Everything known, best first: the available ones, then by latency, then by the end of the penalty. */
  sorted(now: number): LatencyFault[] {
    return [...this.#faults.values()].sort((a, b) =>
      Number(now < a.availableAt) - Number(now < b.availableAt) ||
      a.latencyMs - b.latencyMs || a.availableAt - b.availableAt
    );
  }

  /**
   * The part of `queues` to choose from: those on available brokers, else those on reachable ones, else all. Java's
   * MQFaultStrategy.selectOneMessageQueue.
   */
  prefer<Q extends { readonly brokerName: string }>(queues: readonly Q[], now: number): readonly Q[] {
    if (this.#faults.size === 0) return queues;
    const available = queues.filter((queue) => this.isAvailable(queue.brokerName, now));
    if (available.length > 0) return available;
    const reachable = queues.filter((queue) => this.isReachable(queue.brokerName));
    return reachable.length > 0 ? reachable : queues;
  }
}
