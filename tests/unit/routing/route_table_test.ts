import { assert, assertEquals, assertRejects } from "@std/assert";
import { NameServerError } from "../../../src/core/errors.ts";
import { topicRouteData } from "../../../src/protocol/bodies.ts";
import type { RequestHandler } from "../../../src/remoting/call.ts";
import { ConnectionPool } from "../../../src/remoting/pool.ts";
import { NameServers } from "../../../src/routing/name_servers.ts";
import { RouteTable, type RouteTableOptions } from "../../../src/routing/route_table.ts";
import { inTestWorld, type ScriptedServer, type TestWorld } from "../remoting/scripted_server.ts";

const NAME_SERVER = "10.1.0.1:9876";

/** Knows every topic but "missing", with `queues` queues at one broker. */
function routes(queues: () => number): RequestHandler {
  return ({ command }) => {
    if (command.extFields!.topic === "missing") return { code: 17, remark: "No topic route info" };
    const body = topicRouteData.write({
      filterServerTable: {},
      brokerDatas: [{
        brokerName: "b",
        brokerAddrs: new Map([[0, "10.2.0.1:10911"]]),
        enableActingMaster: false,
      }],
      queueDatas: [{
        brokerName: "b",
        readQueueNums: queues(),
        writeQueueNums: queues(),
        perm: 6,
        topicSysFlag: 0,
      }],
    });
    return { code: 0, body };
  };
}

async function withTable(
  options: Partial<RouteTableOptions>,
  body: (
    table: RouteTable,
    server: ScriptedServer,
    world: TestWorld,
    state: { queues: number },
  ) => Promise<void>,
): Promise<void> {
  await inTestWorld(async (world) => {
    const state = { queues: 4 };
    const server = await world.server(NAME_SERVER, routes(() => state.queues));
    const { clock, random, network } = world;
    const pool = new ConnectionPool({ clock, random, connect: network.connect });
    const nameServers = new NameServers({ namesrvAddr: NAME_SERVER, pool, clock, random });
    try {
      await body(new RouteTable({ nameServers, clock, timeoutMs: 3000, ...options }), server, world, state);
    } finally {
      await pool.close();
    }
  });
}

Deno.test("route table: questions for one topic at one time are one request, in strict JSON", async () => {
  await withTable({}, async (table, server) => {
    const [one, two] = await Promise.all([table.ask("T"), table.ask("T")]);
    assert(one === two);
    assertEquals(one!.readQueues.length, 4);
    assertEquals(server.requests.map(({ command }) => command.extFields), [
      { topic: "T", acceptStandardJsonOnly: "true" },
    ]);
    assertEquals(table.cached("T"), one);
    assertEquals(table.counts, { refreshes: 1, failures: 0 });
  });
});

Deno.test("route table: an unchanged route stays the same object, a change is told with what was before", async () => {
  const told: string[] = [];
  await withTable({
    onChange: (route, previous) =>
      told.push(`${route.topic} ${previous?.readQueues.length} ${route.readQueues.length}`),
  }, async (table, _server, _world, state) => {
    const before = await table.ask("T");
    assert(await table.ask("T") === before);
    state.queues = 8;
    assert(await table.ask("T") !== before);
    assertEquals(told, ["T undefined 4", "T 4 8"]);
  });
});

Deno.test("route table: a missing topic is undefined and told; what was known of it stays", async () => {
  const missing: string[] = [];
  await withTable({ onMissing: (topic) => missing.push(topic) }, async (table, server) => {
    assertEquals(await table.ask("missing"), undefined);
    assertEquals(missing, ["missing"]);
    const known = await table.ask("T");
    server.script = () => ({ code: 17 });
    assertEquals(await table.ask("T"), undefined);
    assert(table.cached("T") === known);
  });
});

Deno.test("route table: a refresh asks for every topic and stops as soon as no name server serves", async () => {
  await withTable({}, async (table, server) => {
    const topics = Array.from({ length: 100 }, (_, i) => `T${i}`);
    await table.refresh(topics);
    assertEquals([...table.all()].length, 100);
    server.script = () => ({ code: 1 });
    const before = server.codes.length;
    await assertRejects(() => table.refresh(topics), NameServerError);
    assert(server.codes.length - before <= 16);
    assertEquals([...table.all()].length, 100);
    assert(table.counts.failures > 0);
  });
});

Deno.test("route table: old routes are not given where freshness is asked for, and are forgotten if nobody wants them", async () => {
  await withTable({}, async (table, _server, world) => {
    const wanted = await table.ask("wanted");
    await table.ask("unwanted");
    await world.clock.advance(1000);
    assertEquals(table.cached("wanted", 999), undefined);
    assert(table.cached("wanted", 1000) === wanted);
    table.forgetOlder(999, new Set(["wanted"]));
    assert(table.cached("wanted") === wanted);
    assertEquals(table.cached("unwanted"), undefined);
  });
});

Deno.test("route table: a caller's signal ends its wait and not the question that others wait for", async () => {
  await withTable({}, async (table, server, world) => {
    const held = Promise.withResolvers<void>();
    const answer = server.script;
    server.script = async (request) => {
      await held.promise;
      return await answer(request);
    };
    const stop = new AbortController();
    const impatient = table.ask("T", stop.signal);
    const patient = table.ask("T");
    await world.clock.settle();
    stop.abort(new Error("enough"));
    await assertRejects(() => impatient, Error, "enough");
    held.resolve();
    assertEquals((await patient)!.topic, "T");
  });
});
