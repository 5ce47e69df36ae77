/**
 * Popped messages that are neither acknowledged nor back.
 *
 * Each lies here under its receipt (group, topic, queue, offset, pop time) until it is acknowledged, given more time, or comes back: then
 * it is stored again in the group's retry topic with one more try. The Java broker keeps the same in its revive topic and
 * buffer (PopBufferMergeService, PopReviveService); here the table is part of what the broker keeps.
 */

/** A message that one consumer has for a while. */
export interface Popped {
  /** The group that popped it. */
  readonly group: string;
  /** The topic that it lies in, which may be a retry topic. */
  readonly topic: string;
  /** Its queue. */
  readonly queueId: number;
  /** Its queue offset. */
  readonly queueOffset: number;
  /** When it was popped, in milliseconds since the epoch. */
  readonly popTime: number;
  /** When it comes back, in milliseconds since the epoch. */
  readonly visibleAt: number;
}

/** Popped messages by receipt. */
export class PopTable {
  readonly #popped = new Map<string, Popped>();
  #saved: readonly Popped[] = [];

  /** How many messages a group has, of all topics or of one. */
  count(group: string, topic?: string): number {
    let count = 0;
    for (const each of this.#popped.values()) {
      if (each.group === group && (topic === undefined || each.topic === topic)) count++;
    }
    return count;
  }

  /** All popped messages. */
  all(): Popped[] {
    return [...this.#popped.values()];
  }

  /** Notes a popped message. */
  add(popped: Popped): void {
    this.#popped.set(keyOf(popped), popped);
  }

  /** Whether a message is out under exactly these terms: not acknowledged, nor given another time since. */
  holds(popped: Popped): boolean {
    return this.#popped.get(keyOf(popped)) === popped;
  }

  /** Forgets a message; gives whether it was there under this receipt. */
  remove(receipt: Omit<Popped, "visibleAt">): boolean {
    return this.#popped.delete(keyOf(receipt));
  }

  /** Saves: from now on a restart that loses unsaved state falls back to this. */
  save(): void {
    this.#saved = this.all();
  }

  /** Falls back to what was saved last. */
  loseUnsaved(): void {
    this.load(this.#saved);
  }

  /** Replaces everything. */
  load(popped: readonly Popped[]): void {
    this.#popped.clear();
    for (const each of popped) this.add(each);
    this.save();
  }
}

function keyOf({ group, topic, queueId, queueOffset, popTime }: Omit<Popped, "visibleAt">): string {
  return `${group}@${topic}@${queueId}@${queueOffset}@${popTime}`;
}
