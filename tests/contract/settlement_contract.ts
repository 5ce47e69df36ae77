/**
 * Who settles a message, and when: one scenario for each rule of the streams, the same on every runtime.
 *
 * Each has one queue, so that what is committed tells exactly which messages are settled.
 */
import { strict as assert } from "node:assert";
import type { ConsumedMessage, Consumer, PartialWorld } from "@contrail/rocketmq";
import type { Scenario, Stage, StagedConsumer } from "../conformance/scenario.ts";

/** A started consumer of one queue that holds the bodies "0", "1", … */
interface Ready {
  readonly consumer: Consumer;
  readonly topic: string;
  /** Commits, and gives what the broker then has. */
  committed(): Promise<number>;
}

async function ready(
  t: Stage,
  count: number,
  config: StagedConsumer = {},
  world?: PartialWorld,
): Promise<Ready> {
  const topic = await t.topic("settling", { queues: 1 });
  await t.fill(topic, count, { inOrder: true });
  // what a scenario leaves unsettled is not to be waited for
  const consumer = t.consumer({ shutdownTimeoutMs: 300, ...config }, world);
  consumer.subscribe(topic);
  await consumer.start();
  return {
    consumer,
    topic,
    async committed() {
      await consumer.commit();
      return await t.committed(consumer.consumerGroup, topic);
    },
  };
}

/** Reads `count` values of a reader. */
async function take<T>(reader: ReadableStreamDefaultReader<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  while (taken.length < count) taken.push((await reader.read()).value!);
  return taken;
}

const passAlong = (): TransformStream<ConsumedMessage, ConsumedMessage> => new TransformStream();

const loopAcks: Scenario = {
  name: "settlement: a loop acks the previous message when it asks for the next",
  async run(t) {
    const { consumer, committed } = await ready(t, 4);
    let at = 0;
    for await (const message of consumer.messages()) {
      assert.equal(message.settled, false);
      assert.equal(await committed(), at);
      if (++at === 4) break;
    }
    assert.equal(await committed(), 3);
  },
};

const breakLeavesUnsettled: Scenario = {
  name:
    "settlement: break leaves the message unsettled, and the next stream gets it first, as the same attempt",
  async run(t) {
    const { consumer, committed } = await ready(t, 5);
    for await (const message of consumer.messages()) if (message.text() === "2") break;
    assert.equal(await committed(), 2);
    const again: string[] = [];
    for await (const message of consumer.messages()) {
      again.push(`${message.text()}@${message.attempt}`);
      if (again.length === 3) break;
    }
    assert.deepEqual(again, ["2@1", "3@1", "4@1"]);
    assert.equal(await committed(), 4);
  },
};

const throwLeavesUnsettled: Scenario = {
  name: "settlement: a throw in the loop leaves the message unsettled, and the next stream gets it first",
  async run(t) {
    const { consumer, committed } = await ready(t, 3);
    const loop = async (): Promise<void> => {
      for await (const message of consumer.messages()) {
        if (message.text() === "1") throw new RangeError("not today");
      }
    };
    await assert.rejects(loop(), RangeError);
    assert.equal(await committed(), 1);
    for await (const message of consumer.messages()) {
      assert.equal(message.text(), "1");
      break;
    }
  },
};

const returnLeavesUnsettled: Scenario = {
  name: "settlement: return out of the loop leaves the message unsettled, and the next stream gets it first",
  async run(t) {
    const { consumer, committed } = await ready(t, 3);
    const first = async (): Promise<string | undefined> => {
      for await (const message of consumer.messages()) return message.text();
    };
    assert.equal(await first(), "0");
    assert.equal(await first(), "0");
    assert.equal(await committed(), 0);
  },
};

const settledInLoop: Scenario = {
  name: "settlement: what the loop settled itself stays so, also when it breaks",
  async run(t) {
    const { consumer, committed } = await ready(t, 4);
    for await (const message of consumer.messages()) {
      message.ack();
      assert.equal(message.settled, true);
      if (message.text() === "1") break;
    }
    assert.equal(await committed(), 2);
    for await (const message of consumer.messages()) {
      assert.equal(message.text(), "2");
      break;
    }
  },
};

const abortEnds: Scenario = {
  name: "settlement: aborting messages({ signal }) ends the loop like done",
  async run(t) {
    const { consumer, committed } = await ready(t, 2);
    const stop = new AbortController();
    const bodies: string[] = [];
    const loop = async (): Promise<void> => {
      for await (const message of consumer.messages({ signal: stop.signal })) bodies.push(message.text());
    };
    const ended = loop();
    await t.eventually("both messages", () => bodies.length === 2);
    stop.abort();
    await ended;
    assert.equal(await committed(), 2);
    for await (const message of consumer.messages({ signal: AbortSignal.abort() })) {
      assert.fail(message.text());
    }
  },
};

const manualLoop: Scenario = {
  name: "settlement: a loop over a manual stream acks nothing by itself",
  async run(t) {
    const { consumer, committed } = await ready(t, 4);
    for await (const message of consumer.messages({ settle: "manual" })) {
      if (message.text() === "0") message.ack();
      if (message.text() === "3") break;
    }
    assert.equal(await committed(), 1);
  },
};

const reader: Scenario = {
  name: "settlement: a reader of a manual stream acks nothing, each message is acked by hand",
  async run(t) {
    const { consumer, committed } = await ready(t, 3);
    const messages = await take(consumer.messages({ settle: "manual" }).getReader(), 3);
    assert.equal(await committed(), 0);
    messages[0]!.ack();
    assert.equal(await committed(), 1);
    messages[2]!.ack();
    messages[1]!.ack();
    assert.equal(await committed(), 3);
  },
};

const warnsOnce: Scenario = {
  name: "settlement: reading an auto stream outside its iterator warns once, and acks nothing",
  async run(t) {
    const warnings: string[] = [];
    const silent = (): void => {};
    const logger = {
      debug: silent,
      info: silent,
      warn: (message: unknown) => void warnings.push(String(message)),
      error: silent,
    };
    const { consumer, committed } = await ready(t, 3, {}, { logger });
    await take(consumer.messages().getReader(), 3);
    const about = warnings.filter((warning) => warning.includes('settle: "manual"'));
    assert.equal(about.length, 1, `${warnings}`);
    assert.equal(await committed(), 0);
  },
};

const values: Scenario = {
  name: "settlement: values() of a manual stream acks nothing",
  async run(t) {
    const { consumer, committed } = await ready(t, 3);
    const stream = consumer.messages({ settle: "manual" }) as unknown as {
      values(): AsyncIterable<ConsumedMessage>;
    };
    for await (const message of stream.values()) {
      if (message.text() === "1") message.ack();
      if (message.text() === "2") break;
    }
    assert.equal(await committed(), 0);
  },
};

const tee: Scenario = {
  name: "settlement: both branches of a tee get the same messages, and the first settlement wins",
  async run(t) {
    const { consumer, committed } = await ready(t, 2);
    const [left, right] = consumer.messages({ settle: "manual" }).tee();
    const [lefts, rights] = await Promise.all([take(left.getReader(), 2), take(right.getReader(), 2)]);
    assert.deepEqual(lefts.map((message) => message.text()), rights.map((message) => message.text()));
    assert.equal(await committed(), 0);
    lefts[0]!.ack();
    rights[0]!.ack();
    assert.equal(await rights[0]!.retry(), false);
    assert.equal(await committed(), 1);
    assert.equal(consumer.statistics().sentBack, 0);
  },
};

const pipedLoop: Scenario = {
  name: "settlement: a loop over what pipeThrough returns acks the previous message, however long the pipe",
  async run(t) {
    const { consumer, committed } = await ready(t, 6);
    const piped = consumer.messages().pipeThrough(passAlong()).pipeThrough(passAlong());
    const bodies: string[] = [];
    for await (const message of piped) {
      bodies.push(message.text());
      if (message.text() === "3") break;
    }
    assert.deepEqual(bodies, ["0", "1", "2", "3"]);
    assert.equal(await committed(), 3);
    // what the pipe had read ahead is not lost either
    const rest: string[] = [];
    for await (const message of consumer.messages()) {
      rest.push(message.text());
      if (rest.length === 3) break;
    }
    assert.deepEqual(rest, ["3", "4", "5"]);
  },
};

const manualPipe: Scenario = {
  name: "settlement: a loop over a pipe from a manual stream acks nothing by itself",
  async run(t) {
    const { consumer, committed } = await ready(t, 3);
    for await (const message of consumer.messages({ settle: "manual" }).pipeThrough(passAlong())) {
      if (message.text() === "2") break;
    }
    assert.equal(await committed(), 0);
  },
};

const genericLoop: Scenario = {
  name: "settlement: ReadableStream.from counts as the loop; of a manual stream it acks nothing",
  async run(t) {
    if (!("from" in ReadableStream)) t.skip("this runtime has no ReadableStream.from");
    const generic = <T>(items: AsyncIterable<T>): ReadableStream<T> => {
      return (ReadableStream as unknown as { from(items: AsyncIterable<T>): ReadableStream<T> }).from(items);
    };
    const { consumer, committed } = await ready(t, 4);
    const manual = generic(consumer.messages({ settle: "manual" })).getReader();
    const [first] = await take(manual, 1);
    assert.equal(await committed(), 0);
    await manual.cancel();
    first!.ack();
    assert.equal(await committed(), 1);

    await take(generic(consumer.messages()).getReader(), 1);
    await t.sleep(50);
    // it may have asked for more than it was asked for, and each ask acks the one before: so use "manual" there
    assert.ok(await committed() >= 1);
  },
};

const settleSink: Scenario = {
  name:
    "settlement: pipeTo(consumer.settle()) acks on return, retries on a throw, and keeps to its concurrency",
  async run(t) {
    const { consumer, committed } = await ready(t, 20);
    const handled: string[] = [];
    let [now, most] = [0, 0];
    const stop = new AbortController();
    const sink = consumer.settle(async (message) => {
      most = Math.max(most, ++now);
      await t.sleep(5);
      now--;
      if (message.text() === "7" && message.attempt === 1) throw new Error("once more");
      handled.push(message.text());
    }, { concurrency: 4 });
    const piped = consumer.messages({ settle: "manual", signal: stop.signal }).pipeTo(sink);
    await t.eventually("all are handled, one of them at its second attempt", () => handled.length === 20);
    stop.abort();
    await piped;
    assert.equal(new Set(handled).size, 20);
    assert.ok(most > 1 && most <= 4, `${most} at once`);
    assert.equal(await committed(), 20);
    assert.equal(consumer.statistics().sentBack, 1);
  },
};

const batchLoop: Scenario = {
  name: "settlement: a loop over batches() acks what is unsettled in a run when it asks for the next",
  async run(t) {
    const { consumer, committed } = await ready(t, 12);
    let handed = 0;
    let last = 0;
    for await (const run of consumer.batches({ maxMessages: 4 })) {
      assert.equal(await committed(), handed);
      handed += last = run.length;
      if (handed === 12) break;
      run[0]!.ack();
    }
    assert.equal(await committed(), 12 - last);
    for await (const run of consumer.batches({ maxMessages: 1 })) {
      assert.deepEqual(run.map((message) => `${message.text()}@${message.attempt}`), [`${12 - last}@1`]);
      break;
    }
  },
};

const firstWins: Scenario = {
  name: "settlement: the first settlement wins, later ones are counted and change nothing",
  async run(t) {
    const { consumer, committed } = await ready(t, 2);
    const messages = await take(consumer.messages({ settle: "manual" }).getReader(), 2);
    const sentBack = messages[0]!.retry({ delayLevel: 2 });
    messages[0]!.ack();
    assert.equal(await messages[0]!.deadLetter(), false);
    assert.equal(await sentBack, true);
    messages[1]!.ack();
    assert.equal(await messages[1]!.retry(), false);
    messages[1]!.ack();
    assert.equal(await committed(), 2);
    const { lateSettlements, sentBack: count, deadLettered } = consumer.statistics();
    assert.deepEqual({ lateSettlements, count, deadLettered }, {
      lateSettlements: 4,
      count: 1,
      deadLettered: 0,
    });
  },
};

const lostQueue: Scenario = {
  name:
    "settlement: after its queue is lost a message's signal is aborted, and settling it is a counted no-op",
  async run(t) {
    const { consumer, topic } = await ready(t, 2);
    const messages = await take(consumer.messages({ settle: "manual" }).getReader(), 2);
    const { signal } = messages[0]!;
    messages[1]!.ack();
    consumer.unsubscribe(topic);
    await t.eventually("the signal", () => signal.aborted);
    messages[0]!.ack();
    assert.equal(await messages[0]!.retry(), false);
    assert.equal(consumer.statistics().lateSettlements, 2);
    assert.equal(await t.committed(consumer.consumerGroup, topic), 0);
  },
};

const streamEndsAtShutdown: Scenario = {
  name: "settlement: a shutdown ends every stream like done, and what its loop then acks is committed",
  async run(t) {
    const { consumer, topic } = await ready(t, 10);
    const { bodies, ended } = t.collect(consumer);
    await t.eventually("all ten", () => bodies.length === 10);
    await consumer.shutdown();
    await ended;
    assert.equal(await t.committed(consumer.consumerGroup, topic), 10);
    assert.throws(() => consumer.messages(), { code: "CONSUMER_STATE" });
  },
};

/** The rules, by name. */
export const settlementContract: Readonly<Record<string, Scenario>> = {
  loopAcks,
  breakLeavesUnsettled,
  throwLeavesUnsettled,
  returnLeavesUnsettled,
  settledInLoop,
  abortEnds,
  manualLoop,
  reader,
  warnsOnce,
  values,
  tee,
  pipedLoop,
  manualPipe,
  genericLoop,
  settleSink,
  batchLoop,
  firstWins,
  lostQueue,
  streamEndsAtShutdown,
};
