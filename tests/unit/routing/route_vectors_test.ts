import { assertEquals } from "@std/assert";
import { type TopicRouteData, topicRouteData } from "../../../src/protocol/bodies.ts";
import { compareQueues, type MessageQueue } from "../../../src/protocol/message_queue.ts";
import { buildRoute, PERM_READ, PERM_WRITE } from "../../../src/routing/route.ts";
import { vectors } from "../vectors.ts";

type Listed = [topic: string, brokerName: string, queueId: number];

interface RouteCase {
  route: string;
  publish: { orderTopic: boolean; queues: Listed[] };
  subscribe: Listed[];
}

/** What stands in the place of the route where it was lost when the file was made. */
const LOST = '"MapSortField"';

function countByBroker(queues: readonly Listed[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, brokerName] of queues) counts.set(brokerName, (counts.get(brokerName) ?? 0) + 1);
  return counts;
}

/** A route that leads to the lists of a case, its brokers in no useful order. */
function routeFor({ publish, subscribe }: RouteCase): TopicRouteData {
  const written = countByBroker(publish.queues);
  const read = countByBroker(subscribe);
  const names = [...new Set([...written.keys(), ...read.keys()])].sort().reverse();
  const order = [...written].map(([brokerName, count]) => `${brokerName}:${count}`).join(";");
  return {
    orderTopicConf: publish.orderTopic ? order : undefined,
    queueDatas: names.map((brokerName) => ({
      brokerName,
      readQueueNums: read.get(brokerName) ?? 3,
      writeQueueNums: written.get(brokerName) ?? 5,
      perm: (read.has(brokerName) ? PERM_READ : 0) | (written.has(brokerName) ? PERM_WRITE : 0),
      topicSysFlag: 0,
    })),
    brokerDatas: names.map((brokerName) => ({
      brokerName,
      brokerAddrs: new Map([[0, "10.0.0.1:10911"]]),
      enableActingMaster: false,
    })),
    filterServerTable: {},
  };
}

const listed = (queues: readonly MessageQueue[]): Listed[] =>
  queues.map(({ topic, brokerName, queueId }) => [topic, brokerName, queueId]);

Deno.test("routes become the queue lists that MQClientInstance makes", () => {
  for (const vector of vectors<RouteCase>("route.json").cases) {
    const data = vector.route === LOST ? routeFor(vector) : topicRouteData.readText(vector.route);
    const built = buildRoute("T", data);
    const where = topicRouteData.writeText(data);
    assertEquals(built.ordered, vector.publish.orderTopic, where);
    assertEquals(listed(built.writeQueues), vector.publish.queues, where);
    assertEquals(listed([...built.readQueues].sort(compareQueues)), vector.subscribe, where);
  }
});

Deno.test("a broker without a master is read from but not written to", () => {
  const route = routeFor({
    route: LOST,
    publish: { orderTopic: false, queues: [["T", "b", 0]] },
    subscribe: [["T", "b", 0]],
  });
  const slaveOnly = route.brokerDatas.map((broker) => ({ ...broker, brokerAddrs: new Map([[1, "x:1"]]) }));
  const built = buildRoute("T", { ...route, brokerDatas: slaveOnly });
  assertEquals([built.writeQueues.length, built.readQueues.length], [0, 1]);
});
