/**
 * Whether a group pulls or pops a topic: a setting of the brokers, each of which keeps its own.
 *
 * A member asks any broker for its queues, so all brokers of the topic are told, and a broker that joins later is told too.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { type MessageRequestMode, requestModeSetting } from "../../protocol/bodies.ts";
import { setMessageRequestMode } from "../../protocol/operations.ts";
import type { TopicRoute } from "../../routing/route.ts";

const SET_TIMEOUT_MS = 3_000;

/** A mode, and how popped queues are shared. */
export interface RequestMode {
  /** Pulled or popped. */
  readonly mode: MessageRequestMode;
  /** How many further members share each queue; 0 for all. */
  readonly popShareQueueNum: number;
}

/** The modes of one group. */
export class RequestModes {
  readonly #client: RocketMQClient;
  readonly #group: string;
  readonly #told = new Set<string>();

  constructor(client: RocketMQClient, consumerGroup: string) {
    this.#client = client;
    this.#group = consumerGroup;
  }

  /** Sets the mode on the brokers of a topic that have not been told yet. */
  async setOnce(route: TopicRoute, mode: RequestMode): Promise<void> {
    const name = (broker: string): string => `${route.topic} ${broker}`;
    const brokers = [...route.brokers.keys()].filter((broker) => !this.#told.has(name(broker)));
    if (brokers.length === 0) return;
    await this.#tell(route.topic, brokers, mode);
    for (const broker of brokers) this.#told.add(name(broker));
  }

  /** Sets the mode on all brokers of a topic. Rejects when one does not confirm it. */
  async set(route: TopicRoute, mode: RequestMode): Promise<void> {
    await this.#tell(route.topic, [...route.brokers.keys()], mode);
  }

  async #tell(topic: string, brokers: readonly string[], mode: RequestMode): Promise<void> {
    const body = requestModeSetting.write({ topic, consumerGroup: this.#group, ...mode });
    await Promise.all(
      brokers.map((broker) =>
        this.#client.call(broker, setMessageRequestMode, {}, { body, timeoutMs: SET_TIMEOUT_MS, brokerId: 0 })
      ),
    );
  }
}
