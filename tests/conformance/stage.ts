/**
 * The stage of one run of one scenario: names of its own, makers that remember what they made, and checks that do not ask
 * the library about itself.
 *
 * Whatever a scenario opened is closed when it ends, in reverse order, also when it failed.
 */
import { AssertionError } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import {
  type Consumer,
  type ConsumerConfig,
  createConsumer,
  createLitePullConsumer,
  createProducer,
  type LitePullConsumerConfig,
  MemoryOffsetStore,
  type MessageQueue,
  type Producer,
  type ProducerConfig,
} from "@contrail/rocketmq";
import { bareCall, bareRequest, brokerAddresses, placesOf, queuesOf, RequestCode } from "./bare_request.ts";
import type { Rig } from "./rig.ts";
import {
  type Collected,
  type FillOptions,
  type Runtime,
  Skipped,
  type Stage,
  type StagedConsumer,
  type StagedLitePull,
} from "./scenario.ts";
import { TamperingProxy } from "./tampering_proxy.ts";

/** How long `eventually` waits unless told otherwise, in milliseconds. */
const PATIENCE_MS = 20_000;
/** How long a change of a topic may take to be routed, in milliseconds: a real broker tells name servers all it has every 30 s. */
const ROUTING_PATIENCE_MS = 45_000;
/** A broker tells a change within this, if it does, in milliseconds. */
const TOLD_MS = 5_000;
/** How often it looks, in milliseconds. */
const LOOK_EVERY_MS = 15;
/** Sends in flight at once while a topic is filled. */
const FILL_AT_ONCE = 16;

/** The answer for a queue without a stored offset. */
const QUERY_NOT_FOUND = 22;

/** What the library has to say is checked by its events and errors; warnings would only drown the report. */
const silent = (): void => {};
const quiet = { debug: silent, info: silent, warn: silent, error: silent };

/** The runtime of this process. */
export const runtime: Runtime = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/** A stage, and the hand that clears it. */
export interface ClearableStage extends Stage {
  /** Closes whatever was opened. */
  clear(): Promise<void>;
}

/** Sets the stage of one run on `rig`. */
export async function createStage(rig: Rig): Promise<ClearableStage> {
  const { namesrvAddr } = rig;
  const nameServers = namesrvAddr.split(";");
  const addresses = await firstOf(nameServers, brokerAddresses);
  const run = Math.random().toString(36).slice(2, 8);
  const undo: (() => unknown)[] = [];
  const stage: ClearableStage = {
    kind: rig.kind,
    runtime,
    namesrvAddr,
    brokers: [...addresses.keys()],
    name: (base) => `${base}-${run}`,
    enduranceMs: rig.enduranceMs,
    delayLevelMs: (level) => rig.delayLevelsMs[level - 1]!,
    async topic(base, { queues = 4, brokers = stage.brokers.slice(0, 1) } = {}) {
      const topic = stage.name(base);
      for (const broker of brokers) await createTopic(stage, addresses.get(broker)!, topic, queues);
      return topic;
    },
    fill: async (topic, count, options) => await fill(await stage.producer(), topic, count, options),
    ...consumerMakers(namesrvAddr, () => stage.name("group"), (shutdown) => undo.push(shutdown)),
    async producer(config = {}, world = {}) {
      const whole = { namesrvAddr, producerGroup: stage.name("producers"), ...config } as ProducerConfig;
      const producer: Producer = createProducer(whole, { logger: quiet, ...world });
      undo.push(() => producer.shutdown());
      await producer.start();
      return producer;
    },
    collect,
    committed: (group, topic) => sumCommitted(nameServers[0]!, group, topic),
    deadLetters: (group, count) => deadLetters(stage, group, count, stage.name(`dead-${undo.length}`)),
    eventually,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    defer: (action) => void undo.push(action),
    async proxy() {
      const proxy = new TamperingProxy();
      undo.push(() => proxy.close());
      await proxy.open(namesrvAddr);
      return proxy;
    },
    rig,
    temporaryFolder: () => temporaryFolder((remove) => undo.push(remove)),
    skip(reason) {
      throw new Skipped(reason);
    },
    async clear() {
      for (const action of undo.reverse()) await action();
      undo.length = 0;
    },
  };
  return stage;
}

/** The makers of consumers that begin at the first message. */
function consumerMakers(
  namesrvAddr: string,
  group: () => string,
  defer: (shutdown: () => Promise<void>) => void,
): Pick<Stage, "consumer" | "litePull"> {
  const whole = (config: StagedConsumer | StagedLitePull) => ({
    namesrvAddr,
    consumerGroup: group(),
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    ...memoryFor(config),
    ...config,
  });
  return {
    consumer(config = {}, world = {}) {
      const consumer = createConsumer(whole(config) as ConsumerConfig, { logger: quiet, ...world });
      defer(() => consumer.shutdown());
      return consumer;
    },
    litePull(config = {}, world = {}) {
      const options = whole(config) as LitePullConsumerConfig;
      const consumer = createLitePullConsumer(options, { logger: quiet, ...world });
      defer(() => consumer.shutdown());
      return consumer;
    },
  };
}

/** Makes a folder. */
function temporaryFolder(defer: (remove: () => void) => void): string {
  const folder = mkdtempSync(`${tmpdir()}/contrail-stage-`);
  defer(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Offsets of those that broadcast stay out of the home folder of whoever runs the scenarios, unless one is about that. */
function memoryFor({ messageModel, offsetStorePath }: StagedConsumer | StagedLitePull): StagedConsumer {
  return messageModel === "BROADCASTING" && offsetStorePath === undefined
    ? { offsetStore: new MemoryOffsetStore() }
    : {};
}

/** See `Stage.fill`. */
async function fill(
  producer: Producer,
  topic: string,
  count: number,
  { prefix = "", tag, inOrder = false }: FillOptions = {},
): Promise<string[]> {
  const atOnce = inOrder ? 1 : FILL_AT_ONCE;
  const bodies = Array.from(
    { length: count },
    (_, at) => `${typeof prefix === "string" ? prefix : prefix(at)}${at}`,
  );
  for (let from = 0; from < count; from += atOnce) {
    await Promise.all(
      bodies.slice(from, from + atOnce).map((body, at) =>
        producer.send({ topic, body, ...(tag ? { tag: tag(from + at) } : {}) })
      ),
    );
  }
  return bodies;
}

/** Waits for `count` dead letters of `group`, read by a group of their own, and gives their bodies. */
async function deadLetters(
  stage: Stage,
  group: string,
  count: number,
  consumerGroup: string,
): Promise<string[]> {
  const topic = `%DLQ%${group}`;
  const nameServer = stage.namesrvAddr.split(";")[0]!;
  await stage.eventually(`${topic} exists`, async () => (await queuesOf(nameServer, topic)).length > 0);
  const consumer = stage.consumer({ consumerGroup });
  consumer.subscribe(topic);
  const collected = stage.collect(consumer);
  await consumer.start();
  await stage.eventually(`${count} dead letters`, () => collected.bodies.length >= count);
  await consumer.shutdown();
  return collected.bodies;
}

/** The first answer of several name servers. */
async function firstOf<T>(addresses: readonly string[], ask: (address: string) => Promise<T>): Promise<T> {
  let failure: unknown;
  for (const address of addresses) {
    try {
      return await ask(address);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/**
 * Changes something of a topic, and waits until that is told. A real name server takes the second of two changes for known that
 * came with one version of a broker's data, and never tells it: the broker is asked once more then.
 */
export async function changeTopic(
  { eventually }: Pick<Stage, "eventually">,
  what: string,
  change: () => Promise<unknown>,
  isTold: () => Promise<boolean>,
): Promise<void> {
  let changedAt = -Infinity;
  await eventually(what, async () => {
    if (Date.now() - changedAt > TOLD_MS) {
      changedAt = Date.now();
      await change();
    }
    return await isTold();
  }, ROUTING_PATIENCE_MS);
}

/** Makes or changes a topic at the broker at an address, and waits until all name servers tell it so. */
export async function createTopic(
  t: Pick<Stage, "namesrvAddr" | "eventually">,
  broker: string,
  topic: string,
  queues: number,
  writeQueues: number = queues,
): Promise<void> {
  const fields = {
    topic,
    defaultTopic: "TBW102",
    readQueueNums: queues,
    writeQueueNums: writeQueues,
    perm: 6,
    topicFilterType: "SINGLE_TAG",
    topicSysFlag: 0,
    order: false,
  };
  const change = () => bareCall(broker, RequestCode.UPDATE_AND_CREATE_TOPIC, fields);
  const tells = async (nameServer: string): Promise<boolean> => {
    const place = (await placesOf(nameServer, topic)).find(({ address }) => address === broker);
    return place?.readQueueNums === queues && place.writeQueueNums === writeQueues;
  };
  await changeTopic(
    t,
    `topic ${topic} is routed`,
    change,
    async () => (await Promise.all(t.namesrvAddr.split(";").map(tells))).every(Boolean),
  );
}

async function sumCommitted(nameServer: string, consumerGroup: string, topic: string): Promise<number> {
  const offsets = (await queuesOf(nameServer, topic)).map(async ({ address, queueId }) => {
    const fields = { consumerGroup, topic, queueId, setZeroIfNotFound: false };
    const reply = await bareRequest(address, RequestCode.QUERY_CONSUMER_OFFSET, fields);
    if (reply.code === QUERY_NOT_FOUND) return 0;
    if (reply.code !== 0) throw new Error(`${address} answers ${reply.code} for an offset: ${reply.remark}`);
    return Number(reply.fields["offset"]);
  });
  return (await Promise.all(offsets)).reduce((sum, offset) => sum + offset, 0);
}

function collect(...[consumer, options]: Parameters<Stage["collect"]>): Collected {
  const bodies: string[] = [];
  const stream = consumer.messages(options);
  const loop = async (): Promise<void> => {
    for await (const message of stream) bodies.push(message.text());
  };
  const ended = loop();
  // who is interested awaits it; a failing loop shows in the bodies that are missing
  ended.catch(() => {});
  return { bodies, ended };
}

async function eventually(...[what, predicate, timeoutMs = PATIENCE_MS]: Parameters<Stage["eventually"]>) {
  const end = Date.now() + timeoutMs;
  while (!await predicate()) {
    if (Date.now() > end) {
      throw new AssertionError({ message: `waited ${timeoutMs} ms in vain until ${what}` });
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** The number of queues that a consumer holds of a topic. */
export function queuesHeld(consumer: Consumer, topic: string): number {
  return consumer.assignment().filter((queue) => queue.topic === topic).length;
}

/** What a scenario calls a queue: `broker:queueId`. */
export function queueName({ brokerName, queueId }: Omit<MessageQueue, "topic">): string {
  return `${brokerName}:${queueId}`;
}

/** The queues that a consumer holds of a topic. */
export function namesHeld(consumer: Pick<Consumer, "assignment">, topic: string): string[] {
  return consumer.assignment().filter((queue) => queue.topic === topic).map(queueName);
}
