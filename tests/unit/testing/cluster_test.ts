import { assertEquals, assertRejects } from "@std/assert";
import { topicRouteData } from "../../../src/protocol/bodies.ts";
import * as operations from "../../../src/protocol/operations.ts";
import { decodeProperties } from "../../../src/message/properties.ts";
import { startCluster } from "../../../src/testing/mod.ts";
import { recordsOf, stage, textsOf } from "./bench_client.ts";

Deno.test("a topic that is not there yet is made by the first message and is routed at once", async () => {
  const scene = await stage({ brokers: 2 });
  const names = await scene.dial(scene.cluster.namesrvAddr);
  const client = await scene.dial();
  assertEquals((await names.call(operations.getRouteInfoByTopic, { topic: "T" })).code, 17);
  const sent = await client.send("T", 3, "hello", { TAGS: "a", UNIQ_KEY: "K" });
  assertEquals(sent.code, 0);
  assertEquals(sent.header.queueOffset, 0);
  assertEquals(sent.header.transactionId, "K");
  assertEquals(sent.fields["MSG_REGION"], "DefaultRegion");
  const route = topicRouteData.read((await names.call(operations.getRouteInfoByTopic, { topic: "T" })).body);
  assertEquals(route.queueDatas.map((each) => [each.brokerName, each.writeQueueNums]), [["broker-a", 4]]);
  assertEquals(route.brokerDatas[0]!.brokerAddrs.get(0), scene.cluster.brokerAddress("broker-a"));
  await scene.stop();
});

Deno.test("a message is pulled with the properties a broker adds", async () => {
  const scene = await stage();
  const client = await scene.dial();
  await client.send("T", 0, "one", { TAGS: "a", UNIQ_KEY: "K", WAIT: "true" });
  const pulled = await client.pull("T", 0, 0);
  assertEquals([pulled.code, pulled.remark], [0, "FOUND"]);
  const [record] = recordsOf(pulled.body);
  assertEquals(decodeProperties(record!.properties), {
    TAGS: "a",
    UNIQ_KEY: "K",
    WAIT: "true",
    MSG_REGION: "DefaultRegion",
    TRACE_ON: "true",
    CLUSTER: "DefaultCluster",
  });
  assertEquals(record!.physicalOffset, 0);
  await scene.stop();
});

Deno.test("a parked pull is answered by the next message, or when its patience ends", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  const first = client.pull("T", 0, 0, { sysFlag: 6 });
  await scene.clock.settle();
  assertEquals(scene.cluster.inspect.parked(), 1);
  await client.send("T", 0, "now");
  assertEquals(textsOf((await first).body), ["now"]);
  const second = client.pull("T", 0, 1, { sysFlag: 6, suspendTimeoutMillis: 2000 });
  await scene.clock.advance(2000);
  const { code, remark, header } = await second;
  assertEquals([code, remark, header.nextBeginOffset], [19, "OFFSET_OVERFLOW_ONE", 1]);
  await scene.stop();
});

Deno.test("a message that the filter refuses leaves a parked pull alone until the next sweep moves it on", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  await client.send("T", 0, "x", { TAGS: "b" });
  const pull = client.pull("T", 0, 1, { sysFlag: 6, subscription: "a" });
  await scene.clock.settle();
  await client.send("T", 0, "y", { TAGS: "b" });
  await scene.clock.advance(4999);
  assertEquals(scene.cluster.inspect.parked(), 1);
  await scene.clock.advance(1);
  const { code, header } = await pull;
  assertEquals([code, header.nextBeginOffset], [20, 2]);
  await scene.stop();
});

Deno.test("members are told of a newcomer before it gets its own answer", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const one = await scene.dial();
  const two = await scene.dial();
  await one.heartbeat("one", "CG", { T: "*" });
  assertEquals(one.received.map((each) => each.command.code), [40]);
  await two.heartbeat("two", "CG", { T: "*" });
  await scene.clock.settle();
  assertEquals(one.received.length, 2);
  assertEquals(two.received.length, 1);
  await two.heartbeat("two", "CG", { T: "*" }, { version: 2 });
  await scene.clock.settle();
  assertEquals(two.received.length, 1, "a newer version of the same subscription tells nobody");
  two.channel.close();
  await scene.clock.settle();
  assertEquals(one.received.length, 3);
  assertEquals(scene.cluster.inspect.consumers("CG").map((each) => each.clientId), ["one"]);
  await scene.clock.advance(130_000);
  assertEquals(scene.cluster.inspect.consumers("CG"), [], "silence of 120 s ends a membership");
  await scene.stop();
});

Deno.test("a heartbeat served after its connection has closed leaves no member behind for good", async () => {
  const scene = await stage({ topics: { T: 1 } });
  scene.cluster.once("heartBeat", (request, proceed) => {
    request.channel.close();
    return proceed();
  });
  const client = await scene.dial();
  await client.heartbeat("one", "G", { T: "*" }).catch(() => {});
  await scene.clock.settle();
  assertEquals(scene.cluster.inspect.consumers("G").map(({ clientId }) => clientId), ["one"]);
  await scene.clock.advance(130_000);
  assertEquals(scene.cluster.inspect.consumers("G"), []);
  await scene.stop();
});

Deno.test("a group without an offset starts at 0 while message 0 is there, and is unknown otherwise", async () => {
  const scene = await stage({ topics: { T: 1 }, broker: { logBlockBytes: 1 } });
  const client = await scene.dial();
  const query = () =>
    client.call(operations.queryConsumerOffset, { consumerGroup: "G", topic: "T", queueId: 0 });
  assertEquals((await query()).code, 22);
  await client.send("T", 0, "a");
  assertEquals((await query()).header.offset, 0);
  for (let i = 0; i < 3; i++) await client.send("T", 0, "b");
  scene.cluster.retain("broker-a", 300);
  assertEquals((await query()).code, 22);
  await client.heartbeat("c", "G", { T: "*" });
  await client.call(operations.updateConsumerOffset, {
    consumerGroup: "G",
    topic: "T",
    queueId: 0,
    commitOffset: 3,
  });
  assertEquals((await query()).header.offset, 3);
  await scene.stop();
});

Deno.test("a restart keeps messages and offsets; one that loses falls back to what was flushed", async () => {
  const scene = await stage({ topics: { T: 1 } });
  let client = await scene.dial();
  await client.heartbeat("c", "G", { T: "*" });
  await client.send("T", 0, "kept");
  const commit = (offset: number) =>
    client.call(operations.updateConsumerOffset, {
      consumerGroup: "G",
      topic: "T",
      queueId: 0,
      commitOffset: offset,
    });
  await commit(1);
  await scene.cluster.restartBroker("broker-a");
  client = await scene.dial();
  await client.send("T", 0, "lost");
  await commit(2);
  await scene.cluster.restartBroker("broker-a", { lose: true });
  assertEquals(scene.cluster.inspect.messages("T").map((each) => each.text), ["kept"]);
  assertEquals(scene.cluster.inspect.progress("G", "T")[0]!.offset, 1);
  await scene.stop();
});

Deno.test("a fault is taken by one request and forgotten", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  const order = scene.cluster.once("sendMessageV2", 2);
  assertEquals((await client.send("T", 0, "a")).code, 2);
  assertEquals((await client.send("T", 0, "a")).code, 0);
  assertEquals(order.hits, 1);
  scene.cluster.once("sendMessageV2", { delayMs: 500 });
  let done = false;
  const slow = client.send("T", 0, "b").then(() => done = true);
  await scene.clock.advance(499);
  assertEquals(done, false);
  await scene.clock.advance(1);
  await slow;
  assertEquals(scene.cluster.wireLog.of("sendMessageV2", "request").length, 3);
  await scene.stop();
});

Deno.test("a subscription whose version counts nanoseconds, as Go's do, is the same in heartbeat and pull", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  const version = 1795369933401423296;
  assertEquals((await client.heartbeat("go", "CG", { T: "*" }, { version })).code, 0);
  const pull = { sysFlag: 0, subscription: undefined };
  assertEquals((await client.pull("T", 0, 0, { ...pull, subVersion: version })).code, 19);
  assertEquals((await client.pull("T", 0, 0, { ...pull, subVersion: version + 1_000_000 })).code, 25);
  await scene.stop();
});

Deno.test("a cluster on real sockets starts and stops and leaves nothing behind", async () => {
  const cluster = await startCluster({ brokers: 2, nameServers: 2, topics: { T: 2 } });
  assertEquals(cluster.namesrvAddr.split(";").length, 2);
  assertEquals(cluster.brokers, ["broker-a", "broker-b"]);
  await cluster.stop();
});

Deno.test("a slave reads what its master keeps, goes on without it, and refuses messages", async () => {
  const scene = await stage({
    brokers: [{ name: "broker-a", slaves: 1, suggestSlave: true }],
    topics: { T: 1 },
  });
  assertEquals(scene.cluster.slaves, ["broker-a-slave-1"]);
  const names = await scene.dial(scene.cluster.namesrvAddr);
  const addresses = async () =>
    topicRouteData.read((await names.call(operations.getRouteInfoByTopic, { topic: "T" })).body)
      .brokerDatas[0]!.brokerAddrs;
  const master = await scene.dial();
  const slave = await scene.dial(scene.cluster.brokerAddress("broker-a-slave-1"));
  assertEquals([...(await addresses()).keys()].sort(), [0, 1]);
  const waiting = slave.pull("T", 0, 0, { sysFlag: 6 });
  await scene.clock.settle();
  await master.send("T", 0, "kept");
  assertEquals(textsOf((await waiting).body), ["kept"]);
  assertEquals((await master.pull("T", 0, 0)).header.suggestWhichBrokerId, 1);
  await scene.cluster.killBroker("broker-a");
  assertEquals([...(await addresses()).keys()], [1]);
  const pulled = await slave.pull("T", 0, 0);
  assertEquals([textsOf(pulled.body), pulled.header.suggestWhichBrokerId], [["kept"], 0]);
  assertEquals((await slave.send("T", 0, "no")).code, 14);
  await scene.cluster.startBroker("broker-a");
  assertEquals([...(await addresses()).keys()].sort(), [0, 1]);
  await scene.stop();
});

Deno.test("a snapshot put back takes messages, offsets and delays to what they were", async () => {
  const scene = await stage({ topics: { T: 1 }, broker: { delayLevelsMs: [10_000] } });
  let client = await scene.dial();
  await client.heartbeat("c", "G", { T: "*" });
  await client.send("T", 0, "before");
  await client.send("T", 0, "delayed", { DELAY: "1" });
  const commit = (commitOffset: number) =>
    client.call(operations.updateConsumerOffset, {
      consumerGroup: "G",
      topic: "T",
      queueId: 0,
      commitOffset,
    });
  await commit(1);
  const snapshot = scene.cluster.snapshot();
  await client.send("T", 0, "after");
  await commit(2);
  await scene.cluster.restore(snapshot);
  assertEquals(scene.cluster.inspect.messages("T").map((each) => each.text), ["before"]);
  assertEquals(scene.cluster.inspect.progress("G", "T")[0]!.offset, 1);
  await scene.clock.advance(10_000);
  assertEquals(scene.cluster.inspect.messages("T").map((each) => each.text), ["before", "delayed"]);
  client = await scene.dial();
  assertEquals(textsOf((await client.pull("T", 0, 1)).body), ["delayed"]);
  await scene.stop();
});

Deno.test("a broker with a port of its own is reached two ports below it as well, until it stops", async () => {
  const scene = await stage({ brokers: [{ name: "broker-a", port: 10911 }], topics: { T: 1 } });
  const vip = scene.cluster.brokerAddress("broker-a").replace("10911", "10909");
  const client = await scene.dial(vip);
  await client.send("T", 0, "a");
  assertEquals(scene.cluster.inspect.messages("T").length, 1);
  await scene.cluster.stopBroker("broker-a");
  await assertRejects(() => scene.dial(vip));
  await scene.stop();
});
