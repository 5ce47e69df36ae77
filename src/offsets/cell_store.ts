/**
 * Offsets in cells that the members of a group share: what the KV store and the Redis store have in common.
 *
 * A persist compares and sets: (1) it writes over what this store saw last, one round trip; (2) if something else is there
 * by now, it reads that and asks the rule of `cell.ts` again. Only the cells know the database.
 */
import { OffsetError, OffsetFetchError } from "../core/errors.ts";
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import { type Cell, decide, sameCell, type Wanted } from "./cell.ts";
import type { OffsetMessageModel, OffsetStore, OffsetStoreMetrics, ReadOffsetType } from "./offset_store.ts";
import { type OffsetEntry, OffsetTable } from "./offset_table.ts";
import { forEachQueue, persistEach } from "./persist_each.ts";

/** A cell, and what its database calls this state of it. */
export interface StoredCell {
  readonly cell: Cell;
  readonly token: string;
}

/** The cells of one group in some database. */
export interface OffsetCells {
  /** What is stored; `undefined` when nothing is. */
  read(queue: MessageQueue): Promise<StoredCell | undefined>;
  /** Writes over the state `token` (`undefined`: nothing stored); resolves with what is stored then, or `undefined` when another state was met. */
  swap(queue: MessageQueue, cell: Cell, token: string | undefined): Promise<StoredCell | undefined>;
}

/** Times that a persist looks again before it gives up until the next interval. */
const ATTEMPTS = 8;

/** What this store knows of a cell. */
interface Knowledge {
  /** What it read or wrote last; `undefined` where nothing was stored, absent before the first look. */
  stored?: StoredCell | undefined;
  /** What it tried to write without hearing how that went. */
  unheard?: Cell | undefined;
  /** The offset that needs no persisting any more. */
  settled?: number | undefined;
  /** The persist under way: one at a time, or they would meet each other. */
  turn?: Promise<void> | undefined;
}

/** Keeps a group's offsets in cells. */
export class CellOffsetStore implements OffsetStore {
  readonly messageModel: OffsetMessageModel;
  readonly #cells: OffsetCells;
  readonly #group: string;
  readonly #table = new OffsetTable();
  readonly #known = new Map<string, Knowledge>();
  #persisted = 0;
  #persistFailures = 0;
  #fetched = 0;
  #overtaken = 0;

  constructor(cells: OffsetCells, consumerGroup: string, messageModel: OffsetMessageModel) {
    this.#cells = cells;
    this.#group = consumerGroup;
    this.messageModel = messageModel;
  }

  /** Nothing to open: the database's client is the application's. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Nothing to release. */
  stop(): Promise<void> {
    return Promise.resolve();
  }

  async load(queues: readonly MessageQueue[]): Promise<void> {
    const [failure] = await forEachQueue(queues, (queue) => this.#fetch(queue));
    if (failure) throw failure;
  }

  async #fetch(queue: MessageQueue): Promise<number | undefined> {
    try {
      const stored = await this.#cells.read(queue);
      this.#fetched++;
      this.#known.set(queueKey(queue), { stored, settled: stored?.cell.offset });
      if (stored) this.#table.set(queue, stored.cell.offset);
      return stored?.cell.offset;
    } catch (cause) {
      throw new OffsetFetchError(
        `Cannot read the offset of group "${this.#group}" for ${queueKey(queue)}: ${
          (cause as Error).message
        }`,
        { cause, group: this.#group, topic: queue.topic, broker: queue.brokerName },
      );
    }
  }

  async readOffset(queue: MessageQueue, type: ReadOffsetType): Promise<number | undefined> {
    const known = this.#table.get(queue)?.offset;
    if (type === "READ_FROM_MEMORY" || (type !== "READ_FROM_STORE" && known !== undefined)) return known;
    return await this.#fetch(queue);
  }

  updateOffset(queue: MessageQueue, offset: number, increaseOnly = true): void {
    const known = this.#known.get(queueKey(queue));
    const isNew = known !== undefined && "stored" in known && known.stored === undefined;
    this.#table.update(queue, offset, increaseOnly, isNew);
  }

  async persist(queue: MessageQueue): Promise<void> {
    if (!this.#table.get(queue)) return;
    const key = queueKey(queue);
    const known: Knowledge = this.#known.get(key) ?? {};
    this.#known.set(key, known);
    while (known.turn) await known.turn;
    const entry = this.#table.get(queue);
    if (!entry || (!entry.setBack && known.settled === entry.offset)) return;
    const work = this.#persistEntry(queue, known, entry);
    known.turn = work.then(() => {}, () => {}).finally(() => known.turn = undefined);
    await work;
  }

  async #persistEntry(queue: MessageQueue, known: Knowledge, entry: OffsetEntry): Promise<void> {
    const wanted: Wanted = { offset: entry.offset, setBack: entry.setBack };
    try {
      if (!("stored" in known)) known.stored = await this.#cells.read(queue);
      await this.#store(queue, known, wanted);
      known.settled = wanted.offset;
      if (entry.offset === wanted.offset) entry.setBack = false;
    } catch (cause) {
      this.#persistFailures++;
      const refused = cause instanceof OffsetError;
      throw new OffsetError(
        `Cannot store offset ${wanted.offset} of group "${this.#group}" for ${queueKey(queue)}: ${
          (cause as Error).message
        }`,
        {
          ...(refused ? { retriable: cause.retriable } : { cause }),
          group: this.#group,
          topic: queue.topic,
          broker: queue.brokerName,
        },
      );
    }
  }

  /** Brings `wanted` into the cell, unless the rule says that it stays out. @throws OffsetError when it is refused. */
  async #store(queue: MessageQueue, known: Knowledge, wanted: Wanted): Promise<void> {
    let met = known.stored;
    if (known.unheard) {
      // A write whose answer was lost may have arrived: then what is there is this store's own.
      met = await this.#cells.read(queue);
      if (sameCell(met?.cell, known.unheard)) known.stored = met;
      known.unheard = undefined;
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const decision = decide(met?.cell, known.stored?.cell, wanted);
      if (decision.type === "refuse") throw new OffsetError(decision.reason, { retriable: false });
      if (decision.type === "keep") {
        known.stored = met;
        if (met!.cell.offset > wanted.offset) this.#overtaken++;
        return;
      }
      known.unheard = decision.cell;
      const written = await this.#cells.swap(queue, decision.cell, met?.token);
      known.unheard = undefined;
      if (written) {
        known.stored = written;
        this.#persisted++;
        return;
      }
      met = await this.#cells.read(queue);
    }
    throw new OffsetError(`other members changed it ${ATTEMPTS} times meanwhile`, { retriable: true });
  }

  persistAll(queues: readonly MessageQueue[]): Promise<void> {
    return persistEach(queues, this.#group, (queue) => this.persist(queue));
  }

  removeOffset(queue: MessageQueue): void {
    this.#table.delete(queue);
    this.#known.delete(queueKey(queue));
  }

  metrics(): OffsetStoreMetrics {
    return {
      queues: this.#table.size,
      persisted: this.#persisted,
      persistFailures: this.#persistFailures,
      fetched: this.#fetched,
      overtaken: this.#overtaken,
    };
  }
}
