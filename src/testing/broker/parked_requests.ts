/**
 * Requests that found nothing and wait: long polling.
 *
 * Picture a shelf per queue. A request lies there until something arrives that it wants, until its patience ends, or until
 * its connection closes; then it is answered once. Arrivals of one turn wake a shelf once, after all of them are stored. A request whose
 * filter refused what arrived is run anyway at the next sweep, so that its offset moves on (PullRequestHoldService's
 * five-second check).
 */
import type { Channel } from "../../remoting/channel.ts";
import type { Alarm, Alarms } from "../alarms.ts";

/** Time between two checks of a request that what arrived did not wake, in milliseconds. */
export const SWEEP_MS = 5000;

/** Queue id that stands for all queues of a topic. */
const ALL_QUEUES = -1;

/** What arrived in a queue. */
export interface Arrival {
  /** Topic of the message. */
  readonly topic: string;
  /** Queue of the message. */
  readonly queueId: number;
  /** Hash of its tag. */
  readonly tagsCode: number;
  /** The message's properties, as they are stored. */
  readonly properties: string;
}

/** A request to park. */
export interface Parked {
  /** The connection to answer on. */
  readonly channel: Channel;
  /** When its patience ends, in milliseconds since the epoch. */
  readonly until: number;
  /** Whether it wants to run for this arrival. */
  wants(arrival: Arrival): boolean;
  /** Runs it again and answers it; called at most once. */
  run(): void;
}

/** A queue to wait for; queue id −1 waits for all queues of the topic. */
export interface Awaited {
  /** The topic. */
  readonly topic: string;
  /** Its queue. */
  readonly queueId: number;
}

interface Entry {
  readonly parked: Parked;
  readonly shelves: readonly string[];
  readonly expiry: Alarm;
  sweep: Alarm | undefined;
}

/** The parked requests of one broker. */
export class ParkedRequests {
  readonly #alarms: Alarms;
  readonly #limit: number;
  readonly #shelves = new Map<string, Set<Entry>>();
  #arrivals: Arrival[] = [];
  #size = 0;

  /** Room for `limit` requests, with `alarms` for their patience. */
  constructor(alarms: Alarms, limit: number) {
    this.#alarms = alarms;
    this.#limit = limit;
  }

  /** How many requests wait. */
  get size(): number {
    return this.#size;
  }

  /** How many requests wait for one queue. */
  sizeOf(topic: string, queueId: number): number {
    return this.#shelves.get(shelfKey(topic, queueId))?.size ?? 0;
  }

  /** Parks a request that waits for any of the queues; false when there is no room. */
  park(queues: readonly Awaited[], parked: Parked): boolean {
    if (this.#size >= this.#limit) return false;
    const entry: Entry = {
      parked,
      shelves: queues.map(({ topic, queueId }) => shelfKey(topic, queueId)),
      expiry: this.#alarms.set(parked.until, () => this.#take(entry)),
      sweep: undefined,
    };
    for (const key of entry.shelves) {
      const shelf = this.#shelves.get(key);
      if (shelf === undefined) this.#shelves.set(key, new Set([entry]));
      else shelf.add(entry);
    }
    this.#size++;
    return true;
  }

  /** Notes what arrived in a queue; who waits for it runs when this turn's arrivals are all stored. */
  arrived(arrival: Arrival): void {
    if (!this.isAwaited(arrival.topic, arrival.queueId)) return;
    this.#arrivals.push(arrival);
    if (this.#arrivals.length > 1) return;
    queueMicrotask(() => {
      for (const each of this.#arrivals.splice(0)) this.#wake(each);
    });
  }

  /** Runs the requests that wait for a queue, whatever they want: it can be read again. */
  release(topic: string, queueId: number): void {
    for (const entry of this.#waitingFor(topic, queueId)) this.#take(entry);
  }

  /** Whether anyone waits for the queue. */
  isAwaited(topic: string, queueId: number): boolean {
    return this.#shelves.has(shelfKey(topic, queueId)) || this.#shelves.has(shelfKey(topic, ALL_QUEUES));
  }

  /** Forgets the requests of a connection that is closed. */
  dropChannel(channel: Channel): void {
    for (const shelf of [...this.#shelves.values()]) {
      for (const entry of [...shelf]) if (entry.parked.channel === channel) this.#forget(entry);
    }
  }

  #wake(arrival: Arrival): void {
    for (const entry of this.#waitingFor(arrival.topic, arrival.queueId)) {
      if (entry.parked.wants(arrival)) this.#take(entry);
      else entry.sweep ??= this.#alarms.set(this.#alarms.now() + SWEEP_MS, () => this.#take(entry));
    }
  }

  #waitingFor(topic: string, queueId: number): Entry[] {
    const keys = [shelfKey(topic, queueId), shelfKey(topic, ALL_QUEUES)];
    return keys.flatMap((key) => [...this.#shelves.get(key) ?? []]);
  }

  #take(entry: Entry): void {
    if (this.#forget(entry)) entry.parked.run();
  }

  #forget(entry: Entry): boolean {
    let wasParked = false;
    for (const key of entry.shelves) {
      const shelf = this.#shelves.get(key);
      if (!shelf?.delete(entry)) continue;
      wasParked = true;
      if (shelf.size === 0) this.#shelves.delete(key);
    }
    if (!wasParked) return false;
    this.#size--;
    entry.expiry.cancel();
    entry.sweep?.cancel();
    return true;
  }
}

function shelfKey(topic: string, queueId: number): string {
  return `${topic}@${queueId}`;
}
