/**
 * What a metric is: a name, and how its points are read from consumers and producers.
 *
 * Picture one photograph of everything that counts (`takeReadings`), and metrics as questions to it: all points of one
 * scrape agree with each other. Names, units and labels are those of OpenTelemetry's messaging conventions; what Prometheus
 * calls them follows by rule, so a dashboard works on either way out.
 */
import type { ClientStatistics } from "../client/events.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { TopicTotals } from "./consume_speed.ts";

/** How a metric's points behave: a counter only grows while its source lives, a gauge is what it is now. */
export type MetricKind = "counter" | "gauge";

/** Names of labels, as OpenTelemetry's attributes. */
export type MetricLabel =
  | "error.type"
  | "messaging.client.id"
  | "messaging.consumer.group.name"
  | "messaging.destination.name"
  | "messaging.destination.partition.id"
  | "rocketmq.broker"
  | "rocketmq.producer.group"
  | "server.address"
  | "server.port";

/** The labels of one point; one that does not apply is absent. */
export type MetricLabels = Readonly<Partial<Record<MetricLabel, string>>>;

/** One value. */
export interface MetricPoint {
  /** The number. */
  readonly value: number;
  /** What it belongs to. */
  readonly labels: MetricLabels;
}

/** One row of the table. */
export interface Metric {
  /** Name by OpenTelemetry's rules, dotted. */
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  /** Unit by UCUM: `s`, `By`, or what is counted in braces. */
  readonly unit: string;
  /** Whether it only grows. */
  readonly kind: MetricKind;
  /** Labels that its points may have. */
  readonly labels: readonly MetricLabel[];
  /** Its points as of `readings`. */
  read(readings: Readings): MetricPoint[];
}

/** What is read of one assigned queue. */
export interface QueueFigures {
  /** The queue. */
  readonly queue: MessageQueue;
  /** The offset that may be committed. */
  readonly commitOffset: number;
  /** Messages behind its end. */
  readonly lag: number;
  /** Messages held, waiting or out. */
  readonly cachedMessages: number;
  /** Bytes of the messages held. */
  readonly cachedBytes: number;
  /** Messages handed out and not settled. */
  readonly inFlight: number;
}

/** What is read of a consumer's statistics. */
export interface ConsumerFigures {
  /** Answers to pulls and pops. */
  readonly pulls: number;
  /** Pulls and pops that failed. */
  readonly pullFailures: number;
  /** Messages dropped by their tag on this side. */
  readonly filtered: number;
  /** Messages sent back for another delivery. */
  readonly sentBack: number;
  /** Messages sent to the dead-letter topic. */
  readonly deadLettered: number;
  /** Messages delivered again from here. */
  readonly retriedLocally: number;
  /** Messages given up after their last delivery. */
  readonly dropped: number;
  /** Send-backs that no broker confirmed. */
  readonly sendBackFailures: number;
  /** Messages whose consume time was up. */
  readonly timedOut: number;
  /** Settlements that came too late. */
  readonly lateSettlements: number;
  /** Handlers that threw. */
  readonly handlerFailures: number;
  /** Unreadable messages that were skipped. */
  readonly badRecordsSkipped: number;
  /** Rounds of rebalancing. */
  readonly rebalances: number;
  /** Rounds that could not divide a topic. */
  readonly rebalanceFailures: number;
  /** Messages held, waiting or out. */
  readonly cachedMessages: number;
  /** Bytes of the messages held. */
  readonly cachedBytes: number;
  /** Messages handed out and not settled. */
  readonly inFlight: number;
  /** Listener calls that may be pending at once; without one the consumer has no listeners. */
  readonly concurrency?: number;
  /** One entry for each assigned queue. */
  readonly queues: readonly QueueFigures[];
  /** One entry for each topic. */
  readonly topics: readonly { readonly topic: string; readonly totals: Readonly<TopicTotals> }[];
  /** Records of the message trace. */
  readonly trace: { readonly sent: number; readonly dropped: number };
  /** Of the client below. */
  readonly client: ClientStatistics;
}

/** What is read of one topic that a producer sends to. */
export interface SendFigures {
  /** The topic. */
  readonly topic: string;
  /** Messages that a broker stored. */
  readonly sent: number;
  /** Messages that none stored. */
  readonly failed: number;
  /** Requests, those tried again included. */
  readonly attempts: number;
  /** Calls that ended. */
  readonly sends: number;
  /** Time of these calls together, in milliseconds. */
  readonly sendMs: number;
  /** Bytes of the stored bodies. */
  readonly sentBytes: number;
}

/** What is read of a producer's statistics. */
export interface ProducerFigures {
  /** Sends that have not ended. */
  readonly underWay: number;
  /** One entry for each topic. */
  readonly topics: readonly SendFigures[];
  /** Records of the message trace. */
  readonly trace: { readonly sent: number; readonly dropped: number };
  /** Of the client below. */
  readonly client: ClientStatistics;
}

/** What the metrics of a consumer are read from: every Consumer and LitePullConsumer is one. */
export interface ConsumerSource {
  /** The group. */
  readonly consumerGroup: string;
  /** Where in its life it is. */
  readonly phase: string;
  /** Its picture, now. */
  statistics(): ConsumerFigures;
}

/** What the metrics of a producer are read from: every Producer is one. */
export interface ProducerSource {
  /** The group. */
  readonly producerGroup: string;
  /** Its picture, now. */
  statistics(): ProducerFigures;
}

/** Everything that counts, photographed at one moment. */
export interface Readings {
  /** Consumers. */
  readonly consumers: readonly {
    readonly group: string;
    readonly phase: string;
    readonly figures: ConsumerFigures;
  }[];
  /** Producers. */
  readonly producers: readonly { readonly group: string; readonly figures: ProducerFigures }[];
  /** Clients, each once however many share it. */
  readonly clients: readonly ClientStatistics[];
}

/** Photographs the statistics of `consumers` and `producers`. */
export function takeReadings(
  consumers: Iterable<ConsumerSource>,
  producers: Iterable<ProducerSource>,
): Readings {
  const read = {
    consumers: Array.from(
      consumers,
      (each) => ({ group: each.consumerGroup, phase: each.phase, figures: each.statistics() }),
    ),
    producers: Array.from(producers, (each) => ({ group: each.producerGroup, figures: each.statistics() })),
  };
  const clients = new Map<string, ClientStatistics>();
  for (const { figures } of [...read.consumers, ...read.producers]) {
    if (figures.client.clientId !== "") clients.set(figures.client.clientId, figures.client);
  }
  return { ...read, clients: [...clients.values()] };
}

const SUFFIX_OF_UNIT: Readonly<Record<string, string>> = { s: "_seconds", By: "_bytes" };

/**
 * What Prometheus calls a metric: dots become underscores, the unit and a counter's `_total` come last
 * (OpenTelemetry's rule for its Prometheus exporters).
 */
export function prometheusName({ name, unit, kind }: Pick<Metric, "name" | "unit" | "kind">): string {
  const plain = name.replaceAll(".", "_");
  const suffix = SUFFIX_OF_UNIT[unit] ?? "";
  return plain + (plain.endsWith(suffix) ? "" : suffix) + (kind === "counter" ? "_total" : "");
}

/** What Prometheus calls a label. */
export function prometheusLabel(label: MetricLabel): string {
  return label.replaceAll(".", "_");
}
