import { assertEquals, assertRejects } from "@std/assert";
import { NetworkError, OffsetError } from "../../../src/core/errors.ts";
import type { BrokerCaller } from "../../../src/offsets/broker_caller.ts";
import { RemoteOffsetStore } from "../../../src/offsets/remote.ts";
import { createConsumer } from "../../../mod.ts";
import { stage } from "../testing/bench_client.ts";

const queue = { topic: "T", brokerName: "broker-a", queueId: 0 };

/** A broker that answers a commit when the test says so. */
function slowBroker(): { caller: BrokerCaller; sent: number[]; answer: (error?: Error) => void } {
  const sent: number[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  const call = (_broker: string, _operation: unknown, header: { commitOffset: number }): Promise<unknown> => {
    sent.push(header.commitOffset);
    return new Promise((resolve, reject) =>
      waiting.push((error) => error === undefined ? resolve({ code: 0, header: {} }) : reject(error))
    );
  };
  return {
    caller: { call } as unknown as BrokerCaller,
    sent,
    answer: (error) => waiting.shift()!(error),
  };
}

Deno.test("of one queue a single offset is on its way, the next follows its answer", async () => {
  const { caller, sent, answer } = slowBroker();
  const store = new RemoteOffsetStore(caller, "group");
  store.updateOffset(queue, 5);
  const first = store.persist(queue);
  store.updateOffset(queue, 9);
  const second = store.persist(queue);
  const third = store.persist(queue);
  await Promise.resolve();
  assertEquals(sent, [5]);
  answer();
  await first;
  while (sent.length < 2) await Promise.resolve();
  answer();
  await Promise.all([second, third]);
  assertEquals(sent, [5, 9]);
});

Deno.test("an offset that did not arrive is sent again", async () => {
  const { caller, sent, answer } = slowBroker();
  const store = new RemoteOffsetStore(caller, "group");
  store.updateOffset(queue, 5);
  const failing = assertRejects(() => store.persist(queue), OffsetError, "Cannot store offset 5");
  answer(new NetworkError("Cannot connect to a:1: refused"));
  await failing;
  const again = store.persist(queue);
  while (sent.length < 2) await Promise.resolve();
  answer();
  await again;
  assertEquals(sent, [5, 5]);
  await store.persist(queue);
  assertEquals(sent.length, 2);
});

Deno.test("the first offset of a topic at a broker goes alone, the others follow its answer together", async () => {
  const { caller, sent, answer } = slowBroker();
  const store = new RemoteOffsetStore(caller, "group");
  const queues = [0, 1, 2].map((queueId) => ({ ...queue, queueId }));
  queues.forEach((each, at) => store.updateOffset(each, at + 1));
  const all = store.persistAll(queues);
  await Promise.resolve();
  assertEquals(sent, [1]);
  answer();
  while (sent.length < 3) await Promise.resolve();
  answer();
  answer();
  await all;
  assertEquals(sent, [1, 2, 3]);
});

Deno.test("a first offset that did not arrive lets the next one go first", async () => {
  const { caller, sent, answer } = slowBroker();
  const store = new RemoteOffsetStore(caller, "group");
  const queues = [0, 1].map((queueId) => ({ ...queue, queueId }));
  queues.forEach((each, at) => store.updateOffset(each, at + 1));
  const all = store.persistAll(queues);
  answer(new NetworkError("gone"));
  while (sent.length < 2) await Promise.resolve();
  answer();
  await assertRejects(() => all, OffsetError);
  assertEquals(sent, [1, 2]);
});

Deno.test("what is unchanged for twelve persists of all is told again, a twelfth of the queues at each", async () => {
  const sent: number[] = [];
  const call = (_broker: string, _operation: unknown, { queueId }: { queueId: number }): Promise<unknown> => {
    sent.push(queueId);
    return Promise.resolve({ code: 0, header: {} });
  };
  const store = new RemoteOffsetStore({ call } as unknown as BrokerCaller, "group");
  const queues = Array.from({ length: 1_000 }, (_, queueId) => ({ ...queue, queueId }));
  for (const each of queues) store.updateOffset(each, 7);
  for (let round = 0; round < 12; round++) await store.persistAll(queues);
  assertEquals(sent.length, 1_000);
  sent.length = 0;
  let most = 0;
  for (let round = 0; round < 12; round++) {
    const before = sent.length;
    await store.persistAll(queues);
    most = Math.max(most, sent.length - before);
  }
  assertEquals([sent.length, new Set(sent).size, most], [1_000, 1_000, 84]);
});

Deno.test("an offset that a broker lost in a crash is stored again although its queue is idle", async () => {
  const { cluster, clock, dial, stop } = await stage({ topics: { T: 2 } });
  const admin = await dial();
  for (const queueId of [0, 1]) for (const body of ["a", "b"]) await admin.send("T", queueId, body);
  await clock.advance(10_000);
  let handled = 0;
  const consumer = createConsumer({
    namesrvAddr: cluster.namesrvAddr,
    consumerGroup: "G",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    messageTrace: false,
    listener: () => void handled++,
  }, { ...cluster.world, host: "10.0.0.1" });
  consumer.subscribe("T");
  await clock.runUntil(consumer.start());
  const stored = () => cluster.inspect.progress("G", "T").map(({ offset }) => offset);
  await clock.advance(1_000);
  await clock.runUntil(consumer.commit());
  assertEquals([handled, stored()], [4, [2, 2]]);
  await clock.runUntil(cluster.restartBroker("broker-a", { lose: true }));
  assertEquals(stored(), [undefined, undefined], "the crash took the offsets");
  await clock.advance(120_000);
  assertEquals([handled, stored()], [4, [2, 2]]);
  await clock.runUntil(consumer.shutdown());
  await stop();
});
