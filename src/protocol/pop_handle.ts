/**
 * The handle of a popped message: what its ack or extension hands back to the broker.
 *
 * `ckOffset popTime invisibleTime reviveQid flag brokerName queueId offset`, in the message's property POP_CK. The flag
 * tells which topic the message really lies in: 0 its own, 1 and 2 the retry topic's two forms. Offsets are int64 that
 * are only handed back, so they stay text. Agrees with ExtraInfoUtil; extra parts are ignored, the last is absent in
 * handles of old brokers.
 */
import { ProtocolError } from "../core/errors.ts";
import { isRetryTopic, popRetryTopicV1, popRetryTopicV2, RETRY_PREFIX } from "./names.ts";

/** Which topic a popped message lies in: its own, or the retry topic in its first or second form. */
export type PopFlag = "0" | "1" | "2";

/** Revive queue id of handles that belong to ordered consumption. */
export const ORDER_REVIVE_QUEUE_ID = 999;

const INT64 = /^[+-]?\d+$/;

/** Splits as Java's `split` does: empty parts at the end go, an empty text is one empty part. */
export function javaSplit(text: string, separator: string): string[] {
  const parts = text.split(separator);
  if (text !== "") { while (parts.at(-1) === "") parts.pop(); }
  return parts;
}

/** An int64 as text, without sign or zeros in front. @throws ProtocolError when `text` is none. */
export function int64Text(text: string, what: string): string {
  const value = INT64.test(text) ? BigInt(text.replace("+", "")) : undefined;
  if (value === undefined || BigInt.asIntN(64, value) !== value) {
    throw new ProtocolError(`Cannot read ${what}: int64 expected, current value is "${text}"`);
  }
  return String(value);
}

/** An integer that fits `bits` and a number. @throws ProtocolError when `text` is none. */
export function integer(text: string, what: string, bits: 32 | 64): number {
  const value = Number(int64Text(text, what));
  if (!Number.isSafeInteger(value) || (bits === 32 && (value | 0) !== value)) {
    throw new ProtocolError(`Cannot read ${what}: integer out of range, current value is "${text}"`);
  }
  return value;
}

/** The flag of messages that lie in `topic`. */
export function popFlag(topic: string): PopFlag {
  return !isRetryTopic(topic) ? "0" : isPopRetryTopicV2(topic) ? "2" : "1";
}

/** Whether `topic` is taken for a retry topic of the second form; a `+` anywhere will do (KeyBuilder). */
export function isPopRetryTopicV2(topic: string): boolean {
  return isRetryTopic(topic) && topic.includes("+");
}

/** The topic that a message with `flag` really lies in. @throws ProtocolError for an unknown flag. */
export function popTopicOf(flag: string, topic: string, group: string): string {
  if (flag === "0") return topic;
  if (flag === "1") return popRetryTopicV1(topic, group);
  if (flag === "2") return popRetryTopicV2(topic, group);
  throw new ProtocolError(`Cannot read flag of handle: current value is "${flag}"`);
}

/** The plain topic behind a retry topic of `group`; other topics stay (KeyBuilder.parseNormalTopic). */
export function plainTopicOf(topic: string, group: string): string {
  if (!isRetryTopic(topic)) return topic;
  // Both forms have one character between group and topic.
  return topic.slice(RETRY_PREFIX.length + group.length + 1);
}

/** The plain topic behind a retry topic of the second form, when there is just one `+`. */
export function plainTopicOfV2(topic: string): string {
  const parts = isPopRetryTopicV2(topic) ? javaSplit(topic, "+") : [];
  return parts.length === 2 ? parts[1]! : topic;
}

/** The group behind a retry topic; for the first form everything after the prefix (KeyBuilder.parseGroup). */
export function groupOfRetryTopic(topic: string): string {
  const parts = isPopRetryTopicV2(topic) ? javaSplit(topic, "+") : [];
  return (parts.length === 2 ? parts[0]! : topic).slice(RETRY_PREFIX.length);
}

/** What a handle is made of. */
export interface PopHandleParts {
  /** Offset of the broker's checkpoint, int64 text. */
  readonly checkpointOffset: string | number;
  /** When the message was popped, in milliseconds since the epoch. */
  readonly popTime: number;
  /** How long it stays invisible, in milliseconds. */
  readonly invisibleTime: number;
  /** Queue of the broker's revive topic. */
  readonly reviveQueueId: number;
  /** Topic that the message lies in; its flag is derived from it. */
  readonly topic: string;
  /** Name of the broker. */
  readonly brokerName: string;
  /** Queue that the message lies in. */
  readonly queueId: number;
  /** Queue offset of the message; absent in handles of old brokers. */
  readonly queueOffset?: string | number | undefined;
}

/** Writes a handle. */
export function encodePopHandle(parts: PopHandleParts): string {
  const text = [
    parts.checkpointOffset,
    parts.popTime,
    parts.invisibleTime,
    parts.reviveQueueId,
    popFlag(parts.topic),
    parts.brokerName,
    parts.queueId,
  ].join(" ");
  return parts.queueOffset === undefined ? text : `${text} ${parts.queueOffset}`;
}

/** A handle, read part by part: each part throws a ProtocolError only when it is asked for and unusable. */
export class PopHandle {
  readonly #text: string;
  readonly #parts: readonly string[];

  /** A handle as it stands in POP_CK. */
  constructor(text: string) {
    this.#text = text;
    this.#parts = javaSplit(text, " ");
  }

  #part(index: number, name: string): string {
    const part = this.#parts[index];
    if (part === undefined) {
      throw new ProtocolError(`Cannot read handle: it has no ${name}, current value is "${this.#text}"`);
    }
    return part;
  }

  /** Offset of the broker's checkpoint. */
  get checkpointOffset(): string {
    return int64Text(this.#part(0, "checkpoint offset"), "checkpoint offset of handle");
  }

  /** When the message was popped, in milliseconds since the epoch. */
  get popTime(): number {
    return integer(this.#part(1, "pop time"), "pop time of handle", 64);
  }

  /** How long it stays invisible, in milliseconds. */
  get invisibleTime(): number {
    return integer(this.#part(2, "invisible time"), "invisible time of handle", 64);
  }

  /** Queue of the broker's revive topic. */
  get reviveQueueId(): number {
    return integer(this.#part(3, "revive queue id"), "revive queue id of handle", 32);
  }

  /** 0, 1 or 2, or whatever stands there. */
  get flag(): string {
    return this.#part(4, "flag");
  }

  /** Name of the broker. */
  get brokerName(): string {
    return this.#part(5, "broker name");
  }

  /** Queue that the message lies in. */
  get queueId(): number {
    return integer(this.#part(6, "queue id"), "queue id of handle", 32);
  }

  /** Queue offset of the message. */
  get queueOffset(): string {
    return int64Text(this.#part(7, "queue offset"), "queue offset of handle");
  }

  /** Whether the handle belongs to ordered consumption. */
  get isOrder(): boolean {
    return this.reviveQueueId === ORDER_REVIVE_QUEUE_ID;
  }

  /** The topic that the message lies in; an unknown flag means the plain topic. */
  topicOf(topic: string, group: string): string {
    const flag = this.flag;
    return flag === "1" || flag === "2" ? popTopicOf(flag, topic, group) : topic;
  }
}
