/**
 * Messages come into the world: batches for one queue each, at times drawn from the seed, by the real producer.
 *
 * The body is of no matter; the first key is the message's id, the tag the key that it is ordered by. What a send that failed
 * has nevertheless stored counts like the rest: the truth is what the brokers hold in the end.
 */
import type { Random } from "../../src/core/random.ts";
import type { Message } from "../../src/message/message.ts";
import { createProducer, type Producer } from "../../src/producer/producer.ts";
import { TOPIC } from "./ledger.ts";
import { silentLogger } from "./timeline.ts";
import type { World } from "./world.ts";

/** Messages of every seed, at least. */
export const MESSAGES = 5_000;
/** Of one batch, at most. */
const MAX_BATCH = 32;
/** Keys of one queue. */
const KEYS = 6;

/** Who sends. */
export class Traffic {
  /** Messages that brokers confirmed. */
  sent = 0;
  /** Sends that failed. */
  failures = 0;
  /** Whether all are sent. */
  done = false;
  /** When the last was sent, in milliseconds since the epoch. */
  lastAt = 0;
  readonly #world: World;
  readonly #random: Random;
  readonly #producer: Producer;
  #next = 0;

  /** A producer on a machine of its own, which no fault befalls. */
  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    const { network, clock, cluster } = world;
    this.#producer = createProducer(
      {
        producerGroup: "sim-producers",
        namesrvAddr: cluster.namesrvAddr,
        topics: [TOPIC],
        sendTimeoutMs: 2_000,
      },
      { ...network.at("10.0.1.1"), clock, random, pid: 1, logger: silentLogger },
    );
  }

  /** Sends them all, evenly until `endMs` of the world's time. */
  async run(endMs: number): Promise<void> {
    const { clock } = this.#world;
    await this.#producer.start();
    while (this.sent < MESSAGES) {
      await this.#sendSome();
      const left = (MESSAGES - this.sent) / (MAX_BATCH / 2);
      const gap = Math.max(0, endMs - clock.elapsedMs) / Math.max(1, left);
      await clock.sleep(20 + Math.floor(gap * 2 * this.#random.next()));
    }
    this.done = true;
    await this.#producer.shutdown();
  }

  async #sendSome(): Promise<void> {
    const random = this.#random;
    const { cluster, queuesPerBroker } = this.#world;
    const brokerName = cluster.brokers[random.int(cluster.brokers.length)]!;
    const queue = { topic: TOPIC, brokerName, queueId: random.int(queuesPerBroker) };
    const messages = Array.from(
      { length: 1 + random.int(MAX_BATCH) },
      () => this.#message(`${brokerName}-${queue.queueId}-${random.int(KEYS)}`),
    );
    try {
      if (messages.length === 1) await this.#producer.send(messages[0]!, { queue });
      else await this.#producer.sendBatch(messages, { queue });
      this.sent += messages.length;
      this.lastAt = this.#world.clock.now();
    } catch {
      this.failures++;
    }
  }

  #message(key: string): Message {
    const id = `m${this.#next++}`;
    return { topic: TOPIC, keys: id, tag: key, body: `${id} ${".".repeat(this.#random.int(200))}` };
  }
}
