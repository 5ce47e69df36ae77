/**
 * The compact strings of a pop's answer: where each queue's run starts, which offsets it holds, how often each came.
 *
 * Entries are joined by `;`, their three parts by one space: `flag queue value`. Maps are keyed `flag@queue`, or
 * `flag@qo<queue>%<offset>` for the count of one message. Agrees with ExtraInfoUtil: an entry without exactly three
 * parts and a key that comes twice are errors, a separator at the end is harmless.
 */
import { ProtocolError } from "../core/errors.ts";
import { int64Text, integer, javaSplit, popFlag } from "./pop_handle.ts";

/** A run of messages of one queue in a pop's answer. */
export interface PopRun {
  /** Topic that the messages lie in. */
  readonly topic: string;
  /** Their queue. */
  readonly queueId: number;
  /** Offset of the broker's checkpoint. */
  readonly startOffset: string | number;
  /** Queue offsets of the messages. */
  readonly offsets: readonly (string | number)[];
}

/** How often messages came before, for a whole queue or for one offset. */
export interface PopOrderCount {
  /** Topic that the messages lie in. */
  readonly topic: string;
  /** Their queue. */
  readonly queueId: number;
  /** The message's offset; absent when the count is the queue's. */
  readonly offset?: string | number | undefined;
  /** The count. */
  readonly count: number;
}

/** Key of a queue in the maps below. */
export function popQueueKey(flag: string, queueId: number): string {
  return `${flag}@${queueId}`;
}

/** Name of one message within its flag, `qo<queue>%<offset>`. */
export function popOffsetName(queueId: number, offset: string | number): string {
  return `qo${queueId}%${offset}`;
}

/** Key of one message in the map of counts. */
export function popOffsetKey(flag: string, queueId: number, offset: string | number): string {
  return `${flag}@${popOffsetName(queueId, offset)}`;
}

/** Writes `startOffsetInfo`. */
export function formatStartOffsets(runs: readonly PopRun[]): string {
  return runs.map((run) => `${popFlag(run.topic)} ${run.queueId} ${run.startOffset}`).join(";");
}

/** Writes `msgOffsetInfo`. */
export function formatMessageOffsets(runs: readonly PopRun[]): string {
  return runs.map((run) => `${popFlag(run.topic)} ${run.queueId} ${run.offsets.join(",")}`).join(";");
}

/** Writes `orderCountInfo`. */
export function formatOrderCounts(counts: readonly PopOrderCount[]): string {
  return counts.map(({ topic, queueId, offset, count }) =>
    `${popFlag(topic)} ${offset === undefined ? queueId : popOffsetName(queueId, offset)} ${count}`
  ).join(";");
}

function parseEntries<T>(
  text: string | null | undefined,
  what: string,
  read: (value: string) => T,
): ReadonlyMap<string, T> | undefined {
  if (text === null || text === undefined || text === "") return undefined;
  const map = new Map<string, T>();
  for (const entry of javaSplit(text, ";")) {
    const parts = javaSplit(entry, " ");
    const [flag, queue, value] = parts;
    const key = `${flag}@${queue}`;
    if (parts.length !== 3 || map.has(key)) {
      const met = parts.length === 3 ? `${key} twice` : `an entry of ${parts.length} parts`;
      throw new ProtocolError(`Cannot read ${what}: met ${met}, current value is "${text}"`);
    }
    map.set(key, read(value!));
  }
  return map;
}

/** Reads `startOffsetInfo`; undefined when absent or empty. @throws ProtocolError */
export function parseStartOffsets(text: string | null | undefined): ReadonlyMap<string, string> | undefined {
  return parseEntries(text, "startOffsetInfo", (value) => int64Text(value, "startOffsetInfo"));
}

/** Reads `msgOffsetInfo`; undefined when absent or empty. @throws ProtocolError */
export function parseMessageOffsets(
  text: string | null | undefined,
): ReadonlyMap<string, readonly string[]> | undefined {
  return parseEntries(
    text,
    "msgOffsetInfo",
    (value) => javaSplit(value, ",").map((offset) => int64Text(offset, "msgOffsetInfo")),
  );
}

/** Reads `orderCountInfo`; undefined when absent or empty. @throws ProtocolError */
export function parseOrderCounts(text: string | null | undefined): ReadonlyMap<string, number> | undefined {
  return parseEntries(text, "orderCountInfo", (value) => integer(value, "orderCountInfo", 32));
}

function countOf(entry: string): number {
  const parts = javaSplit(entry, " ");
  const text = parts.length === 3 ? parts[2]! : parts.length === 1 ? parts[0]! : "";
  return /^[+-]?\d+$/.test(text) ? Number(text) : 0;
}

/**
 * Reads the `orderCountInfo` of a lite pop: one count for each of `messages` messages, 0 where unusable; undefined
 * when it is absent or does not fit the number.
 */
export function parseLiteOrderCounts(
  text: string | null | undefined,
  messages: number,
): readonly number[] | undefined {
  if (text === null || text === undefined || text === "") return undefined;
  const entries = javaSplit(text, ";");
  return entries.length === messages ? entries.map(countOf) : undefined;
}
