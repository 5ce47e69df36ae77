/**
 * A cluster on a network in memory and a manual clock, and consumers that pop there: hours pass in milliseconds.
 */
import {
  type ConsumedMessage,
  type Consumer,
  type ConsumerConfig,
  type ConsumerEvent,
  createConsumer,
} from "../../../../mod.ts";
import { seededRandom } from "../../../../src/core/random.ts";
import type { ClusterOptions } from "../../../../src/testing/mod.ts";
import { stage } from "../../testing/bench_client.ts";

/** A cluster with topic T (two queues), and consumers of it that pop. */
export async function scene(broker: Exclude<ClusterOptions["broker"], undefined> = {}) {
  const { cluster, clock, dial, stop } = await stage({ topics: { T: 2 }, broker });
  const drive = <R>(work: Promise<R>): Promise<R> => clock.runUntil(work);
  const consumers: Consumer[] = [];
  let host = 0;
  const make = (config: Partial<ConsumerConfig>): Consumer => {
    const consumer = createConsumer({
      namesrvAddr: cluster.namesrvAddr,
      consumerGroup: "G",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      messageRequestMode: "POP",
      messageTrace: false,
      ...config,
    }, { ...cluster.world, random: seededRandom(++host), host: `10.0.0.${host}` });
    consumers.push(consumer);
    consumer.subscribe("T");
    return consumer;
  };
  return {
    cluster,
    clock,
    dial,
    drive,
    /** A consumer that is not started. */
    make,
    /** A started consumer, and the events it told. */
    async join(config: Partial<ConsumerConfig>): Promise<{ consumer: Consumer; events: ConsumerEvent[] }> {
      const consumer = make(config);
      const events: ConsumerEvent[] = [];
      const told = consumer.events();
      void (async () => {
        for await (const event of told) events.push(event);
      })();
      await drive(consumer.start());
      return { consumer, events };
    },
    /** Sends `count` messages to `queueId`, with their numbers as bodies. */
    async send(count: number, queueId = 0): Promise<void> {
      const admin = await dial();
      for (let at = 0; at < count; at++) await drive(admin.send("T", queueId, `${at}`));
    },
    /** Lets `ms` pass. */
    async pass(ms: number): Promise<void> {
      await clock.advance(ms);
    },
    async stop(): Promise<void> {
      for (const consumer of consumers) await drive(consumer.shutdown());
      await stop();
    },
  };
}

/** The bodies of the first `count` messages. */
export const numbers = (count: number): string[] => Array.from({ length: count }, (_, at) => `${at}`);

/** The messages of a consumer, time passing while the loop waits for the next. */
export async function* driven(
  t: { drive<R>(work: Promise<R>): Promise<R> },
  consumer: Consumer,
): AsyncGenerator<ConsumedMessage> {
  const messages = consumer.messages()[Symbol.asyncIterator]();
  try {
    while (true) {
      const { value, done } = await t.drive(messages.next());
      if (done) return;
      yield value;
    }
  } finally {
    await messages.return!();
  }
}
