/**
 * The handle with which a delayed message can be taken back: `v1 topic broker timestamp uniqueKey` in base64url.
 *
 * Agrees with RecallMessageHandle. Text after the fifth part is ignored, padding is optional.
 */
import { Buffer } from "node:buffer";
import { ProtocolError } from "../core/errors.ts";

const VERSION = "v1";

/** What a handle says. */
export interface RecallHandle {
  /** Topic of the message. */
  readonly topic: string;
  /** Name of the broker that holds it. */
  readonly brokerName: string;
  /** When it is due, in milliseconds since the epoch; text, as it came. */
  readonly timestamp: string;
  /** Unique id of the message. */
  readonly uniqKey: string;
}

/** Writes a handle. */
export function encodeRecallHandle(handle: RecallHandle): string {
  const { topic, brokerName, timestamp, uniqKey } = handle;
  const base64 = Buffer.from([VERSION, topic, brokerName, timestamp, uniqKey].join(" "), "utf8")
    .toString("base64");
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}

/** Whether `text` is base64url as Java's decoder takes it: padding complete or absent. */
function isBase64Url(text: string): boolean {
  const match = /^([A-Za-z0-9_-]*)(={0,2})$/.exec(text);
  if (match === null) return false;
  const [, digits, padding] = match;
  const rest = digits!.length % 4;
  return rest !== 1 && (padding === "" || rest + padding!.length === 4);
}

/** Reads a handle. @throws ProtocolError when it is none. */
export function decodeRecallHandle(text: string | null | undefined): RecallHandle {
  const parts = text && isBase64Url(text) ? Buffer.from(text, "base64url").toString("utf8").split(" ") : [];
  while (parts.at(-1) === "") parts.pop(); // as Java's split does
  const [version, topic, brokerName, timestamp, uniqKey] = parts;
  if (version !== VERSION || uniqKey === undefined) {
    throw new ProtocolError(`Cannot read recall handle: current value is "${text}"`);
  }
  return { topic: topic!, brokerName: brokerName!, timestamp: timestamp!, uniqKey };
}
