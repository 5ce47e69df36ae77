/**
 * A message as text: for people, or as one JSON document a line for programs.
 */
import { jsonLine } from "./layout.ts";
import { harmless, type Paint } from "./terminal.ts";

/** What is shown of a message, whether it was consumed or looked up. */
export interface ShownMessage {
  readonly topic: string;
  readonly queue: { readonly brokerName: string; readonly queueId: number };
  readonly queueOffset: number;
  readonly messageId: string;
  readonly tag: string | undefined;
  readonly keys: readonly string[];
  readonly properties: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly bornAt: Date;
  readonly bornHost: string;
  readonly storedAt: Date;
  readonly storeHost: string;
}

const strict = new TextDecoder("utf-8", { fatal: true });
const HEX_BYTES = 64;

/** The body as text; undefined when it is none. */
export function bodyText(body: Uint8Array): string | undefined {
  try {
    return strict.decode(body);
  } catch {
    return undefined;
  }
}

/** Two lines and more: where it is, then its body; bytes that are no text in hexadecimal, the first 64 of them. */
export function prettyLines(message: ShownMessage, paint: Paint): string[] {
  const { queue, queueOffset, tag, keys, body } = message;
  const head = [
    paint("dim", message.storedAt.toISOString()),
    paint("cyan", harmless(`${queue.brokerName}:${queue.queueId}@${queueOffset}`)),
    ...(tag === undefined ? [] : [paint("yellow", `#${harmless(tag)}`)]),
    ...(keys.length === 0 ? [] : [`keys ${harmless(keys.join(" "))}`]),
    paint("dim", harmless(message.messageId)),
  ];
  return [head.join(" "), `  ${indented(bodyText(body)) ?? hex(body)}`];
}

function indented(text: string | undefined): string | undefined {
  return text === undefined ? undefined : harmless(text).replaceAll("\n", "\n  ");
}

function hex(body: Uint8Array): string {
  const shown = Array.from(body.subarray(0, HEX_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(
    " ",
  );
  return body.length > HEX_BYTES ? `${shown} … ${body.length} bytes` : shown;
}

/** One line; a body that is no text is in `bodyBase64`. */
export function jsonOf(message: ShownMessage): string {
  const { topic, queue, queueOffset, messageId, tag, keys, properties, body, ...rest } = message;
  const { bornAt, bornHost, storedAt, storeHost } = rest;
  const text = bodyText(body);
  return jsonLine({
    topic,
    broker: queue.brokerName,
    queueId: queue.queueId,
    queueOffset,
    messageId,
    tag,
    keys,
    properties,
    bornAt,
    bornHost,
    storedAt,
    storeHost,
    ...(text === undefined
      ? { bodyBase64: btoa(Array.from(body, (byte) => String.fromCharCode(byte)).join("")) }
      : { body: text }),
  });
}
