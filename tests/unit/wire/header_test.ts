import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { type Command, LANGUAGES, OPAQUE_ABSENT } from "../../../src/wire/command.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../../src/wire/frame.ts";
import { decodeHeader, encodeHeader } from "../../../src/wire/header.ts";
import { fromHex, toHex, vectors } from "../vectors.ts";

interface Decoded {
  code: number;
  language: string | null;
  version: number;
  opaque: number | string;
  flag: number;
  remark: string | null;
  extFields: Record<string, string | null> | null;
  body: string | null;
  serializeType: "JSON" | "ROCKETMQ";
}
interface HeaderCase {
  kind?: "decodeOnly" | "fastEncode";
  note?: string;
  code: number;
  language?: string;
  version: number;
  opaque: number;
  flag: number;
  remark?: string | null;
  body?: string | null;
  extFieldsFlattened: Record<string, string>;
  frame: string;
  decoded?: Decoded;
  error?: { message: string };
}

function readAll(hex: string): Frame[] {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder();
  decoder.push(fromHex(hex), (frame) => frames.push(frame));
  decoder.end();
  return frames;
}

/** What a Command says of what Java decoded: null keys and values have no place in it. */
function asCommand(decoded: Decoded): Command {
  const entries = Object.entries(decoded.extFields ?? {})
    .filter(([key, value]) => value !== null && key !== "(Java null key)") as [string, string][];
  return {
    code: decoded.code,
    language: decoded.language ?? "",
    version: decoded.version,
    opaque: typeof decoded.opaque === "number" ? decoded.opaque : OPAQUE_ABSENT,
    flag: decoded.flag,
    remark: decoded.remark ?? undefined,
    extFields: decoded.extFields === null ? undefined : Object.fromEntries(entries),
  };
}

for (const file of ["header_json.json", "header_binary.json"]) {
  const cases = vectors<HeaderCase>(file).cases;

  Deno.test(`${file}: every frame is read as Java reads it`, () => {
    let read = 0;
    for (const { decoded, frame, note } of cases) {
      if (decoded === undefined) continue;
      const [got] = readAll(frame);
      assertEquals(got?.command, asCommand(decoded), note ?? frame);
      assertEquals(toHex(got!.body), decoded.body ?? "");
      assertEquals(got?.serializeType, decoded.serializeType);
      assertEquals(got?.sizeBytes, frame.length / 2);
      read++;
    }
    assertEquals(read, cases.filter((one) => one.error === undefined).length);
  });

  Deno.test(`${file}: every frame that Java refuses is refused`, () => {
    const refused = cases.filter((one) => one.error !== undefined);
    assertEquals(refused.length, file === "header_json.json" ? 11 : 6);
    for (const { frame } of refused) assertThrows(() => readAll(frame), ProtocolError, "Cannot read");
  });
}

Deno.test("header_json.json: every command is written with the members that Java writes", () => {
  for (const one of vectors<HeaderCase>("header_json.json").cases) {
    if (one.kind === "decodeOnly") continue;
    const [java] = readAll(one.frame);
    const body = one.body ? fromHex(one.body) : undefined;
    const written = encodeFrame(java!.command, body, "JSON");
    const text = (bytes: Uint8Array): unknown =>
      JSON.parse(new TextDecoder().decode(bytes.subarray(8, bytes.length - (body?.length ?? 0))));
    assertEquals(text(written), text(fromHex(one.frame)));
    assertEquals(toHex(written.subarray(0, 8)), one.frame.slice(0, 16));
  }
});

Deno.test("header_binary.json: every command is written in as many bytes as Java's and read back", () => {
  const refused: number[] = [];
  for (const one of vectors<HeaderCase>("header_binary.json").cases) {
    if (one.kind !== undefined) continue;
    const command: Command = {
      code: one.code,
      language: one.language!,
      version: one.version,
      opaque: one.opaque,
      flag: one.flag,
      remark: one.remark ?? undefined,
      extFields: one.extFieldsFlattened,
    };
    if (one.code > 32767) {
      refused.push(one.code);
      assertThrows(() => encodeHeader(command, "ROCKETMQ"), ProtocolError, `code ${one.code}`);
      continue;
    }
    const bytes = encodeFrame(command, one.body ? fromHex(one.body) : undefined, "ROCKETMQ");
    assertEquals(bytes.length, one.frame.length / 2);
    assertEquals(readAll(toHex(bytes))[0]?.command, asCommand(one.decoded!));
  }
  // Java cuts codes above 32767 to 16 bits, after which nobody can tell what was asked; here they are refused.
  assertEquals(refused.length, 13);
});

Deno.test("a command that ROCKETMQ cannot carry is sent as JSON", () => {
  const command: Command = { code: 200050, language: "JAVA", version: 513, opaque: 1, flag: 0 };
  const [frame] = readAll(toHex(encodeFrame(command, undefined, "ROCKETMQ")));
  assertEquals(frame?.serializeType, "JSON");
  assertEquals(frame?.command.code, 200050);
});

Deno.test("the two known frames of WIRE §29 are written to the byte", () => {
  const command = (version: number): Command => ({
    code: 105,
    language: "JAVA",
    version,
    opaque: 1,
    flag: 0,
    extFields: { topic: "T" },
  });
  assertEquals(
    toHex(encodeFrame(command(479), undefined, "ROCKETMQ")),
    "000000250100002100690001df0000000100000000000000000000000c0005746f7069630000000154",
  );
  assertStringIncludes(toHex(encodeFrame(command(479), undefined)), "0000007f0000007b7b22636f6465223a313035");
});

const json = (text: string): Command => decodeHeader(new TextEncoder().encode(text), 0);

Deno.test("a JSON header is taken as tolerantly as fastjson2 takes it", () => {
  const usual: Command = {
    code: 1,
    language: "JAVA",
    version: 0,
    opaque: 2,
    flag: 0,
    remark: undefined,
    extFields: undefined,
  };
  assertEquals(json('{"code":"1","opaque":"2"}'), usual);
  assertEquals(json("{'code':1,'opaque':2,}"), usual);
  assertEquals(json('{"code":1.9,"opaque":2e0}'), usual);
  assertEquals(json('{"code":true,"flag":null,"opaque":2}'), usual);
  assertEquals(json('{"code":5,"code":1,"opaque":2}'), usual);
  assertEquals(json('{"code":1,"opaque":2,"flag":0,"language":"node_js"}'), {
    ...usual,
    language: "NODE_JS",
  });
  assertEquals(json('{"code":1,"opaque":2,"flag":0,"language":null}'), { ...usual, language: "" });
  assertEquals(json('{"code":1,"opaque":2,"remark":5}'), { ...usual, remark: "5" });
  assertEquals(json('{"code":1,"opaque":2,"x":[{"y":null}]}'), usual);
});

Deno.test("a number among extFields keeps every digit", () => {
  assertEquals(json('{"code":0,"extFields":{"offset":9007199254740993,"rate":1.50}}').extFields, {
    offset: "9007199254740993",
    rate: "1.50",
  });
});

Deno.test("what is not a JSON object of the right kinds is refused with what was met", () => {
  for (
    const text of [
      "",
      "null",
      "[]",
      "5",
      "{code:1}",
      '{"code":1} x',
      '{"code":1',
      '{"code":"x"}',
      '{"code":{}}',
    ]
  ) {
    assertThrows(() => json(text), ProtocolError, "Cannot read");
  }
  assertThrows(() => json('{"flag":2147483648}'), ProtocolError, 'member "flag" is not an int32');
  assertThrows(() => json('{"extFields":[]}'), ProtocolError, "extFields is not an object");
  assertThrows(() => decodeHeader(new Uint8Array(), 2), ProtocolError, "serialize type is 2");
  assertThrows(() => json('{"a":'.repeat(9000)), ProtocolError, "levels");
});

Deno.test("any command survives both serialisations", () => {
  const random = seededRandom(7);
  const text = (): string =>
    Array.from({ length: 1 + random.int(9) }, () => String.fromCodePoint(1 + random.int(0xd000))).join("");
  const int32 = (): number => (random.next() * 4294967296) | 0;
  for (let i = 0; i < 500; i++) {
    const command: Command = {
      code: random.int(32768),
      language: LANGUAGES[random.int(LANGUAGES.length)]!,
      version: random.int(32768),
      opaque: int32(),
      flag: int32(),
      remark: random.int(2) ? text() : undefined,
      extFields: random.int(2)
        ? Object.fromEntries(Array.from({ length: 1 + random.int(6) }, () => [text(), text()]))
        : undefined,
    };
    assertEquals(decodeHeader(encodeHeader(command, "JSON"), 0), command);
    assertEquals(decodeHeader(encodeHeader(command, "ROCKETMQ"), 1), command);
  }
});

Deno.test("no prefix of a binary header is taken for a header or read past its end", () => {
  const command: Command = { code: 1, language: "GO", version: 2, opaque: 3, flag: 1, extFields: { a: "b" } };
  const bytes = encodeHeader({ ...command, remark: "r" }, "ROCKETMQ");
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => decodeHeader(bytes.subarray(0, length), 1), ProtocolError, "Cannot read header");
  }
  assert(decodeHeader(bytes, 1).remark === "r");
});
