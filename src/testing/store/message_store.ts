/**
 * What a broker remembers of messages: the commit log, and for each queue the column of rows that points into it.
 *
 * A message is encoded once, appended once, and never copied again until an answer joins the records it carries. Rows
 * can always be made anew from the log, which is how a snapshot is restored. Searches by time agree with
 * ConsumeQueue.getOffsetInQueueByTime.
 */
import { javaHash } from "../../protocol/java_hash.ts";
import { delayLevelMs } from "../../protocol/delay_levels.ts";
import { SCHEDULE_TOPIC } from "../../protocol/names.ts";
import { findProperty } from "../../message/properties.ts";
import type { Clock } from "../../time/clock.ts";
import type { HostPort } from "../../wire/host.ts";
import { decodeRecord, encodeRecord, type RecordFields, type StoredRecord } from "../../wire/record.ts";
import { CommitLog } from "./commit_log.ts";
import { ConsumeQueue } from "./consume_queue.ts";
import { type Read, type ReadOptions, readQueue } from "./read.ts";

/** A message about to be stored: what the store itself does not know better. */
export type NewMessage = Omit<
  RecordFields,
  "queueOffset" | "physicalOffset" | "storeTimestamp" | "storeHost"
>;

/** Where a message was stored. */
export interface Stored {
  /** Offset in its queue. */
  readonly queueOffset: number;
  /** Offset in the commit log. */
  readonly physicalOffset: number;
  /** Bytes of its record. */
  readonly sizeBytes: number;
  /** When it was stored, in milliseconds since the epoch. */
  readonly storeTimestamp: number;
}

/** How a store is set up. */
export interface MessageStoreOptions {
  /** Tells store times. */
  readonly clock: Clock;
  /** Address that is stamped on messages. */
  readonly storeHost: HostPort;
  /** Waits of the delay levels, in milliseconds. */
  readonly delayLevelsMs: readonly number[];
  /** Bytes kept before old blocks are dropped. */
  readonly retentionBytes: number;
  /** Messages kept in a queue before old ones are dropped. */
  readonly retentionMessages: number;
  /** Bytes of one block of the log. */
  readonly blockBytes: number;
  /** Is told of every message that can be read now. */
  readonly onArrival?: ((message: NewMessage, stored: Stored, tagsCode: number) => void) | undefined;
}

/** `sysFlag` of a batch that is stored as one record. */
const INNER_BATCH = 0x80;
const STORE_TIME_AT_V4 = 56;

/** The messages of one broker. */
export class MessageStore {
  readonly #options: MessageStoreOptions;
  #log: CommitLog;
  #queues = new Map<string, Map<number, ConsumeQueue>>();
  #flushedTo: number;
  #storedCount = 0;

  /** A store; `start` is the physical offset of its first record. */
  constructor(options: MessageStoreOptions, start = 0) {
    this.#options = options;
    this.#log = new CommitLog({ blockBytes: options.blockBytes, start });
    this.#flushedTo = start;
  }

  /** Physical offset of the oldest record kept. */
  get minPhysicalOffset(): number {
    return this.#log.minOffset;
  }

  /** Physical offset that the next record gets. */
  get maxPhysicalOffset(): number {
    return this.#log.maxOffset;
  }

  /** Physical offset up to which everything survives a crash. */
  get flushedTo(): number {
    return this.#flushedTo;
  }

  /** Stores a message. @throws ProtocolError when its topic or properties are too long. */
  put(message: NewMessage): Stored {
    const queue = this.queue(message.topic, message.queueId);
    const storeTimestamp = this.#options.clock.now();
    const queueOffset = queue.maxOffset;
    const innerBatch = (message.sysFlag & INNER_BATCH) !== 0;
    const record = encodeRecord({
      ...message,
      properties: innerBatch ? `INNER_BASE\x01${queueOffset}\x02${message.properties}` : message.properties,
      queueOffset,
      physicalOffset: this.#log.maxOffset,
      storeTimestamp,
      storeHost: this.#options.storeHost,
    });
    const physicalOffset = this.#log.append(record);
    const tagsCode = this.#tagsCode(message, storeTimestamp);
    queue.append(physicalOffset, record.length, tagsCode, batchSize(message));
    const stored: Stored = { queueOffset, physicalOffset, sizeBytes: record.length, storeTimestamp };
    this.#storedCount++;
    this.#retain(queue);
    this.#options.onArrival?.(message, stored, tagsCode);
    return stored;
  }

  /** A queue, made empty when nothing was ever stored in it. */
  queue(topic: string, queueId: number): ConsumeQueue {
    let queues = this.#queues.get(topic);
    if (queues === undefined) this.#queues.set(topic, queues = new Map());
    let queue = queues.get(queueId);
    if (queue === undefined) queues.set(queueId, queue = new ConsumeQueue());
    return queue;
  }

  /** A queue, `undefined` when nothing was ever stored in it. */
  peekQueue(topic: string, queueId: number): ConsumeQueue | undefined {
    return this.#queues.get(topic)?.get(queueId);
  }

  /** The queues of a topic that something was stored in, by queue id. */
  queuesOf(topic: string): ReadonlyMap<number, ConsumeQueue> {
    return this.#queues.get(topic) ?? new Map();
  }

  /** A view of the record at a physical offset, `undefined` when there is none. */
  record(physicalOffset: number): Uint8Array | undefined {
    return this.#log.record(physicalOffset);
  }

  /** The message at a physical offset, `undefined` when there is none. */
  message(physicalOffset: number): StoredRecord | undefined {
    const record = this.record(physicalOffset);
    if (record === undefined) return undefined;
    try {
      const message = decodeRecord(record);
      return message.physicalOffset === physicalOffset ? message : undefined;
    } catch {
      // Any offset can be asked for; one in the middle of a record shows bytes that are no record.
      return undefined;
    }
  }

  /** The message at a queue offset, `undefined` when there is none. */
  messageAt(topic: string, queueId: number, queueOffset: number): StoredRecord | undefined {
    const queue = this.peekQueue(topic, queueId);
    return queue?.has(queueOffset) ? this.message(queue.physicalOffset(queueOffset)) : undefined;
  }

  /** Reads messages of a queue from `offset` on. */
  read(topic: string, queueId: number, offset: number, options: ReadOptions): Read {
    return readQueue(this.#log, this.peekQueue(topic, queueId), offset, options);
  }

  /** How many messages were stored since the store was made. */
  get storedCount(): number {
    return this.#storedCount;
  }

  /** When a record was stored, in milliseconds since the epoch. */
  storeTimeOf(record: Uint8Array): number {
    return storeTimeOf(record);
  }

  /** When the message at a queue offset was stored, −1 when there is none. */
  storeTimeAt(queue: ConsumeQueue, queueOffset: number): number {
    if (!queue.has(queueOffset)) return -1;
    const physicalOffset = queue.physicalOffset(queueOffset);
    const head = this.#log.read(physicalOffset, Math.min(queue.sizeBytes(queueOffset), 80));
    return head === undefined ? -1 : storeTimeOf(head);
  }

  /**
   * A queue offset by store time. Lower: the first message stored at `timestamp` or later, the queue's end when none was.
   * Upper: the last message stored at `timestamp` or earlier; 0 when all came later.
   */
  searchByTime(topic: string, queueId: number, timestamp: number, upper = false): number {
    const queue = this.peekQueue(topic, queueId);
    if (queue === undefined || queue.minOffset === queue.maxOffset) return upper ? 0 : queue?.maxOffset ?? 0;
    if (!upper) return queue.firstWhere((at) => this.storeTimeAt(queue, at) >= timestamp);
    const after = queue.firstWhere((at) => this.storeTimeAt(queue, at) > timestamp);
    return after === queue.minOffset ? 0 : after - 1;
  }

  /** Every record of the log from `offset` on, oldest first. */
  records(offset?: number): Iterable<{ offset: number; bytes: Uint8Array }> {
    return this.#log.records(offset);
  }

  /** Forgets the queues of a topic; the log keeps the records until they are retired. */
  removeTopic(topic: string): void {
    this.#queues.delete(topic);
  }

  /** From now on everything stored so far survives a crash. */
  flush(): void {
    this.#flushedTo = this.#log.maxOffset;
  }

  /** Forgets what was not flushed, as a crash does. */
  loseUnflushed(): void {
    this.#log.truncate(this.#flushedTo);
    for (const queues of this.#queues.values()) {
      for (const queue of queues.values()) queue.truncate(this.#flushedTo);
    }
  }

  /** Drops old blocks of the log until at most `maxBytes` are kept, and the rows that pointed into them. */
  retain(maxBytes: number): void {
    const before = this.#log.minOffset;
    this.#log.retain(maxBytes);
    if (this.#log.minOffset === before) return;
    for (const queues of this.#queues.values()) {
      for (const queue of queues.values()) queue.dropBelow(this.#log.minOffset);
    }
  }

  /** A copy of the log and of where each queue begins. */
  snapshot(): StoreSnapshot {
    const queues: QueueStart[] = [];
    for (const [topic, byId] of this.#queues) {
      for (const [queueId, queue] of byId) {
        const { minOffset } = queue;
        const start = queue.has(minOffset) ? queue.physicalOffset(minOffset) : this.#log.maxOffset;
        queues.push({ topic, queueId, minOffset, start });
      }
    }
    return { log: this.#log.copy(), start: this.#log.minOffset, queues };
  }

  /** Replaces everything by a snapshot: the log is read again, record by record. */
  restore(snapshot: StoreSnapshot): void {
    this.#log = new CommitLog({ blockBytes: this.#options.blockBytes, start: snapshot.start });
    this.#queues = new Map();
    const starts = new Map<ConsumeQueue, number>();
    for (const { topic, queueId, minOffset, start } of snapshot.queues) {
      const queue = new ConsumeQueue(minOffset);
      starts.set(queue, start);
      const byId = this.#queues.get(topic);
      if (byId === undefined) this.#queues.set(topic, new Map([[queueId, queue]]));
      else byId.set(queueId, queue);
    }
    let at = 0;
    while (at < snapshot.log.length) {
      const record = decodeRecord(snapshot.log, at);
      const bytes = snapshot.log.subarray(at, at + record.totalSize);
      at += record.totalSize;
      const physicalOffset = this.#log.append(bytes);
      const queue = this.peekQueue(record.topic, record.queueId);
      // The log still holds what retention by messages has cut off, and what lay in a topic that was removed.
      if (queue === undefined || physicalOffset < starts.get(queue)!) continue;
      const tagsCode = this.#tagsCode(record, record.storeTimestamp);
      queue.append(physicalOffset, bytes.length, tagsCode, batchSize(record));
    }
    this.flush();
  }

  #retain(queue: ConsumeQueue): void {
    const { retentionBytes, retentionMessages } = this.#options;
    if (this.#log.sizeBytes > retentionBytes) this.retain(retentionBytes);
    if (queue.maxOffset - queue.minOffset > retentionMessages) {
      queue.dropUntil(queue.maxOffset - retentionMessages);
    }
  }

  /** What the queue filters by: the hash of the tag, or for a scheduled message the time when it is due. */
  #tagsCode(message: { topic: string; properties: string }, storeTimestamp: number): number {
    if (message.topic === SCHEDULE_TOPIC) {
      const level = Number(findProperty(message.properties, "DELAY") ?? 0);
      return storeTimestamp + delayLevelMs(level, this.#options.delayLevelsMs);
    }
    const tag = findProperty(message.properties, "TAGS");
    return tag === undefined ? 0 : javaHash(tag);
  }
}

/** A {@linkcode MessageStore} at rest. */
export interface StoreSnapshot {
  /** The log's bytes. */
  readonly log: Uint8Array;
  /** Physical offset of its first byte. */
  readonly start: number;
  /** Where each queue begins. */
  readonly queues: readonly QueueStart[];
}

/** Where a queue begins. */
export interface QueueStart {
  /** Topic of the queue. */
  readonly topic: string;
  /** Its id. */
  readonly queueId: number;
  /** Queue offset of its oldest message. */
  readonly minOffset: number;
  /** Physical offset of that message, or of the next one to come. */
  readonly start: number;
}

/** How many queue offsets a message takes. */
function batchSize(message: { sysFlag: number; properties: string }): number {
  if ((message.sysFlag & INNER_BATCH) === 0) return 1;
  return Math.max(1, Number(findProperty(message.properties, "INNER_NUM") ?? 1));
}

function storeTimeOf(record: Uint8Array): number {
  const bornHostV6 = (record[39]! & 0x10) !== 0;
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  return Number(view.getBigInt64(STORE_TIME_AT_V4 + (bornHostV6 ? 12 : 0)));
}
