/**
 * The npm package ali-ons as a peer; words and fields as in `../measure.ts`. Run by Node with NODE_PATH at its installation.
 *
 * When a queue holds 500 messages it waits 5 s before it looks again, which would measure the wait: it is told 20 ms.
 */
"use strict";
const fs = require("node:fs");
const { Consumer, Message, Producer } = require("ali-ons");

const [what, ...rest] = process.argv.slice(2);
const values = Object.fromEntries(rest.map((word) => word.split(/=(.*)/s)));
const text = (name, fallback) => values[name] ?? fallback;
const number = (name, fallback) => Number(values[name] ?? fallback);
const topic = text("topic", "BenchDrain4");
const unique = `${process.pid}_${Date.now()}`;
const logger = { debug() {}, info() {}, warn() {}, error: (...args) => console.error(...args) };
const shared = { nameSrv: text("ns", "127.0.0.1:19876"), logger, httpclient: {} };

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
const memoryMib = (field) =>
  Math.round(
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(fs.readFileSync("/proc/self/status", "utf8"))[1]) / 1024,
  );
const percentiles = (timesMs) => {
  const sorted = Float64Array.from(timesMs).sort();
  const at = (share) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 1000);
  return { p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99), max_us: at(1) };
};
const report = (n, secs, cpuSecs, more) =>
  console.log(JSON.stringify({
    peer: "ali-ons",
    what,
    topic,
    n,
    secs: Number(secs.toFixed(4)),
    rate: Math.round(n / secs),
    cpu_s: Number(cpuSecs.toFixed(3)),
    cpu_us_per_msg: Number((cpuSecs * 1e6 / n).toFixed(2)),
    rss_mib: memoryMib("VmRSS"),
    hwm_mib: memoryMib("VmHWM"),
    ...more,
  }));

async function drain() {
  const n = number("n", 200_000), pull = number("pull", 32);
  const seen = new Uint8Array(n);
  const startedAt = performance.now();
  let distinct = 0, repeated = 0, bytes = 0, firstAt = 0, firstCpu = 0, secs = 0, cpuSecs = 0;
  const consumer = new Consumer({
    ...shared,
    consumerGroup: `CG_ons_${unique}`,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    pullBatchSize: pull,
    parallelConsumeLimit: number("slots", 20),
    pullTimeDelayMillsWhenFlowControl: 20,
  });
  consumer.on("error", (error) => console.error(error.message));
  await new Promise((resolve, reject) => {
    setTimeout(
      () => reject(new Error(`Cannot drain ${topic}: ${distinct} came in time`)),
      number("limit", 120) * 1000,
    ).unref();
    // deno-lint-ignore require-await
    consumer.subscribe(topic, "*", async ({ body }) => {
      if (firstAt === 0) {
        firstAt = performance.now();
        firstCpu = cpuSeconds();
      }
      bytes += body.length;
      const index = body.readUInt32BE(4);
      if (seen[index] !== 0) return void repeated++;
      seen[index] = 1;
      if (++distinct < n) return;
      secs = (performance.now() - firstAt) / 1000;
      cpuSecs = cpuSeconds() - firstCpu;
      resolve();
    });
  });
  await sleep(200);
  const start_to_first_s = Number(((firstAt - startedAt) / 1000).toFixed(2));
  report(distinct, secs, cpuSecs, { repeated, body_bytes: bytes, start_to_first_s, mode: "listener", pull });
}

async function newProducer() {
  const producer = new Producer({ ...shared, producerGroup: `PG_ons_${unique}` });
  producer.on("error", (error) => console.error(error.message));
  await producer.ready();
  return producer;
}

async function send() {
  const n = number("n", 20_000), inflight = number("inflight", 16);
  const body = Buffer.alloc(number("size", 1024)).map((_, i) => i * 31);
  const producer = await newProducer();
  const timesMs = [];
  let started = 0, refused = 0;
  const many = async (total) => {
    started = 0;
    await Promise.all(Array.from({ length: inflight }, async () => {
      while (started < total) {
        started++;
        const at = performance.now();
        const { sendStatus } = await producer.send(new Message(topic, "", body));
        if (sendStatus !== "SEND_OK") refused++;
        timesMs.push(performance.now() - at);
      }
    }));
  };
  await many(number("warm", 1000));
  timesMs.length = 0;
  const cpu = cpuSeconds(), at = performance.now();
  await many(n);
  report(n, (performance.now() - at) / 1000, cpuSeconds() - cpu, {
    inflight,
    refused,
    ...percentiles(timesMs),
  });
}

async function latency() {
  const rate = number("rate", 500), total = rate * number("secs", 10);
  const timesMs = [], base = performance.now();
  let counts = false;
  const consumer = new Consumer({ ...shared, consumerGroup: `CG_ons_${unique}`, parallelConsumeLimit: 20 });
  consumer.on("error", (error) => console.error(error.message));
  // deno-lint-ignore require-await
  consumer.subscribe(topic, "*", async ({ body }) => {
    const took = performance.now() - base - body.readDoubleBE(0);
    if (counts && took > 0 && took < 60_000) timesMs.push(took);
  });
  await consumer.ready();
  const producer = await newProducer();
  await sleep(number("settle", 5000));
  const sendMany = async (count) => {
    const startedAt = performance.now();
    for (let i = 0; i < count; i++) {
      const early = startedAt + i * 1000 / rate - performance.now();
      if (early > 0) await sleep(early);
      const body = Buffer.alloc(1024);
      body.writeDoubleBE(performance.now() - base, 0);
      await producer.send(new Message(topic, "", body));
    }
  };
  await sendMany(rate * 3);
  await sleep(500);
  counts = true;
  const cpu = cpuSeconds(), at = performance.now();
  await sendMany(total);
  const secs = (performance.now() - at) / 1000;
  await sleep(1000);
  report(timesMs.length, secs, cpuSeconds() - cpu, { sent: total, ...percentiles(timesMs) });
}

const jobs = { drain, send, latency };
jobs[what]().then(() => process.exit(0), (error) => {
  console.error(error.message);
  process.exit(1);
});
