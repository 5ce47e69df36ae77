import { assertEquals } from "@std/assert";
import { brokerOf, type PublishRoute } from "../../../src/producer/publish_routes.ts";
import { queueKey } from "../../../src/protocol/message_queue.ts";
import type { TopicRoute } from "../../../src/routing/route.ts";

function routeOver(logicalBrokers: ReadonlyMap<string, string>): PublishRoute {
  const source: TopicRoute = {
    topic: "ns%T",
    readQueues: [],
    writeQueues: [],
    ordered: false,
    brokers: new Map(),
    logicalBrokers,
    data: { queueDatas: [], brokerDatas: [], filterServerTable: {} },
  } as unknown as TopicRoute;
  return { topic: "T", wireTopic: "ns%T", queues: [], source, borrowed: false };
}

Deno.test("a queue of a static topic is sent to the broker that it is mapped to", () => {
  const queue = { topic: "T", brokerName: "__syslo__global__", queueId: 3 };
  const mapped = new Map([[queueKey({ ...queue, topic: "ns%T" }), "broker-b"]]);
  assertEquals(brokerOf(routeOver(mapped), queue), "broker-b");
});

Deno.test("any other queue is sent to the broker that it names", () => {
  assertEquals(
    brokerOf(routeOver(new Map()), { topic: "T", brokerName: "broker-a", queueId: 0 }),
    "broker-a",
  );
});
