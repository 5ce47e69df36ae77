/**
 * The one log that every message of a broker is appended to, in memory.
 *
 * Picture a tape of encoded records cut into blocks; the address of a record on the tape is its physical offset. A record
 * lies whole in one block and blocks follow each other without gaps, so the next address is known before a record is
 * encoded. Records are never changed or moved: a reader gets views of the block. The tape is shortened at the front by
 * retention, at the end by a restart that loses what was not flushed.
 */

interface Block {
  readonly start: number;
  readonly bytes: Uint8Array;
  used: number;
}

/** Where a record's total size stands in it. */
const SIZE_BYTES = 4;

/** Append-only bytes addressed by physical offset. */
export class CommitLog {
  readonly #blockBytes: number;
  #blocks: Block[] = [];
  #start: number;
  #end: number;

  /** A log whose first record gets physical offset `start`, in blocks of `blockBytes` (default 4 MiB). */
  constructor(options: { blockBytes?: number; start?: number } = {}) {
    this.#blockBytes = options.blockBytes ?? 4 * 1024 * 1024;
    this.#start = options.start ?? 0;
    this.#end = this.#start;
  }

  /** Physical offset of the oldest record kept. */
  get minOffset(): number {
    return this.#start;
  }

  /** Physical offset that the next record gets. */
  get maxOffset(): number {
    return this.#end;
  }

  /** Bytes kept. */
  get sizeBytes(): number {
    return this.#end - this.#start;
  }

  /** Appends one encoded record and gives its physical offset. */
  append(record: Uint8Array): number {
    let block = this.#blocks[this.#blocks.length - 1];
    if (block === undefined || block.used + record.length > block.bytes.length) {
      block = {
        start: this.#end,
        bytes: new Uint8Array(Math.max(this.#blockSize(), record.length)),
        used: 0,
      };
      this.#blocks.push(block);
    }
    block.bytes.set(record, block.used);
    const offset = this.#end;
    block.used += record.length;
    this.#end += record.length;
    return offset;
  }

  /** A view of `size` bytes at `offset`, `undefined` when they are not (or no longer) in one block of the log. */
  read(offset: number, size: number): Uint8Array | undefined {
    const block = this.#blockOf(offset);
    if (block === undefined || size <= 0) return undefined;
    const from = offset - block.start;
    return from + size <= block.used ? block.bytes.subarray(from, from + size) : undefined;
  }

  /** The record that starts at `offset`, `undefined` when none does. */
  record(offset: number): Uint8Array | undefined {
    const head = this.read(offset, SIZE_BYTES);
    return head === undefined ? undefined : this.read(offset, int32(head));
  }

  /** Every record from `offset` on, oldest first. */
  *records(offset: number = this.#start): Iterable<{ offset: number; bytes: Uint8Array }> {
    let at = Math.max(offset, this.#start);
    while (at < this.#end) {
      const bytes = this.record(at);
      if (bytes === undefined) return;
      yield { offset: at, bytes };
      at += bytes.length;
    }
  }

  /** Forgets whole blocks at the front until at most `maxBytes` are kept; the block in use stays. */
  retain(maxBytes: number): void {
    while (this.sizeBytes > maxBytes && this.#blocks.length > 1) {
      const dropped = this.#blocks.shift()!;
      this.#start = dropped.start + dropped.used;
    }
  }

  /** Forgets every record at `offset` and after it, as a crash does with what was not flushed. */
  truncate(offset: number): void {
    while (this.#blocks.length > 0 && this.#blocks[this.#blocks.length - 1]!.start >= offset) {
      this.#blocks.pop();
    }
    const last = this.#blocks[this.#blocks.length - 1];
    if (last !== undefined && offset < last.start + last.used) last.used = Math.max(0, offset - last.start);
    this.#end = last === undefined
      ? Math.max(this.#start, Math.min(this.#end, offset))
      : last.start + last.used;
  }

  /** A copy of everything kept, in one piece. */
  copy(): Uint8Array {
    const all = new Uint8Array(this.sizeBytes);
    let at = 0;
    for (const block of this.#blocks) {
      all.set(block.bytes.subarray(0, block.used), at);
      at += block.used;
    }
    return all;
  }

  /** The first blocks are small, so that a broker that is made for one test costs little. */
  #blockSize(): number {
    return Math.min(this.#blockBytes, 64 * 1024 * 2 ** Math.min(this.#blocks.length, 10));
  }

  #blockOf(offset: number): Block | undefined {
    let low = 0;
    let high = this.#blocks.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const block = this.#blocks[middle]!;
      if (offset < block.start) high = middle - 1;
      else if (offset >= block.start + block.used) low = middle + 1;
      else return block;
    }
    return undefined;
  }
}

function int32(bytes: Uint8Array): number {
  return (bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!;
}
