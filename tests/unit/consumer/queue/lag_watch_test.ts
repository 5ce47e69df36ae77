import { assertEquals } from "@std/assert";
import { type Clock, createConsumer, createLitePullConsumer, createProducer } from "../../../../mod.ts";
import { LAG_GOOD_FOR_MS, learnEnds } from "../../../../src/consumer/queue/lag_watch.ts";
import { silentLogger } from "../../../../src/core/logger.ts";
import type { BrokerCaller } from "../../../../src/offsets/broker_caller.ts";
import { startCluster } from "../../../../src/testing/mod.ts";
import { systemClock } from "../../../../src/time/clock.ts";

const going = new AbortController().signal;

function queueOf(brokerName: string, queueId: number, lastAnswerAt: number, maxOffset: number) {
  return { queue: { topic: "T", brokerName, queueId }, lastAnswerAt, maxOffset };
}

Deno.test("queues without an answer for half a minute are asked about, and a broker that fails once a round", async () => {
  const asked: string[] = [];
  const caller = {
    call(brokerName: string, _: unknown, { queueId }: { queueId: number }) {
      asked.push(`${brokerName}:${queueId}`);
      if (brokerName === "b") return Promise.reject(new Error("gone"));
      return Promise.resolve({ header: { offset: 40 + queueId } });
    },
  } as unknown as BrokerCaller;
  const now = 100_000, old = now - LAG_GOOD_FOR_MS;
  const queues = [
    queueOf("b", 0, old, 7),
    queueOf("b", 1, old, 8),
    queueOf("a", 0, old, 9),
    queueOf("a", 1, old + 1, 10),
    queueOf("a", 2, old, 99),
  ];
  await learnEnds(caller, queues, now, going);
  assertEquals(asked, ["b:0", "a:0", "a:2"]);
  assertEquals(queues.map(({ maxOffset }) => maxOffset), [7, 8, 40, 10, 99]);
});

/** A clock that goes twenty times as fast once it is told to. */
function hurryingClock(): Clock & { hurry(): void } {
  let since = Date.now(), base = since, speed = 1;
  const now = (): number => base + (Date.now() - since) * speed;
  const hurry = (): void => {
    [base, since, speed] = [now(), Date.now(), 20];
  };
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    for (const end = now() + ms; now() < end;) {
      await systemClock.sleep(Math.min(50, (end - now()) / speed), signal);
    }
  };
  return { now, hurry, sleep };
}

for (const [kind, create] of Object.entries({ push: createConsumer, "lite pull": createLitePullConsumer })) {
  Deno.test(`the lag of a paused ${kind} consumer grows as messages come`, async () => {
    const cluster = await startCluster({ topics: { T: 1 } });
    const { namesrvAddr } = cluster;
    const clock = hurryingClock();
    const producer = createProducer({ namesrvAddr, producerGroup: "P" }, { logger: silentLogger });
    const consumer = create({ namesrvAddr, consumerGroup: "G", brokerSuspendMs: 1_000 }, {
      clock,
      logger: silentLogger,
    });
    try {
      consumer.subscribe("T");
      if ("registerMessageListener" in consumer) consumer.registerMessageListener(() => {});
      await Promise.all([consumer.start(), producer.start()]);
      const lag = (): number => consumer.statistics().queues.find(({ queue }) => queue.topic === "T")!.lag;
      consumer.pause();
      await systemClock.sleep(50);
      const before = lag();
      for (let at = 0; at < 7; at++) await producer.send({ topic: "T", body: "x" });
      assertEquals(lag(), before);
      clock.hurry();
      while (lag() < before + 7) await systemClock.sleep(10);
      assertEquals(lag(), before + 7);
    } finally {
      await consumer.shutdown();
      await producer.shutdown();
      await cluster.stop();
    }
  });
}
