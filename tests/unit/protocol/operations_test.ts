import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { operationByCode, operationNameByCode, operations } from "../../../src/protocol/operations.ts";
import { type Fields, type Operation, readFields, writeFields } from "../../../src/wire/schema.ts";
import { vectors } from "../vectors.ts";

interface HeaderClass {
  header: string;
  code: number;
  fields: { name: string; type: string; required: boolean }[];
  missingRequired: Record<string, string>;
}

const headers = vectors<HeaderClass>("headers.json");

const rows: [string, Operation][] = Object.entries(operations);

/** Response header classes of the vectors, and the rows that answer with them. */
const RESPONSE_HEADERS: Record<string, readonly number[]> = {
  SendMessageResponseHeader: [10, 310, 320, 324, 325],
  PullMessageResponseHeader: [11, 361],
  PopMessageResponseHeader: [200050],
  ChangeInvisibleTimeResponseHeader: [200053],
  QueryConsumerOffsetResponseHeader: [14],
  RecallMessageResponseHeader: [370],
  QueryMessageResponseHeader: [12],
  NotificationResponseHeader: [200054],
  RegisterBrokerResponseHeader: [103],
  PopLiteMessageResponseHeader: [200070],
  GetMaxOffsetResponseHeader: [30],
  GetMinOffsetResponseHeader: [31],
  SearchOffsetResponseHeader: [29],
  GetEarliestMsgStoretimeResponseHeader: [32],
  PollingInfoResponseHeader: [200055],
  GetKVConfigResponseHeader: [101],
  WipeWritePermOfBrokerResponseHeader: [205],
  AddWritePermOfBrokerResponseHeader: [327],
};

/** Fields that travel beside the header class, in extFields of their own. */
const BESIDE_HEADER = new Set(["TRACE_ON", "MSG_REGION", "_UNIQUE_KEY_QUERY"]);
/** QueryConsumerOffset answers 22 without the field. */
const LOOSER_THAN_JAVA = new Set([
  "QueryConsumerOffsetResponseHeader.offset",
  "NotificationRequestHeader.order",
]);

const KINDS: Record<string, readonly string[]> = {
  String: ["str"],
  Integer: ["int"],
  int: ["int"],
  Long: ["long", "bound", "token", "stamp"],
  long: ["long", "bound", "token", "stamp"],
  Boolean: ["bool"],
  boolean: ["bool"],
  BoundaryType: ["str"],
};

function assertSameFields(fields: Fields, header: HeaderClass): void {
  const ours = new Map(Object.entries(fields).map(([name, kind]) => [kind.wireName ?? name, kind]));
  for (const field of header.fields) {
    const where = `${header.header}.${field.name}`;
    const kind = ours.get(field.name);
    assert(kind !== undefined, `${where} is missing`);
    assert(KINDS[field.type]!.includes(kind.kind), `${where} is ${field.type}, not ${kind.kind}`);
    if (!LOOSER_THAN_JAVA.has(where)) assertEquals(!kind.optional, field.required, `${where} required`);
    ours.delete(field.name);
  }
  assertEquals([...ours.keys()].filter((name) => !BESIDE_HEADER.has(name)), [], header.header);
}

Deno.test("every header class of the vectors has a row with exactly its fields", () => {
  for (const header of headers.cases) {
    const codes = RESPONSE_HEADERS[header.header];
    if (codes) { for (const code of codes) assertSameFields(operationByCode.get(code)!.response, header); }
    else assertSameFields(operationByCode.get(header.code)!.request, header);
  }
});

Deno.test("a required field that is missing is refused by name, on both sides", () => {
  for (const header of headers.cases) {
    if (RESPONSE_HEADERS[header.header]) continue;
    const row = operationByCode.get(header.code)!;
    for (const name of Object.keys(header.missingRequired)) {
      if (LOOSER_THAN_JAVA.has(`${header.header}.${name}`)) continue;
      const values = sample(row.request, seededRandom(1).next, true);
      const field = Object.entries(row.request).find(([key, kind]) => (kind.wireName ?? key) === name)![0];
      const texts = writeFields(row.request, values, row.name);
      delete texts[name];
      delete values[field];
      assertThrows(
        () => readFields(row.request, texts, row.name),
        ProtocolError,
        `field "${field}" is missing`,
      );
      assertThrows(() => writeFields(row.request, values, row.name), ProtocolError, `"${field}" is missing`);
    }
  }
});

/** Values for `fields`, drawn from `next`; all optional ones too when `full`. */
// deno-lint-ignore no-explicit-any
function sample(fields: Fields, next: () => number, full: boolean): any {
  const out: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(fields)) {
    if (kind.optional && !full && next() < 0.5) continue;
    switch (kind.kind) {
      case "str":
        out[name] = ["", "a b", "中文🚀", "x\u0001y\u0002", "%RETRY%g"][Math.floor(next() * 5)];
        break;
      case "bool":
        out[name] = next() < 0.5;
        break;
      case "int":
        out[name] = [0, -1, 2147483647, -2147483648][Math.floor(next() * 4)];
        break;
      case "long":
      case "stamp":
        out[name] = [0, -1, Number.MAX_SAFE_INTEGER, 1700000000000][Math.floor(next() * 4)];
        break;
      case "bound":
        out[name] = [0, -1, Infinity, -Infinity][Math.floor(next() * 4)];
        break;
      case "token":
        out[name] = ["0", "9223372036854775807"][Math.floor(next() * 2)];
        break;
      default:
        throw new Error(`no sample for kind ${kind.kind}`);
    }
  }
  return out;
}

Deno.test("reading what was written gives the same values, for every row", () => {
  const random = seededRandom(20);
  for (const [name, row] of rows) {
    for (let run = 0; run < 20; run++) {
      for (const fields of [row.request, row.response]) {
        const values = sample(fields, random.next, run === 0);
        assertEquals(readFields(fields, writeFields(fields, values, name), name), values, name);
      }
    }
  }
});

Deno.test("codes, names and wire keys are unique", () => {
  assertEquals(operationByCode.size, rows.length);
  assertEquals(new Set(rows.map(([, row]) => row.name)).size, rows.length);
  for (const [name, row] of rows) {
    assertEquals(operationNameByCode.get(row.code), name);
    for (const fields of [row.request, row.response]) {
      const keys = Object.entries(fields).map(([key, kind]) => kind.wireName ?? key);
      assertEquals(new Set(keys).size, keys.length, name);
    }
    assert(row.answers.includes(0), `${name} takes success as an answer`);
  }
});
