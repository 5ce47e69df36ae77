/**
 * Several messages as one body: what a batch is sent as, and what an inner batch is stored as.
 *
 *     int32 item length (with itself) · int32 0 · int32 0 · int32 flag · int32 body length · body · int16 length · properties
 *
 * Readers ignore length, magic and CRC of an item and go field by field; a cut anywhere spoils the whole batch.
 */
import { ProtocolError, ValidationError } from "../core/errors.ts";
import { ByteReader, ByteWriter, utf8Bytes, utf8Text } from "../wire/bytes.ts";
import { type Message, messageBytes, messageProperties } from "./message.ts";
import { encodeProperties } from "./properties.ts";
import { PropertyKey } from "./property_keys.ts";

/** Bytes of an item besides its body and properties. */
const ITEM_OVERHEAD = 22;
const INT16_MAX = 32767;

/** One message of a batch. */
export interface BatchItem {
  /** The user's flag. */
  readonly flag: number;
  /** Body, never compressed. */
  readonly body: Uint8Array;
  /** Properties in their text form, see message/properties.ts. */
  readonly properties: string;
}

/** Where an item's parts are inside a batch body. */
export interface BatchItemLayout {
  /** The user's flag. */
  readonly flag: number;
  /** Where the body starts. */
  readonly bodyAt: number;
  /** Bytes of the body. */
  readonly bodyLength: number;
  /** Where the properties start. */
  readonly propertiesAt: number;
  /** Bytes of the properties. */
  readonly propertiesLength: number;
}

/** The body of a batch. @throws ProtocolError when the properties of an item are above 32767 bytes. */
export function encodeBatch(items: readonly BatchItem[]): Uint8Array {
  const writer = new ByteWriter(items.reduce((sum, item) => sum + item.body.length + 256, 0));
  for (const item of items) {
    const properties = utf8Bytes(item.properties);
    if (properties.length > INT16_MAX) {
      throw new ProtocolError(
        `Cannot write batch: properties of ${properties.length} bytes are above the limit of ${INT16_MAX}`,
      );
    }
    writer.int32(ITEM_OVERHEAD + item.body.length + properties.length).int32(0).int32(0).int32(item.flag);
    writer.int32(item.body.length).bytes(item.body).int16(properties.length).bytes(properties);
  }
  return writer.done();
}

/** The items of a batch body; bodies are views. @throws ProtocolError when the batch is cut or a length is negative. */
export function decodeBatch(bytes: Uint8Array): BatchItem[] {
  return locateBatchItems(bytes).map((item) => ({
    flag: item.flag,
    body: bytes.subarray(item.bodyAt, item.bodyAt + item.bodyLength),
    properties: utf8Text(bytes.subarray(item.propertiesAt, item.propertiesAt + item.propertiesLength)),
  }));
}

/** Where the items of a batch body are (Java: MessageDecoder.decodeMessages). @throws ProtocolError as {@linkcode decodeBatch}. */
export function locateBatchItems(bytes: Uint8Array): BatchItemLayout[] {
  const reader = new ByteReader(bytes, "batch");
  const items: BatchItemLayout[] = [];
  while (reader.left > 0) {
    reader.bytes(12);
    const flag = reader.int32();
    const bodyLength = reader.int32();
    const bodyAt = reader.position;
    reader.bytes(bodyLength);
    const propertiesLength = reader.int16();
    const propertiesAt = reader.position;
    reader.bytes(propertiesLength);
    items.push({ flag, bodyAt, bodyLength, propertiesAt, propertiesLength });
  }
  return items;
}

/** A batch ready to be sent: the batch's own properties travel in the header, the items' in the body. */
export interface EncodedBatch {
  /** Topic of all messages. */
  readonly topic: string;
  /** Properties of the batch itself. */
  readonly properties: Record<string, string>;
  /** The items. */
  readonly body: Uint8Array;
}

/**
 * Makes one batch of messages (Java: MessageBatch.generateFromList and encode). `itemProperties` may add to the
 * properties of an item, such as its unique key.
 *
 * @throws ValidationError when the messages may not travel together.
 */
export function batchOf(
  messages: readonly Message[],
  itemProperties: (message: Message) => Record<string, string> = messageProperties,
): EncodedBatch {
  checkBatch(messages);
  const first = messages[0]!;
  return {
    topic: first.topic,
    properties: { [PropertyKey.WAIT]: String(first.waitStoreOk ?? true) },
    body: encodeBatch(messages.map((message) => ({
      flag: message.flag ?? 0,
      body: messageBytes(message),
      properties: encodeProperties(itemProperties(message)),
    }))),
  };
}

/**
 * Checks that messages may travel in one batch (Java: MessageBatch.generateFromList).
 *
 * @throws ValidationError saying why they may not.
 */
export function checkBatch(messages: readonly Message[]): void {
  const first = messages[0];
  if (first === undefined) throw new ValidationError("Cannot batch messages: there are none");
  for (const message of messages) {
    if (message.topic !== first.topic) {
      throw new ValidationError(
        `Cannot batch messages: their topics differ: "${first.topic}", "${message.topic}"`,
      );
    }
    if ((message.waitStoreOk ?? true) !== (first.waitStoreOk ?? true)) {
      throw new ValidationError("Cannot batch messages: waitStoreOk differs among them", {
        topic: first.topic,
      });
    }
    if ((message.delayLevel ?? 0) > 0 || message.delayMs !== undefined || message.deliverAt !== undefined) {
      throw new ValidationError("Cannot batch messages: one of them is delayed", { topic: first.topic });
    }
    if (message.topic.startsWith("%RETRY%")) {
      throw new ValidationError(`Cannot batch messages: "${message.topic}" is a retry topic`, {
        topic: message.topic,
      });
    }
  }
}
