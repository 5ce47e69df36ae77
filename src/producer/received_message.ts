/**
 * A message that a producer receives: the reply to its request, or its own half message when a broker asks what became
 * of the transaction. Unlike a consumed message it is complete and has nothing to settle.
 */
import { PropertyKey } from "../message/property_keys.ts";

/** The fields that a ReceivedMessage is made of. */
export interface ReceivedFields {
  /** Topic that it was sent to. */
  readonly topic: string;
  /** Its body, decompressed. */
  readonly body: Uint8Array;
  /** All its properties, the system's too. */
  readonly properties: Readonly<Record<string, string>>;
  /** When it was sent, in milliseconds since the epoch. */
  readonly bornTimestamp: number;
  /** When it was stored, in milliseconds since the epoch. */
  readonly storeTimestamp: number;
}

const decoder = new TextDecoder();

/** A complete message. */
export class ReceivedMessage implements ReceivedFields {
  /** Topic that it was sent to. */
  readonly topic: string;
  /** Its body, decompressed. */
  readonly body: Uint8Array;
  /** All its properties, the system's too. */
  readonly properties: Readonly<Record<string, string>>;
  /** When it was sent, in milliseconds since the epoch. */
  readonly bornTimestamp: number;
  /** When it was stored, in milliseconds since the epoch. */
  readonly storeTimestamp: number;

  /** A message of these fields. */
  constructor(fields: ReceivedFields) {
    this.topic = fields.topic;
    this.body = fields.body;
    this.properties = fields.properties;
    this.bornTimestamp = fields.bornTimestamp;
    this.storeTimestamp = fields.storeTimestamp;
  }

  /** The id that its producer gave it. */
  get messageId(): string | undefined {
    return this.properties[PropertyKey.UNIQUE_KEY];
  }

  /** Its tag. */
  get tag(): string | undefined {
    return this.properties[PropertyKey.TAGS];
  }

  /** Its keys. */
  get keys(): string[] {
    return this.properties[PropertyKey.KEYS]?.split(" ").filter((key) => key !== "") ?? [];
  }

  /** The body as UTF-8 text. */
  text(): string {
    return decoder.decode(this.body);
  }

  /** The body as JSON. @throws SyntaxError when it is none. */
  json(): unknown {
    return JSON.parse(this.text());
  }
}
