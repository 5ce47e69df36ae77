import { assertEquals } from "@std/assert";
import { seededRandom } from "../../../src/core/random.ts";
import { type MessageQueue, queueKey } from "../../../src/protocol/message_queue.ts";
import { planAssignment } from "../../../src/rebalance/plan.ts";

const queue = (queueId: number): MessageQueue => ({ topic: "T", brokerName: "b", queueId });

Deno.test("the plan says what comes, goes and stays, in order", () => {
  assertEquals(planAssignment([queue(3), queue(1), queue(2)], [queue(4), queue(2), queue(0)]), {
    gained: [queue(4), queue(0)],
    lost: [queue(3), queue(1)],
    kept: [queue(2)],
  });
});

Deno.test("losing everything is a plan like any other", () => {
  assertEquals(planAssignment([queue(0)], []), { gained: [], lost: [queue(0)], kept: [] });
});

Deno.test("carrying out a plan always ends at the allocation", () => {
  const random = seededRandom(3);
  const some = () => Array.from({ length: random.int(8) }, () => queue(random.int(6)));
  for (let run = 0; run < 200; run++) {
    const [held, allocated] = [some(), some()];
    const { gained, lost, kept } = planAssignment(held, allocated);
    const after = new Set(held.map(queueKey));
    for (const each of lost) after.delete(queueKey(each));
    for (const each of gained) after.add(queueKey(each));
    assertEquals([...after].sort(), [...new Set(allocated.map(queueKey))].sort());
    assertEquals(gained.length + kept.length, after.size);
  }
});
