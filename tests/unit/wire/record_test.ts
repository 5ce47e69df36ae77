import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import {
  bodyCrc,
  decodeRecord,
  encodeRecord,
  recordFieldAt,
  type RecordFields,
} from "../../../src/wire/record.ts";
import { fromHex, toHex, vectors } from "../vectors.ts";

interface RecordCase {
  kind: "record";
  fields: {
    magic: number;
    queueId: number;
    flag: number;
    queueOffset: string;
    physicalOffset: string;
    sysFlag: number;
    bornTimestamp: number;
    bornHost: { text: string; port: number };
    storeTimestamp: number;
    storeHost: { text: string; port: number };
    reconsumeTimes: number;
    preparedTransactionOffset: string;
    storedBody: string;
    bodyCRC: number;
    topic: string;
    propertiesText: string;
    appendPropCRC: boolean;
  };
  bytes: string;
}

const file = vectors("record.json");
const cases = file.cases.filter((one) => one.kind === "record") as RecordCase[];

function fieldsOf({ fields, bytes }: RecordCase): RecordFields {
  const properties = fields.appendPropCRC
    // The broker appended its CRC property; it is data like any other to the codec.
    ? fields.propertiesText + new TextDecoder().decode(fromHex(bytes).subarray(-20))
    : fields.propertiesText;
  return {
    queueId: fields.queueId,
    flag: fields.flag,
    queueOffset: Number(fields.queueOffset),
    physicalOffset: Number(fields.physicalOffset),
    sysFlag: fields.sysFlag,
    bornTimestamp: fields.bornTimestamp,
    bornHost: { host: fields.bornHost.text, port: fields.bornHost.port },
    storeTimestamp: fields.storeTimestamp,
    storeHost: { host: fields.storeHost.text, port: fields.storeHost.port },
    reconsumeTimes: fields.reconsumeTimes,
    preparedTransactionOffset: Number(fields.preparedTransactionOffset),
    body: fromHex(fields.storedBody),
    topic: fields.topic,
    properties,
  };
}

/** Java reads these; a number cannot hold their offsets, so they are refused by name. */
const BEYOND_A_NUMBER = cases.filter(({ fields }) =>
  [fields.queueOffset, fields.physicalOffset, fields.preparedTransactionOffset].some((text) =>
    !Number.isSafeInteger(Number(text))
  )
);

Deno.test("record.json: every record is written to the byte and read back", () => {
  let asserted = 0;
  for (const one of cases) {
    if (BEYOND_A_NUMBER.includes(one)) continue;
    const fields = fieldsOf(one);
    assertEquals(toHex(encodeRecord(fields)), one.bytes);
    const { totalSize, magic, bodyCrc, end, ...rest } = decodeRecord(fromHex(one.bytes));
    assertEquals({ ...rest, body: rest.body.slice() }, fields);
    assertEquals([totalSize, magic, bodyCrc, end], [
      one.bytes.length / 2,
      one.fields.magic,
      one.fields.bodyCRC,
      one.bytes.length / 2,
    ]);
    asserted++;
  }
  assertEquals(asserted, 61);
});

Deno.test("record.json: offsets beyond 2^53 - 1 are refused by name", () => {
  assertEquals(BEYOND_A_NUMBER.length, 3);
  for (const { bytes } of BEYOND_A_NUMBER) {
    assertThrows(() => decodeRecord(fromHex(bytes)), ProtocolError, "is beyond 2^53 - 1");
  }
});

Deno.test("record.json: every CRC is Java's", () => {
  const crcs = file.cases.filter((one) => one.kind === "crc32");
  assertEquals(crcs.length, 8);
  for (const { bytes, crc } of crcs) assertEquals(bodyCrc(fromHex(bytes)), crc);
});

Deno.test("the fixed fields stand where the broker writes offsets later", () => {
  assertEquals([recordFieldAt("queueOffset"), recordFieldAt("physicalOffset"), recordFieldAt("sysFlag")], [
    20,
    28,
    36,
  ]);
});

const SAMPLE: RecordFields = {
  queueId: 1,
  flag: 0,
  queueOffset: 5,
  physicalOffset: 6,
  sysFlag: 0x30,
  bornTimestamp: 7,
  bornHost: { host: "127.0.0.1", port: 1 },
  storeTimestamp: 8,
  storeHost: { host: "::1", port: 65535 },
  reconsumeTimes: 0,
  preparedTransactionOffset: -1,
  body: new Uint8Array(0),
  topic: "T",
  properties: "",
};

Deno.test("the IPv6 bits of sysFlag follow the hosts", () => {
  const record = decodeRecord(encodeRecord(SAMPLE));
  assertEquals(record.sysFlag, 0x20);
  assertEquals(record.storeHost, { host: "0:0:0:0:0:0:0:1", port: 65535 });
});

Deno.test("what does not fit a record is refused", () => {
  const refused = (change: Partial<RecordFields>, message: string): void =>
    void assertThrows(() => encodeRecord({ ...SAMPLE, ...change }), ProtocolError, message);
  refused({ properties: "x".repeat(32768) }, "properties of 32768 bytes is above the limit of 32767");
  refused({ topic: "x".repeat(32768) }, "topic of 32768 bytes");
  refused({ bornHost: { host: "broker-a", port: 1 } }, '"broker-a" is not an IP address');
});

Deno.test("any record survives, wherever it stands in a buffer", () => {
  const random = seededRandom(11);
  const bytes = (bound: number): Uint8Array =>
    Uint8Array.from({ length: random.int(bound) }, () => random.int(256));
  const text = (bound: number): string =>
    Array.from({ length: random.int(bound) }, () => String.fromCharCode(33 + random.int(0xd000))).join("");
  const long = (): number => Math.floor((random.next() - 0.5) * Number.MAX_SAFE_INTEGER);
  const int = (): number => (random.next() * 4294967296) | 0;
  const host = (): { host: string; port: number } => ({
    host: random.int(2)
      ? [0, 0, 0, 0].map(() => random.int(256)).join(".")
      : Array.from({ length: 8 }, () => random.int(65536).toString(16)).join(":"),
    port: random.int(65536),
  });
  for (let i = 0; i < 300; i++) {
    const fields: RecordFields = {
      queueId: int(),
      flag: int(),
      queueOffset: long(),
      physicalOffset: long(),
      sysFlag: 0,
      bornTimestamp: long(),
      bornHost: host(),
      storeTimestamp: long(),
      storeHost: host(),
      reconsumeTimes: int(),
      preparedTransactionOffset: long(),
      body: bytes(50),
      topic: text(i % 3 ? 20 : 100),
      properties: text(60),
    };
    const record = encodeRecord(fields);
    const before = random.int(9);
    const buffer = new Uint8Array(before + record.length + 3);
    buffer.set(record, before);
    const { totalSize, magic: _magic, bodyCrc: _crc, end, sysFlag: _flags, ...rest } = decodeRecord(
      buffer,
      before,
    );
    const { sysFlag: _none, ...expected } = fields;
    assertEquals({ ...rest, body: rest.body.slice() }, expected);
    assertEquals(end, before + totalSize);
    assert(totalSize === record.length);
  }
});
