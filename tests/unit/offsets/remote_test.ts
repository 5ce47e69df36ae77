import { assertEquals, assertRejects } from "@std/assert";
import { NetworkError, OffsetError } from "../../../src/core/errors.ts";
import type { BrokerCaller } from "../../../src/offsets/broker_caller.ts";
import { RemoteOffsetStore } from "../../../src/offsets/remote.ts";

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
