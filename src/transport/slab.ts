/**
 * Memory that reads fill from left to right.
 *
 * Picture a long sheet of paper: each read writes behind the last one and hands out the strip it filled, so a chunk is
 * never overwritten and never copied, and many small reads share one sheet. When every strip has been given back the sheet
 * is blank again; one with little room left is given up. A connection starts with a small sheet and gets a large one once
 * a read has filled all the room there was.
 */

/** A first sheet; enough for heartbeats and commits, and cheap when hundreds of connections are idle. */
const SMALL_BYTES = 16 * 1024;
/** A sheet for bulk. Measured on Deno and Node: 64 KiB costs twice the CPU a byte, 1 MiB is no better. */
const LARGE_BYTES = 256 * 1024;

/** Where the next read goes. */
export class Slab {
  #sheetBytes = SMALL_BYTES;
  #room: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Strips of this sheet that somebody has. */
  #strips = 0;
  /** Whether a read may be under way into the room. */
  #lent = false;

  /** The place for the next read, at least a quarter of a sheet. */
  room(): Uint8Array<ArrayBuffer> {
    if (this.#room.byteLength < this.#sheetBytes / 4) {
      this.#room = new Uint8Array(this.#sheetBytes);
      this.#strips = 0;
    }
    this.#lent = true;
    return this.#room;
  }

  /** What a read of `count` bytes into `room()` filled; it belongs to the caller from now on. */
  take(count: number): Uint8Array {
    const filled = this.#room.subarray(0, count);
    if (count === this.#room.byteLength) this.#sheetBytes = LARGE_BYTES;
    this.#room = this.#room.subarray(count);
    this.#strips++;
    this.#lent = false;
    return filled;
  }

  /** Takes back a strip that nobody refers to any more. Each is given back once, or never. */
  recycle(strip: Uint8Array): void {
    if (strip.buffer !== this.#room.buffer || --this.#strips > 0 || this.#lent) return;
    this.#room = new Uint8Array(this.#room.buffer);
  }

  /** Lets go of the memory. */
  free(): void {
    this.#room = new Uint8Array(0);
  }
}
