/**
 * What reading a pull's body costs: one run is a body of 256 KiB with messages of 1 KiB. Divide by `COUNT` for one message.
 *
 *     deno bench -A --no-check bench/record_bench.ts
 */
import { scanRecords } from "../src/message/record_view.ts";
import { compress, compressionFlag } from "../src/wire/compression.ts";
import { decodeRecord, encodeRecord, type RecordFields } from "../src/wire/record.ts";

const COUNT = 256;
const FIELDS: RecordFields = {
  queueId: 3,
  flag: 0,
  queueOffset: 123_456,
  physicalOffset: 123_456_789,
  sysFlag: 0,
  bornTimestamp: 1_700_000_000_000,
  bornHost: { host: "10.1.2.3", port: 50_000 },
  storeTimestamp: 1_700_000_000_001,
  storeHost: { host: "10.1.2.4", port: 10_911 },
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: new Uint8Array(1024).map((_, i) => i * 31),
  topic: "orders",
  properties:
    "UNIQ_KEY\u00017F00000100001234567812345678ABCD\u0002WAIT\u0001true\u0002TAGS\u0001paid\u0002KEYS\u0001order-12345\u0002CLUSTER\u0001c\u0002",
};

function pull(fields: RecordFields): Uint8Array {
  const record = encodeRecord(fields);
  const body = new Uint8Array(record.length * COUNT);
  for (let i = 0; i < COUNT; i++) body.set(record, i * record.length);
  return body;
}

const plain = pull(FIELDS);
const packed = pull({ ...FIELDS, sysFlag: compressionFlag("ZSTD"), body: compress("ZSTD", FIELDS.body) });

Deno.bench(`${COUNT} messages: scan`, { baseline: true }, () => {
  scanRecords(plain, { checkCrc: false });
});

Deno.bench(`${COUNT} messages: scan with CRC`, () => {
  scanRecords(plain, { checkCrc: true });
});

Deno.bench(`${COUNT} messages: scan with CRC, tag, offset and body of each`, () => {
  let sum = 0;
  for (const record of scanRecords(plain, { checkCrc: true }).records) {
    sum += record.queueOffset + record.body.length + (record.property("TAGS") === "paid" ? 1 : 0);
  }
  if (sum === 0) throw new Error("nothing was read");
});

Deno.bench(`${COUNT} messages: scan with CRC, all properties and the id of each`, () => {
  let sum = 0;
  for (const record of scanRecords(plain, { checkCrc: true }).records) {
    sum += Object.keys(record.properties).length + record.messageId.length;
  }
  if (sum === 0) throw new Error("nothing was read");
});

Deno.bench(`${COUNT} messages: scan with CRC, unfold zstd bodies`, () => {
  let sum = 0;
  for (const record of scanRecords(packed, { checkCrc: true }).records) sum += record.body.length;
  if (sum === 0) throw new Error("nothing was read");
});

Deno.bench(`${COUNT} messages: the plain codec, for comparison`, () => {
  for (let at = 0; at < plain.length;) at = decodeRecord(plain, at).end;
});

Deno.bench("one message: encode", () => {
  encodeRecord(FIELDS);
});
