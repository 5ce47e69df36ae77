/**
 * Names on their way out to the application: topics and queues without the namespace of the client.
 *
 * Inside, everything is called as brokers call it; Consumer and LitePullConsumer put the namespace on what the application names,
 * and take it off what it is told: here, and in Delivery. What the client tells of itself (its statistics) and the words of errors
 * keep the names of the brokers.
 */
import { unwrapQueue, withoutNamespace } from "../protocol/namespace.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { ConsumerEvent } from "./events.ts";
import type { MessageQueueListener } from "./lite_pull/queue_listeners.ts";
import type { PullStatistics } from "./statistics.ts";
import type { Subscription } from "./subscription/subscriptions.ts";

/** An event as the application sees it. */
export function shownEvent(namespace: string | undefined, event: ConsumerEvent): ConsumerEvent {
  if (!namespace) return event;
  const shown: Record<string, unknown> = { ...event };
  if ("topic" in event) shown["topic"] = withoutNamespace(namespace, event.topic);
  if ("queue" in event) shown["queue"] = unwrapQueue(namespace, event.queue);
  if ("queues" in event) shown["queues"] = event.queues.map((queue) => unwrapQueue(namespace, queue));
  if ("conflicts" in event) shown["conflicts"] = event.conflicts.map((each) => shownTopic(namespace, each));
  return shown as unknown as ConsumerEvent;
}

/** Statistics as the application sees them. */
export function shownStatistics<S extends PullStatistics>(namespace: string | undefined, statistics: S): S {
  if (!namespace) return statistics;
  return {
    ...statistics,
    queues: statistics.queues.map((each) => ({ ...each, queue: unwrapQueue(namespace, each.queue) })),
    topics: statistics.topics.map((each) => shownTopic(namespace, each)),
  };
}

/** A subscription as the application sees it; what brokers are told of it stays as it is. */
export function shownSubscription(namespace: string | undefined, subscription: Subscription): Subscription {
  return shownTopic(namespace, subscription);
}

/** A listener that is told of queues as the application sees them. */
export function shownTo(
  namespace: string | undefined,
  listener: MessageQueueListener | undefined,
): MessageQueueListener | undefined {
  if (!namespace || listener === undefined) return listener;
  const shown = (queues: readonly MessageQueue[]) => queues.map((queue) => unwrapQueue(namespace, queue));
  return (topic, queues, assigned) =>
    listener(withoutNamespace(namespace, topic), shown(queues), shown(assigned));
}

function shownTopic<T extends { readonly topic: string }>(namespace: string | undefined, named: T): T {
  const topic = withoutNamespace(namespace, named.topic);
  return topic === named.topic ? named : { ...named, topic };
}
