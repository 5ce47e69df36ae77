/**
 * The handle that takes a delayed message back: `v1 <topic> <broker> <timestamp> <unique id>`, in base64url.
 *
 * Brokers make it when they store a timed message, producers hand it back. Agrees with Java's RecallMessageHandle
 * (5.3.2 and later): padding is written, but need not be there when read; what follows a fifth field is ignored.
 */
import { Buffer } from "node:buffer";
import { ValidationError } from "../core/errors.ts";

/** What a handle says. */
export interface RecallHandle {
  /** Topic of the message. */
  readonly topic: string;
  /** Broker that keeps it. */
  readonly brokerName: string;
  /** When it is to be delivered, in milliseconds since the epoch; text, as it is only compared. */
  readonly timestamp: string;
  /** Its unique id. */
  readonly uniqKey: string;
}

const VERSION = "v1";
const BASE64URL = /^[A-Za-z0-9_-]+={0,2}$/;

/** The handle of a message (RecallMessageHandle.HandleV1.buildHandle). */
export function encodeRecallHandle({ topic, brokerName, timestamp, uniqKey }: RecallHandle): string {
  const text = Buffer.from([VERSION, topic, brokerName, timestamp, uniqKey].join(" ")).toString("base64url");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** What `handle` says (RecallMessageHandle.decodeHandle). @throws ValidationError when it is none. */
export function decodeRecallHandle(handle: string | null | undefined): RecallHandle {
  const fields = BASE64URL.test(handle ?? "") ? Buffer.from(handle!, "base64url").toString().split(" ") : [];
  const [version, topic, brokerName, timestamp, uniqKey] = fields;
  if (
    version !== VERSION || topic === undefined || brokerName === undefined || timestamp === undefined ||
    uniqKey === undefined
  ) {
    throw new ValidationError(`Cannot read recall handle: current value is "${handle}"`);
  }
  return { topic, brokerName, timestamp, uniqKey };
}
