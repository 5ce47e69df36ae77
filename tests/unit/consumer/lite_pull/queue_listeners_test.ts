import { assertEquals } from "@std/assert";
import { AssignmentListener, TopicListeners } from "../../../../src/consumer/lite_pull/queue_listeners.ts";
import type { MessageQueue } from "../../../../src/protocol/message_queue.ts";

const queues = (topic: string, count: number): MessageQueue[] =>
  Array.from({ length: count }, (_, queueId) => ({ topic, brokerName: "b", queueId }));

/** Calls, and remembers what was thrown for which topic. */
function guard() {
  const thrown: string[] = [];
  const call = (topic: string, run: () => void): void => {
    try {
      run();
    } catch (error) {
      thrown.push(`${topic}: ${(error as Error).message}`);
    }
  };
  return { thrown, call };
}

Deno.test("the first look at a topic tells nothing, a later one tells of other queues", async () => {
  let count = 2;
  const seen: string[] = [];
  const listeners = new TopicListeners((topic) => Promise.resolve(queues(topic, count)), guard().call);
  listeners.register("T", (topic, all) => void seen.push(`${topic} ${all.length}`));
  await listeners.check();
  await listeners.check();
  assertEquals(seen, []);
  count = 4;
  await listeners.check();
  await listeners.check();
  assertEquals(seen, ["T 4"]);
  count = 0;
  await listeners.check();
  assertEquals(seen, ["T 4", "T 0"]);
});

Deno.test("a topic that cannot be asked for is no change, and holds no other up", async () => {
  let failing = false;
  let count = 1;
  const seen: string[] = [];
  const listeners = new TopicListeners(
    (topic) =>
      failing && topic === "A" ? Promise.reject(new Error("away")) : Promise.resolve(queues(topic, count)),
    guard().call,
  );
  for (const name of ["A", "B"]) listeners.register(name, (topic) => void seen.push(topic));
  await listeners.check();
  [failing, count] = [true, 2];
  await listeners.check();
  assertEquals(seen, ["B"]);
  failing = false;
  await listeners.check();
  assertEquals(seen, ["B", "A"]);
});

Deno.test("a second listener replaces the first, and what took the first back leaves the second alone", async () => {
  let count = 1;
  const seen: string[] = [];
  const listeners = new TopicListeners((topic) => Promise.resolve(queues(topic, count)), guard().call);
  const stopFirst = listeners.register("T", () => void seen.push("first"));
  const stopSecond = listeners.register("T", () => void seen.push("second"));
  stopFirst();
  await listeners.check();
  count = 2;
  await listeners.check();
  assertEquals(seen, ["second"]);
  stopSecond();
  count = 3;
  await listeners.check();
  assertEquals(seen, ["second"]);
});

Deno.test("a listener that throws is told of and keeps no other from being called", async () => {
  let count = 1;
  const { thrown, call } = guard();
  const seen: string[] = [];
  const listeners = new TopicListeners((topic) => Promise.resolve(queues(topic, count)), call);
  listeners.register("A", () => {
    throw new Error("no");
  });
  listeners.register("B", (topic) => void seen.push(topic));
  await listeners.check();
  count = 2;
  await listeners.check();
  assertEquals([thrown, seen], [["A: no"], ["B"]]);
});

Deno.test("the assignment is told topic by topic when it is other than before, and when it is gone", () => {
  const seen: string[] = [];
  const listener = new AssignmentListener(
    (topic, all, assigned) => void seen.push(`${topic} ${assigned.length} of ${all.length}`),
    guard().call,
  );
  const queuesOf = (topic: string) => queues(topic, 4);
  listener.check([], queuesOf);
  assertEquals(seen, []);
  listener.check([...queues("A", 4), ...queues("B", 2)], queuesOf);
  listener.check([...queues("B", 2), ...queues("A", 4)], queuesOf);
  assertEquals(seen.splice(0), ["A 4 of 4", "B 2 of 4"]);
  listener.check(queues("A", 2), queuesOf);
  assertEquals(seen.splice(0), ["A 2 of 4", "B 0 of 4"]);
  listener.check(queues("A", 2), queuesOf);
  assertEquals(seen, []);
});
