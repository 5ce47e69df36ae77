/**
 * Reading a queue from an offset on: which records there are, and where to read next.
 *
 * Statuses, next offsets and limits agree with DefaultMessageStore.getMessage: a read gives at least one message however large, and
 * looks at so many rows at most when it refuses them.
 */
import type { CommitLog } from "./commit_log.ts";
import type { ConsumeQueue } from "./consume_queue.ts";

/** How a read went (GetMessageStatus). */
export type ReadStatus =
  | "FOUND"
  | "NO_MATCHED_MESSAGE"
  | "MESSAGE_WAS_REMOVING"
  | "OFFSET_OVERFLOW_BADLY"
  | "OFFSET_OVERFLOW_ONE"
  | "OFFSET_TOO_SMALL"
  | "NO_MESSAGE_IN_QUEUE"
  | "OFFSET_RESET";

/** What a read of a queue found. */
export interface Read {
  /** How it went. */
  readonly status: ReadStatus;
  /** Where to read next. */
  readonly nextOffset: number;
  /** Queue offset of the oldest message kept. */
  readonly minOffset: number;
  /** Queue offset of the next message to come. */
  readonly maxOffset: number;
  /** Views of the records. */
  readonly records: readonly Uint8Array[];
  /** Bytes of all records. */
  readonly sizeBytes: number;
  /** Queue offset of each record. */
  readonly queueOffsets: readonly number[];
}

/** Limits and filter of a read. */
export interface ReadOptions {
  /** Most messages. */
  readonly maxMessages: number;
  /** Most bytes; a single larger message passes. */
  readonly maxBytes: number;
  /** Whether a message with this tags code is wanted; all are by default. */
  readonly wantsTags?: ((tagsCode: number) => boolean) | undefined;
  /** Whether a message is wanted; asked only when its tags are. */
  readonly wantsRecord?: ((record: Uint8Array) => boolean) | undefined;
}

/** Most rows that one read looks at (`maxFilterMessageSize` of 16 000 bytes, rows of 20). */
const MAX_ROWS_LOOKED_AT = 800;

/** Reads messages of `queue` from `offset` on; a queue that was never written is `undefined`. */
export function readQueue(
  log: CommitLog,
  queue: ConsumeQueue | undefined,
  offset: number,
  options: ReadOptions,
): Read {
  const minOffset = queue?.minOffset ?? 0;
  const maxOffset = queue?.maxOffset ?? 0;
  const nothing = (status: ReadStatus, nextOffset: number): Read => ({
    status,
    nextOffset,
    minOffset,
    maxOffset,
    records: [],
    queueOffsets: [],
    sizeBytes: 0,
  });
  if (queue === undefined || maxOffset === 0) return nothing("NO_MESSAGE_IN_QUEUE", 0);
  if (offset < minOffset) return nothing("OFFSET_TOO_SMALL", minOffset);
  if (offset === maxOffset) return nothing("OFFSET_OVERFLOW_ONE", offset);
  if (offset > maxOffset) return nothing("OFFSET_OVERFLOW_BADLY", maxOffset);
  return { ...scan(log, queue, offset, options), minOffset, maxOffset };
}

function scan(
  log: CommitLog,
  queue: ConsumeQueue,
  offset: number,
  options: ReadOptions,
): Omit<Read, "minOffset" | "maxOffset"> {
  const records: Uint8Array[] = [];
  const queueOffsets: number[] = [];
  let sizeBytes = 0;
  let status: ReadStatus = "NO_MATCHED_MESSAGE";
  let at = offset;
  let lastPhysical = -1;
  const end = Math.min(queue.maxOffset, offset + MAX_ROWS_LOOKED_AT);
  for (; at < end; at++) {
    const physical = queue.physicalOffset(at);
    // The rows of an inner batch point to one record.
    if (physical === lastPhysical) continue;
    const size = queue.sizeBytes(at);
    if (
      records.length > 0 && (records.length >= options.maxMessages || sizeBytes + size > options.maxBytes)
    ) {
      break;
    }
    lastPhysical = physical;
    if (options.wantsTags && !options.wantsTags(queue.tagsCode(at))) continue;
    const record = log.read(physical, size);
    if (record === undefined) {
      if (records.length === 0) status = "MESSAGE_WAS_REMOVING";
      continue;
    }
    if (options.wantsRecord && !options.wantsRecord(record)) continue;
    records.push(record);
    queueOffsets.push(at);
    sizeBytes += size;
    status = "FOUND";
  }
  return { status, nextOffset: at, records, queueOffsets, sizeBytes };
}
