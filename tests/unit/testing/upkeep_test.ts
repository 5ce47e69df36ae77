import { assertEquals } from "@std/assert";
import {
  brokerMemberGroup,
  brokerStatsData,
  registerBrokerBody,
  topicRouteData,
} from "../../../src/protocol/bodies.ts";
import * as operations from "../../../src/protocol/operations.ts";
import { encodePopHandle } from "../../../src/protocol/pop.ts";
import { ByteWriter } from "../../../src/wire/bytes.ts";
import { compress } from "../../../src/wire/compression.ts";
import { bodyCrc } from "../../../src/wire/record.ts";
import { type Client, stage } from "./bench_client.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function permissionOf(names: Client, topic: string): Promise<number | undefined> {
  const { code, body } = await names.call(operations.getRouteInfoByTopic, { topic });
  return code === 0 ? topicRouteData.read(body).queueDatas[0]!.perm : undefined;
}

Deno.test("a permission that an administrator takes from a broker is gone from its routes, and from its pulls", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const names = await scene.dial(scene.cluster.namesrvAddr);
  const client = await scene.dial();
  const permit = (bits: number) =>
    client.call(operations.updateBrokerConfig, {}, bytes(`brokerPermission=${bits}\n`));
  await permit(4);
  assertEquals(await permissionOf(names, "T"), 4);
  await permit(2);
  assertEquals(await permissionOf(names, "T"), 2);
  const pull = await client.pull("T", 0, 0);
  assertEquals([pull.code, pull.fields["forbiddenType"]], [16, "1"]);
  await permit(6);
  assertEquals([await permissionOf(names, "T"), (await client.pull("T", 0, 0)).code !== 16], [6, true]);
  const locked = await client.call(operations.updateBrokerConfig, {}, bytes("brokerConfigPath=elsewhere\n"));
  assertEquals([locked.code, locked.remark], [16, "Can not update config in black list."]);
  await scene.stop();
});

Deno.test("what goes through a broker is counted over a minute, an hour and a day", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  const sums = async (statsName: string, statsKey: string): Promise<unknown> => {
    const { code, body } = await client.call(operations.viewBrokerStatsData, { statsName, statsKey });
    if (code !== 0) return code;
    const { statsMinute, statsHour, statsDay } = brokerStatsData.read(body);
    return [statsMinute?.sum, statsHour?.sum, statsDay?.sum];
  };
  assertEquals(await sums("TOPIC_PUT_NUMS", "T"), 1);
  for (const text of ["a", "b", "c"]) await client.send("T", 0, text);
  await client.pull("T", 0, 1);
  assertEquals(await sums("TOPIC_PUT_NUMS", "T"), [3, 3, 3]);
  assertEquals(await sums("GROUP_GET_NUMS", "T@CG"), [2, 2, 2]);
  await scene.clock.advance(61_000);
  assertEquals(await sums("TOPIC_PUT_NUMS", "T"), [0, 3, 3]);
  await scene.clock.advance(3_600_000);
  assertEquals(await sums("TOPIC_PUT_NUMS", "T"), [0, 0, 3]);
  await scene.stop();
});

const REMOTE = {
  brokerName: "broker-x",
  brokerAddr: "127.0.0.1:9",
  clusterName: "Other",
  haServerAddr: "127.0.0.1:10",
  brokerId: 0,
};

function registration(...topics: string[]): Uint8Array {
  const config = {
    readQueueNums: 2,
    writeQueueNums: 2,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
    attributes: {},
  };
  return registerBrokerBody.write({
    topicConfigSerializeWrapper: {
      topicConfigTable: Object.fromEntries(topics.map((topicName) => [topicName, { ...config, topicName }])),
      dataVersion: { stateVersion: 0, timestamp: 1, counter: topics.length },
    },
    filterServerList: [],
  });
}

Deno.test("a broker that registers over the wire is routed until its connection closes", async () => {
  const scene = await stage();
  const names = await scene.dial(scene.cluster.namesrvAddr);
  const broker = await scene.dial(scene.cluster.namesrvAddr);
  const register = (...topics: string[]) =>
    broker.call(operations.registerBroker, REMOTE, registration(...topics));
  assertEquals((await register("X")).remark, "register broker failed", "one topic is news of a known broker");
  assertEquals((await register("X", "Y")).code, 0);
  assertEquals(await permissionOf(names, "X"), 6);
  const asked = (counter: number) =>
    broker.call(
      operations.queryDataVersion,
      REMOTE,
      bytes(JSON.stringify({ stateVersion: 0, timestamp: 1, counter })),
    );
  assertEquals([(await asked(2)).header.changed, (await asked(3)).header.changed], [false, true]);
  broker.channel.close();
  await broker.channel.closed;
  await scene.clock.settle();
  assertEquals(await permissionOf(names, "X"), undefined);
  await scene.stop();
});

Deno.test("a broker that registered over the wire is forgotten when it says so, and when it was silent for too long", async () => {
  const scene = await stage();
  const names = await scene.dial(scene.cluster.namesrvAddr);
  const broker = await scene.dial(scene.cluster.namesrvAddr);
  const register = (heartbeatTimeoutMillis?: number) =>
    broker.call(operations.registerBroker, { ...REMOTE, heartbeatTimeoutMillis }, registration("X", "Y"));
  await register();
  await broker.call(operations.unregisterBroker, REMOTE);
  assertEquals(await permissionOf(names, "X"), undefined);
  const version = bytes('{"stateVersion":0,"timestamp":1,"counter":2}');
  assertEquals((await broker.call(operations.queryDataVersion, REMOTE, version)).header.changed, true);
  await register(10_000);
  await scene.clock.advance(9_000);
  await broker.call(operations.brokerHeartbeat, REMOTE);
  await scene.clock.advance(9_000);
  assertEquals(await permissionOf(names, "X"), 6);
  await scene.clock.advance(1_001);
  await broker.channel.closed;
  assertEquals(await permissionOf(names, "X"), undefined);
  await scene.stop();
});

Deno.test("a slave that becomes the master gives its former id up", async () => {
  const scene = await stage();
  const broker = await scene.dial(scene.cluster.namesrvAddr);
  for (const brokerId of [1, 0]) {
    await broker.call(operations.registerBroker, { ...REMOTE, brokerId }, registration("X", "Y"));
  }
  const { body } = await broker.call(operations.getBrokerMemberGroup, REMOTE);
  const addresses = brokerMemberGroup.read(body).brokerMemberGroup?.brokerAddrs;
  assertEquals([...addresses ?? []], [[0, REMOTE.brokerAddr]]);
  await scene.stop();
});

Deno.test("a registration may be compressed, and is refused when its checksum is another's", async () => {
  const scene = await stage();
  const names = await scene.dial(scene.cluster.namesrvAddr);
  const broker = await scene.dial(scene.cluster.namesrvAddr);
  const writer = new ByteWriter();
  const part = (text: string): void => {
    writer.int32(text.length);
    writer.bytes(bytes(text));
  };
  part('{"stateVersion":0,"timestamp":1,"counter":2}');
  writer.int32(2);
  part('X 3 2 6 SINGLE_TAG {"+message.type":"FIFO"}');
  part("Y 1 1 4 MULTI_TAG ");
  part("[]");
  writer.int32(0);
  const body = compress("ZLIB", writer.done());
  const register = (bodyCrc32: number, sent: Uint8Array) =>
    broker.call(operations.registerBroker, { ...REMOTE, compressed: true, bodyCrc32 }, sent);
  assertEquals((await register(bodyCrc(body) ^ 1, body)).remark, "crc32 not match");
  assertEquals((await register(bodyCrc(body), body)).code, 0);
  const route = topicRouteData.read((await names.call(operations.getRouteInfoByTopic, { topic: "X" })).body);
  assertEquals(
    route.queueDatas.map(({ readQueueNums, writeQueueNums, perm }) => [readQueueNums, writeQueueNums, perm]),
    [[3, 2, 6]],
  );
  assertEquals(await permissionOf(names, "Y"), 4);
  assertEquals((await register(0, compress("ZLIB", bytes("nonsense")))).code, 1);
  await scene.stop();
});

Deno.test("attributes are changed by sign, and refused when unknown, out of range or fixed", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  const change = async (topic: string, attributes: string) =>
    (await client.call(operations.updateAndCreateTopic, {
      topic,
      defaultTopic: "TBW102",
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicFilterType: "SINGLE_TAG",
      order: false,
      attributes,
    })).remark;
  assertEquals(await change("N", "+queue.type=BatchCQ,+message.type=FIFO"), "not set any response code");
  assertEquals(
    await change("N", "+queue.type=SimpleCQ"),
    "attempt to update an unchangeable attribute. key: queue.type",
  );
  assertEquals(await change("N", "-message.type"), "not set any response code");
  assertEquals(await change("N", "-message.type"), "attempt to delete a nonexistent key: message.type");
  assertEquals(await change("N", "+color=red"), "unsupported key: color");
  assertEquals(
    await change("N", "+lite.topic.expiration=99999"),
    "value is not in range(-1, 43200)",
  );
  await scene.stop();
});

Deno.test("a popped message that is given more time at once comes back after that time only", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  await client.send("T", 0, "a");
  const pop = () =>
    client.call(operations.popMessage, {
      consumerGroup: "CG",
      topic: "T",
      queueId: 0,
      maxMsgNums: 1,
      invisibleTime: 1000,
      pollTime: 0,
      bornTime: scene.clock.now(),
      initMode: 0,
    });
  const { header } = await pop();
  const extraInfo = encodePopHandle({
    checkpointOffset: 0,
    popTime: header.popTime,
    invisibleTime: 1000,
    reviveQueueId: header.reviveQid,
    topic: "T",
    brokerName: "broker-a",
    queueId: 0,
    queueOffset: 0,
  });
  await client.call(operations.changeMessageInvisibleTime, {
    consumerGroup: "CG",
    topic: "T",
    queueId: 0,
    extraInfo,
    offset: "0",
    invisibleTime: 30_000,
  });
  await scene.clock.advance(5000);
  assertEquals((await pop()).code, 210);
  await scene.clock.advance(26_000);
  assertEquals((await pop()).code, 0);
  await scene.stop();
});

Deno.test("a notification does not count what lies in an ordered queue that is blocked", async () => {
  const scene = await stage({ topics: { T: 1 } });
  const client = await scene.dial();
  for (const text of ["a", "b"]) await client.send("T", 0, text);
  const queue = { consumerGroup: "CG", topic: "T", queueId: 0 };
  const notified = (order: boolean) =>
    client.call(operations.notification, { ...queue, pollTime: 0, bornTime: scene.clock.now(), order });
  assertEquals((await notified(true)).header.hasMsg, true);
  const pop = { maxMsgNums: 1, invisibleTime: 10_000, pollTime: 0, bornTime: scene.clock.now(), initMode: 0 };
  await client.call(operations.popMessage, { ...queue, ...pop, order: true });
  assertEquals((await notified(true)).header.hasMsg, false);
  await scene.clock.advance(10_001);
  assertEquals((await notified(true)).header.hasMsg, true);
  await scene.stop();
});
