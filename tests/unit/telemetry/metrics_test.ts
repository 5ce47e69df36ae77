import { assert, assertEquals } from "@std/assert";
import {
  type ConsumerFigures,
  type ConsumerSource,
  type ProducerSource,
  prometheusLabel,
  prometheusName,
  takeReadings,
} from "../../../src/telemetry/metric.ts";
import { metrics } from "../../../src/telemetry/metrics.ts";
import { newTopicTotals } from "../../../src/telemetry/consume_speed.ts";
import { createConsumer, createProducer } from "../../../mod.ts";

const client = {
  clientId: "10.0.0.1@7#1",
  nameServers: ["ns:9876"],
  routeRefreshes: 4,
  routeRefreshFailures: 1,
  topics: ["orders"],
  heartbeats: [{
    brokerName: "a",
    brokerId: 0,
    address: "[::1]:10911",
    sent: 9,
    succeeded: 7,
    failed: 2,
    lastSuccessAt: 1,
    version: 1,
  }],
  connections: ["ns:9876", "[::1]:10911"],
};

/** Every figure a number of its own, so that a row that reads a neighbour's shows. */
const figures: ConsumerFigures = {
  pulls: 101,
  pullFailures: 102,
  filtered: 103,
  sentBack: 104,
  deadLettered: 105,
  retriedLocally: 106,
  dropped: 107,
  sendBackFailures: 108,
  timedOut: 109,
  lateSettlements: 110,
  handlerFailures: 111,
  badRecordsSkipped: 112,
  rebalances: 113,
  rebalanceFailures: 114,
  cachedMessages: 115,
  cachedBytes: 116,
  inFlight: 117,
  concurrency: 118,
  queues: [{
    queue: { topic: "orders", brokerName: "a", queueId: 3 },
    commitOffset: 201,
    lag: 202,
    cachedMessages: 203,
    cachedBytes: 204,
    inFlight: 205,
  }],
  topics: [{
    topic: "orders",
    totals: {
      consumed: 301,
      failed: 302,
      consumeMs: 3_000,
      consumeTimes: 304,
      pulled: 305,
      pullMs: 6_000,
      pullTimes: 307,
    },
  }],
  trace: { sent: 119, dropped: 120 },
  client,
};

const consumer: ConsumerSource = { consumerGroup: "billing", phase: "running", statistics: () => figures };
const producer: ProducerSource = {
  producerGroup: "shop",
  statistics: () => ({
    underWay: 401,
    topics: [{
      topic: "orders",
      sent: 402,
      failed: 403,
      sends: 404,
      attempts: 405,
      sendMs: 5_000,
      sentBytes: 407,
    }],
    trace: { sent: 408, dropped: 409 },
    client,
  }),
};

/** Metric → points as `label=value,… value`. */
function shown(consumers: ConsumerSource[], producers: ProducerSource[]): Record<string, string[]> {
  const readings = takeReadings(consumers, producers);
  return Object.fromEntries(metrics.map((metric) => [
    metric.name,
    metric.read(readings).map(({ labels, value }) =>
      `${
        Object.entries(labels).map(([name, text]) => `${name.split(".").at(-1)}=${text}`).join(",")
      } ${value}`
    ),
  ]));
}

Deno.test("each metric of a consumer reads its own figure, with the labels of what it counts", () => {
  const all = shown([consumer], []);
  assertEquals(all["rocketmq.consumer.lag"], ["name=billing,name=orders,broker=a,id=3 202"]);
  assertEquals(all["messaging.client.consumed.messages"], [
    "name=billing,name=orders 301",
    "name=billing,name=orders,type=not_acked 302",
  ]);
  assertEquals(all["rocketmq.consumer.process.time"], ["name=billing,name=orders 3"]);
  assertEquals(all["rocketmq.consumer.pull.time"], ["name=billing,name=orders 6"]);
  assertEquals(all["rocketmq.consumer.running"], ["name=billing 1"]);
  const values = Object.entries(all).filter(([name]) => name.startsWith("rocketmq.consumer."))
    .flatMap(([, points]) => points.map((point) => Number(point.split(" ").at(-1))));
  assertEquals(new Set(values).size, values.length - 1, "only the owned queue and running are both 1");
  for (let figure = 101; figure <= 120; figure++) assert(values.includes(figure), String(figure));
  for (let figure = 201; figure <= 205; figure++) assert(values.includes(figure), String(figure));
});

Deno.test("each metric of a producer reads its own figure", () => {
  const all = shown([], [producer]);
  assertEquals(all["messaging.client.sent.messages"], [
    "group=shop,name=orders 402",
    "group=shop,name=orders,type=not_stored 403",
  ]);
  assertEquals(all["rocketmq.producer.send.time"], ["group=shop,name=orders 5"]);
  assertEquals(all["rocketmq.producer.in_flight"], ["group=shop 401"]);
  assertEquals(all["rocketmq.producer.trace.sent"], ["group=shop 408"]);
  assertEquals(all["rocketmq.producer.trace.dropped"], ["group=shop 409"]);
});

Deno.test("a client that consumer and producer share is counted once", () => {
  const all = shown([consumer], [producer]);
  assertEquals(all["rocketmq.client.connections"], ["id=10.0.0.1@7#1 2"]);
  assertEquals(all["rocketmq.client.heartbeat.failures"], [
    "id=10.0.0.1@7#1,broker=a,address=[::1],port=10911 2",
  ]);
});

Deno.test("names are unique, on either way out, and each point has only labels that its metric declares", () => {
  assertEquals(new Set(metrics.map(({ name }) => name)).size, metrics.length);
  assertEquals(new Set(metrics.map(prometheusName)).size, metrics.length);
  const readings = takeReadings([consumer], [producer]);
  for (const metric of metrics) {
    assert(/^[a-z]+(\.[a-z_]+)+$/.test(metric.name), metric.name);
    assert(/^[a-z_]+$/.test(prometheusName(metric)), prometheusName(metric));
    assert(metric.help.endsWith("."), metric.name);
    const points = metric.read(readings);
    assert(points.length > 0, `${metric.name} has no point`);
    for (const { labels } of points) {
      for (const label of Object.keys(labels)) assert(metric.labels.includes(label as never), metric.name);
    }
  }
});

Deno.test("Prometheus names carry the unit, and counters end with total", () => {
  assertEquals(prometheusName({ name: "a.b.time", unit: "s", kind: "counter" }), "a_b_time_seconds_total");
  assertEquals(prometheusName({ name: "a.size", unit: "By", kind: "gauge" }), "a_size_bytes");
  assertEquals(prometheusName({ name: "a.lag", unit: "{message}", kind: "gauge" }), "a_lag");
  assertEquals(prometheusLabel("messaging.consumer.group.name"), "messaging_consumer_group_name");
});

Deno.test("consumers and producers are sources as they are, before their start too", () => {
  const quiet = createConsumer({ consumerGroup: "g", namesrvAddr: "127.0.0.1:1" });
  const mute = createProducer({ producerGroup: "p", namesrvAddr: "127.0.0.1:1" });
  const readings = takeReadings([quiet], [mute]);
  const points = metrics.flatMap((metric) => metric.read(readings));
  assert(points.length > 0);
  assertEquals(points.filter(({ value }) => !Number.isFinite(value)), []);
  assertEquals(readings.clients, []);
});

Deno.test("nothing counted yet is zero, not absent", () => {
  const idle = { ...figures, topics: [{ topic: "orders", totals: newTopicTotals() }] };
  const all = shown([{ ...consumer, statistics: () => idle }], []);
  assertEquals(all["messaging.client.consumed.messages"], [
    "name=billing,name=orders 0",
    "name=billing,name=orders,type=not_acked 0",
  ]);
});
