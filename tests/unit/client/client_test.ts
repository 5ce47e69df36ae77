import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { createClient } from "../../../src/client/client.ts";
import {
  BrokerError,
  BrokerNotAvailableError,
  ConfigError,
  NameServerError,
} from "../../../src/core/errors.ts";
import { getMaxOffset } from "../../../src/protocol/operations/pull.ts";
import { consumerMember, NAME_SERVER, producerMember, withCluster } from "./client_support.ts";

const MASTER = "10.2.0.1:10911";
const SLAVE = "10.2.0.2:10911";
const OTHER = "10.2.0.3:10911";

Deno.test("client: options are checked all at once, before any I/O", () => {
  const error = assertThrows(
    () => createClient({ namesrvAddr: "nowhere", requestTimeoutMs: 0, heartbeatIntervalMs: 120_000 }),
    ConfigError,
  );
  assertEquals(error.facts.problems!.map((problem) => problem.path), [
    "namesrvAddr",
    "requestTimeoutMs",
    "heartbeatIntervalMs",
  ]);
  assertThrows(() => createClient({} as never), ConfigError, "namesrvAddr");
  assertEquals(
    createClient({ namesrvAddr: "a:1", requestTimeoutMs: undefined }).options.requestTimeoutMs,
    3000,
  );
});

Deno.test("client: credentials are not among the options it shows", () => {
  const client = createClient({ namesrvAddr: "a:1", credentials: { accessKey: "ak", secretKey: "sk" } });
  assert(!JSON.stringify(client.options).includes("sk"));
});

Deno.test("client: its id is the first connection's local address, pid and chance", async () => {
  await withCluster({ b: [MASTER] }, async ({ client }) => {
    assertEquals(client.clientId, "");
    await client.start();
    assertMatch(client.clientId, /^127\.0\.0\.1@7#\d+$/);
  });
  await withCluster({ b: [MASTER] }, async ({ client }) => {
    await client.start();
    assertEquals(client.clientId, "1.2.3.4@me@unit");
  }, { clientIp: "1.2.3.4", instanceName: "me", unitName: "unit" });
});

Deno.test("client: a start without a name server rejects, leaves nothing open, and may be tried again", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, nameServer, world }) => {
    await nameServer.close();
    await assertRejects(() => world.clock.runUntil(client.start()), NameServerError, NAME_SERVER);
    assertEquals([client.isRunning, world.clock.sleeping], [false, 0]);
    await assertRejects(() => client.route("T"), Error, "the client is not running");
    await nameServer.open();
    await client.start();
    assertEquals(client.isRunning, true);
  });
});

Deno.test("client: an abort ends a start that waits, and leaves nothing open", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, nameServer, world }) => {
    nameServer.script = () => undefined;
    const stop = new AbortController();
    const start = client.start({ signal: stop.signal });
    await world.clock.settle();
    stop.abort(new Error("enough"));
    await assertRejects(() => start, Error, "enough");
    await world.clock.settle();
    assertEquals([client.isRunning, nameServer.channels.size, world.clock.sleeping], [false, 0, 0]);
  });
});

Deno.test("client: start and shutdown are counted; the last one out closes, further ones do nothing", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, nameServer, world }) => {
    await Promise.all([client.start(), client.start()]);
    assertEquals(nameServer.accepted, 1);
    await client.shutdown();
    assertEquals(client.isRunning, true);
    await Promise.all([client.shutdown(), client.shutdown()]);
    assertEquals(client.isRunning, false);
    await world.clock.settle();
    assertEquals([nameServer.channels.size, world.clock.sleeping], [0, 0]);
    await client.start();
    assertEquals(client.isRunning, true);
  });
});

Deno.test("client: a group of one kind joins once; leaving makes room", async () => {
  await withCluster({ b: [MASTER] }, async ({ client }) => {
    const member = consumerMember([]);
    client.join(member);
    assertThrows(() => client.join(consumerMember([])), ConfigError, 'consumer group "CG"');
    client.join(producerMember({ group: "CG" }));
    await client.leave(consumerMember([]));
    assertThrows(() => client.join(consumerMember([])), ConfigError);
    await client.leave(member);
    client.join(consumerMember([]));
  });
});

Deno.test("client: a route comes from memory while it is fresh; a missing topic is a BrokerError with code 17", async () => {
  await withCluster({ b: [MASTER, SLAVE] }, async ({ client, nameServer }) => {
    await client.start();
    const route = await client.route("T");
    assertEquals([route.readQueues.length, route.writeQueues.length], [4, 4]);
    assert(await client.route("T") === route);
    assert(client.cachedRoute("T") === route);
    assert(await client.route("T", { refresh: true }) === route);
    assertEquals(nameServer.codes.length, 3);
    const error = await assertRejects(() => client.route("missing"), BrokerError);
    assertEquals([error.facts.responseCode, error.facts.topic], [17, "missing"]);
  });
});

Deno.test("client: a broker is called at its master, or at the id that is asked for", async () => {
  await withCluster({ b: [MASTER, SLAVE] }, async ({ client, brokers }) => {
    const answer = () => ({ code: 0, extFields: { offset: "5" } });
    for (const broker of brokers.values()) broker.script = answer;
    await client.start();
    const header = { topic: "T", queueId: 0 };
    await assertRejects(() => client.call("b", getMaxOffset, header), BrokerNotAvailableError, 'broker "b"');
    await client.route("T");
    assertEquals((await client.call("b", getMaxOffset, header)).header.offset, 5);
    await client.call("b", getMaxOffset, header, { brokerId: 1 });
    await client.callAddress(SLAVE, getMaxOffset, header);
    const codes = (address: string) =>
      brokers.get(address)!.codes.filter((code) => code === getMaxOffset.code);
    assertEquals([codes(MASTER).length, codes(SLAVE).length], [1, 2]);
    assertEquals([client.brokerAddress("b"), client.brokerAddress("b", 1)], [MASTER, SLAVE]);
    assertEquals(client.brokerAddress("b", 7, { only: true }), undefined);
    assertEquals([client.brokerNames(), client.brokerVersion(MASTER)], [["b"], 513]);
  });
});

Deno.test("client: a one-way request reaches its broker, and a failure of one is not thrown", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, world }) => {
    await client.start();
    client.oneway("nobody", getMaxOffset, { topic: "T", queueId: 0 });
    await client.route("T");
    client.oneway("b", getMaxOffset, { topic: "T", queueId: 0 });
    await world.clock.settle();
    assertEquals(brokers.get(MASTER)!.requests.filter((request) => request.oneway).length, 1);
  });
});

Deno.test("client: requests are signed with the credentials, to name servers too", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, nameServer }) => {
    await client.start();
    const fields = nameServer.requests[0]!.command.extFields!;
    assertEquals([fields.AccessKey, fields.SecurityToken], ["ak", "st"]);
    assertMatch(fields.Signature!, /^[A-Za-z0-9+/]{27}=$/);
  }, { credentials: { accessKey: "ak", secretKey: "sk", securityToken: "st" } });
});

Deno.test("client: watched topics and those of members are asked for every 30 s; a change is told once", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, nameServer, topics, world }) => {
    const told: string[] = [];
    const events = client.events();
    client.join(consumerMember(told));
    client.watchTopic("W");
    await client.start();
    await world.clock.advance(100);
    const polls = () =>
      nameServer.requests.map(({ command }) => command.extFields!.topic).filter((t) => t === "T");
    assertEquals([polls().length, told.filter((line) => line === "route T").length], [1, 1]);
    await world.clock.advance(30_000);
    assertEquals([polls().length, told.filter((line) => line === "route T").length], [2, 1]);
    topics.set("T", 8);
    topics.set("W", 1);
    await world.clock.advance(30_000);
    assertEquals(told.filter((line) => line === "route T").length, 2);
    assertEquals(client.cachedRoute("T")!.readQueues.length, 8);
    assertEquals(client.cachedRoute("W")!.readQueues.length, 1);
    await world.clock.runUntil(client.shutdown());
    const seen: string[] = [];
    for await (const event of events) {
      if (event.type === "routeChanged" || event.type === "topicMissing") {
        seen.push(`${event.type} ${event.topic}`);
      }
    }
    assertEquals(seen.sort(), ["routeChanged T", "routeChanged T", "routeChanged W", "topicMissing W"]);
  });
});

Deno.test("client: when no name server serves, known routes stay in use and it is told once", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, nameServer, world }) => {
    const events = client.events();
    client.watchTopic("T");
    await client.start();
    await world.clock.advance(100);
    nameServer.script = () => ({ code: 1 });
    await world.clock.advance(90_000);
    assertEquals(client.cachedRoute("T")!.readQueues.length, 4);
    const { routeRefreshes, routeRefreshFailures } = client.statistics();
    assertEquals([routeRefreshes, routeRefreshFailures], [4, 3]);
    await world.clock.runUntil(client.shutdown());
    let failures = 0;
    for await (const event of events) if (event.type === "routeRefreshFailed") failures++;
    assertEquals(failures, 1);
  });
});

Deno.test("client: a broker that cannot be reached has the routes asked for at once", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, addresses, nameServer, world }) => {
    client.watchTopic("T");
    await client.start();
    await world.clock.advance(100);
    await brokers.get(MASTER)!.close();
    addresses.b = [OTHER];
    const before = nameServer.codes.length;
    await assertRejects(() => client.call("b", getMaxOffset, { topic: "T", queueId: 0 }));
    await world.clock.settle();
    assertEquals(nameServer.codes.length, before + 1);
    assertEquals(client.brokerAddress("b"), OTHER);
  });
});

Deno.test("client: each reader of events has its own, and leaving ends it", async () => {
  await withCluster({ b: [MASTER] }, async ({ client }) => {
    const [one, two] = [client.events(), client.events()];
    await client.start();
    await client.route("T");
    await one.return!();
    await client.shutdown();
    assertEquals((await one.next()).done, true);
    assertEquals((await two.next()).value, { type: "routeChanged", topic: "T" });
  });
});

Deno.test("client: a member that throws stops neither routes nor heartbeats", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, world }) => {
    const fail = (): never => {
      throw new Error("trouble");
    };
    client.join(consumerMember([], { heartbeat: fail, onRouteChanged: fail, onBrokerConnected: fail }));
    client.join(consumerMember([], { group: "CG2", topics: fail }));
    await client.start();
    assertEquals((await client.route("T")).readQueues.length, 4);
    await client.heartbeat();
    await world.clock.settle();
    assert(brokers.get(MASTER)!.codes.includes(34));
    await world.clock.advance(30_100);
    assertEquals(client.statistics().routeRefreshFailures, 0);
  });
});
