import { assertEquals } from "@std/assert";
import type { RocketMQClient } from "../../../../src/client/client.ts";
import { Acknowledger } from "../../../../src/consumer/pop/acknowledger.ts";
import { newCounters } from "../../../../src/consumer/statistics.ts";
import { BrokerError, NetworkError } from "../../../../src/core/errors.ts";
import { seededRandom } from "../../../../src/core/random.ts";
import { batchAckRequest } from "../../../../src/protocol/bodies.ts";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";
import { fakeReceipt } from "./fake_receipt.ts";

const UNKNOWN = new BrokerError("Cannot do it: no such request", { responseCode: 3 });

/** An acknowledger whose calls are written down; `answer` is what comes of each, nothing when all is well. */
function scene(answer: (call: string) => Error | undefined | Promise<void> = () => undefined) {
  const clock = new ManualClock();
  const calls: string[] = [];
  const call = async (
    broker: string,
    { name }: { name: string },
    header: { offset?: string },
    { body }: { body?: Uint8Array },
  ): Promise<void> => {
    const acks = body ? batchAckRequest.read(body).acks : [];
    const offsets = body
      ? acks.flatMap(({ startOffset, bitSet = [] }) => bitSet.map((bit) => Number(startOffset) + bit))
      : [header.offset];
    const text = `${name} ${broker} ${offsets}`;
    calls.push(text);
    const outcome = answer(text);
    if (outcome instanceof Error) throw outcome;
    await outcome;
  };
  const client = { clock, random: seededRandom(1), call } as unknown as RocketMQClient;
  const counters = newCounters();
  const told: string[] = [];
  const acknowledger = new Acknowledger({
    client,
    consumerGroup: "G",
    counters,
    emit: ({ type }) => told.push(type),
  });
  return { acknowledger, clock, calls, counters, told };
}

Deno.test("what is settled in one turn goes to each broker in one call", async () => {
  const { acknowledger, calls } = scene();
  for (const offset of [0, 1, 2]) acknowledger.add(fakeReceipt(offset));
  acknowledger.add(fakeReceipt(9, { brokerName: "c" }));
  await acknowledger.finish();
  assertEquals(calls, ["BATCH_ACK_MESSAGE b 0,1,2", "ACK_MESSAGE c 9"]);
});

Deno.test("what is settled while a call is under way goes along with the next", async () => {
  const first = Promise.withResolvers<void>();
  const { acknowledger, clock, calls } = scene(() => calls.length === 1 ? first.promise : undefined);
  acknowledger.add(fakeReceipt(0));
  await clock.settle();
  for (const offset of [1, 2, 3]) {
    acknowledger.add(fakeReceipt(offset));
    await clock.settle();
  }
  assertEquals(calls, ["ACK_MESSAGE b 0"]);
  first.resolve();
  await acknowledger.finish();
  assertEquals(calls, ["ACK_MESSAGE b 0", "BATCH_ACK_MESSAGE b 1,2,3"]);
});

Deno.test("a broker that knows no batches is told one by one from then on", async () => {
  const { acknowledger, clock, calls, counters } = scene((call) =>
    call.startsWith("BATCH") ? UNKNOWN : undefined
  );
  for (const offset of [0, 1]) acknowledger.add(fakeReceipt(offset));
  await clock.settle();
  for (const offset of [2, 3]) acknowledger.add(fakeReceipt(offset));
  await acknowledger.finish();
  assertEquals(calls, [
    "BATCH_ACK_MESSAGE b 0,1",
    "ACK_MESSAGE b 0",
    "ACK_MESSAGE b 1",
    "ACK_MESSAGE b 2",
    "ACK_MESSAGE b 3",
  ]);
  assertEquals(counters.ackFailures, 0);
});

Deno.test("what a broker has not confirmed is told again, before what was settled later, and as an event once", async () => {
  let failures = 2;
  const { acknowledger, clock, calls, counters, told } = scene(() =>
    failures-- > 0 ? new NetworkError("Cannot send: the line is dead") : undefined
  );
  acknowledger.add(fakeReceipt(0));
  await clock.settle();
  acknowledger.add(fakeReceipt(1));
  await clock.advance(20_000);
  await acknowledger.finish();
  assertEquals(calls, ["ACK_MESSAGE b 0", "BATCH_ACK_MESSAGE b 0,1", "BATCH_ACK_MESSAGE b 0,1"]);
  assertEquals(told, ["ackFailed"]);
  assertEquals(counters.ackFailures, 0);
});

Deno.test("a message whose time is up is not told again: it comes again", async () => {
  const { acknowledger, clock, calls, counters } = scene(() =>
    new NetworkError("Cannot send: the line is dead")
  );
  const receipt = fakeReceipt(0);
  receipt.visibleAt = clock.now() + 1_000;
  acknowledger.add(receipt);
  await clock.advance(60_000);
  const { length } = calls;
  await clock.advance(60_000);
  assertEquals(calls.length, length);
  assertEquals(counters.ackFailures, 1);
});

Deno.test("what a broker refuses is not told again", async () => {
  const { acknowledger, calls, counters } = scene(() =>
    new BrokerError("Cannot do it", { responseCode: 208 })
  );
  acknowledger.add(fakeReceipt(0));
  await acknowledger.finish();
  assertEquals(calls.length, 1);
  assertEquals(counters.ackFailures, 1);
});

Deno.test("a message whose time is being changed is acknowledged with the handle that comes of it", async () => {
  const { acknowledger, calls } = scene();
  const receipt = fakeReceipt(0);
  const change = Promise.withResolvers<void>();
  receipt.pending = change.promise.then(() => {
    receipt.handle = fakeReceipt(8).handle;
    receipt.pending = undefined;
  });
  acknowledger.add(receipt);
  const finished = acknowledger.finish();
  assertEquals(calls, []);
  change.resolve();
  await finished;
  assertEquals(calls, ["ACK_MESSAGE b 8"]);
});

Deno.test("the end does not wait for a broker that is gone", async () => {
  const { acknowledger, clock, calls, counters } = scene(() =>
    new NetworkError("Cannot send: the line is dead")
  );
  const receipt = fakeReceipt(0);
  acknowledger.add(receipt);
  await clock.settle();
  await acknowledger.finish();
  assertEquals(calls.length, 2);
  assertEquals(counters.ackFailures, 1);
});
