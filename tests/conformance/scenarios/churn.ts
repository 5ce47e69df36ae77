/**
 * Members join and leave every few seconds while messages flow, and order holds: of each queue, or of each key.
 */
import { strict as assert } from "node:assert";
import type { ConsumedMessage, Consumer, ConsumerConfig } from "@contrail/rocketmq";
import { OrderWitness } from "../order_witness.ts";
import type { Scenario, Stage } from "../scenario.ts";
import { queueName } from "../stage.ts";

const QUEUES_PER_BROKER = 4;
const KEYS_PER_QUEUE = 5;
/** Most members at once. */
const MOST_MEMBERS = 4;
/** Between two messages of one queue, in milliseconds. */
const SEND_EVERY_MS = 25;
/** A slow machine takes longer until it has shown anything. */
const LEAST_HAND_OVERS = 10;
/** One of so many handlers throws. */
const FAILS_ONE_IN = 100;

/** How messages of a queue make lines; message `n` of a queue has the body `n` and the key `key-(n mod 5)`. */
interface Order {
  readonly ordering: NonNullable<ConsumerConfig["ordering"]>;
  readonly line: (message: ConsumedMessage) => { line: string; at: number };
}

const numberOf = (message: ConsumedMessage): number => Number(message.text());

const ORDERLY: Order = {
  ordering: "orderly",
  line: (message) => ({ line: "all", at: numberOf(message) }),
};

const BY_KEY: Order = {
  ordering: { by: (message) => message.keys[0] ?? "" },
  line: (message) => ({
    line: message.keys[0]!,
    at: Math.floor(numberOf(message) / KEYS_PER_QUEUE),
  }),
};

/** Sends to every queue of `topic`, one after the other within a queue, until `going` says no more; gives how many. */
async function feed(t: Stage, topic: string, going: () => boolean): Promise<number> {
  const producer = await t.producer();
  const queues = t.brokers.flatMap((brokerName) =>
    Array.from({ length: QUEUES_PER_BROKER }, (_, queueId) => ({ topic, brokerName, queueId }))
  );
  const counts = await Promise.all(queues.map(async (queue) => {
    let at = 0;
    for (; going(); at++) {
      await producer.send({ topic, body: `${at}`, keys: `key-${at % KEYS_PER_QUEUE}` }, { queue });
      await t.sleep(SEND_EVERY_MS);
    }
    return at;
  }));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** The members of one group, who tell the witness all they see. */
class Crowd {
  readonly #t: Stage;
  readonly #topic: string;
  readonly #order: Order;
  readonly #witness: OrderWitness;
  readonly #members: Consumer[] = [];
  readonly #leaving: Promise<void>[] = [];
  joined = 0;

  constructor(t: Stage, topic: string, order: Order, witness: OrderWitness) {
    this.#t = t;
    this.#topic = topic;
    this.#order = order;
    this.#witness = witness;
  }

  get consumerGroup(): string {
    return this.#t.name("crowd");
  }

  /** One more, or one less. */
  async change(): Promise<void> {
    const many = this.#members.length;
    if (many < 2 || (many < MOST_MEMBERS && Math.random() < 0.5)) await this.join();
    else this.#leaving.push(this.#members.splice(Math.floor(Math.random() * many), 1)[0]!.shutdown());
  }

  async join(): Promise<void> {
    const name = `member ${++this.joined}`;
    const member = this.#t.consumer({
      consumerGroup: this.consumerGroup,
      ordering: this.#order.ordering,
      suspendCurrentQueueTimeMs: 20,
    });
    member.subscribe(this.#topic, "*", (message) => this.#handle(name, message));
    void (async () => {
      for await (const event of member.events()) {
        if (event.type === "assigned") {
          for (const queue of event.queues) this.#witness.assigned(queueName(queue));
        }
      }
    })();
    this.#members.push(member);
    await member.start();
  }

  async #handle(member: string, message: ConsumedMessage): Promise<void> {
    const { queueOffset, attempt, messageId } = message;
    const facts = `offset ${queueOffset}, attempt ${attempt}, ${messageId}`;
    const sighting = { member, queue: queueName(message.queue), ...this.#order.line(message), facts };
    const fails = Math.random() * FAILS_ONE_IN < 1;
    this.#witness.begin(sighting);
    await this.#t.sleep(1 + Math.random() * 5);
    this.#witness.end(sighting, !fails);
    if (fails) throw new Error("once more");
  }

  /** All leave. */
  async disband(): Promise<void> {
    await Promise.all([...this.#leaving, ...this.#members.map((member) => member.shutdown())]);
  }
}

function churn(name: string, base: string, order: Order): Scenario {
  return {
    name,
    timeoutMs: 300_000,
    async run(t) {
      const topic = await t.topic(base, { queues: QUEUES_PER_BROKER, brokers: t.brokers });
      const witness = new OrderWitness();
      const crowd = new Crowd(t, topic, order, witness);
      await crowd.join();
      const end = Date.now() + t.enduranceMs;
      let churning = true;
      const feeding = feed(t, topic, () => churning);
      while (Date.now() < end || witness.handOvers < LEAST_HAND_OVERS) {
        await t.sleep(t.enduranceMs / 20 + Math.random() * 1_000);
        await crowd.change();
      }
      churning = false;
      const sent = await feeding;
      await t.eventually("all are settled", () => witness.settled === sent, 60_000);
      await crowd.disband();
      assert.deepEqual(witness.breaches, []);
      assert.equal(await t.committed(crowd.consumerGroup, topic), sent);
    },
  };
}

export const orderlyChurn: Scenario = churn(
  "orderly: while members come and go, no queue is handled twice at once, none skips or loses a message",
  "churn",
  ORDERLY,
);

export const byKeyChurn: Scenario = churn(
  "by key: while members come and go, no queue has two owners at work, no key skips or loses a message",
  "churn-keys",
  BY_KEY,
);
