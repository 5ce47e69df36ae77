/**
 * A message made ready for the wire: checked, with its id, its properties as text and its body compressed if large.
 *
 * Made once per send; every attempt uses the same, so that a message stored twice after a retry has one id. Agrees with
 * Java's Validators.checkMessage and DefaultMQProducerImpl.sendKernelImpl.
 */
import { ValidationError } from "../core/errors.ts";
import type { SendTrail } from "../core/tracer.ts";
import { checkBatch, encodeBatch } from "../message/batch.ts";
import { type Message, messageBytes, messageProperties } from "../message/message.ts";
import { encodeProperties } from "../message/properties.ts";
import { PropertyKey } from "../message/property_keys.ts";
import { validateMessage } from "../protocol/names.ts";
import { sendBatchMessage, sendMessageV2, sendReplyMessageV2 } from "../protocol/operations.ts";
import { compress, compressionFlag, type CompressionType } from "../wire/compression.ts";
import type { ReplyAddress } from "./request_reply.ts";

/** What one send puts on the wire; broker and queue are chosen later. */
export interface Outgoing {
  /** The request code's row; the three rows of V2 sends have the same fields. */
  readonly operation: typeof sendMessageV2;
  /** The topic as the user calls it. */
  readonly topic: string;
  /** The topic as brokers call it, with the namespace. */
  readonly wireTopic: string;
  /** The message's id (UNIQ_KEY). */
  readonly messageId: string;
  /** Ids of a batch's messages, joined by commas. */
  readonly itemIds: string | undefined;
  /** The body as it is sent. */
  readonly body: Uint8Array;
  /** Flags that tell what the body is. */
  readonly sysFlag: number;
  /** The message's own flag. */
  readonly flag: number;
  /** Properties as text. */
  readonly properties: string;
  /** Whether the body holds a batch. */
  readonly batch: boolean;
  /** How many messages the body holds. */
  readonly messages: number;
  /** Who follows it, if anybody does. */
  readonly trail: SendTrail | undefined;
}

/** How messages are made ready. */
export interface OutgoingOptions {
  /** Gives each message its id. */
  readonly nextId: () => string;
  /** Largest body, in bytes before compression. */
  readonly maxMessageSizeBytes: number;
  /** Bodies from this size on are compressed, in bytes. */
  readonly compressBodyOverBytes: number;
  /** How they are compressed. */
  readonly compressType: CompressionType;
  /** How hard zlib and zstd try. */
  readonly compressLevel: number;
  /** The namespace that goes along as INSTANCE_ID. */
  readonly namespace: string | undefined;
}

/** What one of the special sends adds to a message. */
export interface SendExtras {
  /** System properties. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
  /** Bits of the sysFlag. */
  readonly sysFlag?: number | undefined;
  /** Who follows it, if anybody does. */
  readonly trail?: SendTrail | undefined;
}

/** Longest text of properties that brokers store, in bytes (CommitLog: Short.MAX_VALUE). */
const MAX_PROPERTIES_BYTES = 32_767;
/** The text format of properties has no escape for these. */
// deno-lint-ignore no-control-regex
const SEPARATORS = /[\x01\x02]/;

const encoder = new TextEncoder();

/** Makes one message ready. @throws ValidationError when it breaks a rule. */
export function outgoingMessage(
  message: Message,
  wireTopic: string,
  options: OutgoingOptions,
  extras: SendExtras = {},
): Outgoing {
  const body = checkedBody(message, options.maxMessageSizeBytes);
  const messageId = options.nextId();
  return {
    operation: sendMessageV2,
    topic: message.topic,
    wireTopic,
    messageId,
    itemIds: undefined,
    flag: message.flag ?? 0,
    properties: propertiesText(message, messageId, options, extrasOf(extras)),
    batch: false,
    messages: 1,
    trail: extras.trail,
    ...packed(body, extras.sysFlag ?? 0, options),
  };
}

/** Makes a reply ready; it has neither WAIT nor a tag (MessageUtil.createReplyMessage). @throws ValidationError. */
export function outgoingReply(
  { topic, properties }: ReplyAddress,
  payload: Uint8Array | string,
  wireTopic: string,
  options: OutgoingOptions,
  trail?: SendTrail,
): Outgoing {
  const body = checkedBody({ topic, body: payload }, options.maxMessageSizeBytes);
  const messageId = options.nextId();
  return {
    operation: sendReplyMessageV2,
    topic,
    wireTopic,
    messageId,
    itemIds: undefined,
    flag: 0,
    properties: encodeProperties({
      ...properties,
      ...trail?.properties,
      [PropertyKey.UNIQUE_KEY]: messageId,
    }),
    batch: false,
    messages: 1,
    trail,
    ...packed(body, 0, options),
  };
}

/**
 * Makes a batch ready: each message keeps an id and properties of its own, the batch has an id made after theirs. Never
 * compressed. Agrees with Java's MessageBatch.generateFromList and DefaultMQProducer.batch.
 *
 * @throws ValidationError when it is empty, mixed, delayed or too large.
 */
export function outgoingBatch(
  messages: readonly Message[],
  wireTopic: string,
  options: OutgoingOptions,
  trail?: SendTrail,
): Outgoing {
  checkBatch(messages);
  const { topic, waitStoreOk = true } = messages[0]!;
  const ids: string[] = [];
  const body = encodeBatch(messages.map((message) => {
    const id = options.nextId();
    ids.push(id);
    return {
      flag: message.flag ?? 0,
      body: checkedBody(message, options.maxMessageSizeBytes),
      properties: propertiesText(message, id, options, trail?.properties),
    };
  }));
  if (body.length > options.maxMessageSizeBytes) {
    refuse(topic, `the batch takes ${body.length} bytes, above the limit of ${options.maxMessageSizeBytes}`);
  }
  const messageId = options.nextId();
  return {
    operation: sendBatchMessage,
    topic,
    wireTopic,
    messageId,
    itemIds: ids.join(","),
    body,
    sysFlag: 0,
    flag: 0,
    properties: encodeProperties({
      [PropertyKey.UNIQUE_KEY]: messageId,
      [PropertyKey.WAIT]: String(waitStoreOk),
      [PropertyKey.INSTANCE_ID]: options.namespace,
    }),
    batch: true,
    messages: messages.length,
    trail,
  };
}

/** The body's bytes once the message is known to be sendable. @throws ValidationError. */
function checkedBody(message: Message, maxMessageSizeBytes: number): Uint8Array {
  const missing = message === null || message === undefined || message.body === null ||
    message.body === undefined;
  const body = missing ? undefined : messageBytes(message);
  validateMessage(
    message && { topic: message.topic, properties: message.properties, bodyBytes: body?.length },
    maxMessageSizeBytes,
  );
  return body!;
}

/** All properties of a message as text. @throws ValidationError. */
function propertiesText(
  message: Message,
  messageId: string,
  { namespace }: OutgoingOptions,
  extra?: Readonly<Record<string, string>>,
): string {
  const all: Record<string, string | undefined> = messageProperties(message);
  checkSeparators(message.topic, "tag", all[PropertyKey.TAGS]);
  checkSeparators(message.topic, "keys", all[PropertyKey.KEYS]);
  all[PropertyKey.UNIQUE_KEY] = messageId;
  if (namespace !== undefined) all[PropertyKey.INSTANCE_ID] = namespace;
  if (extra !== undefined) Object.assign(all, extra);
  const text = encodeProperties(all);
  // A UTF-16 unit takes three bytes at most: short texts need not be measured.
  if (text.length * 3 > MAX_PROPERTIES_BYTES) {
    const { length } = encoder.encode(text);
    if (length > MAX_PROPERTIES_BYTES) {
      refuse(
        message.topic,
        `its properties take ${length} bytes, above the limit of ${MAX_PROPERTIES_BYTES}`,
      );
    }
  }
  return text;
}

function extrasOf({ properties, trail }: SendExtras): SendExtras["properties"] {
  return trail === undefined ? properties : { ...trail.properties, ...properties };
}

function checkSeparators(topic: string, what: string, text: string | undefined): void {
  if (text !== undefined && SEPARATORS.test(text)) {
    refuse(topic, `its ${what} hold(s) the character U+0001 or U+0002`);
  }
}

function packed(
  body: Uint8Array,
  sysFlag: number,
  { compressBodyOverBytes, compressType, compressLevel }: OutgoingOptions,
): { body: Uint8Array; sysFlag: number } {
  if (body.length < compressBodyOverBytes) return { body, sysFlag };
  return {
    body: compress(compressType, body, compressLevel),
    sysFlag: sysFlag | compressionFlag(compressType),
  };
}

function refuse(topic: string, problem: string): never {
  throw new ValidationError(`Cannot send to topic "${topic}": ${problem}`, { topic });
}
