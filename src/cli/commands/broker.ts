/**
 * `broker`: a cluster in this process, for development.
 */
import { type BrokerOptions, type BrokerSpec, startCluster } from "../../testing/mod.ts";
import { type Command, type Context, Exit, type Given, UsageError } from "../command.ts";
import { jsonLine } from "../layout.ts";

const FIRST_BROKER_PORT = 10_911;
const NAME_SERVER_PORT = 9_876;
/** Brokers use the ports beside theirs in Java, so several keep this distance. */
const PORT_STEP = 10;
const MAX_BROKERS = 26;
const MAX_QUEUES = 1_024;
const DELAY_LEVELS = 18;
/** Flags that are options of each broker. */
const COUNTS = [
  ["queues", "defaultTopicQueueNums"],
  ["pull-messages", "maxPullMessages"],
  ["pull-bytes", "maxPullBytes"],
  ["retention-bytes", "retentionBytes"],
] as const;

/** The command. */
export const broker: Command = {
  name: "broker",
  words: "",
  wordCount: [0, 0],
  summary: "run a name server and brokers here, for development without Java",
  about: `
They speak the protocol of RocketMQ 5.5, so every client works with them, on 127.0.0.1 only. Everything is in memory: what
was sent is gone when the command ends (Ctrl-C). Topics come into being with their first message, as on a stock broker.`,
  examples: [
    ["broker", "on the ports that clients look for first"],
    ["broker --namesrv-port 0 --port 0 --topic orders:8", "on free ports, with a topic of 8 queues"],
    ["broker --fast-delays", "retries after seconds instead of minutes"],
  ],
  flags: [
    {
      name: "namesrv-port",
      value: "n",
      range: [0, 65_535],
      help: `port of the name server; ${NAME_SERVER_PORT} by default, 0 for a free one`,
    },
    {
      name: "port",
      value: "n",
      range: [0, 65_535],
      help: `port of the first broker; ${FIRST_BROKER_PORT} by default, 0 for free ones`,
    },
    { name: "brokers", value: "n", range: [1, MAX_BROKERS], help: "how many; 1 by default" },
    { name: "topic", value: "name:queues", help: "make a topic", many: true },
    {
      name: "queues",
      value: "n",
      range: [1, MAX_QUEUES],
      help: "queues of a topic that comes into being with its first message; 8 by default",
    },
    {
      name: "pull-messages",
      value: "n",
      range: [1],
      help: "messages that one pull gives at most; 32 by default",
    },
    {
      name: "pull-bytes",
      value: "n",
      range: [1],
      help: "bytes that one pull gives at most; 262144 by default",
    },
    {
      name: "retention-bytes",
      value: "n",
      range: [1],
      help: "bytes that a broker keeps, then the oldest go; all by default",
    },
    { name: "fast-delays", help: "delay levels of 1, 2, 3 … seconds" },
  ],
  run,
};

async function run({ given, terminal, paint }: Context): Promise<number> {
  const port = given.count("port") ?? FIRST_BROKER_PORT;
  const count = given.count("brokers") ?? 1;
  const brokers = Array.from({ length: count }, (_, at): BrokerSpec => ({
    name: `broker-${String.fromCharCode("a".charCodeAt(0) + at)}`,
    port: port === 0 ? 0 : port + at * PORT_STEP,
  }));
  const cluster = await startCluster({
    brokers,
    nameServers: [given.count("namesrv-port") ?? NAME_SERVER_PORT],
    topics: Object.fromEntries(given.all("topic").map(topicOf)),
    broker: optionsOf(given),
  });
  try {
    if (given.has("json")) {
      const addresses = cluster.brokers.map((name) => ({ name, address: cluster.brokerAddress(name) }));
      terminal.print(jsonLine({ namesrvAddr: cluster.namesrvAddr, brokers: addresses }));
    } else {
      terminal.print(`name server ${paint("bold", cluster.namesrvAddr)}`);
      for (const name of cluster.brokers) terminal.print(`${name} ${cluster.brokerAddress(name)}`);
      terminal.note("Ctrl-C ends it.\n");
    }
    const { signal } = terminal;
    if (!signal.aborted) {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    }
  } finally {
    await cluster.stop();
  }
  return Exit.OK;
}

/** What is given of a broker's options; the others are at their defaults. */
function optionsOf(given: Given): Partial<BrokerOptions> {
  const options: { -readonly [name in keyof BrokerOptions]?: BrokerOptions[name] } = {};
  for (const [flag, option] of COUNTS) {
    const count = given.count(flag);
    if (count !== undefined) options[option] = count;
  }
  if (given.has("fast-delays")) {
    options.delayLevelsMs = Array.from({ length: DELAY_LEVELS }, (_, level) => (level + 1) * 1000);
  }
  return options;
}

function topicOf(text: string): [string, number] {
  const [, name, queues = "4"] = /^([^:]+)(?::(\d+))?$/.exec(text) ?? [];
  if (name === undefined || Number(queues) < 1 || Number(queues) > MAX_QUEUES) {
    throw new UsageError(
      `Cannot understand --topic "${text}": it is to be name or name:queues, 1 to ${MAX_QUEUES} of them`,
    );
  }
  return [name, Number(queues)];
}
