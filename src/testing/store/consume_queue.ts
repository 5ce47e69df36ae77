/**
 * One queue of a topic: for each message, in order, where its record lies in the commit log.
 *
 * Picture a numbered column of (physical offset, size, tags code) rows, kept in chunks of typed arrays. The number of a row
 * is the message's queue offset. Rows are appended at the end, dropped at the front by retention; a number is never
 * used twice.
 */

const CHUNK_ROWS = 512;

interface Chunk {
  readonly physical: Float64Array;
  readonly size: Int32Array;
  readonly tagsCode: Float64Array;
}

/** The rows of one queue. */
export class ConsumeQueue {
  #chunks: Chunk[] = [];
  /** Queue offset of row 0 of the first chunk. */
  #base: number;
  #min: number;
  #max: number;

  /** An empty queue whose first message gets queue offset `start`. */
  constructor(start = 0) {
    this.#base = start;
    this.#min = start;
    this.#max = start;
  }

  /** Queue offset of the oldest message kept. */
  get minOffset(): number {
    return this.#min;
  }

  /** Queue offset that the next message gets. */
  get maxOffset(): number {
    return this.#max;
  }

  /**
   * Adds a message: where its record lies, how long it is, and what the broker filters by (the hash of its tag, or the time
   * at which a scheduled message is due). `count` is the number of queue offsets it takes: an inner batch takes several.
   */
  append(physicalOffset: number, sizeBytes: number, tagsCode: number, count = 1): void {
    for (let i = 0; i < count; i++) {
      const row = this.#max - this.#base;
      let chunk = this.#chunks[Math.floor(row / CHUNK_ROWS)];
      if (chunk === undefined) this.#chunks.push(chunk = newChunk());
      const at = row % CHUNK_ROWS;
      chunk.physical[at] = physicalOffset;
      chunk.size[at] = sizeBytes;
      chunk.tagsCode[at] = tagsCode;
      this.#max++;
    }
  }

  /** Physical offset of the message at `queueOffset`, which must lie between `minOffset` and `maxOffset`. */
  physicalOffset(queueOffset: number): number {
    const row = queueOffset - this.#base;
    return this.#chunks[Math.floor(row / CHUNK_ROWS)]!.physical[row % CHUNK_ROWS]!;
  }

  /** Record size of the message at `queueOffset`, in bytes. */
  sizeBytes(queueOffset: number): number {
    const row = queueOffset - this.#base;
    return this.#chunks[Math.floor(row / CHUNK_ROWS)]!.size[row % CHUNK_ROWS]!;
  }

  /** Tags code of the message at `queueOffset`. */
  tagsCode(queueOffset: number): number {
    const row = queueOffset - this.#base;
    return this.#chunks[Math.floor(row / CHUNK_ROWS)]!.tagsCode[row % CHUNK_ROWS]!;
  }

  /** Whether a message is kept at `queueOffset`. */
  has(queueOffset: number): boolean {
    return queueOffset >= this.#min && queueOffset < this.#max;
  }

  /** The first queue offset for which `reached` holds, `maxOffset` when none; `reached` must never turn false again. */
  firstWhere(reached: (queueOffset: number) => boolean): number {
    let low = this.#min;
    let high = this.#max;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      if (reached(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Drops the messages whose records lie below `physicalOffset`. */
  dropBelow(physicalOffset: number): void {
    this.dropUntil(this.firstWhere((at) => this.physicalOffset(at) >= physicalOffset));
  }

  /** Drops the messages before `queueOffset`. */
  dropUntil(queueOffset: number): void {
    this.#min = Math.max(this.#min, Math.min(queueOffset, this.#max));
    const whole = Math.min(Math.floor((this.#min - this.#base) / CHUNK_ROWS), this.#chunks.length);
    if (whole > 0) {
      this.#chunks.splice(0, whole);
      this.#base += whole * CHUNK_ROWS;
    }
  }

  /** Forgets the messages whose records lie at `physicalOffset` or above. */
  truncate(physicalOffset: number): void {
    this.#max = this.firstWhere((at) => this.physicalOffset(at) >= physicalOffset);
    this.#chunks.length = Math.ceil((this.#max - this.#base) / CHUNK_ROWS);
  }
}

function newChunk(): Chunk {
  return {
    physical: new Float64Array(CHUNK_ROWS),
    size: new Int32Array(CHUNK_ROWS),
    tagsCode: new Float64Array(CHUNK_ROWS),
  };
}
