/**
 * What the application says about the queues of a lite pull consumer: where they come from, where they begin, which rest.
 *
 * Queues come from subscriptions, shared by the group, or are named one by one; the first word decides, once and for all. A wish
 * about a queue holds as long as the queue is owned: with the queue it is forgotten.
 */
import { ConsumerStateError } from "../../core/errors.ts";
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";
import type { QueueWish } from "../queue/assignment_terms.ts";

/** The choice of one consumer. */
export class QueueChoice {
  readonly #group: string;
  #source: "subscribe" | "assign" | undefined;
  #named: readonly MessageQueue[] = [];
  /** Where queues are to begin that are not pulled yet, by key. */
  readonly #sought = new Map<string, number>();
  readonly #paused = new Set<string>();

  /** Nothing is chosen yet in `group`. */
  constructor(group: string) {
    this.#group = group;
  }

  /** Whether queues are named. */
  get isAssigned(): boolean {
    return this.#source === "assign";
  }

  /** Whether topics are subscribed. */
  get isSubscribed(): boolean {
    return this.#source === "subscribe";
  }

  /** The named queues. */
  get named(): readonly MessageQueue[] {
    return this.#named;
  }

  /** The topics of the named queues. */
  get namedTopics(): ReadonlySet<string> {
    return new Set(this.#named.map(({ topic }) => topic));
  }

  /** Checks that queues may come from `source`. @throws ConsumerStateError when the other was chosen. */
  check(source: "subscribe" | "assign", attempted: string): void {
    if (this.#source === undefined || this.#source === source) return;
    const met = source === "assign" ? "it subscribes topics" : "queues are assigned to it";
    throw new ConsumerStateError(
      `Cannot ${attempted}: ${met} already, and a lite pull consumer does one or the other`,
      { group: this.#group },
    );
  }

  /** Decides for a source. */
  choose(source: "subscribe" | "assign"): void {
    this.#source ??= source;
  }

  /** Names the queues; wishes about those that are named no more are forgotten. */
  name(queues: readonly MessageQueue[]): void {
    const before = this.#named;
    this.#named = queues.map(({ topic, brokerName, queueId }) => ({ topic, brokerName, queueId }));
    const kept = new Set(this.#named.map(queueKey));
    this.forget(before.filter((queue) => !kept.has(queueKey(queue))));
  }

  /** Those of this consumer's queues that are pulled or will be: the named ones, or the `owned`. */
  of(owned: readonly MessageQueue[]): readonly MessageQueue[] {
    return this.isAssigned ? this.#named : owned;
  }

  /** Checks that a queue is among those. @throws ConsumerStateError */
  require(queue: MessageQueue, owned: readonly MessageQueue[], attempted: string): void {
    const key = queueKey(queue);
    if (this.of(owned).some((own) => queueKey(own) === key)) return;
    throw new ConsumerStateError(`Cannot ${attempted} ${key}: it is not assigned to this consumer`, {
      topic: queue.topic,
      broker: queue.brokerName,
      group: this.#group,
    });
  }

  /** A queue that is not pulled yet shall begin at `offset`. */
  seek(queue: MessageQueue, offset: number): void {
    this.#sought.set(queueKey(queue), offset);
  }

  /** Queues shall rest, or no longer; all when undefined. Those of others are none of this consumer's business. */
  pause(queues: readonly MessageQueue[] | undefined, owned: readonly MessageQueue[], paused: boolean): void {
    const wanted = queues && new Set(queues.map(queueKey));
    for (const key of this.of(owned).map(queueKey)) {
      if (wanted && !wanted.has(key)) continue;
      if (paused) this.#paused.add(key);
      else this.#paused.delete(key);
    }
  }

  /** Whether a queue shall rest. */
  isPaused(queue: MessageQueue): boolean {
    return this.#paused.has(queueKey(queue));
  }

  /** How a queue that starts now shall begin; the place is told once. */
  wishFor(queue: MessageQueue): QueueWish {
    const key = queueKey(queue);
    const offset = this.#sought.get(key);
    this.#sought.delete(key);
    return { offset, paused: this.#paused.has(key) };
  }

  /** These queues are lost. */
  forget(queues: readonly MessageQueue[]): void {
    for (const queue of queues) {
      this.#sought.delete(queueKey(queue));
      this.#paused.delete(queueKey(queue));
    }
  }
}
