/**
 * Events of a consumer that no scenario waits for, and the times in its statistics: each is raised by what it tells of.
 */
import { assert, assertEquals } from "@std/assert";
import { type ConsumerConfig, type ConsumerEvent, createConsumer, OffsetError } from "../../../mod.ts";
import { lockBatchResult } from "../../../src/protocol/bodies.ts";
import type { ClusterOptions } from "../../../src/testing/mod.ts";
import { stage } from "../testing/bench_client.ts";

/** Topic T of two queues, and members of group G whose events are kept. */
async function scene(options: ClusterOptions = {}) {
  const { cluster, clock, dial, stop } = await stage({ topics: { T: 2 }, ...options });
  const undo: (() => Promise<void>)[] = [];
  const drive = <R>(work: Promise<R>): Promise<R> => clock.runUntil(work);
  return {
    cluster,
    clock,
    dial,
    async join(config: Partial<ConsumerConfig> = {}) {
      const consumer = createConsumer({
        namesrvAddr: cluster.namesrvAddr,
        consumerGroup: "G",
        consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
        messageTrace: false,
        listener: () => {},
        ...config,
      }, {
        ...cluster.world,
        host: `10.0.0.${undo.length + 1}`,
        logger: { debug() {}, info() {}, warn() {}, error() {} },
      });
      undo.push(() => consumer.shutdown());
      const events: ConsumerEvent[] = [];
      const told = consumer.events();
      (async () => {
        for await (const event of told) events.push(event);
      })();
      consumer.subscribe("T");
      await drive(consumer.start());
      const of = <K extends ConsumerEvent["type"]>(type: K) =>
        events.filter((event): event is Extract<ConsumerEvent, { type: K }> => event.type === type);
      return { consumer, of };
    },
    async stop() {
      for (const action of undo.reverse()) await drive(action());
      await stop();
    },
  };
}

Deno.test("queues that another member gains are revoked here and assigned there", async () => {
  const t = await scene();
  const first = await t.join();
  const second = await t.join();
  await t.clock.advance(2_000);
  const gone = first.of("revoked").flatMap(({ queues }) => queues).filter(({ topic }) => topic === "T");
  const come = second.of("assigned").flatMap(({ queues }) => queues).filter(({ topic }) => topic === "T");
  assertEquals([gone.length, gone], [1, come]);
  await t.stop();
});

Deno.test("a round that cannot ask who is in the group is told once, and made up for", async () => {
  const t = await scene();
  const { consumer, of } = await t.join();
  const fault = t.cluster.once("getConsumerListByGroup", 1, { times: Infinity });
  await t.clock.advance(60_000);
  const failures = of("rebalanceFailed").filter(({ topic }) => topic === "T");
  assertEquals(failures.map(({ error }) => error.name), ["RebalanceError"]);
  assert(consumer.statistics().rebalanceFailures > 1);
  assertEquals(consumer.assignment().filter(({ topic }) => topic === "T").length, 2, "it keeps what it has");
  fault.cancel();
  await t.stop();
});

Deno.test("offsets that a broker does not store are told, and stored at a later interval", async () => {
  const t = await scene();
  const { of } = await t.join();
  const fault = t.cluster.once("updateConsumerOffset", 1, { times: Infinity });
  const admin = await t.dial();
  await admin.send("T", 0, "m");
  await t.clock.advance(6_000);
  assert(of("persistFailed").every(({ error }) => error instanceof OffsetError));
  assert(of("persistFailed").length > 0);
  fault.cancel();
  await t.clock.advance(6_000);
  assertEquals(t.cluster.inspect.progress("G", "T")[0]!.offset, 1);
  await t.stop();
});

Deno.test("a lock that a broker gave to another member is told, with the queue that is lost by it", async () => {
  const t = await scene();
  const { of } = await t.join({ ordering: "orderly" });
  await t.clock.advance(1_000);
  const nothing = { code: 0, body: lockBatchResult.write({ lockOKMQSet: [] }) };
  const fault = t.cluster.once("lockBatchMq", nothing, { times: Infinity });
  await t.clock.advance(21_000);
  const lost = of("lockLost").map(({ queue }) => queue).filter(({ topic }) => topic === "T");
  assertEquals(lost.map(({ queueId }) => queueId), [0, 1]);
  assertEquals(of("revoked").flatMap(({ queues }) => queues).filter(({ topic }) => topic === "T"), lost);
  fault.cancel();
  await t.stop();
});

Deno.test("connections of brokers that come and go are told", async () => {
  const t = await scene();
  const { of } = await t.join();
  assertEquals(of("brokerConnected").map(({ brokerName }) => brokerName), ["broker-a"]);
  await t.clock.runUntil(t.cluster.restartBroker("broker-a"));
  await t.clock.advance(60_000);
  const gone = of("brokerDisconnected");
  assertEquals([gone.length, gone[0]!.brokerName, gone[0]!.error !== undefined], [1, "broker-a", true]);
  assertEquals(of("brokerConnected").length, 2);
  await t.stop();
});

Deno.test("a name server that takes over is told", async () => {
  const t = await scene({ nameServers: 2 });
  const { consumer, of } = await t.join();
  const asked = consumer.client.statistics().nameServers[0]!;
  const at = t.cluster.namesrvAddr.split(";").indexOf(asked);
  await t.clock.runUntil(t.cluster.stopNameServer(at));
  await t.clock.advance(120_000);
  const told = of("nameServerFailedOver");
  assertEquals([told.length > 0, told[0]?.from, told[0]?.to !== asked], [true, asked, true]);
  await t.stop();
});

Deno.test("statistics tell when a queue's broker last answered, and when a message was last handed out", async () => {
  const t = await scene();
  const { consumer } = await t.join({ brokerSuspendMs: 1_000 });
  const queue = (queueId: number) =>
    consumer.statistics().queues.find((each) => each.queue.topic === "T" && each.queue.queueId === queueId)!;
  await t.clock.advance(5_000);
  assertEquals(queue(0).lastHandOutAt, 0);
  assert(t.clock.now() - queue(0).lastAnswerAt <= 6_000);
  const admin = await t.dial();
  const before = t.clock.now();
  await admin.send("T", 0, "m");
  await t.clock.advance(100);
  assert(queue(0).lastHandOutAt >= before && queue(0).lastAnswerAt >= before);
  assertEquals(queue(1).lastHandOutAt, 0);
  await t.stop();
});
