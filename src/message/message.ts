/**
 * A message as a user hands it to a producer, and what goes on the wire for it.
 *
 * Tag, keys, delay and the like are fields of their own; on the wire they are properties with reserved names, which is
 * why a user's properties may not use those.
 */
import { ValidationError } from "../core/errors.ts";
import { utf8Bytes } from "../wire/bytes.ts";
import { NAME_END, VALUE_END } from "./properties.ts";
import { KEY_SEPARATOR, PropertyKey, RESERVED } from "./property_keys.ts";

/** A message to send. */
export interface Message {
  /** Topic to send to. */
  topic: string;
  /** Body; text is sent as UTF-8. */
  body: Uint8Array | string;
  /** Tag, one per message. */
  tag?: string;
  /** Business keys; the broker indexes each. Separated by blanks on the wire. */
  keys?: string | readonly string[];
  /** The user's own properties. */
  properties?: Readonly<Record<string, string>>;
  /** Delay level, 1–18 with a default broker; 0 is none. */
  delayLevel?: number;
  /** Deliver this many milliseconds after it was stored. */
  delayMs?: number;
  /** Deliver at this time, milliseconds since the epoch. */
  deliverAt?: number;
  /** Priority, for topics that have it (5.4 and later). */
  priority?: number;
  /** A number for the user's purposes, default 0. int32. */
  flag?: number;
  /** Answer only when the message is stored as the broker is configured to; default true. */
  waitStoreOk?: boolean;
}

/** The bytes of a message's body. */
export function messageBytes(message: Message): Uint8Array {
  return typeof message.body === "string" ? utf8Bytes(message.body) : message.body;
}

/** The property KEYS of several keys (Java: Message.setKeys). */
export function joinKeys(keys: string | readonly string[]): string {
  return typeof keys === "string" ? keys : keys.join(KEY_SEPARATOR);
}

/**
 * All properties of a message, the user's first.
 *
 * @throws ValidationError when a user property is not allowed.
 */
export function messageProperties(message: Message): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.properties ?? {})) {
    checkUserProperty(name, value);
    properties[name] = value;
  }
  const keys = joinKeys(message.keys ?? "");
  if (message.tag) properties[PropertyKey.TAGS] = message.tag;
  if (keys !== "") properties[PropertyKey.KEYS] = keys;
  if (message.delayLevel) properties[PropertyKey.DELAY] = String(message.delayLevel);
  if (message.delayMs !== undefined) properties[PropertyKey.TIMER_DELAY_MS] = String(message.delayMs);
  if (message.deliverAt !== undefined) properties[PropertyKey.TIMER_DELIVER_MS] = String(message.deliverAt);
  if (message.priority !== undefined) properties[PropertyKey.PRIORITY] = String(message.priority);
  properties[PropertyKey.WAIT] = String(message.waitStoreOk ?? true);
  return properties;
}

/**
 * Checks one user property (Java: Message.putUserProperty).
 *
 * @throws ValidationError when the name is reserved, or name or value is blank.
 */
export function checkUserProperty(name: string, value: string): void {
  if (RESERVED.has(name)) {
    throw new ValidationError(`Cannot set property: the name "${name}" is used by the system`);
  }
  for (const [part, text] of [["name", name], ["value", value]] as const) {
    if (typeof text !== "string" || isBlank(text)) {
      throw new ValidationError(`Cannot set property "${name}": its ${part} is blank`);
    }
    // What ends a name or a value on the wire would tear the properties of the message apart.
    if (text.includes(NAME_END) || text.includes(VALUE_END)) {
      throw new ValidationError(
        `Cannot set property "${name}": its ${part} holds the character U+0001 or U+0002`,
      );
    }
  }
}

/** Whether Java's StringUtils.isBlank says so, for the blanks that matter. */
function isBlank(text: string): boolean {
  return text.trim() === "";
}
