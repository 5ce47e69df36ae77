/**
 * `deno task demo`: orders go through a topic to a group of two, one needs a second try, one is beyond help.
 *
 *   deno run --allow-net tools/demo.ts [--namesrv host:port] [--messages 1000]
 *
 * Without `--namesrv` an embedded broker serves, in this process. On a terminal one line shows the progress, elsewhere there
 * is a line a second. The summary at the end is checked: every order is handled once or lies with the dead letters, and what
 * the broker has as committed says the same. The exit code is 1 if the counts do not add up.
 */
import { type ConsumedMessage, type Consumer, createClient, createConsumer, createProducer } from "../mod.ts";
import { updateAndCreateTopic } from "../src/protocol/operations.ts";
import { startCluster } from "../src/testing/mod.ts";

/** Orders in flight to the broker at once, and the pause after each such handful: a demo is to be watched. */
const SENDS_AT_ONCE = 10;
const PAUSE_MS = 25;
const SHOW_EVERY_MS = 100;
/** Longest time for everything, in milliseconds. */
const PATIENCE_MS = 60_000;

/** A topic that every broker has, and queues that the demo's topic gets on each. */
const TEMPLATE_TOPIC = "TBW102";
const QUEUES = 8;

interface Order {
  readonly id: number;
  readonly amount: number;
}

/** What has happened so far. */
interface Tally {
  readonly total: number;
  sent: number;
  /** How often each order was handled, by id. */
  readonly handled: Map<number, number>;
  /** Orders handled by each member. */
  readonly byMember: number[];
  retried: number;
  /** Of those retried, how many were handled in the end. */
  recovered: number;
  readonly deadLettered: number[];
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

/** The order in the middle fails at its first attempt, the one at two thirds can never be handled. */
const needsSecondTry = ({ id }: Order, { total }: Tally): boolean => id === total >> 1;
const isBeyondHelp = ({ amount }: Order): boolean => amount < 0;

function orderOf(id: number, total: number): Order {
  return { id, amount: id === Math.floor(total * 2 / 3) ? -1 : id * 10 };
}

/**
 * Makes the topic at every broker, and waits until each is routed. Left to the first message it would come into being broker
 * by broker, and for as long as the members know of different ones they divide different queues.
 */
async function createTopic(namesrvAddr: string, topic: string): Promise<void> {
  const client = createClient({ namesrvAddr });
  await client.start();
  try {
    const { brokers } = await client.route(TEMPLATE_TOPIC);
    const settings = {
      topic,
      defaultTopic: TEMPLATE_TOPIC,
      readQueueNums: QUEUES,
      writeQueueNums: QUEUES,
      perm: 6,
      topicFilterType: "SINGLE_TAG",
      order: false,
    };
    for (const broker of brokers.keys()) {
      await client.call(broker, updateAndCreateTopic, settings, { timeoutMs: 5_000 });
    }
    const routed = async (): Promise<number> => {
      return (await client.route(topic, { refresh: true }).catch(() => undefined))?.brokers.size ?? 0;
    };
    for (const end = Date.now() + PATIENCE_MS; await routed() < brokers.size && Date.now() < end;) {
      await sleep(50);
    }
  } finally {
    await client.shutdown();
  }
}

/** Sends all orders. */
async function produce(namesrvAddr: string, topic: string, tally: Tally): Promise<void> {
  const producer = createProducer({ producerGroup: `${topic}-producer`, namesrvAddr });
  await producer.start();
  try {
    while (tally.sent < tally.total) {
      const count = Math.min(SENDS_AT_ONCE, tally.total - tally.sent);
      const orders = Array.from({ length: count }, (_, at) => orderOf(tally.sent + at, tally.total));
      await Promise.all(
        orders.map((order) =>
          producer.send({ topic, tag: "order", keys: `order-${order.id}`, body: JSON.stringify(order) })
        ),
      );
      tally.sent += count;
      await sleep(PAUSE_MS);
    }
  } finally {
    await producer.shutdown();
  }
}

/** What a member does with one message. */
async function handle(message: ConsumedMessage, member: number, tally: Tally): Promise<void> {
  const order = message.json<Order>();
  if (isBeyondHelp(order)) {
    tally.deadLettered.push(order.id);
    await message.deadLetter(`the amount of order ${order.id} is negative`);
    return;
  }
  if (needsSecondTry(order, tally) && message.attempt === 1) {
    tally.retried++;
    await message.retry({ delayLevel: 1 });
    return;
  }
  if (message.attempt > 1) tally.recovered++;
  tally.handled.set(order.id, (tally.handled.get(order.id) ?? 0) + 1);
  tally.byMember[member]!++;
}

/** A member of the group; its loop ends with its shutdown. */
async function join(
  member: number,
  { namesrvAddr, group, topic }: { namesrvAddr: string; group: string; topic: string },
  tally: Tally,
): Promise<{ consumer: Consumer; looping: Promise<void> }> {
  const consumer = createConsumer({
    consumerGroup: group,
    namesrvAddr,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    routePollIntervalMs: 1_000,
  });
  consumer.subscribe(topic, "order");
  const loop = async (): Promise<void> => {
    for await (const message of consumer.messages()) await handle(message, member, tally);
  };
  const looping = loop();
  await consumer.start();
  return { consumer, looping };
}

/** Reads the group's dead letters back. */
async function readDeadLetters(namesrvAddr: string, group: string, count: number): Promise<number[]> {
  const reader = createConsumer({
    consumerGroup: `${group}-undertaker`,
    namesrvAddr,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    routePollIntervalMs: 1_000,
  });
  reader.subscribe(`%DLQ%${group}`);
  const ids: number[] = [];
  await reader.start();
  try {
    for await (const message of reader.messages({ signal: AbortSignal.timeout(PATIENCE_MS) })) {
      ids.push(message.json<Order>().id);
      message.ack();
      if (ids.length === count) break;
    }
  } finally {
    await reader.shutdown();
  }
  return ids;
}

/** Shows how far things are, until it is told to stop. */
function showProgress(tally: Tally): () => void {
  const live = Deno.stdout.isTerminal();
  const line = (): string => {
    const [first, second] = tally.byMember;
    const counts = `sent ${tally.sent}/${tally.total}  first member ${first}  second member ${second}`;
    return `${counts}  retried ${tally.retried}  dead letters ${tally.deadLettered.length}`;
  };
  const encoder = new TextEncoder();
  const show = (): void => {
    if (live) Deno.stdout.writeSync(encoder.encode(`\r\x1b[K${line()}`));
    else console.log(line());
  };
  const timer = setInterval(show, live ? SHOW_EVERY_MS : 1_000);
  return () => {
    clearInterval(timer);
    show();
    if (live) console.log();
  };
}

/** Waits until nothing is left to do. */
async function settled(tally: Tally): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (tally.handled.size + tally.deadLettered.length < tally.total && Date.now() < end) await sleep(20);
}

/** Prints the summary; whether the counts add up. */
function summarize(tally: Tally, deadLetters: readonly number[], acked: number): boolean {
  const { total, handled, byMember, retried, recovered } = tally;
  const deliveries = [...handled.values()].reduce((sum, times) => sum + times, 0);
  const checks: [what: string, value: number, expected: number][] = [
    ["orders sent", tally.sent, total],
    ["handled by the two members together", byMember[0]! + byMember[1]!, deliveries],
    ["different orders handled", handled.size, total - 1],
    ["handled more than once", deliveries - handled.size, 0],
    ["sent back for a second try", retried, 1],
    ["of these handled in the end", recovered, 1],
    ["dead letters read back", deadLetters.length, 1],
    ["orders handled or dead", handled.size + new Set(deadLetters).size, total],
    ["acknowledged to the broker", acked, total - 1],
  ];
  for (const [what, value, expected] of checks) {
    console.log(
      `${value === expected ? "  " : "! "}${String(value).padStart(6)}  ${what}${
        value === expected ? "" : `, not ${expected}`
      }`,
    );
  }
  return checks.every(([, value, expected]) => value === expected);
}

const namesrv = option("namesrv");
const cluster = namesrv === undefined ? await startCluster() : undefined;
const namesrvAddr = namesrv ?? cluster!.namesrvAddr;
const topic = `contrail-demo-${Date.now().toString(36)}`;
const group = `${topic}-group`;
const total = Number(option("messages") ?? 1_000);
const tally: Tally = {
  total,
  sent: 0,
  handled: new Map(),
  byMember: [0, 0],
  retried: 0,
  recovered: 0,
  deadLettered: [],
};
const began = performance.now();
console.log(`${cluster ? "embedded broker" : "RocketMQ"} at ${namesrvAddr}, topic ${topic}`);
await createTopic(namesrvAddr, topic);

const members = [
  await join(0, { namesrvAddr, group, topic }, tally),
  await join(1, { namesrvAddr, group, topic }, tally),
];
const stopShowing = showProgress(tally);
await produce(namesrvAddr, topic, tally);
await settled(tally);
stopShowing();
for (const [at, { consumer }] of members.entries()) {
  const queues = consumer.assignment().filter((queue) => queue.topic === topic).length;
  console.log(`member ${at + 1} held ${queues} queues`);
}
const deadLetters = await readDeadLetters(namesrvAddr, group, 1);
await Promise.all(members.map(({ consumer }) => consumer.shutdown()));
await Promise.all(members.map(({ looping }) => looping));
const acked = members.reduce((sum, { consumer }) => sum + consumer.statistics().acked, 0);
const good = summarize(tally, deadLetters, acked);
await cluster?.stop();
const seconds = ((performance.now() - began) / 1000).toFixed(1);
console.log(good ? `The counts add up (${seconds} s).` : `The counts do not add up (${seconds} s).`);
Deno.exitCode = good ? 0 : 1;
