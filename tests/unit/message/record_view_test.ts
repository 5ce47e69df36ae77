import { Buffer } from "node:buffer";
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { encodeBatch } from "../../../src/message/batch.ts";
import { type RecordView, scanRecords } from "../../../src/message/record_view.ts";
import { SysFlag } from "../../../src/message/sys_flags.ts";
import { compress, compressionFlag } from "../../../src/wire/compression.ts";
import { decodeRecord, encodeRecord, type RecordFields } from "../../../src/wire/record.ts";
import { fromHex, toHex, vectors } from "../vectors.ts";

interface JavaMessage {
  topic: string;
  queueId: number;
  flag: number;
  queueOffset: string;
  commitLogOffset: string;
  sysFlag: number;
  bornTimestamp: number;
  bornHost: { text: string; port: number };
  storeTimestamp: number;
  storeHost: { text: string; port: number };
  reconsumeTimes: number;
  preparedTransactionOffset: string;
  body: string | null;
  bodyCRC: number;
  storeSize: number;
  properties: Record<string, string> | null;
  msgId: string;
  offsetMsgId: string | null;
}

const cases = vectors("record.json").cases;
const one = (hex: string, checkCrc = true): RecordView => {
  const { records, bad } = scanRecords(fromHex(hex), { checkCrc });
  if (bad) throw bad;
  return records[0]!;
};

/** Asserts that a long reads as Java's, or is refused by name when a number cannot hold it. */
function assertLong(read: () => number, java: string): void {
  if (Number.isSafeInteger(Number(java))) assertEquals(String(read()), java);
  else assertThrows(read, ProtocolError, "is beyond 2^53 - 1");
}

/** Asserts that a view says what Java's MessageExt says. */
function assertSame(view: RecordView, java: JavaMessage): void {
  assertEquals(view.topic, java.topic);
  assertEquals(view.queueId, java.queueId);
  assertEquals(view.flag, java.flag);
  assertEquals(String(view.queueOffset), java.queueOffset);
  assertLong(() => view.physicalOffset, java.commitLogOffset);
  // Java clears the bit when it has unfolded the body.
  assertEquals(view.sysFlag & ~SysFlag.COMPRESSED, java.sysFlag);
  assertEquals(view.bornTimestamp, java.bornTimestamp);
  assertEquals(view.bornHost, { host: java.bornHost.text, port: java.bornHost.port });
  assertEquals(view.storeTimestamp, java.storeTimestamp);
  assertEquals(view.storeHost, { host: java.storeHost.text, port: java.storeHost.port });
  assertEquals(view.reconsumeTimes, java.reconsumeTimes);
  assertLong(() => view.preparedTransactionOffset, java.preparedTransactionOffset);
  assertEquals(toHex(view.body), java.body ?? "");
  assertEquals(view.bodyCrc, java.bodyCRC);
  assertEquals(view.storeSize, java.storeSize);
  const properties = java.properties ?? {};
  for (const name of [...Object.keys(properties), "WAIT", "none"]) {
    assertEquals(view.property(name), properties[name]);
  }
  assertEquals(view.properties, properties);
  assertEquals(view.messageId, java.msgId);
  if (java.offsetMsgId !== null) assertEquals(view.offsetMessageId, java.offsetMsgId);
}

Deno.test("record.json: every record is viewed as Java decodes it, also after compact()", () => {
  const records = cases.filter((entry) => entry.kind === "record");
  const refused: string[] = [];
  for (const { bytes, decoded } of records) {
    if (!Number.isSafeInteger(Number(decoded.queueOffset))) {
      refused.push(decoded.queueOffset);
      assertThrows(() => one(bytes), ProtocolError, "its queue offset is beyond 2^53 - 1");
      continue;
    }
    assertSame(one(bytes), decoded);
    const compacted = one(bytes);
    compacted.compact();
    assertSame(compacted, decoded);
    compacted.compact();
    assertSame(compacted, decoded);
  }
  // A queue offset that a number cannot hold cannot be committed either.
  assertEquals(refused, ["9223372036854775807"]);
});

Deno.test("record.json: what Java encodes of a decoded message is viewed the same", () => {
  const encoded = cases.filter((entry) =>
    entry.kind === "MessageDecoder.encode" && entry.error === undefined
  );
  assertEquals(encoded.length, 6);
  for (const { from, bytes } of encoded) {
    // Java writes the unfolded body with the CRC of the folded one.
    const [before, after] = [one(from), one(bytes, false)];
    assertEquals(after.topic, before.topic);
    assertEquals(after.properties, before.properties);
    assertEquals([after.queueOffset, after.bornHost, after.storeHost], [
      before.queueOffset,
      before.bornHost,
      before.storeHost,
    ]);
  }
});

/** Java unfolds bodies while it decodes; a view does when it is read, so the record counts as good until then. */
const BROKEN_BODIES: ReadonlySet<string> = new Set([
  "compressed flag on a plain body",
  "compressed flag, LZ4 bits, plain body",
  "compressed flag, ZSTD bits, plain body",
  "lz4 body corrupted",
  "zstd body corrupted",
]);

Deno.test("record.json: of a broken buffer the records before the break are given, and the break is told", () => {
  const broken = cases.filter((entry) => entry.kind === "broken");
  assertEquals(broken.length, 57);
  let late = 0;
  for (const { note, bytes, decodes, decodeOneCheckCRC } of broken) {
    const buffer = fromHex(bytes);
    const { records, bad } = scanRecords(buffer, { checkCrc: false });
    const firstChecked = (): unknown => scanRecords(buffer, { checkCrc: true }).records[0]?.body;
    if (BROKEN_BODIES.has(note)) {
      late++;
      assertThrows(() => records[decodes.length]!.body, ProtocolError, "Cannot decompress", note);
      assertEquals(decodeOneCheckCRC, null);
      continue;
    }
    assertEquals(records.length, decodes.length, note);
    for (const [i, java] of decodes.entries()) assertSame(records[i]!, java);
    const consumed = records.reduce((sum, record) => sum + record.sizeBytes, 0);
    assertEquals(bad === undefined, consumed === buffer.length, note);
    if (bad) {
      assertMatch(bad.message, new RegExp(`^Cannot read record at byte ${consumed}: .`));
      assertEquals(bad.facts.position, consumed);
    }
    assertEquals(firstChecked() === undefined, decodeOneCheckCRC === null, note);
  }
  assertEquals(late, BROKEN_BODIES.size);
});

const FIELDS: RecordFields = {
  queueId: 2,
  flag: 9,
  queueOffset: 100,
  physicalOffset: 5000,
  sysFlag: 0,
  bornTimestamp: 11,
  bornHost: { host: "1.2.3.4", port: 5 },
  storeTimestamp: 12,
  storeHost: { host: "5.6.7.8", port: 9 },
  reconsumeTimes: 3,
  preparedTransactionOffset: 0,
  body: new Uint8Array(0),
  topic: "T",
  properties: "",
};
const INNER = SysFlag.NEED_UNWRAP | SysFlag.INNER_BATCH;

Deno.test("batch.json: an inner batch comes out as Java takes it apart", () => {
  const unwraps = vectors("batch.json").cases.filter((entry) => entry.kind === "unwrap");
  assertEquals(unwraps.length, 5);
  for (const { outer, out } of unwraps) {
    const record = encodeRecord({
      ...FIELDS,
      sysFlag: INNER,
      queueOffset: outer.queueOffset,
      physicalOffset: outer.commitLogOffset,
      reconsumeTimes: outer.reconsumeTimes,
      body: fromHex(outer.body),
      properties: "INNER_NUM\u00013\u0002UNIQ_KEY\u0001batch\u0002",
    });
    for (const compacted of [false, true]) {
      const { records, bad } = scanRecords(record, { checkCrc: true });
      assertEquals(bad, undefined);
      assertEquals(records.length, out.length);
      for (const [i, java] of out.entries()) {
        if (compacted) records[i]!.compact();
        assertSame(records[i]!, java);
      }
    }
  }
});

Deno.test("an inner batch may be compressed, and WAIT is true where an item does not say", () => {
  const body = encodeBatch([{ flag: 4, body: Uint8Array.of(1, 2), properties: "" }, {
    flag: 0,
    body: new Uint8Array(0),
    properties: "WAIT\u0001false\u0002",
  }]);
  const sysFlag = INNER | compressionFlag("ZSTD");
  const { records } = scanRecords(encodeRecord({ ...FIELDS, sysFlag, body: compress("ZSTD", body) }), {
    checkCrc: true,
  });
  assertEquals(records.map((record) => record.property("WAIT")), ["true", "false"]);
  assertEquals(records.map((record) => record.properties), [{ WAIT: "true" }, { WAIT: "false" }]);
  assertEquals(records.map((record) => [...record.body]), [[1, 2], []]);
  assertEquals(records[0]!.flag, 4);
});

Deno.test("a broken inner batch is a bad record, the records before it are given", () => {
  const good = encodeRecord(FIELDS);
  const bad = encodeRecord({ ...FIELDS, sysFlag: INNER, body: Uint8Array.of(0, 0, 0, 9, 1) });
  const result = scanRecords(Uint8Array.of(...good, ...bad, ...good), { checkCrc: true });
  assertEquals(result.records.length, 1);
  assertMatch(
    result.bad!.message,
    new RegExp(`^Cannot read record at byte ${good.length}: Cannot read batch`),
  );
});

Deno.test("a body that unfolds into more than allowed is refused when it is read", () => {
  const sysFlag = compressionFlag("LZ4");
  const record = encodeRecord({ ...FIELDS, sysFlag, body: compress("LZ4", new Uint8Array(10_000)) });
  const { records } = scanRecords(record, { checkCrc: true, maxBodyBytes: 9_999 });
  assertThrows(() => records[0]!.body, ProtocolError, "more than 9999 bytes");
});

Deno.test("views share the buffer until compact() copies what one needs", () => {
  const buffer = Uint8Array.of(
    ...encodeRecord({ ...FIELDS, body: Uint8Array.of(7, 8) }),
    ...encodeRecord(FIELDS),
  );
  const { records } = scanRecords(buffer, { checkCrc: true });
  const [first] = records;
  assert(first!.body.buffer === buffer.buffer);
  first!.compact();
  assert(first!.body.buffer !== buffer.buffer);
  assertEquals(first!.body.buffer.byteLength, first!.sizeBytes);
  buffer.fill(0);
  assertEquals([...first!.body], [7, 8]);
  assertEquals(first!.queueOffset, 100);
  assertEquals(first!.storeHost, FIELDS.storeHost);
});

Deno.test("compact() copies out of a Buffer too", () => {
  const buffer = Buffer.from(encodeRecord({ ...FIELDS, body: Uint8Array.of(7, 8) }));
  const { records: [record] } = scanRecords(buffer, { checkCrc: true });
  record!.compact();
  buffer.fill(0);
  assertEquals([...record!.body], [7, 8]);
});

Deno.test("a view and the plain codec agree on any record", () => {
  const random = seededRandom(21);
  const text = (bound: number): string =>
    Array.from({ length: random.int(bound) }, () => String.fromCharCode(1 + random.int(0xd000))).join("");
  for (let i = 0; i < 200; i++) {
    const bytes = encodeRecord({
      ...FIELDS,
      flag: (random.next() * 4294967296) | 0,
      queueOffset: random.int(1e9) * 1e6,
      bornHost: { host: i % 2 ? "::1" : "10.0.0.1", port: random.int(65536) },
      storeHost: { host: i % 3 ? "fe80::2" : "10.0.0.2", port: random.int(65536) },
      body: Uint8Array.from({ length: random.int(40) }, () => random.int(256)),
      topic: text(i % 2 ? 30 : 90),
      properties: text(50),
    });
    const record = decodeRecord(bytes);
    const { records: [view] } = scanRecords(bytes, { checkCrc: true });
    for (
      const field of [
        "queueId",
        "flag",
        "queueOffset",
        "physicalOffset",
        "sysFlag",
        "bornTimestamp",
        "bornHost",
        "storeTimestamp",
        "storeHost",
        "reconsumeTimes",
        "topic",
        "bodyCrc",
        "body",
      ] as const
    ) assertEquals(view![field], record[field]);
    assertEquals(view!.sizeBytes, record.end);
  }
});

Deno.test("no cut and no flipped byte makes the scan throw or read past the buffer", () => {
  const buffer = Uint8Array.of(
    ...encodeRecord({ ...FIELDS, body: Uint8Array.of(1) }),
    ...encodeRecord(FIELDS),
  );
  const random = seededRandom(33);
  for (let i = 0; i < 3000; i++) {
    const copy = buffer.slice(0, random.int(buffer.length + 1));
    if (copy.length > 0) copy[random.int(copy.length)] = random.int(256);
    const { records, bad } = scanRecords(copy, { checkCrc: false });
    const read = records.reduce((sum, record) => sum + record.sizeBytes, 0);
    assert(read <= copy.length);
    assert(bad !== undefined || records.length > 0 || copy.length === 0);
  }
});
