/**
 * Messages as brokers keep them: by id, by key, and the dead letters of a group, to browse and to send back.
 *
 * Agrees with MQAdminImpl (viewMessage, queryMessage with its check of the keys, which brokers find by hash only). Reading is by
 * pulls that no group takes part in, so browsing moves no offset. No address is taken out of a message id: one is only
 * followed to a broker that the name server knows.
 */
import { formatAddress } from "../core/address.ts";
import { ProtocolError, ValidationError } from "../core/errors.ts";
import { decodeOffsetId } from "../message/ids.ts";
import { PropertyKey } from "../message/property_keys.ts";
import { type RecordView, scanRecords } from "../message/record_view.ts";
import { compareQueues, type MessageQueue } from "../protocol/message_queue.ts";
import { dlqTopic } from "../protocol/names.ts";
import {
  consumerSendMsgBack,
  getMaxOffset,
  getMinOffset,
  pullMessage,
  queryMessage,
  viewMessageById,
} from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import {
  type AskOptions,
  type BrokerList,
  type ClusterBroker,
  LONG_TIMEOUT_MS,
  unlessRefused,
} from "./broker_list.ts";

/** A message as a broker keeps it. */
export interface StoredMessage {
  /** The topic that it is kept in. */
  readonly topic: string;
  /** The queue that it is kept in. */
  readonly queue: MessageQueue;
  /** Its offset in that queue. */
  readonly queueOffset: number;
  /** The id that the producer gave it (UNIQ_KEY), or the offset id. */
  readonly messageId: string;
  /** The id that tells broker and commit-log offset. */
  readonly offsetMessageId: string;
  /** Its tag, if any. */
  readonly tag: string | undefined;
  /** Its keys. */
  readonly keys: readonly string[];
  /** All properties, system ones included. */
  readonly properties: Readonly<Record<string, string>>;
  /** The body, decompressed. */
  readonly body: Uint8Array;
  /** The number that the producer gave it as `flag`. */
  readonly flag: number;
  /** When the producer made it. */
  readonly bornAt: Date;
  /** Where the producer was, as the broker saw it: `ip:port`. */
  readonly bornHost: string;
  /** When the broker stored it. */
  readonly storedAt: Date;
  /** The broker that stored it: `ip:port`. */
  readonly storeHost: string;
  /** How often it was sent back. */
  readonly reconsumeTimes: number;
}

/** Some dead letters, the newest of each queue first. */
export interface DeadLetterPage {
  /** The messages. */
  readonly messages: readonly StoredMessage[];
  /** Where older ones begin; undefined when there are none. */
  readonly next: string | undefined;
}

/** What to browse. */
export interface BrowseOptions extends AskOptions {
  /** Messages at most. Default 32. */
  readonly limit?: number | undefined;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

/** What to look for. */
export interface KeyQuery extends AskOptions {
  /** Messages at most, from each broker (1 to 64). Default 32. */
  readonly limit?: number | undefined;
  /** Stored then or later, in milliseconds since the epoch. Default 0. */
  readonly from?: number | undefined;
  /** Stored then or earlier. Default no end. */
  readonly to?: number | undefined;
}

/** The group that tools pull as; every broker has it (Java: MixAll.TOOLS_CONSUMER_GROUP). */
const TOOLS_GROUP = "TOOLS_CONSUMER";
/** PullSysFlag: the request brings its subscription along. */
const FLAG_SUBSCRIPTION = 0x4;
/** Messages that a broker gives at once, by default. */
const PULL_SIZE = 32;
/** A page is never larger. */
const MAX_PAGE = 256;
const MAX_QUERY = 64;
/** The shortest delay, so that a dead letter comes at once. */
const FIRST_DELAY_LEVEL = 1;

/** A queue, its broker, and where it is read to. */
interface QueueEnd {
  readonly queue: MessageQueue;
  readonly broker: ClusterBroker;
  readonly min: number;
  readonly end: number;
}

/** Messages on brokers. */
export class StoredMessages {
  readonly #brokers: BrokerList;

  constructor(brokers: BrokerList) {
    this.#brokers = brokers;
  }

  /** The message of an offset id or a unique id; undefined when no broker has it. */
  async byId(topic: string, id: string, options: AskOptions): Promise<StoredMessage | undefined> {
    const place = await this.#placeOf(id, options);
    if (place !== undefined) {
      const reply = await unlessRefused(
        this.#brokers.ask(place.broker, viewMessageById, { topic, offset: place.offset }, options),
        ResponseCode.SYSTEM_ERROR,
      );
      const [found] = reply ? read(reply.body, place.broker.brokerName) : [];
      if (found !== undefined) return found;
    }
    const found = await this.#query(topic, id, { ...options, unique: true });
    return found.find(({ properties }) => properties[PropertyKey.UNIQUE_KEY] === id);
  }

  /** The broker that an offset id tells, if there is such a one. */
  async #placeOf(
    id: string,
    options: AskOptions,
  ): Promise<{ broker: ClusterBroker; offset: number } | undefined> {
    let place: ReturnType<typeof decodeOffsetId>;
    try {
      place = decodeOffsetId(id);
    } catch (error) {
      if (error instanceof ProtocolError) return undefined;
      throw error;
    }
    const address = `${place.host}:${place.port}`;
    const broker = (await this.#brokers.all(options)).find((each) => each.address === address);
    return broker && { broker, offset: place.offset };
  }

  /** Messages with a key, newest first. */
  async byKey(topic: string, key: string, query: KeyQuery): Promise<StoredMessage[]> {
    const found = await this.#query(topic, key, query);
    return found.filter((message) => message.topic === topic && message.keys.includes(key)).sort(newestFirst);
  }

  async #query(
    topic: string,
    key: string,
    { limit = PULL_SIZE, from = 0, to = Infinity, unique = false, signal }: KeyQuery & { unique?: boolean },
  ): Promise<StoredMessage[]> {
    const brokers = await this.#brokers.readersOf(topic, { signal });
    const answers = await Promise.all(brokers.map(async (broker) => {
      const reply = await this.#brokers.ask(broker, queryMessage, {
        topic,
        key,
        maxNum: Math.min(limit, MAX_QUERY),
        beginTimestamp: from,
        endTimestamp: to,
        ...(unique && { uniqueKeyQuery: true }),
      }, { signal, timeoutMs: LONG_TIMEOUT_MS });
      return reply.code === ResponseCode.SUCCESS ? read(reply.body, broker.brokerName) : [];
    }));
    return answers.flat();
  }

  /** A page of a group's dead letters. */
  async deadLetters(group: string, options: BrowseOptions): Promise<DeadLetterPage> {
    const { limit = PULL_SIZE, after, signal } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
      throw new ValidationError(
        `Cannot browse dead letters: limit is ${limit}, not a whole number from 1 to ${MAX_PAGE}`,
      );
    }
    const ends = await this.#ends(dlqTopic(group), readMark(after), { signal });
    const lists = await Promise.all(ends.map((end) => this.#newest(end, limit, { signal })));
    const messages = mergeNewest(lists, limit);
    const left = ends.map(({ queue, min, end }) => {
      const taken = messages.filter((message) =>
        message.queue.brokerName === queue.brokerName &&
        message.queue.queueId === queue.queueId
      );
      return { queue, min, end: Math.min(end, ...taken.map((message) => message.queueOffset)) };
    });
    return { messages, next: left.some(({ min, end }) => end > min) ? writeMark(left) : undefined };
  }

  /** Sends a dead letter of `group` back: it comes once more, to this group only. The letter itself stays where it is. */
  async sendBack(
    group: string,
    brokerName: string,
    offsetMessageId: string,
    options: AskOptions,
  ): Promise<void> {
    const place = await this.#placeOf(offsetMessageId, options);
    const topic = dlqTopic(group);
    const letter = place && await this.byId(topic, offsetMessageId, options);
    if (place?.broker.brokerName !== brokerName || letter?.topic !== topic) {
      throw new ValidationError(
        `Cannot send back message "${offsetMessageId}": it is no dead letter of group "${group}" on ${brokerName}`,
        { group, broker: brokerName },
      );
    }
    await this.#brokers.ask(place.broker, consumerSendMsgBack, {
      offset: place.offset,
      group,
      delayLevel: FIRST_DELAY_LEVEL,
      originMsgId: letter.messageId,
      originTopic: letter.properties[PropertyKey.RETRY_TOPIC] ?? topic,
      unitMode: false,
      // It has had all its deliveries: the broker would bury it again.
      maxReconsumeTimes: letter.reconsumeTimes + 1,
    }, options);
  }

  async #ends(topic: string, mark: ReadonlyMap<string, number>, options: AskOptions): Promise<QueueEnd[]> {
    const route = await this.#brokers.findRoute(topic, options);
    const readers = new Map(
      (await this.#brokers.readersOf(topic, options)).map((each) => [each.brokerName, each]),
    );
    const ends = await Promise.all((route?.readQueues ?? []).map(async (queue) => {
      const broker = readers.get(queue.brokerName);
      if (broker === undefined) return undefined;
      const { queueId } = queue;
      const [min, max] = await Promise.all([
        this.#brokers.ask(broker, getMinOffset, { topic, queueId }, options),
        this.#brokers.ask(broker, getMaxOffset, { topic, queueId }, options),
      ]);
      const end = mark.get(markKey(queue)) ?? max.header.offset;
      return { queue, broker, min: min.header.offset, end: Math.min(end, max.header.offset) };
    }));
    return ends.filter((end) => end !== undefined).sort((a, b) => compareQueues(a.queue, b.queue));
  }

  /** The last `limit` messages before an end, the last one last. */
  async #newest(
    { queue, broker, min, end }: QueueEnd,
    limit: number,
    options: AskOptions,
  ): Promise<StoredMessage[]> {
    const found: StoredMessage[] = [];
    for (let at = Math.max(min, end - limit); at < end;) {
      const { code, header, body } = await this.#brokers.ask(broker, pullMessage, {
        consumerGroup: TOOLS_GROUP,
        topic: queue.topic,
        queueId: queue.queueId,
        queueOffset: at,
        maxMsgNums: Math.min(PULL_SIZE, end - at),
        sysFlag: FLAG_SUBSCRIPTION,
        commitOffset: 0,
        suspendTimeoutMillis: 0,
        subscription: "*",
        subVersion: 0,
        expressionType: "TAG",
      }, options);
      if (code === ResponseCode.SUCCESS) found.push(...read(body, queue.brokerName));
      if (header.nextBeginOffset <= at) break;
      at = header.nextBeginOffset;
    }
    return found.filter(({ queueOffset }) => queueOffset < end);
  }
}

/** Within a millisecond of one broker the commit log decides: an offset id ends with its offset, in digits of fixed width. */
function newestFirst(a: StoredMessage, b: StoredMessage): number {
  return b.storedAt.getTime() - a.storedAt.getTime() || (a.offsetMessageId < b.offsetMessageId ? 1 : -1);
}

/** The ends of several queues' lists, the newest first; of one queue, never one before a later one. */
function mergeNewest(lists: readonly StoredMessage[][], limit: number): StoredMessage[] {
  const merged: StoredMessage[] = [];
  const timeOf = (list: readonly StoredMessage[]): number => list.at(-1)?.storedAt.getTime() ?? -Infinity;
  while (merged.length < limit) {
    const last = lists.reduce((a, b) => timeOf(b) > timeOf(a) ? b : a, []).pop();
    if (last === undefined) break;
    merged.push(last);
  }
  return merged;
}

/** The messages of an answer. @throws ProtocolError when one cannot be read. */
function read(body: Uint8Array, brokerName: string): StoredMessage[] {
  const { records, bad } = scanRecords(body, { checkCrc: true });
  if (bad !== undefined) throw bad;
  return records.map((record) => storedMessage(record, brokerName));
}

function storedMessage(record: RecordView, brokerName: string): StoredMessage {
  const { topic, queueId, queueOffset, messageId, offsetMessageId, properties, body, reconsumeTimes } =
    record;
  const keys = properties[PropertyKey.KEYS];
  return {
    topic,
    queue: { topic, brokerName, queueId },
    queueOffset,
    messageId,
    offsetMessageId,
    tag: properties[PropertyKey.TAGS],
    keys: keys === undefined || keys === "" ? [] : keys.split(" "),
    properties,
    body,
    flag: record.flag,
    bornAt: new Date(record.bornTimestamp),
    bornHost: formatAddress(record.bornHost),
    storedAt: new Date(record.storeTimestamp),
    storeHost: formatAddress(record.storeHost),
    reconsumeTimes,
  };
}

function markKey({ brokerName, queueId }: MessageQueue): string {
  return `${brokerName}:${queueId}`;
}

/** `broker:queue:end`, joined by commas. */
function writeMark(ends: readonly { readonly queue: MessageQueue; readonly end: number }[]): string {
  return ends.map(({ queue, end }) => `${markKey(queue)}:${end}`).join(",");
}

function readMark(mark: string | undefined): Map<string, number> {
  const ends = new Map<string, number>();
  for (const part of mark === undefined ? [] : mark.split(",")) {
    const colon = part.lastIndexOf(":");
    const end = Number(part.slice(colon + 1));
    if (colon < 1 || !Number.isSafeInteger(end) || end < 0) {
      throw new ValidationError(`Cannot browse dead letters: "${mark}" is no \`next\` of a page before`);
    }
    ends.set(part.slice(0, colon), end);
  }
  return ends;
}
