import { assertEquals } from "@std/assert";
import { heartbeatData } from "../../../src/protocol/bodies.ts";
import { getMaxOffset } from "../../../src/protocol/operations/pull.ts";
import type { ScriptedServer } from "../remoting/scripted_server.ts";
import { accepting, consumerMember, producerMember, withCluster } from "./client_support.ts";

const MASTER = "10.2.0.1:10911";
const SLAVE = "10.2.0.2:10911";
const OTHER = "10.2.0.3:10911";
const HEART_BEAT = 34;
const UNREGISTER_CLIENT = 35;

function heartbeats(
  server: ScriptedServer | undefined,
): { producers: string[]; consumers: string[]; id: string }[] {
  return server!.requests.filter(({ command }) => command.code === HEART_BEAT).map(({ body }) => {
    const data = heartbeatData.read(body);
    return {
      producers: data.producerDataSet.map((producer) => producer.groupName),
      consumers: data.consumerDataSet.map((consumer) => consumer.groupName),
      id: data.clientID!,
    };
  });
}

Deno.test("heartbeats: a consumer is told to masters and slaves, with the inner producer", async () => {
  await withCluster({ b: [MASTER, SLAVE] }, async ({ client, brokers, world }) => {
    client.join(consumerMember([]));
    await client.start();
    await client.route("T");
    await client.heartbeat();
    await world.clock.settle();
    for (const address of [MASTER, SLAVE]) {
      assertEquals(heartbeats(brokers.get(address))[0], {
        producers: ["CLIENT_INNER_PRODUCER"],
        consumers: ["CG"],
        id: client.clientId,
      });
    }
  });
});

Deno.test("heartbeats: producers are told to masters only", async () => {
  await withCluster({ b: [MASTER, SLAVE] }, async ({ client, brokers, world }) => {
    client.join(producerMember());
    await client.start();
    await client.route("T");
    await world.clock.advance(1100);
    assertEquals(heartbeats(brokers.get(MASTER))[0]!.producers, ["CLIENT_INNER_PRODUCER", "PG"]);
    assertEquals(heartbeats(brokers.get(SLAVE)), []);
  });
});

Deno.test("heartbeats: a client without members says nothing", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, world }) => {
    await client.start();
    await client.route("T");
    await world.clock.advance(61_000);
    assertEquals(brokers.get(MASTER)!.codes, []);
  });
});

Deno.test("heartbeats: they come after 1 s and every 30 s, at once on join and when asked for", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, world }) => {
    await client.start();
    await client.route("T");
    const count = () => heartbeats(brokers.get(MASTER)).length;
    await world.clock.advance(999);
    assertEquals(count(), 0);
    client.join(producerMember());
    await world.clock.settle();
    assertEquals(count(), 1);
    await client.heartbeat();
    assertEquals(count(), 2);
    await world.clock.advance(30_000);
    assertEquals(count(), 3);
    await world.clock.advance(30_000);
    assertEquals(count(), 4);
  });
});

Deno.test("heartbeats: one asked for while a round runs starts after it with the newest picture", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, world }) => {
    const held = Promise.withResolvers<void>();
    client.join(producerMember());
    await client.start();
    await client.route("T");
    await world.clock.settle();
    const broker = brokers.get(MASTER)!;
    broker.script = async () => {
      await held.promise;
      return { code: 0 };
    };
    const before = heartbeats(broker).length;
    const first = client.heartbeat();
    await world.clock.settle();
    client.join(producerMember({ group: "PG2" }));
    const second = client.heartbeat();
    await world.clock.settle();
    assertEquals(heartbeats(broker).length, before + 1);
    held.resolve();
    await Promise.all([first, second]);
    assertEquals(heartbeats(broker).at(-1)!.producers, ["CLIENT_INNER_PRODUCER", "PG", "PG2"]);
  });
});

Deno.test("heartbeats: a broker that fails does not stop the others; it is counted, and told once per run", async () => {
  await withCluster({ a: [MASTER], b: [OTHER] }, async ({ client, brokers, world }) => {
    const events = client.events();
    client.join(producerMember());
    await client.start();
    await client.route("T");
    await world.clock.settle();
    const failing = brokers.get(MASTER)!;
    failing.script = () => ({ code: 2, remark: "busy" });
    for (let i = 0; i < 3; i++) await client.heartbeat();
    failing.script = accepting;
    await client.heartbeat();
    failing.script = () => ({ code: 2, remark: "busy" });
    await client.heartbeat();
    const byName = new Map(client.statistics().heartbeats.map((each) => [each.brokerName, each]));
    const { a, b } = { a: byName.get("a")!, b: byName.get("b")! };
    assertEquals([a.failed, a.sent - a.succeeded - a.failed], [4, 0]);
    assertEquals([b.failed, b.sent - b.succeeded, b.version], [0, 0, 513]);
    assertEquals(b.lastSuccessAt, world.clock.now());
    await client.shutdown();
    const told: string[] = [];
    for await (const event of events) if (event.type === "heartbeatFailed") told.push(event.brokerName);
    assertEquals(told, ["a", "a"]);
  });
});

Deno.test("heartbeats: a connection that is made again begins with one, then consumers are told", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, world }) => {
    const told: string[] = [];
    const broker = brokers.get(MASTER)!;
    broker.script = ({ command }) => ({
      code: 0,
      extFields: command.code === HEART_BEAT ? {} : { offset: "1" },
    });
    client.join(consumerMember(told));
    await client.start();
    await client.route("T");
    await world.clock.settle();
    assertEquals(told.filter((line) => line === "connected b").length, 1);
    for (const channel of broker.channels) channel.close();
    await world.clock.settle();
    broker.codes.length = 0;
    await client.call("b", getMaxOffset, { topic: "T", queueId: 0 });
    await world.clock.settle();
    assertEquals(broker.codes, [HEART_BEAT, getMaxOffset.code]);
    assertEquals(told.filter((line) => line === "connected b").length, 2);
  });
});

Deno.test("heartbeats: brokers that a route brings are told at once", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, addresses, world }) => {
    client.join(producerMember());
    await client.start();
    await client.route("T");
    await world.clock.settle();
    brokers.get(MASTER)!.codes.length = 0;
    const fresh = await world.server(OTHER, accepting);
    addresses.c = [OTHER];
    await client.route("T", { refresh: true });
    await world.clock.settle();
    assertEquals(heartbeats(fresh).length, 1);
  });
});

Deno.test("heartbeats: a member that leaves is unregistered; shutdown unregisters the rest and the inner producer last", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, world }) => {
    const producer = producerMember();
    client.join(producer);
    client.join(consumerMember([]));
    await client.start();
    await client.route("T");
    await client.heartbeat();
    const { clientId } = client;
    const unregistered = () =>
      brokers.get(MASTER)!.requests.filter(({ command }) => command.code === UNREGISTER_CLIENT)
        .map(({ command }) => command.extFields);
    await client.leave(producer);
    assertEquals(unregistered(), [{ clientID: clientId, producerGroup: "PG" }]);
    await world.clock.runUntil(client.shutdown());
    assertEquals(unregistered().slice(1), [
      { clientID: clientId, consumerGroup: "CG" },
      { clientID: clientId, producerGroup: "CLIENT_INNER_PRODUCER" },
    ]);
  });
});

Deno.test("heartbeats: a broker that is silent delays neither a shutdown nor its unregistering for long", async () => {
  await withCluster({ b: [MASTER] }, async ({ client, brokers, world }) => {
    client.join(producerMember());
    await client.start();
    await client.route("T");
    await client.heartbeat();
    brokers.get(MASTER)!.script = () => undefined;
    const heartbeat = client.heartbeat();
    const before = world.clock.now();
    await world.clock.runUntil(client.shutdown());
    await heartbeat;
    assertEquals(world.clock.now() - before <= 3000, true);
  });
});
