/**
 * This library as a peer: drain a topic, send, and the time from send to hand-over. See `measure.ts` for the words.
 *
 *   drain  mode=listener|untraced|for-await|batches pull=32 slots=20 n=… limit=120
 *   send   inflight=16 n=… size=1024 warm=1000
 *   latency mode=listener|untraced rate=500 secs=10 settle=5000
 *
 * All options of the library are at their defaults but those named here.
 */
import {
  type ConsumedMessage,
  type Consumer,
  createConsumer,
  createProducer,
  type Producer,
} from "../../mod.ts";
import { cpuSeconds, percentiles, report, sleep, Tally, words } from "./measure.ts";

const PEER = "contrail";
const line = words();
const namesrvAddr = line.text("ns", "127.0.0.1:19876");
const topic = line.text("topic", "BenchDrain4");
const mode = line.text("mode", "listener");
const byListener = mode === "listener" || mode === "untraced";
const unique = `${Deno.pid}_${Date.now()}`;

function newConsumer(
  pullBatchSize: number,
  from: "CONSUME_FROM_FIRST_OFFSET" | "CONSUME_FROM_LAST_OFFSET",
): Consumer {
  const slots = line.number("slots", 20);
  return createConsumer({
    consumerGroup: `CG_contrail_${unique}`,
    namesrvAddr,
    consumeFromWhere: from,
    pullBatchSize,
    consumeConcurrencyMin: slots,
    consumeConcurrencyMax: slots,
    messageTrace: mode !== "untraced",
  });
}

function newProducer(): Producer {
  return createProducer({ producerGroup: `PG_contrail_${unique}`, namesrvAddr });
}

/** Takes every message of the topic in, in the way that `mode` says. */
async function drainBy(consumer: Consumer, tally: Tally): Promise<void> {
  if (byListener) return await tally.done;
  if (mode === "for-await") {
    for await (const message of consumer.messages()) if (tally.take(message.body)) break;
    return;
  }
  for await (const batch of consumer.batches()) {
    let last = false;
    for (const message of batch) last = tally.take(message.body) || last;
    if (last) break;
  }
}

async function drain(): Promise<void> {
  const pull = line.number("pull", 32);
  const tally = new Tally(line.number("n", 200_000));
  const consumer = newConsumer(pull, "CONSUME_FROM_FIRST_OFFSET");
  if (byListener) {
    consumer.subscribe(topic, "*", (message: ConsumedMessage) => void tally.take(message.body));
  } else consumer.subscribe(topic);
  const limit = setTimeout(() => fail("not all messages came in time"), line.number("limit", 120) * 1000);
  const drained = drainBy(consumer, tally);
  await consumer.start();
  await drained;
  clearTimeout(limit);
  await sleep(200); // what came twice would come now
  tally.report(PEER, topic, { mode, pull });
  await consumer.shutdown();
}

async function send(): Promise<void> {
  const n = line.number("n", 20_000), inFlight = line.number("inflight", 16);
  const body = new Uint8Array(line.number("size", 1024)).map((_, i) => i * 31);
  const producer = newProducer();
  await producer.start();
  const timesMs: number[] = [];
  let started = 0, refused = 0;
  const many = async (total: number) => {
    started = 0;
    await Promise.all(Array.from({ length: inFlight }, async () => {
      while (started < total) {
        started++;
        const at = performance.now();
        const { status } = await producer.send({ topic, body });
        if (status !== "SEND_OK") refused++;
        timesMs.push(performance.now() - at);
      }
    }));
  };
  await many(line.number("warm", 1000));
  timesMs.length = 0;
  const cpu = cpuSeconds(), at = performance.now();
  await many(n);
  const secs = (performance.now() - at) / 1000, cpuSecs = cpuSeconds() - cpu;
  report({
    peer: PEER,
    what: "send",
    topic,
    n,
    secs,
    cpuSecs,
    more: { inflight: inFlight, refused, ...percentiles(timesMs) },
  });
  await producer.shutdown();
}

async function latency(): Promise<void> {
  const rate = line.number("rate", 500), total = rate * line.number("secs", 10);
  const consumer = newConsumer(32, "CONSUME_FROM_LAST_OFFSET"), producer = newProducer();
  const timesMs: number[] = [];
  const base = performance.now();
  let counts = false;
  consumer.subscribe(topic, "*", ({ body }: ConsumedMessage) => {
    const sentAt = new DataView(body.buffer, body.byteOffset).getFloat64(0);
    const took = performance.now() - base - sentAt;
    if (counts && took > 0 && took < 60_000) timesMs.push(took);
  });
  await consumer.start();
  await producer.start();
  await sleep(line.number("settle", 5000));
  const sendMany = async (count: number) => {
    const startedAt = performance.now();
    for (let i = 0; i < count; i++) {
      const early = startedAt + i * 1000 / rate - performance.now();
      if (early > 0) await sleep(early);
      const body = new Uint8Array(1024);
      new DataView(body.buffer).setFloat64(0, performance.now() - base);
      await producer.send({ topic, body });
    }
  };
  await sendMany(rate * 3);
  await sleep(500);
  counts = true;
  const cpu = cpuSeconds(), at = performance.now();
  await sendMany(total);
  const secs = (performance.now() - at) / 1000;
  await sleep(1000);
  const n = timesMs.length, cpuSecs = cpuSeconds() - cpu;
  report({
    peer: PEER,
    what: "latency",
    topic,
    n,
    secs,
    cpuSecs,
    more: { sent: total, ...percentiles(timesMs) },
  });
  await Promise.all([consumer.shutdown(), producer.shutdown()]);
}

function fail(why: string): never {
  console.error(`Cannot ${line.what} ${topic}: ${why}`);
  Deno.exit(1);
}

const jobs: Record<string, () => Promise<void>> = { drain, send, latency };
await (jobs[line.what] ?? (() => fail("known are drain, send and latency")))();
