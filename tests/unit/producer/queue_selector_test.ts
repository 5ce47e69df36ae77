import { assert, assertEquals, assertThrows } from "@std/assert";
import { ValidationError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import {
  MessageHashSelector,
  RandomSelector,
  RoundRobinSelector,
} from "../../../src/producer/queue_selector.ts";
import { javaHash } from "../../../src/protocol/java_hash.ts";

const queuesOf = (topic: string, count: number) =>
  Array.from({ length: count }, (_, queueId) => ({ topic, brokerName: "a", queueId }));
const message = (topic: string, more: object = {}) => ({ topic, body: "b", ...more });

Deno.test("round robin takes the queues of each topic in turn, whatever happens to other topics", () => {
  const selector = new RoundRobinSelector({ random: seededRandom(3) });
  const queues = queuesOf("A", 3);
  const first = selector.select(message("A"), queues).queueId;
  selector.select(message("B"), queuesOf("B", 5));
  const next = [1, 2, 3].map(() => selector.select(message("A"), queues).queueId);
  assertEquals(next, [1, 2, 3].map((step) => (first + step) % 3));
});

Deno.test("round robin starts at a random queue", () => {
  const starts = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const selector = new RoundRobinSelector({ random: seededRandom(seed) });
    starts.add(selector.select(message("A"), queuesOf("A", 4)).queueId);
  }
  assertEquals(starts.size, 4);
});

Deno.test("round robin goes on when a topic loses queues", () => {
  const selector = new RoundRobinSelector({ random: { next: () => 0.9, int: () => 7 } });
  assertEquals(selector.select(message("A"), queuesOf("A", 8)).queueId, 7);
  assertEquals(selector.select(message("A"), queuesOf("A", 3)).queueId, 8 % 3);
});

Deno.test("random selection reaches every queue", () => {
  const selector = new RandomSelector({ random: seededRandom(1) });
  const met = new Set(
    Array.from({ length: 100 }, () => selector.select(message("A"), queuesOf("A", 4)).queueId),
  );
  assertEquals(met.size, 4);
});

Deno.test("a hash selects as SelectMessageQueueByHash does", () => {
  const selector = new MessageHashSelector();
  const select = (arg: unknown, count: number) =>
    selector.select(message("A"), queuesOf("A", count), arg).queueId;
  for (const text of ["", "TagA", "中文", "🚀", "a much longer tag value than usual"]) {
    assertEquals(select(text, 7), Math.abs(javaHash(text) % 7), text);
  }
  assert(javaHash("a much longer tag value than usual") < 0, "one of them hashes below zero");
  assertEquals(select(10, 4), 2, "Integer.hashCode is the value");
  assertEquals(select(-3, 4), 3, "the remainder's absolute value");
  assertEquals(select(4294967296, 7), 1, "Long.hashCode folds the upper half in");
  assertEquals(select(-1n, 7), 0, "Long.hashCode(-1) is 0");
  assertEquals(select(true, 7), 1231 % 7);
});

Deno.test("a hash is taken of the argument, else of the sharding key, else of the first key", () => {
  const selector = new MessageHashSelector();
  const queues = queuesOf("A", 101);
  const at = (text: string) => Math.abs(javaHash(text) % 101);
  const all = message("A", { keys: "k1 k2", properties: { __SHARDINGKEY: "shard" } });
  assertEquals(selector.select(all, queues, "arg").queueId, at("arg"));
  assertEquals(selector.select(all, queues).queueId, at("shard"));
  assertEquals(selector.select(message("A", { keys: "k1 k2" }), queues).queueId, at("k1"));
  assertEquals(selector.select(message("A", { keys: ["k3", "k1"] }), queues).queueId, at("k3"));
  assertThrows(() => selector.select(message("A"), queues), ValidationError, 'topic "A" by hash');
});
