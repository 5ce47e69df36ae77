import { assertEquals } from "@std/assert";
import { Pauses } from "../../../src/consumer/pauses.ts";

const queue = (topic: string, queueId = 0) => ({ topic, brokerName: "b", queueId });

Deno.test("nothing is paused at first; everything can be, also queues that come later", () => {
  const pauses = new Pauses();
  assertEquals(pauses.has(queue("a")), false);
  pauses.set(undefined, true);
  assertEquals([pauses.has(queue("a")), pauses.has(queue("later", 7))], [true, true]);
  pauses.set(undefined, false);
  assertEquals(pauses.has(queue("a")), false);
});

Deno.test("a topic, and a queue of it, can be paused and resumed by themselves", () => {
  const pauses = new Pauses();
  pauses.set(["a", queue("b", 1)], true);
  assertEquals([queue("a"), queue("a", 1), queue("b"), queue("b", 1)].map((each) => pauses.has(each)), [
    true,
    true,
    false,
    true,
  ]);
  pauses.set([queue("a", 1)], false);
  assertEquals([queue("a"), queue("a", 1)].map((each) => pauses.has(each)), [true, false]);
});

Deno.test("the last call that names a queue, directly or not, counts", () => {
  const pauses = new Pauses();
  pauses.set([queue("a")], true);
  pauses.set(["a"], false);
  assertEquals(pauses.has(queue("a")), false);
  pauses.set(undefined, true);
  assertEquals(pauses.has(queue("a")), true);
  pauses.set(["a"], false);
  assertEquals([pauses.has(queue("a")), pauses.has(queue("b"))], [false, true]);
  pauses.set([], true);
  assertEquals(pauses.has(queue("a")), false);
});
