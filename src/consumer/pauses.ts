/**
 * What an application has paused: everything, topics or queues. Kept apart from the queues that are owned, so that one that comes
 * later begins as it was wanted. The last wish that names a queue, directly or not, counts.
 */
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";

/** What can be paused: a topic by its name, or one queue. */
export type PauseTarget = string | MessageQueue;

interface TopicWish {
  /** What is wanted of the whole topic; `undefined` when only some of its queues were named. */
  readonly paused: boolean | undefined;
  readonly queues: Map<string, boolean>;
}

/** The wishes of one consumer. */
export class Pauses {
  #all = false;
  readonly #topics = new Map<string, TopicWish>();

  /** Pauses or resumes `targets`; everything, whatever was said before, when undefined. */
  set(targets: readonly PauseTarget[] | undefined, paused: boolean): void {
    if (targets === undefined) {
      this.#all = paused;
      this.#topics.clear();
    }
    for (const target of targets ?? []) {
      if (typeof target === "string") this.#topics.set(target, { paused, queues: new Map() });
      else this.#topic(target.topic).queues.set(queueKey(target), paused);
    }
  }

  #topic(topic: string): TopicWish {
    let wish = this.#topics.get(topic);
    if (!wish) this.#topics.set(topic, wish = { paused: undefined, queues: new Map() });
    return wish;
  }

  /** Whether a queue is paused. */
  has(queue: MessageQueue): boolean {
    const wish = this.#topics.get(queue.topic);
    return wish?.queues.get(queueKey(queue)) ?? wish?.paused ?? this.#all;
  }
}
