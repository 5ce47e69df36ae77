/**
 * Stored messages, looked at without copying them.
 *
 * `scanRecords` checks that each record of a pull's body is whole and gives a view of it; it stops at the first one that
 * is not. A view knows where things are; each getter reads its field when asked. Text is decoded and a compressed body unfolded
 * once, on first use. All views of one pull share its buffer: it lives as long as any of them, unless `compact()` gives
 * a view bytes of its own.
 */
import { ProtocolError } from "../core/errors.ts";
import { hexText, int64At, NO_BYTES, utf8Text } from "../wire/bytes.ts";
import { COMPRESSED, compressionType, decompress, DEFAULT_MAX_BODY_BYTES } from "../wire/compression.ts";
import { type HostPort, readHost } from "../wire/host.ts";
import { BORN_HOST_V6, STORE_HOST_V6 } from "../wire/record.ts";
import { locateBatchItems } from "./batch.ts";
import { decodeProperties, findProperty, type Properties } from "./properties.ts";
import { PropertyKey } from "./property_keys.ts";
import { AT, locateRecord, type RecordLayout, recordSource } from "./record_layout.ts";
import { isInnerBatch } from "./sys_flags.ts";

/** One stored message. Numbers beyond 2^53 − 1 throw a ProtocolError when read. */
export class RecordView {
  readonly #layout: RecordLayout;
  #body: Uint8Array | undefined;
  #propertiesText: string | undefined;
  #properties: Properties | undefined;

  /** A view of the message laid out as told; `scanRecords` makes these. */
  constructor(layout: RecordLayout) {
    this.#layout = layout;
  }

  /** Bytes that the message takes in the buffer it came in. */
  get sizeBytes(): number {
    const { at, end, bodyLength, propertiesLength, itemIndex } = this.#layout;
    return itemIndex < 0 ? end - at : bodyLength + propertiesLength;
  }

  /** Size that the record claims; 0 for a message out of an inner batch, as in Java. */
  get storeSize(): number {
    return this.#isItem ? 0 : this.#int32(AT.totalSize);
  }

  /** CRC of the stored body as the record says it; 0 for a message out of an inner batch, as in Java. */
  get bodyCrc(): number {
    return this.#isItem ? 0 : this.#int32(AT.bodyCrc);
  }

  /** Queue of the topic. */
  get queueId(): number {
    return this.#int32(AT.queueId);
  }

  /** The user's flag. */
  get flag(): number {
    return this.#isItem ? this.#layout.itemFlag : this.#int32(AT.flag);
  }

  /** Offset in its queue. */
  get queueOffset(): number {
    const { bytes, at, itemIndex } = this.#layout;
    return int64At(bytes, at + AT.queueOffset) + (itemIndex < 0 ? 0 : itemIndex);
  }

  /** Offset in the commit log of the broker that stored it; that of the batch for a message out of an inner batch. */
  get physicalOffset(): number {
    return this.#int64(this.#layout.at + AT.physicalOffset, "physicalOffset");
  }

  /** Bits of message/sys_flags.ts, as stored. */
  get sysFlag(): number {
    return this.#int32(AT.sysFlag);
  }

  /** When the producer made it, milliseconds since the epoch. */
  get bornTimestamp(): number {
    return this.#int64(this.#layout.at + AT.bornTimestamp, "bornTimestamp");
  }

  /** Where the producer was. */
  get bornHost(): HostPort {
    return readHost(this.#layout.bytes, this.#layout.at + AT.bornHost, (this.sysFlag & BORN_HOST_V6) !== 0);
  }

  /** When the broker stored it, milliseconds since the epoch. */
  get storeTimestamp(): number {
    return this.#int64(this.#layout.storeTimestampAt, "storeTimestamp");
  }

  /** The broker that stored it. */
  get storeHost(): HostPort {
    return readHost(
      this.#layout.bytes,
      this.#layout.storeTimestampAt + 8,
      (this.sysFlag & STORE_HOST_V6) !== 0,
    );
  }

  /** How often it was sent back; 0 for a message out of an inner batch, as in Java. */
  get reconsumeTimes(): number {
    return this.#isItem ? 0 : this.#layout.view.getInt32(this.#layout.reconsumeTimesAt);
  }

  /** Commit-log offset of the half message of a transaction. */
  get preparedTransactionOffset(): number {
    return this.#isItem ? 0 : this.#int64(this.#layout.reconsumeTimesAt + 4, "preparedTransactionOffset");
  }

  /** Topic as stored: `%RETRY%group` for a retried message. */
  get topic(): string {
    return this.#layout.topic;
  }

  /** All properties. */
  get properties(): Properties {
    return this.#properties ??= this.#readProperties();
  }

  /** The value of one property; cheaper than {@linkcode properties} for a few. */
  property(name: string): string | undefined {
    const properties = this.#properties;
    if (properties !== undefined) return Object.hasOwn(properties, name) ? properties[name] : undefined;
    const value = findProperty(this.#text(), name);
    return value === undefined && name === PropertyKey.WAIT && this.#isItem ? "true" : value;
  }

  /** Bytes of the body as stored. */
  get storedBodyBytes(): number {
    return this.#layout.bodyLength;
  }

  /**
   * The body: a view of the buffer, or what a compressed one unfolds into. Empty when there is none.
   *
   * @throws ProtocolError when a compressed body is broken or unfolds into more than the scan's `maxBodyBytes`.
   */
  get body(): Uint8Array {
    return this.#body ??= this.#readBody();
  }

  /** The body as stored, compressed or not: a view of the buffer. */
  get storedBody(): Uint8Array {
    const layout = this.#layout;
    const { content, bodyAt, bodyLength } = layout;
    return layout.storedBody ??= bodyLength === 0 ? NO_BYTES : content.subarray(bodyAt, bodyAt + bodyLength);
  }

  /** The broker's id of the message: its address and commit-log offset. */
  get offsetMessageId(): string {
    const { bytes, at, storeTimestampAt, reconsumeTimesAt } = this.#layout;
    const offsetAt = at + AT.physicalOffset;
    return hexText(bytes, storeTimestampAt + 8, reconsumeTimesAt) + hexText(bytes, offsetAt, offsetAt + 8);
  }

  /** The producer's unique id, or {@linkcode offsetMessageId} when it gave none. */
  get messageId(): string {
    return this.property(PropertyKey.UNIQUE_KEY) ?? this.offsetMessageId;
  }

  /** Copies the message's bytes out of the buffer it shares, so that the buffer can be collected. */
  compact(): void {
    const layout = this.#layout;
    const { at, content, bodyAt, propertiesAt, propertiesLength } = layout;
    const unfolded = this.#isCompressed ? this.#body : undefined;
    const own = layout.bytes.slice(at, layout.end);
    if (content === layout.bytes) layout.content = own;
    else layout.content = content.slice(bodyAt, propertiesAt + propertiesLength);
    const shift = content === layout.bytes ? at : bodyAt;
    layout.bodyAt -= shift;
    layout.storedBody = undefined;
    layout.propertiesAt -= shift;
    layout.storeTimestampAt -= at;
    layout.reconsumeTimesAt -= at;
    layout.bytes = own;
    layout.view = new DataView(own.buffer);
    layout.end -= at;
    layout.at = 0;
    this.#body = unfolded;
  }

  get #isItem(): boolean {
    return this.#layout.itemIndex >= 0;
  }

  /** Items of an inner batch keep the record's flags, but their bodies were unfolded with it. */
  get #isCompressed(): boolean {
    return !this.#isItem && (this.sysFlag & COMPRESSED) !== 0;
  }

  #readBody(): Uint8Array {
    const stored = this.storedBody;
    if (stored.length === 0 || !this.#isCompressed) return stored;
    return decompress(compressionType(this.sysFlag), stored, this.#layout.maxBodyBytes);
  }

  #text(): string {
    const { content, propertiesAt, propertiesLength } = this.#layout;
    return this.#propertiesText ??= utf8Text(content.subarray(propertiesAt, propertiesAt + propertiesLength));
  }

  #readProperties(): Properties {
    const properties = decodeProperties(this.#text());
    // Java copies waitStoreMsgOK, true by default, onto each message of an inner batch.
    if (this.#isItem) properties[PropertyKey.WAIT] ??= "true";
    return properties;
  }

  #int32(at: number): number {
    return this.#layout.view.getInt32(this.#layout.at + at);
  }

  #int64(at: number, field: string): number {
    const value = int64At(this.#layout.bytes, at);
    if (Number.isNaN(value)) {
      throw new ProtocolError(`Cannot read record: ${field} is beyond 2^53 - 1`, { topic: this.topic });
    }
    return value;
  }
}

/** How to scan. */
export interface ScanOptions {
  /** Whether the CRC of each body is verified. */
  readonly checkCrc: boolean;
  /** Largest body that a compressed one may unfold into; 64 MiB by default. */
  readonly maxBodyBytes?: number | undefined;
}

/** What a scan found. */
export interface ScannedRecords {
  /** The good records, in order. */
  readonly records: RecordView[];
  /** Why the scan stopped before the end; `facts.position` is where the bad record starts. */
  readonly bad?: ProtocolError;
}

/**
 * Scans stored messages, back to back as pull, pop, query and view answers carry them.
 *
 * Agrees with Java's MessageDecoder.decodes on what is whole, save that a compressed body is not unfolded here: a broken
 * one throws when it is read (a record that holds a batch is unfolded).
 */
export function scanRecords(body: Uint8Array, options: ScanOptions): ScannedRecords {
  const source = recordSource(body, options.checkCrc, options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES);
  const records: RecordView[] = [];
  let at = 0;
  try {
    while (at < body.length) {
      const layout = locateRecord(source, at);
      const record = new RecordView(layout);
      if (isInnerBatch(record.sysFlag)) unwrap(record, layout, records);
      else records.push(record);
      at = layout.end;
    }
  } catch (error) {
    return { records, bad: asBadRecord(error, at) };
  }
  return { records };
}

/** Adds the messages of an inner batch (Java: MessageDecoder.decodeMessage). */
function unwrap(record: RecordView, outer: RecordLayout, records: RecordView[]): void {
  const content = record.body;
  const items = locateBatchItems(content);
  for (const [itemIndex, item] of items.entries()) {
    records.push(
      new RecordView({
        ...outer,
        // The fixed fields only: what an item keeps alive of the record ends where its body starts.
        end: outer.reconsumeTimesAt,
        content,
        bodyAt: item.bodyAt,
        bodyLength: item.bodyLength,
        storedBody: undefined,
        propertiesAt: item.propertiesAt,
        propertiesLength: item.propertiesLength,
        itemIndex,
        itemFlag: item.flag,
      }),
    );
  }
}

function asBadRecord(error: unknown, at: number): ProtocolError {
  if (!(error instanceof ProtocolError)) throw error;
  if (error.facts.position === at && error.message.startsWith("Cannot read record")) return error;
  return new ProtocolError(`Cannot read record at byte ${at}: ${error.message}`, {
    cause: error,
    position: at,
  });
}
