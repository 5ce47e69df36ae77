/**
 * What a group that pulls again may have left behind: popped messages that come back when their time is up.
 *
 * They come back to a retry topic of their own topic, which a pop of that topic empties along with it. A group that pulls has
 * to pull those topics too, in both of their forms. Agrees with Java's RebalanceImpl.updateMessageQueueAssignment, which
 * knows the first form only.
 */
import { isRetryTopic, popRetryTopicV1, popRetryTopicV2 } from "../../protocol/names.ts";
import { parseSubscription, type SubscriptionData } from "../../protocol/subscription_data.ts";
import type { Clock } from "../../time/clock.ts";

interface Leftover {
  /** The topic that its messages were sent to. */
  readonly plainTopic: string;
  readonly subscription: SubscriptionData;
}

/** The retry topics to pull, of topics that are not popped. */
export class PopLeftovers {
  readonly #group: string;
  readonly #clock: Clock;
  readonly #byTopic = new Map<string, Leftover>();
  /** Called when there are others than before: brokers are to be told. */
  readonly #onChange: () => void;

  constructor(consumerGroup: string, clock: Clock, onChange: () => void) {
    this.#group = consumerGroup;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** A topic is pulled where brokers may have it popped, or it is so no longer. */
  note(topic: string, isPulled: boolean): void {
    const names = [popRetryTopicV1(topic, this.#group), popRetryTopicV2(topic, this.#group)];
    if (isRetryTopic(topic) || names.every((name) => this.#byTopic.has(name) === isPulled)) return;
    for (const name of names) {
      if (!isPulled) this.#byTopic.delete(name);
      else {
        const subscription = parseSubscription(name, "*", "TAG", this.#clock.now());
        this.#byTopic.set(name, { plainTopic: topic, subscription });
      }
    }
    this.#onChange();
  }

  /** The subscriptions of all of them. */
  subscriptions(): SubscriptionData[] {
    return Array.from(this.#byTopic.values(), ({ subscription }) => subscription);
  }

  /** The subscription of one. */
  subscription(topic: string): SubscriptionData | undefined {
    return this.#byTopic.get(topic)?.subscription;
  }

  /** The topic that the messages of one were sent to. */
  plainTopic(topic: string): string | undefined {
    return this.#byTopic.get(topic)?.plainTopic;
  }
}
