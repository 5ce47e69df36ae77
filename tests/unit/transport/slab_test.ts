import { assert, assertEquals } from "@std/assert";
import { Slab } from "../../../src/transport/slab.ts";

Deno.test("takes follow each other in one sheet and never overlap", () => {
  const slab = new Slab();
  slab.room().fill(1, 0, 10);
  const first = slab.take(10);
  slab.room().fill(2, 0, 10);
  const second = slab.take(10);
  assertEquals([...first, ...second], [...Array(10).fill(1), ...Array(10).fill(2)]);
  assert(first.buffer === second.buffer, "one sheet");
  assertEquals(second.byteOffset, first.byteOffset + 10);
});

Deno.test("asking for room twice without a read gives the same place", () => {
  const slab = new Slab();
  assert(slab.room() === slab.room());
});

Deno.test("there is always room for a quarter of a sheet", () => {
  const slab = new Slab();
  for (let i = 0; i < 1000; i++) {
    assert(slab.room().byteLength >= 4096);
    slab.take(1 + (i * 37) % 4000);
  }
});

Deno.test("a read that fills all the room makes the next sheet large", () => {
  const slab = new Slab();
  const small = slab.room().byteLength;
  slab.take(small - 1);
  assertEquals(slab.room().byteLength, small);
  slab.take(small);
  assertEquals(slab.room().byteLength, 256 * 1024);
});

Deno.test("what was taken outlives free()", () => {
  const slab = new Slab();
  slab.room().fill(7, 0, 3);
  const taken = slab.take(3);
  slab.free();
  slab.room().fill(9);
  assertEquals([...taken], [7, 7, 7]);
});

Deno.test("a sheet is blank again when all its strips are back, and not before", () => {
  const slab = new Slab();
  const place = slab.room().byteOffset;
  const [first, second] = [slab.take(10), slab.take(10)];
  slab.recycle(first);
  assertEquals(slab.room().byteOffset, place + 20);
  const third = slab.take(10);
  slab.recycle(second);
  slab.recycle(third);
  assertEquals(slab.room().byteOffset, place);
  assertEquals(slab.room().buffer, first.buffer);
});

Deno.test("a strip given back while a read is under way does not move the place of the read", () => {
  const slab = new Slab();
  slab.room();
  const first = slab.take(10);
  const reading = slab.room();
  slab.recycle(first);
  assert(slab.room() === reading);
  assertEquals(slab.take(5).byteOffset, reading.byteOffset);
});

Deno.test("a strip of a sheet that was given up changes nothing", () => {
  const slab = new Slab();
  const old = slab.take(slab.room().byteLength);
  slab.room();
  slab.take(10);
  const place = slab.room().byteOffset;
  slab.recycle(old);
  assertEquals(slab.room().byteOffset, place);
});
