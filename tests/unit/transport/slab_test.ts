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
