/**
 * `deno task soak`: messages at a steady rate for minutes while members of the group come and go, and a look at the heap.
 *
 *   --minutes 10          how long
 *   --rate 2000           messages a second
 *   --namesrv host:port   on this cluster
 *   --embedded            on an embedded broker with retention, in a process of its own (the default)
 *   --seed n              who comes and goes when; printed, to have the same again
 *
 * It fails unless every message was handled, the offsets that the brokers have as committed are in every queue as many as
 * messages were settled there, and the heap after a forced collection rises less than 1 MiB a minute over the last five
 * minutes. Messages that come again when members change are allowed and counted.
 */
import { parseArgs } from "node:util";
import { TextLineStream } from "@std/streams";
import {
  type ConsumedMessage,
  type Consumer,
  createClient,
  createConsumer,
  createProducer,
  type Producer,
} from "../mod.ts";
import type { RocketMQClient } from "../src/client/client.ts";
import { type Random, seededRandom } from "../src/core/random.ts";
import { clusterInfo } from "../src/protocol/bodies.ts";
import { queueKey } from "../src/protocol/message_queue.ts";
import {
  getBrokerClusterInfo,
  queryConsumerOffset,
  updateAndCreateTopic,
} from "../src/protocol/operations.ts";

const QUEUES_PER_BROKER = 8;
const BODY_BYTES = 256;
const MAX_IN_FLIGHT = 500;
const MEMBERS = { least: 1, most: 5 };
/** Between two changes of the group, in milliseconds. */
const CHANGE_EVERY_MS = { least: 2_000, most: 5_000 };
const SAMPLE_EVERY_MS = 5_000;
const SHOW_EVERY_MS = 10_000;
/** The heap's slope is taken over this long at the end, at most, in milliseconds. */
const SLOPE_OVER_MS = 5 * 60_000;
const MAX_SLOPE_MIB_PER_MINUTE = 1;
/** How long the last messages may take to arrive, in milliseconds. */
const PATIENCE_MS = 60_000;
/** About a minute of messages: what is consumed is dropped all through the run. */
const RETENTION_BYTES = 128 * 1024 * 1024;
const READ_WRITE = 6;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The heap in MiB after a forced collection. */
function heapMib(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("Cannot force a collection: run with --v8-flags=--expose-gc");
  gc();
  return Deno.memoryUsage().heapUsed / 1024 / 1024;
}

/** What was sent and handled. Its memory is taken at the start, so that it is not what grows. */
class Ledger {
  readonly #handled: Uint8Array;
  /** Messages settled in each queue, each once. */
  readonly settledByQueue = new Map<string, number>();
  sent = 0;
  sendRetries = 0;
  handled = 0;
  repeated = 0;
  /** Messages that the broker's retention dropped before they were pulled: the machine was too slow for the rate. */
  overtaken = 0;

  constructor(capacity: number) {
    this.#handled = new Uint8Array(capacity);
  }

  handle({ body, queue }: ConsumedMessage): void {
    const number = new DataView(body.buffer, body.byteOffset).getUint32(0);
    if (this.#handled[number]!++ > 0) return void this.repeated++;
    this.handled++;
    const key = queueKey(queue);
    this.settledByQueue.set(key, (this.settledByQueue.get(key) ?? 0) + 1);
  }

  /** The number of the first message that was sent and not handled. */
  get firstLost(): number | undefined {
    const at = this.#handled.subarray(0, this.sent).indexOf(0);
    return at < 0 ? undefined : at;
  }
}

/** The members of the group that are there now; every other one takes its messages by listener, the rest in a loop. */
class Group {
  readonly name: string;
  readonly #namesrvAddr: string;
  readonly #topic: string;
  readonly #ledger: Ledger;
  readonly #members: { consumer: Consumer; loop: Promise<unknown> }[] = [];
  joined = 0;
  left = 0;

  constructor(name: string, namesrvAddr: string, topic: string, ledger: Ledger) {
    this.name = name;
    this.#namesrvAddr = namesrvAddr;
    this.#topic = topic;
    this.#ledger = ledger;
  }

  get size(): number {
    return this.#members.length;
  }

  async join(): Promise<void> {
    const consumer = createConsumer({
      consumerGroup: this.name,
      namesrvAddr: this.#namesrvAddr,
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    });
    const byListener = this.joined++ % 2 === 0;
    if (byListener) consumer.subscribe(this.#topic, "*", (message) => this.#ledger.handle(message));
    else consumer.subscribe(this.#topic);
    const loop = Promise.all([byListener ? undefined : this.#loop(consumer), this.#watch(consumer)]);
    await consumer.start();
    this.#members.push({ consumer, loop });
  }

  async #loop(consumer: Consumer): Promise<void> {
    for await (const message of consumer.messages()) this.#ledger.handle(message);
  }

  async #watch(consumer: Consumer): Promise<void> {
    for await (const event of consumer.events()) {
      if (event.type !== "offsetIllegal") continue;
      this.#ledger.overtaken += Math.max(0, event.to - event.from);
    }
  }

  async leave(at: number): Promise<void> {
    const [member] = this.#members.splice(at, 1);
    await member!.consumer.shutdown();
    await member!.loop;
    this.left++;
  }

  /**
   * Waits until the members have nothing left to do, `patienceMs` at most. A queue that changed hands before its last commit
   * comes again from there: who leaves in the midst of that commits what is settled a second time, which is less.
   */
  async calm(patienceMs: number): Promise<void> {
    const busy = () =>
      this.#members.some(({ consumer }) =>
        consumer.statistics().queues.some(({ lag, cachedMessages }) => lag > 0 || cachedMessages > 0)
      );
    for (const endsAt = performance.now() + patienceMs; busy() && performance.now() < endsAt;) {
      await sleep(100);
    }
  }

  /** Lets members come and go until `signal` says so. */
  async churn(random: Random, signal: AbortSignal): Promise<void> {
    const { least, most } = CHANGE_EVERY_MS;
    while (!signal.aborted) {
      await sleep(least + random.int(most - least));
      const joins = this.size <= MEMBERS.least || (this.size < MEMBERS.most && random.int(2) === 0);
      if (joins) await this.join();
      else await this.leave(random.int(this.size));
    }
  }
}

/** Sends `rate` messages a second until `until`; what cannot be sent is sent again. */
async function sendAll(
  producer: Producer,
  topic: string,
  rate: number,
  until: number,
  ledger: Ledger,
): Promise<void> {
  const startedAt = performance.now();
  const inFlight = new Set<Promise<void>>();
  const sendOne = async (number: number): Promise<void> => {
    const body = new Uint8Array(BODY_BYTES);
    new DataView(body.buffer).setUint32(0, number);
    for (;; ledger.sendRetries++) {
      try {
        return void await producer.send({ topic, body });
      } catch {
        await sleep(200);
      }
    }
  };
  let number = 0;
  for (let now = startedAt; now < until; now = performance.now()) {
    const due = Math.floor((now - startedAt) * rate / 1000);
    while (number < due && inFlight.size < MAX_IN_FLIGHT) {
      const sending: Promise<void> = sendOne(number++).finally(() => {
        inFlight.delete(sending);
        ledger.sent++;
      });
      inFlight.add(sending);
    }
    await sleep(10);
  }
  await Promise.all(inFlight);
}

/** Makes the topic at every master. */
async function createTopic(client: RocketMQClient, topic: string): Promise<void> {
  const { body } = await client.callNameServer(getBrokerClusterInfo, {});
  for (const { brokerAddrs } of Object.values(clusterInfo.read(body).brokerAddrTable)) {
    await client.callAddress(brokerAddrs.get(0)!, updateAndCreateTopic, {
      topic,
      defaultTopic: "TBW102",
      readQueueNums: QUEUES_PER_BROKER,
      writeQueueNums: QUEUES_PER_BROKER,
      perm: READ_WRITE,
      topicFilterType: "SINGLE_TAG",
      topicSysFlag: 0,
      order: false,
    });
  }
}

/** The queues whose committed offset is not the number of messages settled there, each with both. */
async function wrongOffsets(
  client: RocketMQClient,
  group: string,
  topic: string,
  ledger: Ledger,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const queue of (await client.route(topic, { refresh: true })).readQueues) {
    const { header } = await client.call(queue.brokerName, queryConsumerOffset, {
      consumerGroup: group,
      topic,
      queueId: queue.queueId,
    });
    const settled = ledger.settledByQueue.get(queueKey(queue)) ?? 0;
    if ((header.offset ?? 0) !== settled) {
      wrong.push(`${queueKey(queue)}: ${header.offset} committed, ${settled} settled`);
    }
  }
  return wrong;
}

/** MiB a minute, by least squares. */
function slope(samples: readonly { atMs: number; mib: number }[]): number {
  const n = samples.length;
  const meanAt = samples.reduce((sum, { atMs }) => sum + atMs, 0) / n;
  const meanMib = samples.reduce((sum, { mib }) => sum + mib, 0) / n;
  let over = 0, under = 0;
  for (const { atMs, mib } of samples) {
    over += (atMs - meanAt) * (mib - meanMib);
    under += (atMs - meanAt) ** 2;
  }
  return over / under * 60_000;
}

/** The run itself; what was wrong. */
async function soak(namesrvAddr: string, minutes: number, rate: number, random: Random): Promise<string[]> {
  const unique = `${Deno.pid}_${Date.now()}`;
  const topic = `Soak_${unique}`;
  const ledger = new Ledger(Math.ceil(minutes * 60 * rate) + 1);
  const group = new Group(`CG_soak_${unique}`, namesrvAddr, topic, ledger);
  const client = createClient({ namesrvAddr });
  await client.start();
  await createTopic(client, topic);
  const producer = createProducer({ producerGroup: `PG_soak_${unique}`, client });
  await producer.start();
  await group.join();
  await group.join();

  const startedAt = performance.now(), endAt = startedAt + minutes * 60_000;
  const samples: { atMs: number; mib: number }[] = [];
  const sample = () => void samples.push({ atMs: performance.now() - startedAt, mib: heapMib() });
  const show = () => {
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.log(
      `${
        String(seconds).padStart(4)
      } s  ${ledger.sent} sent, ${ledger.handled} handled, ${ledger.repeated} again, ` +
        `${group.size} members (${group.joined} came, ${group.left} left), heap ${
          (samples.at(-1)?.mib ?? 0).toFixed(1)
        } MiB`,
    );
  };
  const timers = [setInterval(sample, SAMPLE_EVERY_MS), setInterval(show, SHOW_EVERY_MS)];
  const over = new AbortController();
  const churning = group.churn(random, over.signal);
  await sendAll(producer, topic, rate, endAt, ledger);
  over.abort();
  await churning;
  for (const patienceEndsAt = performance.now() + PATIENCE_MS; ledger.handled < ledger.sent;) {
    if (performance.now() > patienceEndsAt) break;
    await sleep(100);
  }
  sample();
  for (const timer of timers) clearInterval(timer);
  while (group.size > 0) {
    await group.calm(PATIENCE_MS);
    await group.leave(0);
  }
  show();

  const from = performance.now() - startedAt - Math.min(SLOPE_OVER_MS, minutes * 30_000);
  const rise = slope(samples.filter(({ atMs }) => atMs >= from));
  const wrong = await wrongOffsets(client, group.name, topic, ledger);
  await producer.shutdown();
  await client.shutdown();
  console.log(
    `${ledger.sent} messages in ${minutes} minutes, ${ledger.sendRetries} sends tried again; the heap rises ` +
      `${rise.toFixed(2)} MiB a minute; ${ledger.settledByQueue.size} queues`,
  );
  const lost = ledger.sent - ledger.handled;
  return [
    ...lost === 0 ? [] : [
      `${lost} messages are lost, the first is number ${ledger.firstLost}; retention overtook ${ledger.overtaken}`,
    ],
    ...wrong,
    ...rise < MAX_SLOPE_MIB_PER_MINUTE ? [] : [`the heap rises ${rise.toFixed(2)} MiB a minute`],
  ];
}

/** An embedded broker in a process of its own. */
async function startBroker(): Promise<{ namesrvAddr: string; stop(): Promise<void> }> {
  const program = new URL("broker.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      program,
      "--port=0",
      "--namesrv-port=0",
      `--retention-bytes=${RETENTION_BYTES}`,
    ],
    stdout: "piped",
  }).spawn();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  for await (const line of lines.values({ preventCancel: true })) {
    const address = /^name server (\S+)/.exec(line)?.[1];
    if (address === undefined) continue;
    return {
      namesrvAddr: address,
      stop: async () => {
        child.kill("SIGTERM");
        await lines.cancel();
        await child.status;
      },
    };
  }
  throw new Error("Cannot start the embedded broker: it ended");
}

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "2000" },
    namesrv: { type: "string" },
    embedded: { type: "boolean" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const broker = values.namesrv === undefined
  ? await startBroker()
  : { namesrvAddr: values.namesrv, stop: () => Promise.resolve() };
console.log(
  `soak on ${
    values.namesrv === undefined ? "the embedded broker" : broker.namesrvAddr
  }, ${values.minutes} minutes ` +
    `at ${values.rate} messages a second, seed ${values.seed}`,
);
const problems = await soak(
  broker.namesrvAddr,
  Number(values.minutes),
  Number(values.rate),
  seededRandom(Number(values.seed)),
).finally(() => broker.stop());
for (const problem of problems) console.error(`FAILED: ${problem}`);
console.log(problems.length === 0 ? "the soak holds" : `${problems.length} problems`);
Deno.exit(problems.length === 0 ? 0 : 1);
