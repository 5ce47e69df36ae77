import { assertEquals } from "@std/assert";
import { BrokerDirectory } from "../../../src/routing/broker_directory.ts";
import { buildRoute, type TopicRoute } from "../../../src/routing/route.ts";

function route(topic: string, brokers: Record<string, [number, string][]>): TopicRoute {
  return buildRoute(topic, {
    queueDatas: [],
    filterServerTable: {},
    brokerDatas: Object.entries(brokers).map(([brokerName, addresses]) => ({
      brokerName,
      brokerAddrs: new Map(addresses),
      enableActingMaster: false,
    })),
  });
}

function directory(...routes: TopicRoute[]): BrokerDirectory {
  const made = new BrokerDirectory();
  for (const each of routes) made.learn(each);
  return made;
}

Deno.test("broker directory: writing needs the master and nobody else will do", () => {
  const known = directory(route("T", { a: [[0, "m:1"], [1, "s:1"]], b: [[1, "s:2"]] }));
  assertEquals(known.master("a"), "m:1");
  assertEquals(known.master("b"), undefined);
  assertEquals(known.master("c"), undefined);
});

Deno.test("broker directory: a reader takes the id, the next id for a slave, then anyone unless only that", () => {
  const known = directory(route("T", { a: [[0, "m:1"], [2, "s:2"]], b: [[3, "s:3"]] }));
  assertEquals(known.reader("a", 0, true), "m:1");
  assertEquals(known.reader("a", 1, true), "s:2");
  assertEquals(known.reader("a", 3, true), undefined);
  assertEquals(known.reader("a", 3, false), "m:1");
  assertEquals(known.reader("b", 0, true), undefined);
  assertEquals(known.reader("b", 0, false), "s:3");
  assertEquals(known.reader("c", 0, false), undefined);
});

Deno.test("broker directory: a newer route replaces addresses, and what no route names is forgotten", () => {
  const known = directory(route("T", { a: [[0, "m:1"], [1, "s:1"]], b: [[0, "m:2"]] }));
  const newer = route("T", { a: [[0, "m:9"]] });
  known.learn(newer);
  assertEquals(known.master("a"), "m:9");
  assertEquals(known.reader("a", 1, true), undefined);
  assertEquals(known.names(), ["a", "b"]);
  known.keepOnly([newer]);
  assertEquals(known.names(), ["a"]);
  assertEquals(known.places(), [{ brokerName: "a", brokerId: 0, address: "m:9" }]);
  assertEquals([known.nameAt("m:9"), known.nameAt("m:2"), known.nameAt("s:1")], ["a", undefined, undefined]);
});
