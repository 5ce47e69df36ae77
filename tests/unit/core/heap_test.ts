import { assertEquals } from "@std/assert";
import { Heap } from "../../../src/core/heap.ts";
import { seededRandom } from "../../../src/core/random.ts";

Deno.test("whatever comes first is first, however items go in and out", () => {
  const random = seededRandom(7);
  const heap = new Heap<number>((a, b) => a < b);
  const model: number[] = [];
  for (let step = 0; step < 5_000; step++) {
    if (random.next() < 0.6) {
      const item = random.int(1_000);
      heap.push(item);
      model.push(item);
      model.sort((a, b) => a - b);
    } else assertEquals(heap.pop(), model.shift());
    assertEquals(heap.first, model[0]);
  }
  heap.clear();
  assertEquals([heap.first, heap.pop()], [undefined, undefined]);
});
