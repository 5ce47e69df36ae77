/**
 * The stored message: how a broker keeps a message and how pull, pop, query and view answers carry it.
 *
 * One ordered list of steps says it all: field, size, how to read, how to write. Version 1 and 2 differ in the width of
 * the topic's length, which the magic tells. This is the plain, complete codec; what a consumer reads at full speed is
 * message/record_view.ts, which takes its positions from here.
 */
import { crc32 } from "node:zlib";
import { ProtocolError } from "../core/errors.ts";
import { ByteReader, ByteWriter, NO_BYTES, utf8Bytes } from "./bytes.ts";
import { type HostPort, ipBytes, IPV4_BYTES, IPV6_BYTES, isIpv6, readHost } from "./host.ts";

/** Magic of a record whose topic has a length of one byte. */
export const RECORD_MAGIC_V1: number = -626843481;
/** Magic of a record whose topic has a length of two bytes. */
export const RECORD_MAGIC_V2: number = -626843477;
/** Magic of the blank that fills the end of a commit-log file. */
export const BLANK_MAGIC: number = -875286124;
/** Bit of `sysFlag`: bornHost is an IPv6 address. */
export const BORN_HOST_V6 = 0x10;
/** Bit of `sysFlag`: storeHost is an IPv6 address. */
export const STORE_HOST_V6 = 0x20;

/** Longest topic, in bytes, that a version 1 record takes. */
const MAX_V1_TOPIC_BYTES = 127;
const INT16_MAX = 32767;

/** The fields of a stored message, in their order. Offsets and times are refused beyond 2^53 − 1. */
export interface StoredRecord {
  /** Size that the record claims, itself included. Java reads field by field and never checks it. */
  readonly totalSize: number;
  /** {@linkcode RECORD_MAGIC_V1} or {@linkcode RECORD_MAGIC_V2}. */
  readonly magic: number;
  /** {@linkcode bodyCrc} of the stored body. */
  readonly bodyCrc: number;
  /** Queue of the topic. */
  readonly queueId: number;
  /** The user's flag. */
  readonly flag: number;
  /** Offset in its queue. */
  readonly queueOffset: number;
  /** Offset in the commit log. */
  readonly physicalOffset: number;
  /** Bits of message/sys_flags.ts. */
  readonly sysFlag: number;
  /** When the producer made it, milliseconds since the epoch. */
  readonly bornTimestamp: number;
  /** Where the producer was. */
  readonly bornHost: HostPort;
  /** When the broker stored it, milliseconds since the epoch. */
  readonly storeTimestamp: number;
  /** The broker that stored it. */
  readonly storeHost: HostPort;
  /** How often it was sent back. */
  readonly reconsumeTimes: number;
  /** Commit-log offset of the half message of a transaction. */
  readonly preparedTransactionOffset: number;
  /** The body as stored, compressed or not; empty when there is none. */
  readonly body: Uint8Array;
  /** Topic. */
  readonly topic: string;
  /** Properties in their text form, see message/properties.ts. */
  readonly properties: string;
}

/** What a writer says; size, magic, CRC and the IPv6 bits of `sysFlag` follow from it. */
export type RecordFields = Omit<StoredRecord, "totalSize" | "magic" | "bodyCrc">;

type Draft = { -readonly [K in keyof StoredRecord]?: StoredRecord[K] };

/** One step of the list. */
interface Step {
  readonly field: keyof StoredRecord;
  /** Bytes that a complete record takes here. */
  size(record: Wire): number;
  read(reader: ByteReader, draft: Draft): unknown;
  write(writer: ByteWriter, record: Wire): void;
}

/** A record whose texts are bytes already, so that sizes are known before anything is written. */
type Wire = Omit<StoredRecord, "topic" | "properties"> & { topic: Uint8Array; properties: Uint8Array };

type NumberField = {
  [K in keyof StoredRecord]: StoredRecord[K] extends number ? K : never;
}[keyof StoredRecord];

function int32(field: NumberField): Step {
  return {
    field,
    size: () => 4,
    read: (reader) => reader.int32(),
    write: (writer, record) => void writer.int32(record[field]),
  };
}

function int64(field: NumberField): Step {
  return {
    field,
    size: () => 8,
    read: (reader) => reader.int64(),
    write: (writer, record) => void writer.int64(record[field]),
  };
}

/** An address; a bit of `sysFlag`, which stands before it, tells its family. */
function host(field: "bornHost" | "storeHost", v6Bit: number): Step {
  const sizeBytes = (sysFlag: number): number => (sysFlag & v6Bit ? IPV6_BYTES : IPV4_BYTES) + 4;
  return {
    field,
    size: (record) => sizeBytes(record.sysFlag),
    read: (reader, draft) =>
      readHost(reader.bytes(sizeBytes(draft.sysFlag!)), 0, (draft.sysFlag! & v6Bit) !== 0),
    write: (writer, record) => void writer.bytes(ipBytes(record[field].host)).int32(record[field].port),
  };
}

const body: Step = {
  field: "body",
  size: (record) => 4 + record.body.length,
  read(reader) {
    const length = reader.int32();
    return length > 0 ? reader.bytes(length) : NO_BYTES;
  },
  write: (writer, record) => void writer.int32(record.body.length).bytes(record.body),
};

/** The topic's length is a signed byte or int16: a negative one fails, as it does in Java. */
const topic: Step = {
  field: "topic",
  size: (record) => (record.magic === RECORD_MAGIC_V1 ? 1 : 2) + record.topic.length,
  read: (reader, draft) => reader.text(draft.magic === RECORD_MAGIC_V1 ? reader.int8() : reader.int16()),
  write(writer, record) {
    if (record.magic === RECORD_MAGIC_V1) writer.int8(record.topic.length);
    else writer.int16(record.topic.length);
    writer.bytes(record.topic);
  },
};

const properties: Step = {
  field: "properties",
  size: (record) => 2 + record.properties.length,
  read(reader) {
    const length = reader.int16();
    return length > 0 ? reader.text(length) : "";
  },
  write: (writer, record) => void writer.int16(record.properties.length).bytes(record.properties),
};

/** The record, step by step (Java: MessageDecoder.decode, MessageExtEncoder.encode). */
const STEPS: readonly Step[] = [
  int32("totalSize"),
  { ...int32("magic"), read: (reader) => readMagic(reader.int32()) },
  int32("bodyCrc"),
  int32("queueId"),
  int32("flag"),
  int64("queueOffset"),
  int64("physicalOffset"),
  int32("sysFlag"),
  int64("bornTimestamp"),
  host("bornHost", BORN_HOST_V6),
  int64("storeTimestamp"),
  host("storeHost", STORE_HOST_V6),
  int32("reconsumeTimes"),
  int64("preparedTransactionOffset"),
  body,
  topic,
  properties,
];

/** Where a field stands, counted from the record's start; for those up to bornHost, whose place is fixed. */
export function recordFieldAt(field: keyof StoredRecord): number {
  const before = STEPS.slice(0, STEPS.findIndex((step) => step.field === field));
  return before.reduce((sum, step) => sum + step.size({} as Wire), 0);
}

/** Whether `magic` is that of a record. */
export function isRecordMagic(magic: number): boolean {
  return magic === RECORD_MAGIC_V1 || magic === RECORD_MAGIC_V2;
}

/** What a record keeps of its body's CRC-32: the low 31 bits (Java: UtilAll.crc32). */
export function bodyCrc(storedBody: Uint8Array): number {
  return crc32(storedBody) & 0x7fffffff;
}

/**
 * The bytes of a stored message; a topic above 127 bytes makes it version 2.
 *
 * @throws ProtocolError when the topic or the properties are above 32767 bytes, or a host is no IP address.
 */
export function encodeRecord(fields: RecordFields): Uint8Array {
  const topic = utf8Bytes(fields.topic);
  const properties = utf8Bytes(fields.properties);
  if (topic.length > INT16_MAX || properties.length > INT16_MAX) {
    const [name, length] = topic.length > INT16_MAX
      ? ["topic", topic.length]
      : ["properties", properties.length];
    throw new ProtocolError(
      `Cannot write record: ${name} of ${length} bytes is above the limit of ${INT16_MAX}`,
    );
  }
  const wire: Wire & { totalSize: number } = {
    ...fields,
    topic,
    properties,
    totalSize: 0,
    magic: topic.length > MAX_V1_TOPIC_BYTES ? RECORD_MAGIC_V2 : RECORD_MAGIC_V1,
    bodyCrc: bodyCrc(fields.body),
    sysFlag: (fields.sysFlag & ~(BORN_HOST_V6 | STORE_HOST_V6)) |
      (isIpv6(fields.bornHost.host) ? BORN_HOST_V6 : 0) | (isIpv6(fields.storeHost.host) ? STORE_HOST_V6 : 0),
  };
  for (const step of STEPS) wire.totalSize += step.size(wire);
  const writer = new ByteWriter(wire.totalSize);
  for (const step of STEPS) step.write(writer, wire);
  return writer.done();
}

/** A record and where the next one starts. */
export interface DecodedRecord extends StoredRecord {
  /** Position behind the record's last byte. */
  readonly end: number;
}

/**
 * Reads the stored message at `offset`, field by field like Java: where it ends does not depend on its totalSize. The
 * body is a view. The CRC is not checked.
 *
 * @throws ProtocolError saying which field cannot be read, and the position.
 */
export function decodeRecord(bytes: Uint8Array, offset = 0): DecodedRecord {
  const reader = new ByteReader(bytes, "record", offset);
  const draft: Draft = {};
  for (const step of STEPS) {
    try {
      (draft as Record<string, unknown>)[step.field] = step.read(reader, draft);
    } catch (cause) {
      const met = (cause as Error).message;
      throw new ProtocolError(`Cannot read record at byte ${offset}, field "${step.field}": ${met}`, {
        cause,
        position: offset,
      });
    }
  }
  return { ...draft as StoredRecord, end: reader.position };
}

function readMagic(magic: number): number {
  if (!isRecordMagic(magic)) {
    const hex = (magic >>> 0).toString(16).padStart(8, "0");
    throw new ProtocolError(
      `Cannot read record: unknown magic 0x${hex}${magic === BLANK_MAGIC ? " (end of file)" : ""}`,
    );
  }
  return magic;
}
