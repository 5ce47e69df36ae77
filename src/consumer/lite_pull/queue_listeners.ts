/**
 * Who wants to know when queues change: those of a topic, or those of them that this member owns.
 *
 * Both compare what is with what was; the first look at a topic is what later ones are compared with. A listener that throws
 * is told of as an event and spoils nothing.
 */
import { type MessageQueue, queueKey } from "../../protocol/message_queue.ts";

/** Called with all queues of a topic that can be read, when they have changed. */
export type TopicMessageQueueChangeListener = (topic: string, queues: readonly MessageQueue[]) => void;

/** Called with all queues of a topic and those that are this member's, when the latter have changed. */
export type MessageQueueListener = (
  topic: string,
  queues: readonly MessageQueue[],
  assigned: readonly MessageQueue[],
) => void;

/** Calls a listener; what it throws goes to `onThrow`. */
type Caller = (topic: string, call: () => void) => void;

interface Registration {
  readonly listener: TopicMessageQueueChangeListener;
  /** The queues as last seen; `undefined` before the first look. */
  seen: string | undefined;
}

/** The listeners of topics. */
export class TopicListeners {
  readonly #byTopic = new Map<string, Registration>();
  readonly #fetch: (topic: string) => Promise<readonly MessageQueue[]>;
  readonly #guard: Caller;

  /** `fetch` gives the queues of a topic, none when there is no such topic. */
  constructor(fetch: (topic: string) => Promise<readonly MessageQueue[]>, guard: Caller) {
    this.#fetch = fetch;
    this.#guard = guard;
  }

  /** Registers the listener of a topic, instead of the one that it had; gives what takes it back. */
  register(topic: string, listener: TopicMessageQueueChangeListener): () => void {
    const registration: Registration = { listener, seen: undefined };
    this.#byTopic.set(topic, registration);
    return () => {
      if (this.#byTopic.get(topic) === registration) this.#byTopic.delete(topic);
    };
  }

  /** Looks at every topic; one that cannot be asked for is looked at the next time. */
  async check(): Promise<void> {
    await Promise.all([...this.#byTopic].map(async ([topic, registration]) => {
      const queues = await this.#fetch(topic).catch(() => undefined);
      if (queues === undefined || this.#byTopic.get(topic) !== registration) return;
      const before = registration.seen;
      registration.seen = fingerprint(queues);
      if (before === undefined || before === registration.seen) return;
      this.#guard(topic, () => registration.listener(topic, queues));
    }));
  }
}

/** Tells a listener which queues are owned, topic by topic, whenever that is other than before. */
export class AssignmentListener {
  readonly #listener: MessageQueueListener;
  readonly #guard: Caller;
  #seen = new Map<string, string>();

  constructor(listener: MessageQueueListener, guard: Caller) {
    this.#listener = listener;
    this.#guard = guard;
  }

  /** Looks at what is owned; `queuesOf` gives all queues of a topic. */
  check(assigned: readonly MessageQueue[], queuesOf: (topic: string) => readonly MessageQueue[]): void {
    const byTopic = new Map<string, MessageQueue[]>();
    for (const topic of this.#seen.keys()) byTopic.set(topic, []);
    for (const queue of assigned) {
      const queues = byTopic.get(queue.topic);
      if (queues) queues.push(queue);
      else byTopic.set(queue.topic, [queue]);
    }
    const before = this.#seen;
    this.#seen = new Map();
    for (const [topic, queues] of byTopic) {
      const now = fingerprint(queues);
      if (queues.length > 0) this.#seen.set(topic, now);
      if (now !== (before.get(topic) ?? "")) {
        this.#guard(topic, () => this.#listener(topic, queuesOf(topic), queues));
      }
    }
  }
}

function fingerprint(queues: readonly MessageQueue[]): string {
  return queues.map(queueKey).sort().join("\n");
}
