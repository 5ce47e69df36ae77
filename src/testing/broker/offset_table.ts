/**
 * Where each group stands on each queue, as a broker keeps it.
 *
 * Three columns per (topic, group, queue): the committed offset, the offset last pulled from, and a reset that waits for
 * the group's next pull. Commits count as saved only after `save`, so that a restart can lose the rest. Agrees
 * with ConsumerOffsetManager.
 */

/** Offsets by queue id. */
export type QueueOffsets = Map<number, number>;

interface Column {
  readonly topic: string;
  readonly group: string;
  readonly committed: QueueOffsets;
  readonly pulled: QueueOffsets;
  readonly resets: QueueOffsets;
}

/** What a snapshot holds of an {@linkcode OffsetTable}: committed offsets by `topic@group`, then by queue id. */
export type SavedOffsets = Record<string, Record<number, number>>;

/** The offsets of all groups at one broker. */
export class OffsetTable {
  #columns = new Map<string, Column>();
  #saved: SavedOffsets = {};

  /** The committed offset, `undefined` when the group has none. */
  committed(group: string, topic: string, queueId: number): number | undefined {
    return this.#columns.get(keyOf(topic, group))?.committed.get(queueId);
  }

  /** Commits an offset, forwards or backwards. */
  commit(group: string, topic: string, queueId: number, offset: number): void {
    this.#column(topic, group).committed.set(queueId, offset);
  }

  /** Notes from where a pull read. */
  notePull(group: string, topic: string, queueId: number, offset: number): void {
    this.#column(topic, group).pulled.set(queueId, offset);
  }

  /** The offset that the last pull read from, 0 when none did. */
  pulled(group: string, topic: string, queueId: number): number {
    return this.#columns.get(keyOf(topic, group))?.pulled.get(queueId) ?? 0;
  }

  /** Makes the group's next pull of the queue start at `offset`; commits are ignored until then. */
  reset(group: string, topic: string, queueId: number, offset: number): void {
    const column = this.#column(topic, group);
    column.resets.set(queueId, offset);
    column.committed.set(queueId, offset);
  }

  /** Whether a reset waits for the group's next pull. */
  hasReset(group: string, topic: string, queueId: number): boolean {
    return this.#columns.get(keyOf(topic, group))?.resets.has(queueId) ?? false;
  }

  /** Takes the waiting reset, `undefined` when there is none. */
  takeReset(group: string, topic: string, queueId: number): number | undefined {
    const resets = this.#columns.get(keyOf(topic, group))?.resets;
    const offset = resets?.get(queueId);
    resets?.delete(queueId);
    return offset;
  }

  /** Committed offsets by queue id, empty when the group has none on the topic. */
  ofTopic(group: string, topic: string): ReadonlyMap<number, number> {
    return this.#columns.get(keyOf(topic, group))?.committed ?? new Map();
  }

  /** Topics on which `group` has committed offsets. */
  topicsOf(group: string): string[] {
    return [...this.#columns.values()].filter((c) => c.group === group && c.committed.size > 0).map((c) =>
      c.topic
    );
  }

  /** Groups that have committed offsets on `topic`. */
  groupsOf(topic: string): string[] {
    return [...this.#columns.values()].filter((c) => c.topic === topic && c.committed.size > 0).map((c) =>
      c.group
    );
  }

  /** Copies the committed offsets of one group to another, on one topic or on all. */
  clone(from: string, to: string, topic?: string): void {
    for (const column of [...this.#columns.values()]) {
      if (column.group !== from || (topic !== undefined && column.topic !== topic)) continue;
      for (const [queueId, offset] of column.committed) this.commit(to, column.topic, queueId, offset);
    }
  }

  /** Forgets everything about a topic. */
  removeTopic(topic: string): void {
    for (const [key, column] of this.#columns) if (column.topic === topic) this.#columns.delete(key);
  }

  /** Forgets everything about a group. */
  removeGroup(group: string): void {
    for (const [key, column] of this.#columns) if (column.group === group) this.#columns.delete(key);
  }

  /** All committed offsets, as code 43 answers them. */
  all(): SavedOffsets {
    const out: SavedOffsets = {};
    for (const [key, { committed }] of this.#columns) {
      if (committed.size > 0) out[key] = Object.fromEntries(committed);
    }
    return out;
  }

  /** Saves: from now on a restart that loses unsaved state falls back to this. */
  save(): void {
    this.#saved = this.all();
  }

  /** Falls back to what was saved last. */
  loseUnsaved(): void {
    this.load(this.#saved);
  }

  /** Replaces everything by saved offsets. */
  load(saved: SavedOffsets): void {
    this.#columns.clear();
    for (const [key, offsets] of Object.entries(saved)) {
      const at = key.lastIndexOf("@");
      for (const [queueId, offset] of Object.entries(offsets)) {
        this.commit(key.slice(at + 1), key.slice(0, at), Number(queueId), offset);
      }
    }
    this.save();
  }

  #column(topic: string, group: string): Column {
    const key = keyOf(topic, group);
    let column = this.#columns.get(key);
    if (column === undefined) {
      column = { topic, group, committed: new Map(), pulled: new Map(), resets: new Map() };
      this.#columns.set(key, column);
    }
    return column;
  }
}

function keyOf(topic: string, group: string): string {
  return `${topic}@${group}`;
}
