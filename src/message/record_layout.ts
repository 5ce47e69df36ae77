/**
 * Where the parts of a stored message are: what a scan finds out about a record before anybody asks for its contents.
 *
 * One step over the variable parts, checked against the end of the buffer the way Java's MessageDecoder.decode reads:
 * field by field, without believing totalSize. Nothing is copied, decoded or unfolded; the topic, which a pull's records
 * share, is decoded once.
 */
import { ProtocolError } from "../core/errors.ts";
import { int64At, plainBytes, utf8Text } from "../wire/bytes.ts";
import { COMPRESSED, compressionType } from "../wire/compression.ts";
import { IPV4_BYTES, IPV6_BYTES } from "../wire/host.ts";
import {
  BLANK_MAGIC,
  bodyCrc,
  BORN_HOST_V6,
  isRecordMagic,
  RECORD_MAGIC_V1,
  recordFieldAt,
  STORE_HOST_V6,
} from "../wire/record.ts";

/** Places of the fields before the first one of variable size, counted from the record's start. */
export const AT = {
  totalSize: recordFieldAt("totalSize"),
  magic: recordFieldAt("magic"),
  bodyCrc: recordFieldAt("bodyCrc"),
  queueId: recordFieldAt("queueId"),
  flag: recordFieldAt("flag"),
  queueOffset: recordFieldAt("queueOffset"),
  physicalOffset: recordFieldAt("physicalOffset"),
  sysFlag: recordFieldAt("sysFlag"),
  bornTimestamp: recordFieldAt("bornTimestamp"),
  bornHost: recordFieldAt("bornHost"),
} as const;

/** A buffer full of records, and what they share. */
export interface RecordSource {
  /** The buffer. */
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  /** Whether the CRC of each body is verified. */
  readonly checkCrc: boolean;
  /** Largest body that is unfolded. */
  readonly maxBodyBytes: number;
  /** The topic decoded last, */
  topic: string;
  /** and where its bytes are. */
  topicAt: number;
  /** How many they are; −1 before the first. */
  topicLength: number;
}

/** Where the parts of one message are. */
export interface RecordLayout {
  /** Buffer with the fixed fields, */
  bytes: Uint8Array;
  /** the same bytes, */
  view: DataView;
  /** and where they start in it. */
  at: number;
  /** Behind the last byte of `bytes` that belongs to the message. */
  end: number;
  /** Buffer with body and properties; `bytes`, unless the message came out of an inner batch. */
  content: Uint8Array;
  /** Where the stored body starts in `content`. */
  bodyAt: number;
  /** Bytes of the stored body; 0 is no body. */
  bodyLength: number;
  /** The stored body, a view of `content`, once somebody wanted it: a CRC check does. */
  storedBody: Uint8Array | undefined;
  /** Where the properties start in `content`. */
  propertiesAt: number;
  /** Bytes of the properties. */
  propertiesLength: number;
  /** Where storeTimestamp is in `bytes`; storeHost and what follows come behind it. */
  storeTimestampAt: number;
  /** Where reconsumeTimes is in `bytes`. */
  reconsumeTimesAt: number;
  /** Topic. */
  topic: string;
  /** Largest body that is unfolded. */
  maxBodyBytes: number;
  /** Place in its inner batch, −1 when it is a record of its own. */
  itemIndex: number;
  /** The user's flag of an item of an inner batch. */
  itemFlag: number;
}

/** A buffer to find records in. */
export function recordSource(buffer: Uint8Array, checkCrc: boolean, maxBodyBytes: number): RecordSource {
  const bytes = plainBytes(buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { bytes, view, checkCrc, maxBodyBytes, topic: "", topicAt: 0, topicLength: -1 };
}

/**
 * Finds the parts of the record at `at`.
 *
 * @throws ProtocolError where Java's decoder would fail, and for a queue offset beyond 2^53 − 1.
 */
export function locateRecord(source: RecordSource, at: number): RecordLayout {
  const { bytes, view } = source;
  const length = bytes.length;
  if (at + AT.bornHost > length) fail(at, `it needs ${AT.bornHost} bytes and more, ${length - at} are left`);
  const magic = view.getInt32(at + AT.magic);
  if (!isRecordMagic(magic)) failMagic(at, magic);
  const sysFlag = view.getInt32(at + AT.sysFlag);
  const bornPortAt = at + AT.bornHost + (sysFlag & BORN_HOST_V6 ? IPV6_BYTES : IPV4_BYTES);
  const storeTimestampAt = bornPortAt + 4;
  const storePortAt = storeTimestampAt + 8 + (sysFlag & STORE_HOST_V6 ? IPV6_BYTES : IPV4_BYTES);
  const reconsumeTimesAt = storePortAt + 4;
  const bodyLengthAt = reconsumeTimesAt + 12;
  if (bodyLengthAt + 4 > length) fail(at, `its fixed fields end at byte ${bodyLengthAt + 4} of ${length}`);
  checkPort(view, at, bornPortAt);
  checkPort(view, at, storePortAt);
  if (Number.isNaN(int64At(bytes, at + AT.queueOffset))) fail(at, "its queue offset is beyond 2^53 - 1");
  if (sysFlag & COMPRESSED) compressionType(sysFlag);

  const bodyAt = bodyLengthAt + 4;
  const bodyLength = Math.max(0, view.getInt32(bodyLengthAt));
  const topicLengthAt = bodyAt + bodyLength;
  const topicAt = topicLengthAt + (magic === RECORD_MAGIC_V1 ? 1 : 2);
  if (topicAt > length) {
    fail(at, `its body of ${bodyLength} bytes ends at byte ${topicLengthAt} of ${length}`);
  }
  const topicLength = magic === RECORD_MAGIC_V1 ? view.getInt8(topicLengthAt) : view.getInt16(topicLengthAt);
  const propertiesAt = topicAt + topicLength + 2;
  if (topicLength < 0 || propertiesAt > length) {
    fail(at, `its topic has ${topicLength} bytes from byte ${topicAt} on`);
  }
  const propertiesLength = Math.max(0, view.getInt16(propertiesAt - 2));
  const end = propertiesAt + propertiesLength;
  if (end > length) fail(at, `its properties of ${propertiesLength} bytes end at byte ${end} of ${length}`);
  const storedBody = source.checkCrc && bodyLength > 0 ? bytes.subarray(bodyAt, topicLengthAt) : undefined;
  if (storedBody !== undefined) checkBody(storedBody, view.getInt32(at + AT.bodyCrc), at);
  return {
    bytes,
    view,
    at,
    end,
    content: bytes,
    bodyAt,
    bodyLength,
    storedBody,
    propertiesAt,
    propertiesLength,
    storeTimestampAt,
    reconsumeTimesAt,
    topic: topicText(source, topicAt, topicLength),
    maxBodyBytes: source.maxBodyBytes,
    itemIndex: -1,
    itemFlag: 0,
  };
}

/** The text of a topic; the one decoded last when the bytes are the same. */
function topicText(source: RecordSource, at: number, length: number): string {
  const { bytes, topicAt } = source;
  let same = length === source.topicLength;
  for (let i = 0; same && i < length; i++) same = bytes[at + i] === bytes[topicAt + i];
  if (!same) {
    source.topic = utf8Text(bytes.subarray(at, at + length));
    source.topicAt = at;
    source.topicLength = length;
  }
  return source.topic;
}

function checkBody(body: Uint8Array, stored: number, at: number): void {
  const computed = bodyCrc(body);
  if (stored !== computed) {
    fail(at, `the CRC of its body of ${body.length} bytes is ${computed}, stored is ${stored}`);
  }
}

function checkPort(view: DataView, at: number, portAt: number): void {
  const port = view.getInt32(portAt);
  if (port < 0 || port > 65535) fail(at, `port ${port} at byte ${portAt} is not in 0–65535`);
}

function failMagic(at: number, magic: number): never {
  const hex = (magic >>> 0).toString(16).padStart(8, "0");
  fail(at, `its magic is 0x${hex}${magic === BLANK_MAGIC ? ", the end of a commit-log file" : ""}`);
}

function fail(at: number, met: string): never {
  throw new ProtocolError(`Cannot read record at byte ${at}: ${met}`, { position: at });
}
