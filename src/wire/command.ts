/**
 * One remoting command: what a frame's header says, free of how it was serialised.
 *
 * Requests and responses share the shape; bit 0 of `flag` tells them apart, bit 1 marks a request that wants no
 * answer. Custom header fields travel as text in `extFields`; wire/schema.ts gives them their types.
 */

/** What the header of a frame says. */
export interface Command {
  /** Request code, or the response code when {@linkcode FLAG_RESPONSE} is set. int32 (int16 in ROCKETMQ headers). */
  code: number;
  /** Name of the sender's language as in Java's LanguageCode; `""` when the sender's is not known (Java: null). */
  language: string;
  /** Ordinal of the sender's version in Java's MQVersion. */
  version: number;
  /** Correlates a response with its request; {@linkcode OPAQUE_ABSENT} when a header came without one. int32. */
  opaque: number;
  /** Bit set of {@linkcode FLAG_RESPONSE} and {@linkcode FLAG_ONEWAY}. */
  flag: number;
  /** Free text, for errors in responses. */
  remark?: string | undefined;
  /** Custom header fields; every value is text. */
  extFields?: Record<string, string> | undefined;
}

/** Bit of `flag`: this is a response. */
export const FLAG_RESPONSE = 1;
/** Bit of `flag`: the request is one-way, no response is ever sent. */
export const FLAG_ONEWAY = 2;

/**
 * The opaque of a header that has none. Java puts the next value of its own counter there; a value that no counter
 * starting at 0 reaches soon cannot be taken for the answer to one of our requests.
 */
export const OPAQUE_ABSENT: number = -1;

/** Language names by their code in ROCKETMQ headers (Java: LanguageCode). */
export const LANGUAGES: readonly string[] = [
  "JAVA",
  "CPP",
  "DOTNET",
  "PYTHON",
  "DELPHI",
  "ERLANG",
  "RUBY",
  "OTHER",
  "HTTP",
  "GO",
  "PHP",
  "OMS",
  "RUST",
  "NODE_JS",
];

/** Whether `command` answers a request. */
export function isResponse(command: Command): boolean {
  return (command.flag & FLAG_RESPONSE) !== 0;
}

/** Whether `command` is a request that wants no answer. */
export function isOneway(command: Command): boolean {
  return (command.flag & FLAG_ONEWAY) !== 0;
}
