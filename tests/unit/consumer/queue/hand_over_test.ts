/**
 * Queues that change hands in a group whose messages do not wait for each other, on a manual clock and a network in memory.
 */
import { assert, assertEquals } from "@std/assert";
import { type Consumer, type ConsumerConfig, createConsumer, type MessageListener } from "../../../../mod.ts";
import { stage } from "../../testing/bench_client.ts";

/** Topic T of four queues, members of group G whose offsets are stored once an hour, and messages that keep coming. */
async function scene() {
  const { cluster, clock, dial, stop } = await stage({ topics: { T: 4 } });
  const drive = <R>(work: Promise<R>): Promise<R> => clock.runUntil(work);
  const admin = await dial();
  const members: Consumer[] = [];
  let sent = 0;
  return {
    cluster,
    clock,
    drive,
    get sent() {
      return sent;
    },
    /** A member that has not started. */
    member(listener: MessageListener, config: Partial<ConsumerConfig> = {}): Consumer {
      const member = createConsumer({
        namesrvAddr: cluster.namesrvAddr,
        consumerGroup: "G",
        consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
        messageTrace: false,
        persistIntervalMs: 3_600_000,
        listener,
        ...config,
      }, { ...cluster.world, host: `10.0.0.${members.length + 1}` });
      members.push(member);
      member.subscribe("T");
      return member;
    },
    /** Sends a message to every queue each 20 ms, until `work` is done. */
    async whileSending(work: Promise<unknown>): Promise<void> {
      let working = true;
      const done = work.finally(() => working = false);
      while (working) {
        for (let queueId = 0; queueId < 4; queueId++) await admin.send("T", queueId, `${sent++}`);
        await clock.advance(20);
      }
      await done;
    },
    async stop() {
      for (const member of members) await drive(member.shutdown());
      await stop();
    },
  };
}

const queuesOf = (member: Consumer): number =>
  member.assignment().filter(({ topic }) => topic === "T").length;

Deno.test("a message that was handled is not delivered again when members join and leave, however old the stored offsets are", async () => {
  const t = await scene();
  const handled: string[] = [];
  const listener: MessageListener = async (message) => {
    await t.clock.sleep(100);
    handled.push(message.text());
  };
  const first = t.member(listener);
  await t.whileSending(first.start());
  await t.whileSending(t.clock.sleep(2_000));
  await t.whileSending(t.member(listener).start());
  await t.whileSending(t.clock.sleep(2_000));
  assertEquals(queuesOf(first), 2);
  await t.whileSending(first.shutdown());
  await t.whileSending(t.clock.sleep(2_000));
  await t.clock.advance(5_000);
  assert(t.sent > 1_000);
  assertEquals(handled.length, t.sent);
  assertEquals(new Set(handled).size, t.sent);
  await t.stop();
});

Deno.test("what is out of a lost queue has 300 ms to be settled; then its signal fires and its new owner gets it", async () => {
  const t = await scene();
  const began: string[] = [];
  const signals: AbortSignal[] = [];
  const endings: (() => void)[] = [];
  const listener: MessageListener = (message, { signal }) => {
    began.push(message.text());
    signals.push(signal);
    return new Promise<void>((resolve) => endings.push(resolve));
  };
  await t.drive(t.member(listener).start());
  await t.whileSending(t.clock.sleep(10));
  await t.clock.advance(1_000);
  assertEquals(began.length, 4);
  const aborted = (): number => signals.filter((signal) => signal.aborted).length;
  const second = t.member(listener).start();
  await t.clock.advance(250);
  assertEquals(aborted(), 0);
  await t.clock.advance(200);
  assertEquals(aborted(), 2);
  await t.drive(second);
  await t.clock.advance(1_000);
  assertEquals([began.length, new Set(began).size], [6, 4], "the two of the queues that moved come again");
  for (const end of endings) end();
  await t.clock.advance(100);
  await t.stop();
});

Deno.test("a member that is alone begins its queues at once", async () => {
  const t = await scene();
  const before = t.clock.now();
  const member = t.member(() => {});
  await t.drive(member.start());
  assertEquals(queuesOf(member), 4);
  assert(t.clock.now() - before < 200, `${t.clock.now() - before} ms`);
  await t.stop();
});
