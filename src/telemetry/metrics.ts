/**
 * THE table of metrics: every number that a consumer, a producer or a client gives, with its name, unit and labels.
 *
 * A row is a scope (what there is one point for) and a question to it. Whoever exports metrics, the admin endpoint as
 * Prometheus text or `./otel` as meters, walks this table and knows no metric by itself.
 */
import type { ClientStatistics, HeartbeatStatistics } from "../client/events.ts";
import type {
  ConsumerFigures,
  Metric,
  MetricKind,
  MetricLabel,
  MetricLabels,
  ProducerFigures,
  QueueFigures,
  Readings,
  SendFigures,
} from "./metric.ts";
import type { TopicTotals } from "./consume_speed.ts";

/** What there is one point for. */
interface Scope<Item> {
  readonly labels: readonly MetricLabel[];
  items(readings: Readings): { item: Item; labels: MetricLabels }[];
}

const CONSUMER_GROUP = "messaging.consumer.group.name";
const PRODUCER_GROUP = "rocketmq.producer.group";
const DESTINATION = "messaging.destination.name";
const PARTITION = "messaging.destination.partition.id";
const BROKER = "rocketmq.broker";
const CLIENT_ID = "messaging.client.id";

const perConsumer: Scope<ConsumerFigures> = {
  labels: [CONSUMER_GROUP],
  items: ({ consumers }) =>
    consumers.map(({ group, figures }) => ({ item: figures, labels: { [CONSUMER_GROUP]: group } })),
};

const perLife: Scope<string> = {
  labels: [CONSUMER_GROUP],
  items: ({ consumers }) =>
    consumers.map(({ group, phase }) => ({ item: phase, labels: { [CONSUMER_GROUP]: group } })),
};

/** Consumers that call listeners. */
const perPool: Scope<number> = {
  labels: [CONSUMER_GROUP],
  items: (readings) =>
    perConsumer.items(readings).flatMap(({ item: { concurrency }, labels }) =>
      concurrency === undefined ? [] : [{ item: concurrency, labels }]
    ),
};

const perQueue: Scope<QueueFigures> = {
  labels: [CONSUMER_GROUP, DESTINATION, BROKER, PARTITION],
  items: ({ consumers }) =>
    consumers.flatMap(({ group, figures }) =>
      figures.queues.map((item) => ({
        item,
        labels: {
          [CONSUMER_GROUP]: group,
          [DESTINATION]: item.queue.topic,
          [BROKER]: item.queue.brokerName,
          [PARTITION]: String(item.queue.queueId),
        },
      }))
    ),
};

const perTopic: Scope<Readonly<TopicTotals>> = {
  labels: [CONSUMER_GROUP, DESTINATION],
  items: ({ consumers }) =>
    consumers.flatMap(({ group, figures }) =>
      figures.topics.map(({ topic, totals }) => ({
        item: totals,
        labels: { [CONSUMER_GROUP]: group, [DESTINATION]: topic },
      }))
    ),
};

/** What became of messages: a point for those that ended well, another with `error.type` for the rest. */
const perOutcome: Scope<number> = {
  labels: [CONSUMER_GROUP, DESTINATION, "error.type"],
  items: (readings) =>
    perTopic.items(readings).flatMap(({ item, labels }) => [
      { item: item.consumed, labels },
      { item: item.failed, labels: { ...labels, "error.type": "not_acked" } },
    ]),
};

const perProducer: Scope<ProducerFigures> = {
  labels: [PRODUCER_GROUP],
  items: ({ producers }) =>
    producers.map(({ group, figures }) => ({ item: figures, labels: { [PRODUCER_GROUP]: group } })),
};

const perSentTopic: Scope<SendFigures> = {
  labels: [PRODUCER_GROUP, DESTINATION],
  items: ({ producers }) =>
    producers.flatMap(({ group, figures }) =>
      figures.topics.map((item) => ({ item, labels: { [PRODUCER_GROUP]: group, [DESTINATION]: item.topic } }))
    ),
};

/** What became of sends: a point for messages that are stored, another with `error.type` for those that are not. */
const perSendOutcome: Scope<number> = {
  labels: [PRODUCER_GROUP, DESTINATION, "error.type"],
  items: (readings) =>
    perSentTopic.items(readings).flatMap(({ item, labels }) => [
      { item: item.sent, labels },
      { item: item.failed, labels: { ...labels, "error.type": "not_stored" } },
    ]),
};

const perClient: Scope<ClientStatistics> = {
  labels: [CLIENT_ID],
  items: ({ clients }) => clients.map((item) => ({ item, labels: { [CLIENT_ID]: item.clientId } })),
};

const perHeartbeat: Scope<HeartbeatStatistics> = {
  labels: [CLIENT_ID, BROKER, "server.address", "server.port"],
  items: ({ clients }) =>
    clients.flatMap(({ clientId, heartbeats }) =>
      heartbeats.map((item) => {
        const colon = item.address.lastIndexOf(":");
        return {
          item,
          labels: {
            [CLIENT_ID]: clientId,
            [BROKER]: item.brokerName,
            "server.address": item.address.slice(0, colon),
            "server.port": item.address.slice(colon + 1),
          },
        };
      })
    ),
};

function rows<Item>(
  kind: MetricKind,
  scope: Scope<Item>,
  table: readonly [name: string, unit: string, help: string, value: (item: Item) => number][],
): Metric[] {
  return table.map(([name, unit, help, value]) => ({
    name,
    help,
    unit,
    kind,
    labels: scope.labels,
    read: (readings) => scope.items(readings).map(({ item, labels }) => ({ value: value(item), labels })),
  }));
}

const isItself = (value: number): number => value;

/** All metrics, in the order in which they are to be shown. */
export const metrics: readonly Metric[] = [
  ...rows("counter", perOutcome, [
    [
      "messaging.client.consumed.messages",
      "{message}",
      "Messages that were handed out and settled.",
      isItself,
    ],
  ]),
  ...rows("gauge", perQueue, [
    ["rocketmq.consumer.lag", "{message}", "Messages at the broker that are not settled here.", (q) => q.lag],
    ["rocketmq.consumer.offset", "{message}", "The lowest unsettled offset.", (q) => q.commitOffset],
    [
      "rocketmq.consumer.queue.cached",
      "{message}",
      "Messages cached and not settled.",
      (q) => q.cachedMessages,
    ],
    ["rocketmq.consumer.queue.size", "By", "Bytes of the cached messages.", (q) => q.cachedBytes],
    [
      "rocketmq.consumer.queue.in_flight",
      "{message}",
      "Messages handed out and not settled.",
      (q) => q.inFlight,
    ],
  ]),
  ...rows("counter", perTopic, [
    ["rocketmq.consumer.pulled", "{message}", "Messages pulled and kept.", (t) => t.pulled],
    ["rocketmq.consumer.pull.time", "s", "Time of pulls that brought messages.", (t) => t.pullMs / 1000],
    ["rocketmq.consumer.pull.timed", "{pull}", "Pulls that brought messages.", (t) => t.pullTimes],
    [
      "rocketmq.consumer.process.time",
      "s",
      "Time from hand-out to settlement, of timed messages.",
      (t) => t.consumeMs / 1000,
    ],
    [
      "rocketmq.consumer.process.timed",
      "{message}",
      "Messages timed: the first of each pull.",
      (t) => t.consumeTimes,
    ],
  ]),
  ...rows("gauge", perLife, [
    ["rocketmq.consumer.running", "1", "1 while it runs, else 0.", (phase) => phase === "running" ? 1 : 0],
  ]),
  ...rows("gauge", perConsumer, [
    ["rocketmq.consumer.queues", "{queue}", "Queues that are owned.", (c) => c.queues.length],
    ["rocketmq.consumer.cached", "{message}", "Messages cached and not settled.", (c) => c.cachedMessages],
    [
      "rocketmq.consumer.cache.size",
      "By",
      "Bytes that cached messages keep in memory.",
      (c) => c.cachedBytes,
    ],
    ["rocketmq.consumer.in_flight", "{message}", "Messages handed out and not settled.", (c) => c.inFlight],
  ]),
  ...rows("gauge", perPool, [
    ["rocketmq.consumer.concurrency", "{call}", "Listener calls that may be pending.", isItself],
  ]),
  ...rows("counter", perConsumer, [
    ["rocketmq.consumer.pulls", "{pull}", "Pulls answered.", (c) => c.pulls],
    ["rocketmq.consumer.pull.failures", "{pull}", "Pulls that failed.", (c) => c.pullFailures],
    ["rocketmq.consumer.filtered", "{message}", "Messages dropped here for their tag.", (c) => c.filtered],
    [
      "rocketmq.consumer.sent_back",
      "{message}",
      "Messages sent back for another delivery.",
      (c) => c.sentBack,
    ],
    [
      "rocketmq.consumer.dead_lettered",
      "{message}",
      "Messages sent to the dead letters.",
      (c) => c.deadLettered,
    ],
    [
      "rocketmq.consumer.retried_locally",
      "{message}",
      "Messages to come again from here.",
      (c) => c.retriedLocally,
    ],
    ["rocketmq.consumer.dropped", "{message}", "Messages given up, in broadcasting.", (c) => c.dropped],
    [
      "rocketmq.consumer.send_back.failures",
      "{message}",
      "Send-backs that reached no broker.",
      (c) => c.sendBackFailures,
    ],
    ["rocketmq.consumer.timed_out", "{message}", "Messages whose time was up.", (c) => c.timedOut],
    [
      "rocketmq.consumer.late_settlements",
      "{message}",
      "Settlements that came too late.",
      (c) => c.lateSettlements,
    ],
    ["rocketmq.consumer.handler.failures", "{call}", "Handlers that threw.", (c) => c.handlerFailures],
    [
      "rocketmq.consumer.bad_records_skipped",
      "{message}",
      "Unreadable messages skipped.",
      (c) => c.badRecordsSkipped,
    ],
    ["rocketmq.consumer.rebalances", "{round}", "Rounds of rebalancing.", (c) => c.rebalances],
    [
      "rocketmq.consumer.rebalance.failures",
      "{round}",
      "Rounds of rebalancing that could not finish.",
      (c) => c.rebalanceFailures,
    ],
    ["rocketmq.consumer.trace.sent", "{record}", "Trace records that a broker stored.", (c) => c.trace.sent],
    [
      "rocketmq.consumer.trace.dropped",
      "{record}",
      "Trace records that were dropped.",
      (c) => c.trace.dropped,
    ],
  ]),
  ...rows("counter", perSendOutcome, [
    ["messaging.client.sent.messages", "{message}", "Messages that were to be sent.", isItself],
  ]),
  ...rows("counter", perSentTopic, [
    ["rocketmq.producer.sends", "{send}", "Sends that ended, each of one message or batch.", (t) => t.sends],
    ["rocketmq.producer.attempts", "{attempt}", "Attempts of sends.", (t) => t.attempts],
    [
      "rocketmq.producer.send.time",
      "s",
      "Time of sends that ended, with all attempts.",
      (t) => t.sendMs / 1000,
    ],
    ["rocketmq.producer.sent.size", "By", "Bytes of bodies that were stored, as sent.", (t) => t.sentBytes],
  ]),
  ...rows("counter", perProducer, [
    ["rocketmq.producer.trace.sent", "{record}", "Trace records that a broker stored.", (p) => p.trace.sent],
    [
      "rocketmq.producer.trace.dropped",
      "{record}",
      "Trace records that were dropped.",
      (p) => p.trace.dropped,
    ],
  ]),
  ...rows("gauge", perProducer, [
    ["rocketmq.producer.in_flight", "{send}", "Sends under way.", (p) => p.underWay],
  ]),
  ...rows("gauge", perClient, [
    ["rocketmq.client.connections", "{connection}", "Open connections.", (c) => c.connections.length],
    ["rocketmq.client.topics", "{topic}", "Topics whose route is known.", (c) => c.topics.length],
  ]),
  ...rows("counter", perClient, [
    ["rocketmq.client.route.refreshes", "{request}", "Questions for a route.", (c) => c.routeRefreshes],
    [
      "rocketmq.client.route.failures",
      "{request}",
      "Questions for a route that no name server served.",
      (c) => c.routeRefreshFailures,
    ],
  ]),
  ...rows("counter", perHeartbeat, [
    ["rocketmq.client.heartbeats", "{request}", "Heartbeats tried.", (h) => h.sent],
    ["rocketmq.client.heartbeat.failures", "{request}", "Heartbeats that failed.", (h) => h.failed],
  ]),
];
