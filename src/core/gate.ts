/**
 * A counting semaphore: so many may be inside at once, the others wait in order, each with its own signal.
 */
export class Gate {
  #free: number;
  #waiting: { enter(): void; signal: AbortSignal | undefined }[] = [];

  /** A gate with room for `limit`. */
  constructor(limit: number) {
    this.#free = limit;
  }

  /** How many wait outside. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes a place if one is free right now. */
  tryEnter(): boolean {
    if (this.#free <= 0) return false;
    this.#free--;
    return true;
  }

  /** Waits for a place; rejects with the signal's reason when it aborts first. */
  enter(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.tryEnter()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const entry = {
        signal,
        enter: (): void => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== entry);
        reject(signal!.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(entry);
    });
  }

  /** Gives a place back to the one that waited longest. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next) next.enter();
    else this.#free++;
  }
}
