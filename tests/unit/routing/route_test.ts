import { assert, assertEquals } from "@std/assert";
import type {
  BrokerData,
  QueueData,
  TopicQueueMapping,
  TopicRouteData,
} from "../../../src/protocol/bodies.ts";
import type { MessageQueue } from "../../../src/protocol/message_queue.ts";
import { buildRoute, sameRoute } from "../../../src/routing/route.ts";

function broker(brokerName: string, ...ids: number[]): BrokerData {
  const brokerAddrs = new Map(ids.map((id) => [id, `${brokerName}-${id}:10911`]));
  return { cluster: "c", brokerName, brokerAddrs, enableActingMaster: false };
}

function queues(brokerName: string, perm: number, readQueueNums: number, writeQueueNums: number): QueueData {
  return { brokerName, perm, readQueueNums, writeQueueNums, topicSysFlag: 0 };
}

function data(parts: Partial<TopicRouteData>): TopicRouteData {
  return { queueDatas: [], brokerDatas: [], filterServerTable: {}, ...parts };
}

function told(list: readonly MessageQueue[]): string {
  return list.map((queue) => `${queue.brokerName}/${queue.queueId}`).join(" ");
}

Deno.test("route: write queues are those of writable brokers with a master, by broker name", () => {
  const route = buildRoute(
    "T",
    data({
      queueDatas: [queues("b", 6, 3, 2), queues("a", 2, 1, 1), queues("c", 4, 2, 2), queues("d", 6, 1, 1)],
      brokerDatas: [broker("a", 0), broker("b", 0, 1), broker("c", 0), broker("d", 1)],
    }),
  );
  assertEquals(told(route.writeQueues), "a/0 b/0 b/1");
  assertEquals(told(route.readQueues), "b/0 b/1 b/2 c/0 c/1 d/0");
  assertEquals(route.ordered, false);
  assert(route.writeQueues.every((queue) => queue.topic === "T"));
});

Deno.test("route: broker names are compared by code unit, capitals first, as in Java", () => {
  const names = ["broker-c1", "broker-B0", "broker-22", "broker-102"];
  const route = buildRoute(
    "T",
    data({
      queueDatas: names.map((name) => queues(name, 6, 1, 1)),
      brokerDatas: names.map((name) => broker(name, 0)),
    }),
  );
  assertEquals(told(route.writeQueues), "broker-102/0 broker-22/0 broker-B0/0 broker-c1/0");
});

Deno.test("route: an order configuration rules the write queues in its own order, read queues stay", () => {
  const route = buildRoute(
    "T",
    data({
      orderTopicConf: "y:2;x:1;junk",
      queueDatas: [queues("b", 6, 1, 1)],
      brokerDatas: [broker("b", 0)],
    }),
  );
  assertEquals(told(route.writeQueues), "y/0 y/1 x/0");
  assertEquals(told(route.readQueues), "b/0");
  assertEquals(route.ordered, true);
  assertEquals(buildRoute("T", data({ orderTopicConf: "" })).ordered, false);
});

Deno.test("route: brokers have their addresses by id", () => {
  const route = buildRoute("T", data({ brokerDatas: [broker("b", 0, 2)] }));
  assertEquals([...route.brokers.get("b")!], [[0, "b-0:10911"], [2, "b-2:10911"]]);
});

Deno.test("route: a static topic has logical queues, held by the newest mapping that claims them", () => {
  const mapping = (bname: string, epoch: number, ids: number[], totalQueues = 3): TopicQueueMapping => ({
    topic: "T",
    scope: "__global__",
    totalQueues,
    bname,
    epoch,
    dirty: false,
    currIdMap: new Map(ids.map((id) => [id, 0])),
  });
  const topicQueueMappingByBroker = { b1: mapping("b1", 1, [0, 1], 4), b2: mapping("b2", 2, [1]) };
  const route = buildRoute(
    "T",
    data({
      topicQueueMappingByBroker,
      queueDatas: [queues("b1", 6, 1, 1)],
      brokerDatas: [broker("b1", 0)],
    }),
  );
  const logical = "__syslo__global__/0 __syslo__global__/1 __syslo__global__/2 __syslo__global__/3";
  assertEquals([told(route.writeQueues), told(route.readQueues)], [logical, logical]);
  assertEquals([...route.logicalBrokers.values()], ["b1", "b2", "__syslo__none__", "__syslo__none__"]);
  assertEquals(
    told(buildRoute("T", data({ topicQueueMappingByBroker, orderTopicConf: "x:1" })).writeQueues),
    "x/0",
  );
});

Deno.test("sameRoute: the order of lists and address maps does not matter, everything else does", () => {
  const one = data({
    queueDatas: [queues("a", 6, 4, 4), queues("b", 6, 4, 4)],
    brokerDatas: [broker("a", 0, 1), broker("b", 0)],
  });
  const shuffled = data({
    queueDatas: [...one.queueDatas].reverse(),
    brokerDatas: [broker("b", 0), broker("a", 1, 0)],
  });
  assert(sameRoute(one, shuffled));
  const changes: Partial<TopicRouteData>[] = [
    { queueDatas: [queues("a", 6, 4, 4), queues("b", 4, 4, 4)] },
    { queueDatas: [queues("a", 6, 4, 4), queues("b", 6, 8, 4)] },
    { brokerDatas: [broker("a", 0), broker("b", 0)] },
    { orderTopicConf: "a:4" },
  ];
  for (const change of changes) assert(!sameRoute(one, { ...one, ...change }), JSON.stringify(change));
});
