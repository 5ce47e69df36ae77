/**
 * The text of an offset file: JSON that a person can read, with a version and a checksum.
 *
 *   { "format": 1, "consumerGroup": …, "messageModel": …, "checksum": "crc32:…", "offsets": { topic: { broker: { queueId: offset }}}}
 * The checksum is over the compact JSON of everything else. What does not check is refused as a whole, never half believed.
 */
import { crc32 } from "node:zlib";
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import type { OffsetMessageModel } from "./offset_store.ts";

/** The version of the format that is written. */
export const FILE_FORMAT = 1;

/** A queue and its offset, as the file has them. */
export interface StoredOffset {
  readonly queue: MessageQueue;
  readonly offset: number;
}

/** What a file holds. */
export interface OffsetFile {
  readonly consumerGroup: string;
  readonly messageModel: OffsetMessageModel;
  /** By queue key. */
  readonly offsets: Map<string, StoredOffset>;
}

type Nested = Record<string, Record<string, Record<string, number>>>;

/** An object without a prototype: a topic may be called `__proto__`. */
function bare<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

function checksum(group: unknown, model: unknown, offsets: unknown): string {
  const hex = crc32(JSON.stringify([FILE_FORMAT, group, model, offsets])).toString(16);
  return `crc32:${hex.padStart(8, "0")}`;
}

/** Writes the text of a file. */
export function writeOffsetFile(file: OffsetFile): string {
  const offsets: Nested = bare();
  for (const { queue, offset } of file.offsets.values()) {
    const brokers = offsets[queue.topic] ??= bare();
    const queues = brokers[queue.brokerName] ??= bare();
    queues[queue.queueId] = offset;
  }
  const { consumerGroup, messageModel } = file;
  const sum = checksum(consumerGroup, messageModel, offsets);
  const page = { format: FILE_FORMAT, consumerGroup, messageModel, checksum: sum, offsets };
  return JSON.stringify(page, null, 2) + "\n";
}

/** Reads the text of a file. @throws Error that says what does not check, as a phrase. */
export function readOffsetFile(text: string): OffsetFile {
  let page: Record<string, unknown> | null;
  try {
    page = JSON.parse(text) as Record<string, unknown> | null;
  } catch (cause) {
    throw new Error(`it is not JSON to its end (${text.length} characters)`, { cause });
  }
  const { format, consumerGroup, messageModel, offsets } = page ?? {};
  if (format !== FILE_FORMAT) {
    throw new Error(`its format is not ${FILE_FORMAT}: current value is ${JSON.stringify(format)}`);
  }
  if (page!["checksum"] !== checksum(consumerGroup, messageModel, offsets)) {
    throw new Error("its checksum does not agree with its offsets");
  }
  return {
    consumerGroup: String(consumerGroup),
    messageModel: messageModel as OffsetMessageModel,
    offsets: flatten(offsets as Nested),
  };
}

function flatten(nested: Nested): Map<string, StoredOffset> {
  const offsets = new Map<string, StoredOffset>();
  for (const [topic, brokers] of Object.entries(nested)) {
    for (const [brokerName, queues] of Object.entries(brokers)) {
      for (const [id, offset] of Object.entries(queues)) {
        const queue = { topic, brokerName, queueId: Number(id) };
        offsets.set(queueKey(queue), { queue, offset });
      }
    }
  }
  return offsets;
}
