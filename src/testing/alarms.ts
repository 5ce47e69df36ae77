/**
 * Everything a broker has to do later, waited for by one sleeper.
 *
 * Picture a heap of (time, task) and one sleep until the earliest of them. Parked pulls that expire, delayed messages
 * that come due, invisible messages that come back and periodic sweeps all lie in it; cancelling marks the entry. Tasks
 * that are due at one time run in the order they were set.
 */
import { Heap } from "../core/heap.ts";
import { type Clock, UNAWAITED } from "../time/clock.ts";

/** A task set for later. */
export interface Alarm {
  /** When it goes off, in milliseconds since the epoch. */
  readonly at: number;
  /** Forgets it; does nothing once it has gone off. */
  cancel(): void;
}

interface Entry extends Alarm {
  readonly order: number;
  task: (() => void) | undefined;
}

/** The alarms of one broker. */
export class Alarms {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #heap = new Heap(before);
  #order = 0;
  #sleep: { until: number; abort: AbortController } | undefined;
  #stopped = false;

  /** Alarms that tell the time by `clock`; what a task throws goes to `onError`. */
  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** The time, in milliseconds since the epoch. */
  now(): number {
    return this.#clock.now();
  }

  /**
   * Runs `task` at time `at`; a time that has passed means as soon as possible, never at once.
   *
   * @throws RangeError when `at` is no number: among the others it would keep later ones from going off.
   */
  set(at: number, task: () => void): Alarm {
    if (Number.isNaN(at)) throw new RangeError("Cannot set alarm: its time is no number");
    const entry: Entry = {
      at,
      order: this.#order++,
      task,
      cancel: () => void (entry.task = undefined),
    };
    if (!this.#stopped) {
      this.#heap.push(entry);
      this.#arm();
    }
    return entry;
  }

  /** Runs `task` every `everyMs` milliseconds, first after that time. */
  every(everyMs: number, task: () => void): Alarm {
    let current: Alarm;
    let cancelled = false;
    const again = (): void => {
      if (cancelled) return;
      current = this.set(this.#clock.now() + everyMs, () => {
        again();
        task();
      });
    };
    again();
    return {
      at: current!.at,
      cancel: () => {
        cancelled = true;
        current.cancel();
      },
    };
  }

  /** Forgets everything and stops waiting. */
  stop(): void {
    this.#stopped = true;
    this.#heap.clear();
    this.#sleep?.abort.abort(UNAWAITED);
  }

  #arm(): void {
    let first = this.#heap.first;
    for (; first !== undefined && first.task === undefined; first = this.#heap.first) this.#heap.pop();
    if (first === undefined || this.#stopped) return;
    if (this.#sleep !== undefined) {
      if (this.#sleep.until <= first.at) return;
      this.#sleep.abort.abort(UNAWAITED);
    }
    const sleep = { until: first.at, abort: new AbortController() };
    this.#sleep = sleep;
    this.#clock.sleep(Math.max(0, first.at - this.#clock.now()), sleep.abort.signal).then(() => {
      if (this.#sleep === sleep) this.#sleep = undefined;
      this.#ring();
    }, () => {
      if (this.#sleep === sleep) this.#sleep = undefined;
    });
  }

  #ring(): void {
    const now = this.#clock.now();
    for (let next = this.#heap.first; next && (next.at <= now || !next.task); next = this.#heap.first) {
      this.#heap.pop();
      try {
        next.task?.();
      } catch (error) {
        this.#onError(error);
      }
    }
    this.#arm();
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
