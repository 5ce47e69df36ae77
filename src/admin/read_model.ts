/**
 * What the endpoint shows of the consumers of this process: their statistics, put together for reading.
 *
 * Everything is made afresh from `consumer.statistics()` and nothing is remembered. A queue is stalled when it is not paused,
 * nothing of it was handed out for a while, and messages wait here or the broker has gone silent.
 */
import type { Consumer } from "../consumer/consumer.ts";
import type { LitePullConsumer } from "../consumer/lite_pull/lite_pull_consumer.ts";
import type { ConsumerEvent } from "../consumer/events.ts";
import { compareQueues } from "../protocol/message_queue.ts";

/** What is shown: consumers of either kind. */
export type ShownConsumer = Consumer | LitePullConsumer;

/** What counts as good. */
export interface HealthBounds {
  /** A queue without a hand-out for so long may be stalled, in milliseconds. */
  readonly stalledAfterMs: number;
  /** The lag of a consumer above which it is not ready. */
  readonly maxLag: number;
}

/** One queue. */
export type QueueView = ReturnType<typeof queueViews>[number];
/** A consumer in short. */
export type ConsumerSummary = ReturnType<typeof consumerSummary>;

/** The queues of a consumer. */
export function queueViews(consumer: ShownConsumer, now: number, { stalledAfterMs }: HealthBounds) {
  const queues = [...consumer.statistics().queues].sort((a, b) => compareQueues(a.queue, b.queue));
  return queues.map(({ queue, ...figures }) => ({
    group: consumer.consumerGroup,
    clientId: consumer.client.clientId,
    ...queue,
    ...figures,
    stalled: !figures.paused && now - figures.lastHandOutAt > stalledAfterMs &&
      (figures.cachedMessages > 0 || now - figures.lastAnswerAt > stalledAfterMs),
  }));
}

/** A consumer in short. */
export function consumerSummary(consumer: ShownConsumer, now: number, bounds: HealthBounds) {
  const { queues: _queues, topics, client, trace: _trace, ...figures } = consumer.statistics();
  const queues = queueViews(consumer, now, bounds);
  return {
    group: consumer.consumerGroup,
    clientId: client.clientId,
    kind: "setConcurrency" in consumer ? "push" : "lite pull",
    phase: consumer.phase,
    problems: problemsOf(consumer, now, bounds),
    queues: queues.length,
    paused: queues.filter((queue) => queue.paused).length,
    stalled: queues.filter((queue) => queue.stalled).length,
    lag: sum(queues, (queue) => queue.lag),
    consumedPerSecond: sum(topics, ({ minute }) => minute.consumeOkTps),
    failedPerSecond: sum(topics, ({ minute }) => minute.consumeFailedTps),
    pulledPerSecond: sum(topics, ({ minute }) => minute.pullTps),
    concurrency: undefined,
    ...figures,
  };
}

/** A consumer in full. */
export function consumerDetails(consumer: ShownConsumer, now: number, bounds: HealthBounds) {
  const { topics, trace } = consumer.statistics();
  return {
    ...consumerSummary(consumer, now, bounds),
    queues: queueViews(consumer, now, bounds),
    subscriptions: subscriptionViews(consumer),
    speeds: topics.map(({ topic, minute, hour, day }) => ({ topic, minute, hour, day })),
    trace,
    configuration: withoutUserParts(consumer.configuration()),
  };
}

function sum<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((total, item) => total + figure(item), 0);
}

/** What a consumer subscribes to. */
export function subscriptionViews(consumer: ShownConsumer) {
  const { consumerGroup: group } = consumer;
  return consumer.subscriptions().map(({ topic, selector: { type, expression } }) => {
    return { group, topic, type, expression };
  });
}

/** Why a consumer is not ready; nothing when it is. */
export function problemsOf(consumer: ShownConsumer, now: number, bounds: HealthBounds): string[] {
  const { consumerGroup, phase } = consumer;
  if (phase !== "running") return [`${consumerGroup} is ${phase}`];
  const { rebalances, client } = consumer.statistics();
  const queues = queueViews(consumer, now, bounds);
  const lag = sum(queues, (queue) => queue.lag);
  return [
    ...(rebalances === 0 ? [`${consumerGroup} has not divided its queues yet`] : []),
    ...(client.connections.length === 0 ? [`${consumerGroup} has no connection`] : []),
    ...(lag > bounds.maxLag ? [`${consumerGroup} has a lag of ${lag}, above ${bounds.maxLag}`] : []),
    ...queues.filter((queue) => queue.stalled).map(({ topic, brokerName, queueId }) =>
      `${consumerGroup} stalls at queue ${queueId} of ${topic} on ${brokerName}`
    ),
  ];
}

/**
 * An event as JSON text. What an error says may quote a message, so without `withContent` only its kind is told; a dead
 * letter's reason likewise.
 */
export function eventText(group: string, at: number, event: ConsumerEvent, withContent: boolean): string {
  return JSON.stringify({ group, at, ...event }, (key, value: unknown) => {
    if (key === "reason" && !withContent) return undefined;
    if (!(value instanceof Error)) return key === "error" && !withContent ? typeof value : value;
    const code: unknown = Reflect.get(value, "code");
    return { name: value.name, code, ...(withContent && { message: value.message }) };
  });
}

/** The address of a name server list may carry a name and a password. */
function withoutUserParts(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, text.replaceAll(/\/\/[^/@\s]*@/g, "//")]),
  );
}
