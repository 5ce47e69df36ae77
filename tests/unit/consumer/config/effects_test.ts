/**
 * What options do that nothing else shows: on the wire, and in how much is kept.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ConfigError,
  type ConsumerConfig,
  createClient,
  createConsumer,
  createLitePullConsumer,
} from "../../../../mod.ts";
import { stage } from "../../testing/bench_client.ts";

/** A consumer of topic T (two queues), `messages` of `bytes` in each; the headers of its pulls and when they came. */
async function pulling(
  { messages = 0, bytes = 10, ...config }: Partial<ConsumerConfig> & { messages?: number; bytes?: number },
) {
  const { cluster, clock, dial, stop } = await stage({ topics: { T: 2 } });
  const admin = await dial();
  for (const queueId of [0, 1]) {
    for (let at = 0; at < messages; at++) await admin.send("T", queueId, "x".repeat(bytes));
  }
  const pulls: { readonly at: number; readonly fields: Readonly<Record<string, string>> }[] = [];
  cluster.once("pullMessage", (request, proceed) => {
    const fields = request.command.extFields ?? {};
    if (fields["topic"] === "T" && fields["queueId"] === "0") pulls.push({ at: clock.now(), fields });
    return proceed();
  }, { times: Infinity });
  const consumer = createConsumer({
    namesrvAddr: cluster.namesrvAddr,
    consumerGroup: "G",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    messageTrace: false,
    listener: () => {},
    ...config,
  }, { ...cluster.world, host: "10.0.0.1" });
  consumer.subscribe("T");
  await clock.runUntil(consumer.start());
  await clock.advance(3_000);
  const statistics = consumer.statistics();
  await clock.runUntil(consumer.shutdown());
  await stop();
  return { pulls, statistics };
}

Deno.test("a pull asks for pullBatchSize messages of pullBatchSizeBytes, and may be parked for brokerSuspendMs", async () => {
  const { pulls } = await pulling({ pullBatchSize: 7, pullBatchSizeBytes: 5_000, brokerSuspendMs: 4_321 });
  const { maxMsgNums, maxMsgBytes, suspendTimeoutMillis } = pulls[0]!.fields;
  assertEquals([maxMsgNums, maxMsgBytes, suspendTimeoutMillis], ["7", "5000", "4321"]);
});

Deno.test("between two pulls of a queue lies pullIntervalMs", async () => {
  const spread = async (pullIntervalMs: number): Promise<number> => {
    const { pulls } = await pulling({ messages: 6, pullBatchSize: 2, pullIntervalMs });
    return pulls[2]!.at - pulls[0]!.at;
  };
  assert(await spread(0) < 400);
  assert(await spread(400) >= 800);
});

Deno.test("pullThresholdSizeForTopicBytes is shared by the queues that are owned", async () => {
  const cached = async (pullThresholdSizeForTopicBytes: number): Promise<number[]> => {
    const { statistics } = await pulling({
      messages: 20,
      bytes: 1_000,
      pullBatchSize: 1,
      consumeConcurrencyMax: 1,
      listener: ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
      shutdownTimeoutMs: 0,
      pullThresholdSizeForTopicBytes,
    });
    return statistics.queues.filter(({ queue }) => queue.topic === "T").map(({ cachedMessages }) =>
      cachedMessages
    );
  };
  for (const few of await cached(1)) assertEquals(few, 1);
  assert((await cached(-1)).some((many) => many > 1));
});

Deno.test("who is given a client cannot say how it connects: that is the client's to say", () => {
  const client = createClient({ namesrvAddr: "127.0.0.1:1" });
  const config = {
    consumerGroup: "G",
    client,
    namesrvAddr: "127.0.0.1:2",
    namespace: "ns",
    clientIp: undefined,
  };
  for (const make of [createConsumer, createLitePullConsumer]) {
    const error = assertThrows(() => make(config), ConfigError);
    assertEquals(error.facts.problems?.map(({ path }) => path).toSorted(), ["namespace", "namesrvAddr"]);
    assertEquals(make({ consumerGroup: "G", client }).consumerGroup, "G");
  }
});
