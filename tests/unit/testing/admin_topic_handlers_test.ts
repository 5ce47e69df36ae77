import { assertEquals } from "@std/assert";
import { topicConfigTable, topicRouteData } from "../../../src/protocol/bodies.ts";
import * as operations from "../../../src/protocol/operations.ts";
import { stage } from "./bench_client.ts";

const settings = {
  defaultTopic: "TBW102",
  readQueueNums: 6,
  writeQueueNums: 5,
  perm: 6,
  topicFilterType: "SINGLE_TAG",
  order: false,
};

Deno.test("an administrator makes a topic, which is routed at once, and changes it", async () => {
  const scene = await stage();
  const names = await scene.dial(scene.cluster.namesrvAddr);
  const client = await scene.dial();
  const queues = async (): Promise<unknown> => {
    const { body } = await names.call(operations.getRouteInfoByTopic, { topic: "T" });
    return topicRouteData.read(body).queueDatas.map((each) => [each.readQueueNums, each.writeQueueNums]);
  };
  assertEquals((await client.call(operations.updateAndCreateTopic, { ...settings, topic: "T" })).code, 0);
  assertEquals(await queues(), [[6, 5]]);
  const wider = { ...settings, topic: "T", readQueueNums: 8, attributes: "+message.type=FIFO" };
  assertEquals((await client.call(operations.updateAndCreateTopic, wider)).code, 0);
  assertEquals(await queues(), [[8, 5]]);
  await scene.stop();
});

Deno.test("a topic of the system, or with an illegal name, cannot be made", async () => {
  const scene = await stage();
  const client = await scene.dial();
  const system = await client.call(operations.updateAndCreateTopic, { ...settings, topic: "TBW102" });
  assertEquals([system.code, system.remark], [29, "The topic[TBW102] is conflict with system topic."]);
  assertEquals((await client.call(operations.updateAndCreateTopic, { ...settings, topic: "a b" })).code, 29);
  await scene.stop();
});

Deno.test("a broker begins with the topics of a stock one", async () => {
  const scene = await stage();
  const client = await scene.dial();
  const { body } = await client.call(operations.getAllTopicConfig, {});
  const topics = Object.values(topicConfigTable.read(body).topicConfigTable);
  // Name, queues and permission, as a 5.5.0 broker told of its own.
  assertEquals(topics.map((each) => `${each.topicName} ${each.readQueueNums} ${each.perm}`).sort(), [
    "BenchmarkTest 1024 6",
    "DefaultCluster 16 7",
    "DefaultCluster_REPLY_TOPIC 1 6",
    "OFFSET_MOVED_EVENT 1 6",
    "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC 1 6",
    "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC 1 6",
    "RMQ_SYS_TRACE_TOPIC 1 6",
    "RMQ_SYS_TRANS_HALF_TOPIC 1 6",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC 1 6",
    "SCHEDULE_TOPIC_XXXX 18 6",
    "SELF_TEST_TOPIC 1 6",
    "TBW102 8 7",
    "broker-a 1 7",
    "rmq_sys_REVIVE_LOG_DefaultCluster 8 6",
    "rmq_sys_SYNC_BROKER_MEMBER_broker-a 1 1",
    "rmq_sys_wheel_timer 1 6",
  ]);
  await scene.stop();
});
