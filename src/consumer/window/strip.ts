/**
 * The unsettled messages of a window, in the order they came, with holes where one is settled.
 *
 * Picture a strip of paper with numbered places: at the right end new messages are pasted on, and the left edge is cut off up to
 * the first place that is not a hole. Numbers count from the first message of the assignment and are never given twice.
 */
import type { Delivery } from "./delivery.ts";

/** Holes at the left edge that may pile up before the paper is cut. */
const CUT_AT = 1_024;

/** One strip. */
export class Strip {
  readonly #places: (Delivery | undefined)[] = [];
  /** The number of the first place. */
  #base = 0;
  /** Where the first message lies. */
  #head = 0;

  /** The number that the next message gets. */
  get end(): number {
    return this.#base + this.#places.length;
  }

  /** The first message. */
  get first(): Delivery | undefined {
    return this.#places[this.#head];
  }

  /** The last message. */
  get last(): Delivery | undefined {
    return this.#places.findLast((delivery) => delivery !== undefined);
  }

  /** Pastes a message on; its number is `end`. */
  push(delivery: Delivery): void {
    this.#places.push(delivery);
  }

  /** Puts a message in the place of the one with its number. */
  replace(delivery: Delivery): void {
    this.#places[delivery.seq - this.#base] = delivery;
  }

  /** Leaves a hole, and cuts the left edge when the hole is there. */
  remove(seq: number): void {
    const places = this.#places;
    const index = seq - this.#base;
    places[index] = undefined;
    if (index !== this.#head) return;
    while (this.#head < places.length && places[this.#head] === undefined) this.#head++;
    if (this.#head === places.length) this.clear();
    else if (this.#head >= CUT_AT) {
      places.splice(0, this.#head);
      this.#base += this.#head;
      this.#head = 0;
    }
  }

  /** Leaves nothing. */
  clear(): void {
    this.#base += this.#places.length;
    this.#places.length = 0; // not a new array: one that grew old would keep what it held alive for a while
    this.#head = 0;
  }

  /** The messages, those with numbers from `from` to `to` (exclusive) only when told. */
  *messages(from = 0, to = Infinity): Iterable<Delivery> {
    const places = this.#places;
    const end = Math.min(places.length, to - this.#base);
    for (let i = Math.max(this.#head, from - this.#base); i < end; i++) if (places[i]) yield places[i]!;
  }
}
