/**
 * The one clock of a simulated world, and the views of it that its machines have.
 *
 * Picture a heap of sleepers. Time stands still while anything can still run; `step` goes to the time of the earliest
 * sleeper and wakes everyone who is due then, in the order they lay down. A machine's view can be stopped, as when its
 * power is cut: its sleepers are never woken, its time stays where it was.
 */
import { Heap } from "../../src/core/heap.ts";
import type { Clock } from "../../src/time/clock.ts";
import { nextTurn } from "../../src/time/turn.ts";

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly machine: MachineClock | undefined;
  /** Undefined once it was woken or has given up. */
  wake: (() => void) | undefined;
}

/** The time that every seed begins at, in milliseconds since the epoch. */
export const START_MS = 1_700_000_000_000;

/** Time that moves only when nothing else can. */
export class SimClock implements Clock {
  #now = START_MS;
  #order = 0;
  readonly #heap = new Heap(before);

  /** See Clock. */
  now(): number {
    return this.#now;
  }

  /** Milliseconds of this world so far. */
  get elapsedMs(): number {
    return this.#now - START_MS;
  }

  /** See Clock. Sleeps end on whole milliseconds, and take one at least. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.sleepOn(undefined, ms, signal);
  }

  /** A machine's view. */
  machine(): MachineClock {
    return new MachineClock(this);
  }

  /** Sleeps on behalf of `machine`. */
  sleepOn(machine: MachineClock | undefined, ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (ms === Infinity) return void signal?.addEventListener("abort", () => reject(signal.reason));
      const sleeper: Sleeper = {
        at: Math.ceil(this.#now + Math.max(1, ms)),
        order: this.#order++,
        machine,
        wake: resolve,
      };
      if (signal) {
        const onAbort = (): void => {
          sleeper.wake = undefined;
          reject(signal.reason);
        };
        sleeper.wake = () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        };
        signal.addEventListener("abort", onAbort, { once: true });
      }
      this.#heap.push(sleeper);
    });
  }

  /** When the next sleeper is due, in milliseconds since the epoch; `Infinity` when nobody sleeps. */
  get nextAt(): number {
    let first = this.#heap.first;
    for (; first && !isAwaited(first); first = this.#heap.first) this.#heap.pop();
    return first?.at ?? Infinity;
  }

  /**
   * Lets everything that can run come to rest. A turn of the event loop begins only when no promise callback is left, and
   * nothing in a simulated world waits for anything but callbacks and this clock: so one turn is rest, whatever the
   * runtime's order of callbacks.
   */
  rest(): Promise<void> {
    return nextTurn();
  }

  /** Rests, then goes to the next time that anyone waits for and wakes those who do. */
  async step(): Promise<void> {
    await this.rest();
    const at = this.nextAt;
    if (at === Infinity) throw new Error("Cannot go on: nobody waits for anything");
    this.#now = at;
    for (let next = this.#heap.first; next?.at === at; next = this.#heap.first) {
      this.#heap.pop();
      if (isAwaited(next)) next.wake!();
    }
  }
}

/** The clock of one machine. */
export class MachineClock implements Clock {
  readonly #world: SimClock;
  #stoppedAt: number | undefined;

  /** Use `SimClock.machine`. */
  constructor(world: SimClock) {
    this.#world = world;
  }

  /** Whether its power was cut. */
  get stopped(): boolean {
    return this.#stoppedAt !== undefined;
  }

  /** Cuts the power: nobody who sleeps here ever wakes. */
  stop(): void {
    this.#stoppedAt ??= this.#world.now();
  }

  /** See Clock. */
  now(): number {
    return this.#stoppedAt ?? this.#world.now();
  }

  /** See Clock. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#world.sleepOn(this, ms, signal);
  }
}

function isAwaited(sleeper: Sleeper): boolean {
  return sleeper.wake !== undefined && sleeper.machine?.stopped !== true;
}

function before(a: Sleeper, b: Sleeper): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
