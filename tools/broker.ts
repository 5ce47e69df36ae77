/**
 * An embedded RocketMQ as a program: name server and brokers on 127.0.0.1, for development without Java.
 *
 *     deno task broker [--port 10911] [--namesrv-port 9876] [--brokers 1] [--queues 8] [--pull-messages 32]
 *                      [--pull-bytes 262144] [--retention-bytes n] [--fast-delays] [--topic name:queues …]
 *
 * Prints the address of the name server, then one line a minute at most; Ctrl-C ends it. Nothing is kept on disk.
 */
import { type BrokerSpec, startCluster } from "../src/testing/mod.ts";

const FIRST_BROKER_PORT = 10911;
const FIRST_NAME_SERVER_PORT = 9876;
/** Brokers use the ports beside theirs in Java, so several keep this distance. */
const PORT_STEP = 10;

interface Flags {
  readonly values: ReadonlyMap<string, string>;
  readonly topics: readonly string[];
}

function readFlags(args: readonly string[]): Flags {
  const values = new Map<string, string>();
  const topics: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const [name, inline] = args[at]!.split("=", 2) as [string, string | undefined];
    if (name === "--fast-delays") {
      values.set(name, "true");
      continue;
    }
    const value = inline ?? args[++at];
    if (!name.startsWith("--") || value === undefined) {
      throw new Error(`Cannot read flag: current value is "${name}"`);
    }
    if (name === "--topic") topics.push(value);
    else values.set(name, value);
  }
  return { values, topics };
}

function numberOf(flags: Flags, name: string, fallback: number): number {
  const text = flags.values.get(name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new Error(`Cannot read ${name}: current value is "${text}"`);
  }
  return value;
}

const flags = readFlags(Deno.args);
const port = numberOf(flags, "--port", FIRST_BROKER_PORT);
const brokers = Array.from({ length: numberOf(flags, "--brokers", 1) }, (_, at): BrokerSpec => ({
  name: `broker-${String.fromCharCode("a".charCodeAt(0) + at)}`,
  port: port === 0 ? 0 : port + at * PORT_STEP,
}));
const topics = flags.topics.map((text): [string, number] => {
  const [name, queues] = text.split(":") as [string, string | undefined];
  return [name, Number(queues ?? 4)];
});
const cluster = await startCluster({
  brokers,
  nameServers: [numberOf(flags, "--namesrv-port", FIRST_NAME_SERVER_PORT)],
  topics: Object.fromEntries(topics),
  broker: {
    defaultTopicQueueNums: numberOf(flags, "--queues", 8),
    maxPullMessages: numberOf(flags, "--pull-messages", 32),
    maxPullBytes: numberOf(flags, "--pull-bytes", 256 * 1024),
    retentionBytes: flags.values.has("--retention-bytes")
      ? numberOf(flags, "--retention-bytes", 0)
      : Infinity,
    ...(flags.values.has("--fast-delays")
      ? { delayLevelsMs: Array.from({ length: 18 }, (_, level) => (level + 1) * 1000) }
      : {}),
  },
});
console.log(`name server ${cluster.namesrvAddr}`);
for (const name of cluster.brokers) console.log(`${name} ${cluster.brokerAddress(name)}`);
const end = Promise.withResolvers<void>();
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => end.resolve());
await end.promise;
await cluster.stop();
Deno.exit(0);
