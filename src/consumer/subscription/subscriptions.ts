/**
 * The topics that a consumer has subscribed, each with its selector and, where it has one of its own, its listener.
 */
import { InvalidSelectorError, InvalidTopicError, TopicNotSubscribedError } from "../../core/errors.ts";
import { topicProblem } from "../../protocol/names.ts";
import { parseSubscription, type SubscriptionData } from "../../protocol/subscription_data.ts";
import type { Clock } from "../../time/clock.ts";
import type { MessageSelector } from "./selector.ts";

/** One subscribed topic. */
export interface Subscription {
  /** The topic. */
  readonly topic: string;
  /** What of it is wanted. */
  readonly selector: MessageSelector;
  /** The same as the broker is told. */
  readonly data: SubscriptionData;
}

/** A subscription made at `now`. @throws InvalidTopicError, InvalidSelectorError */
export function makeSubscription(
  topic: string,
  selector: string | MessageSelector,
  now: number,
): Subscription {
  const problem = topicProblem(topic);
  if (problem !== undefined) {
    throw new InvalidTopicError(`Cannot subscribe "${topic}": ${problem}`, { topic });
  }
  const chosen = typeof selector === "string" ? { type: "TAG" as const, expression: selector } : selector;
  try {
    return {
      topic,
      selector: chosen,
      data: parseSubscription(topic, chosen.expression, chosen.type, now),
    };
  } catch (cause) {
    throw new InvalidSelectorError(
      `Cannot subscribe "${topic}" with ${chosen.type} "${chosen.expression}": ${(cause as Error).message}`,
      { cause, topic },
    );
  }
}

/** The subscriptions of one consumer. */
export class Subscriptions {
  readonly #byTopic = new Map<string, Subscription>();
  readonly #clock: Clock;

  /** None yet; `clock` dates the subscriptions. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds or replaces a topic's subscription. @throws InvalidTopicError, InvalidSelectorError */
  set(topic: string, selector: string | MessageSelector): Subscription {
    const subscription = makeSubscription(topic, selector, this.#clock.now());
    this.#byTopic.set(topic, subscription);
    return subscription;
  }

  /** Forgets a topic. @throws TopicNotSubscribedError */
  delete(topic: string): void {
    if (!this.#byTopic.delete(topic)) {
      throw new TopicNotSubscribedError(`Cannot unsubscribe "${topic}": it is not subscribed`, { topic });
    }
  }

  /** The subscription of a topic. */
  get(topic: string): Subscription | undefined {
    return this.#byTopic.get(topic);
  }

  /** The topics that are meant: `topic`, or all when undefined. @throws TopicNotSubscribedError */
  topicsOf(topic: string | undefined): string[] {
    if (topic === undefined) return [...this.topics()];
    if (this.#byTopic.has(topic)) return [topic];
    throw new TopicNotSubscribedError(`Cannot use "${topic}": it is not subscribed`, { topic });
  }

  /** The subscribed topics. */
  topics(): IterableIterator<string> {
    return this.#byTopic.keys();
  }

  /** All subscriptions. */
  values(): IterableIterator<Subscription> {
    return this.#byTopic.values();
  }

  /** How many topics are subscribed. */
  get size(): number {
    return this.#byTopic.size;
  }
}
