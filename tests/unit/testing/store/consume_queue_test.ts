import { assertEquals } from "@std/assert";
import { ConsumeQueue } from "../../../../src/testing/store/consume_queue.ts";

function filled(count: number): ConsumeQueue {
  const queue = new ConsumeQueue();
  for (let i = 0; i < count; i++) queue.append(i * 100, 100, -i);
  return queue;
}

Deno.test("a queue offset finds its row, however many there are", () => {
  const queue = filled(2000);
  for (const at of [0, 511, 512, 1999]) {
    assertEquals([queue.physicalOffset(at), queue.sizeBytes(at), queue.tagsCode(at)], [at * 100, 100, -at]);
  }
  assertEquals([queue.has(0), queue.has(2000)], [true, false]);
});

Deno.test("offsets keep their numbers when the front is dropped", () => {
  const queue = filled(2000);
  queue.dropBelow(130_001);
  assertEquals([queue.minOffset, queue.maxOffset], [1301, 2000]);
  assertEquals(queue.physicalOffset(1301), 130_100);
  queue.dropUntil(5000);
  assertEquals([queue.minOffset, queue.maxOffset], [2000, 2000]);
  queue.append(7, 8, 9);
  assertEquals(queue.physicalOffset(2000), 7);
});

Deno.test("what lies at or behind a physical offset can be forgotten", () => {
  const queue = filled(1000);
  queue.truncate(60_000);
  assertEquals(queue.maxOffset, 600);
  queue.append(1, 2, 3);
  assertEquals(queue.physicalOffset(600), 1);
});

Deno.test("an inner batch takes as many offsets as it has messages", () => {
  const queue = new ConsumeQueue();
  queue.append(0, 50, 0, 3);
  queue.append(50, 50, 0);
  assertEquals([queue.maxOffset, queue.physicalOffset(2), queue.physicalOffset(3)], [4, 0, 50]);
});
