import { assertEquals } from "@std/assert";
import { CommitLog } from "../../../../src/testing/store/commit_log.ts";

/** A "record": its length in four bytes, then one byte repeated. */
function record(length: number, fill: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(fill);
  new DataView(bytes.buffer).setInt32(0, length);
  return bytes;
}

Deno.test("records follow each other without gaps, across blocks and larger than one", () => {
  const log = new CommitLog({ blockBytes: 32, start: 100 });
  const lengths = [20, 20, 100, 8];
  const offsets = lengths.map((length, i) => log.append(record(length, i)));
  assertEquals(offsets, [100, 120, 140, 240]);
  assertEquals([log.minOffset, log.maxOffset, log.sizeBytes], [100, 248, 148]);
  offsets.forEach((offset, i) => assertEquals(log.record(offset), record(lengths[i]!, i)));
  assertEquals([...log.records()].map((each) => each.offset), offsets);
  assertEquals(log.read(99, 1), undefined);
  assertEquals(log.read(248, 1), undefined);
  assertEquals(log.read(110, 20), undefined, "a read never runs past a block");
});

Deno.test("retention drops whole blocks at the front and keeps the one in use", () => {
  const log = new CommitLog({ blockBytes: 16 });
  for (let i = 0; i < 4; i++) log.append(record(10, i));
  log.retain(25);
  assertEquals([log.minOffset, log.sizeBytes], [20, 20]);
  log.retain(0);
  assertEquals([log.minOffset, log.maxOffset], [30, 40]);
  assertEquals(log.record(20), undefined);
});

Deno.test("what is truncated is gone, and its place is taken by the next record", () => {
  const log = new CommitLog({ blockBytes: 32 });
  for (let i = 0; i < 5; i++) log.append(record(10, i));
  log.truncate(20);
  assertEquals(log.maxOffset, 20);
  assertEquals(log.append(record(12, 9)), 20);
  assertEquals([...log.records()].map((each) => each.bytes[4]), [0, 1, 9]);
  log.truncate(0);
  assertEquals([log.minOffset, log.maxOffset], [0, 0]);
});
