/**
 * A frame's header, in both serialisations.
 *
 * JSON (type byte 0) is what everyone sends; ROCKETMQ (type byte 1) is Java's compact form. The reader takes what Java
 * takes (fastjson2: numbers as text, single quotes, trailing commas, any case of a language's name) and refuses what
 * Java refuses. Strict JSON with the usual types goes through JSON.parse; only what does not is read a second time.
 */
import { ProtocolError } from "../core/errors.ts";
import { ByteReader, ByteWriter, utf8Bytes, utf8Text } from "./bytes.ts";
import { type Command, LANGUAGES, OPAQUE_ABSENT } from "./command.ts";
import { parseLooseJsonWith } from "./loose_json.ts";

/** How a header is serialised. */
export type SerializeType = "JSON" | "ROCKETMQ";

/** The serialisations by their type byte. */
export const SERIALIZE_TYPES: readonly SerializeType[] = ["JSON", "ROCKETMQ"];

const INT16_MAX = 32767;

/** Whether the ROCKETMQ form, whose codes and versions are 16 bits wide, can carry `command` (POP codes do not fit). */
export function fitsBinary(command: Command): boolean {
  return isInt16(command.code) && isInt16(command.version);
}

/**
 * The bytes of a header. In the ROCKETMQ form an empty remark or value does not survive: Java reads it as null.
 *
 * @throws ProtocolError when the ROCKETMQ form cannot carry the code, the version or a key.
 */
export function encodeHeader(command: Command, type: SerializeType): Uint8Array {
  return type === "JSON" ? encodeJson(command) : encodeBinary(command);
}

/**
 * Reads a header whose serialisation is `typeByte` (0 JSON, 1 ROCKETMQ).
 *
 * @throws ProtocolError when Java's RemotingCommand.decode would throw too.
 */
export function decodeHeader(bytes: Uint8Array, typeByte: number): Command {
  if (typeByte === 0) return decodeJson(utf8Text(bytes));
  if (typeByte === 1) return decodeBinary(bytes);
  throw new ProtocolError(
    `Cannot read header: its serialize type is ${typeByte}, not 0 (JSON) or 1 (ROCKETMQ)`,
  );
}

function encodeJson(command: Command): Uint8Array {
  return utf8Bytes(JSON.stringify({
    code: command.code,
    extFields: command.extFields,
    flag: command.flag,
    language: command.language || undefined,
    opaque: command.opaque,
    remark: command.remark,
    serializeTypeCurrentRPC: "JSON",
    version: command.version,
  }));
}

function decodeJson(text: string): Command {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return readMembers(looseMembers(text), text);
  }
  return isUsual(parsed) ? usualCommand(parsed) : readMembers(looseMembers(text), text);
}

function looseMembers(text: string): unknown {
  try {
    return parseLooseJsonWith(text, (number) => new NumberText(number));
  } catch (cause) {
    throw new ProtocolError(`Cannot read header: ${(cause as Error).message}`, { cause });
  }
}

/** A header with the types that Java writes; nothing in it needs converting. */
type UsualHeader = Pick<Command, "code" | "opaque" | "flag"> & Partial<Command>;

function isUsual(parsed: unknown): parsed is UsualHeader {
  if (typeof parsed !== "object" || parsed === null) return false;
  const { code, opaque, flag, version, language, remark, extFields } = parsed as Record<string, unknown>;
  if (!isInt32(code) || !isInt32(opaque) || !isInt32(flag)) return false;
  if (version !== undefined && !isInt32(version)) return false;
  if (language !== undefined && !LANGUAGES.includes(language as string)) return false;
  if (remark !== undefined && typeof remark !== "string") return false;
  if (extFields === undefined) return true;
  if (typeof extFields !== "object" || extFields === null || Array.isArray(extFields)) return false;
  for (const key in extFields) {
    if (typeof (extFields as Record<string, unknown>)[key] !== "string") return false;
  }
  return true;
}

function usualCommand(header: UsualHeader): Command {
  return {
    code: header.code,
    language: header.language ?? "JAVA",
    version: header.version ?? 0,
    opaque: header.opaque,
    flag: header.flag,
    remark: header.remark,
    extFields: header.extFields,
  };
}

/** A number as it was written, so that making it text again loses nothing. */
class NumberText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Converts each member as fastjson2 does; unknown members are ignored, missing ones take Java's defaults. */
function readMembers(parsed: unknown, text: string): Command {
  if (
    typeof parsed !== "object" || parsed === null || Array.isArray(parsed) || parsed instanceof Map ||
    parsed instanceof NumberText
  ) {
    throw new ProtocolError(
      `Cannot read header: expected a JSON object, met ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  const members = parsed as Record<string, unknown>;
  const int = (name: string, absent: number): number => readInt(members[name], name, absent);
  return {
    code: int("code", 0),
    language: members.language === undefined ? "JAVA" : readLanguage(members.language),
    version: int("version", 0),
    opaque: int("opaque", OPAQUE_ABSENT),
    flag: int("flag", 0),
    remark: asText(members.remark),
    extFields: readExtFields(members.extFields),
  };
}

function readInt(value: unknown, name: string, absent: number): number {
  if (value === undefined) return absent;
  if (value === null || value === "" || value === false) return 0;
  if (value === true) return 1;
  const text = value instanceof NumberText ? value.text : value;
  const number = typeof text === "string" && /^[+-]?[\d.]+(?:[eE][+-]?\d+)?$/.test(text)
    ? Math.trunc(Number(text))
    : NaN;
  if (!isInt32(number)) {
    throw new ProtocolError(
      `Cannot read header: member "${name}" is not an int32: current value is ${asText(value)}`,
    );
  }
  // Not −0, which "-0.5" would leave behind.
  return number + 0;
}

function readLanguage(value: unknown): string {
  if (value instanceof NumberText) return LANGUAGES[Number(value.text)] ?? "";
  if (typeof value !== "string") return "";
  // fastjson2 looks an enum name up by a hash that ignores case, `_`, `-` and blanks.
  const plain = plainName(value);
  return LANGUAGES.find((name) => plainName(name) === plain) ?? "";
}

function plainName(name: string): string {
  return name.replace(/[_\- ]/g, "").toUpperCase();
}

function readExtFields(value: unknown): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined;
  if (
    typeof value !== "object" || Array.isArray(value) || value instanceof Map || value instanceof NumberText
  ) {
    throw new ProtocolError(
      `Cannot read header: extFields is not an object: current value is ${asText(value)}`,
    );
  }
  const fields: Record<string, string> = {};
  for (const [key, member] of Object.entries(value)) {
    const text = asText(member);
    if (text !== undefined) fields[key] = text;
  }
  return fields;
}

function asText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  if (value instanceof NumberText) return value.text;
  return JSON.stringify(value, (_, member) => member instanceof NumberText ? Number(member.text) : member);
}

function encodeBinary(command: Command): Uint8Array {
  if (!fitsBinary(command)) {
    throw new ProtocolError(
      `Cannot write header as ROCKETMQ: code ${command.code} and version ${command.version} must fit 16 bits`,
    );
  }
  const language = LANGUAGES.indexOf(command.language);
  const remark = utf8Bytes(command.remark ?? "");
  const writer = new ByteWriter();
  writer.int16(command.code).int8(language < 0 ? LANGUAGES.indexOf("OTHER") : language).int16(
    command.version,
  );
  writer.int32(command.opaque).int32(command.flag).int32(remark.length).bytes(remark);
  const lengthAt = writer.length;
  writer.int32(0);
  for (const [key, value] of Object.entries(command.extFields ?? {})) {
    if (value === undefined || value === null) continue;
    const keyBytes = utf8Bytes(key);
    const valueBytes = utf8Bytes(value);
    if (keyBytes.length > INT16_MAX) {
      throw new ProtocolError(
        `Cannot write header as ROCKETMQ: a key has ${keyBytes.length} bytes, above ${INT16_MAX}`,
      );
    }
    writer.int16(keyBytes.length).bytes(keyBytes).int32(valueBytes.length).bytes(valueBytes);
  }
  return writer.int32At(lengthAt, writer.length - lengthAt - 4).done();
}

/** Agrees with RocketMQSerializable.rocketMQProtocolDecode; a null key or value has no place in a Record and is dropped. */
function decodeBinary(bytes: Uint8Array): Command {
  const reader = new ByteReader(bytes, "header");
  const command: Command = {
    code: reader.int16(),
    language: LANGUAGES[reader.int8()] ?? "",
    version: reader.int16(),
    opaque: reader.int32(),
    flag: reader.int32(),
    remark: reader.text(reader.int32()) || undefined,
  };
  const length = reader.int32();
  if (length <= 0) return { ...command, extFields: undefined };
  if (length > bytes.length) {
    throw new ProtocolError(
      `Cannot read header: extFields of ${length} bytes in a header of ${bytes.length}`,
    );
  }
  const end = reader.position + length;
  const fields: Record<string, string> = {};
  while (reader.position < end) {
    const key = reader.text(reader.int16());
    const value = reader.text(reader.int32());
    if (key !== "" && value !== "") fields[key] = value;
    // Java maps the key to null: what an earlier pair said is gone.
    else delete fields[key];
  }
  return { ...command, extFields: fields };
}

function isInt32(value: unknown): value is number {
  return typeof value === "number" && (value | 0) === value;
}

function isInt16(value: number): boolean {
  return Number.isInteger(value) && value >= -INT16_MAX - 1 && value <= INT16_MAX;
}
