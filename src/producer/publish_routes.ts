/**
 * Where messages of a topic can be written: its queues, ready to choose from.
 *
 * One entry per topic, built from the client's route and rebuilt when the client has a newer one; looking an entry up is
 * a map access. A topic that no name server knows borrows the queues of the template topic (`TBW102`), on whose brokers
 * the first message creates it; the real route takes over when it comes. Agrees with Java's
 * MQClientInstance.updateTopicRouteInfoFromNameServer and topicRouteData2TopicPublishInfo.
 */
import type { RocketMQClient } from "../client/client.ts";
import { ProducerError, RocketMQError, TimeoutError } from "../core/errors.ts";
import { type MessageQueue, queueKey } from "../protocol/message_queue.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { TopicRoute } from "../routing/route.ts";
import type { Deadline } from "../time/deadline.ts";
import { within } from "../time/within.ts";

/** The queues of one topic. */
export interface PublishRoute {
  /** The topic as the user calls it. */
  readonly topic: string;
  /** The topic as brokers call it, with the namespace. */
  readonly wireTopic: string;
  /** The queues that can be written, in Java's order, under the user's name of the topic. Never empty. */
  readonly queues: readonly MessageQueue[];
  /** What this was built from; of the template topic when borrowed. */
  readonly source: TopicRoute;
  /** Whether the queues are those of the template topic. */
  readonly borrowed: boolean;
}

/** What the routes need to know of the producer. */
export interface PublishRoutesOptions {
  /** Name servers, for error messages. */
  readonly nameServers: string;
  /** Topic whose queues a topic without a route borrows. */
  readonly createTopicKey: string;
  /** Most queues per broker that are borrowed. */
  readonly defaultTopicQueueNums: number;
  /** The brokers' name of a topic. */
  readonly wireTopic: (topic: string) => string;
}

/** Name of the broker that holds `queue`: for a logical queue of a static topic, the one it is mapped to. */
export function brokerOf({ source, wireTopic }: PublishRoute, queue: MessageQueue): string {
  if (source.logicalBrokers.size === 0) return queue.brokerName;
  return source.logicalBrokers.get(queueKey({ ...queue, topic: wireTopic })) ?? queue.brokerName;
}

/** Topics remembered at once; the first is forgotten first. */
const MAX_TOPICS = 10_000;

/** The table. */
export class PublishRoutes {
  readonly #client: RocketMQClient;
  readonly #options: PublishRoutesOptions;
  readonly #routes = new Map<string, PublishRoute>();
  readonly #finding = new Map<string, Promise<PublishRoute>>();

  /** An empty table that asks `client`. */
  constructor(client: RocketMQClient, options: PublishRoutesOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** The topics whose routes are needed, as brokers call them; the client keeps them fresh. */
  *wireTopics(): IterableIterator<string> {
    let borrowed = false;
    for (const route of this.#routes.values()) {
      yield route.wireTopic;
      borrowed ||= route.borrowed;
    }
    if (borrowed) yield this.#options.createTopicKey;
  }

  /** What is known of `topic` right now, as fresh as the client's own routes. */
  known(topic: string): PublishRoute | undefined {
    const known = this.#routes.get(topic);
    if (known === undefined) return undefined;
    const fresh = this.#client.cachedRoute(known.wireTopic);
    if (fresh === undefined || fresh === known.source) return known;
    if (fresh.writeQueues.length === 0) {
      this.#routes.delete(topic);
      return undefined;
    }
    return this.#keep(topic, known.wireTopic, fresh);
  }

  /**
   * The queues of `topic`, asking name servers when they are not known.
   *
   * @throws ProducerError when the topic exists nowhere and cannot be created, or takes no messages, or the deadline
   * passes; the signal's reason.
   */
  find(topic: string, deadline: Deadline, signal: AbortSignal | undefined): Promise<PublishRoute> {
    const known = this.known(topic);
    if (known !== undefined) return Promise.resolve(known);
    let finding = this.#finding.get(topic);
    if (finding === undefined) {
      finding = this.#find(topic).finally(() => this.#finding.delete(topic));
      this.#finding.set(topic, finding);
    }
    const { timeoutMs } = deadline;
    return within(finding, {
      ms: deadline.left(),
      clock: this.#client.clock,
      signal,
      timeout: () =>
        this.#unusable(
          topic,
          `no name server of ${this.#options.nameServers} answered within ${timeoutMs} ms`,
          {
            cause: new TimeoutError(`Cannot find the route of "${topic}": ${timeoutMs} ms have passed`, {
              timeoutMs,
            }),
            timeoutMs,
          },
        ),
    });
  }

  /** Asks name servers again: a broker of the topic did not answer. What was known stays if none answers. */
  async refresh(
    route: PublishRoute,
    deadline: Deadline,
    signal: AbortSignal | undefined,
  ): Promise<PublishRoute> {
    const asked = route.borrowed ? this.#options.createTopicKey : route.wireTopic;
    const { clock } = this.#client;
    const ms = deadline.left();
    const timeout = (): Error =>
      new TimeoutError(`Cannot refresh the route of "${asked}": ${ms} ms have passed`);
    await within(this.#client.route(asked, { refresh: true }), { ms, clock, signal, timeout }).catch(
      () => {},
    );
    signal?.throwIfAborted();
    return this.known(route.topic) ?? route;
  }

  async #find(topic: string): Promise<PublishRoute> {
    const wireTopic = this.#options.wireTopic(topic);
    const own = await this.#ask(topic, wireTopic);
    if (own !== undefined) {
      if (own.writeQueues.length > 0) return this.#keep(topic, wireTopic, own);
      throw this.#unusable(
        topic,
        "none of its queues can be written; check its permission and that its masters are up",
        {
          retriable: true,
        },
      );
    }
    const { createTopicKey, nameServers } = this.#options;
    const template = await this.#ask(topic, createTopicKey);
    if (template !== undefined && template.writeQueues.length > 0) {
      return this.#keep(topic, wireTopic, template, true);
    }
    throw this.#unusable(
      topic,
      `name servers ${nameServers} know no such topic, and brokers do not create topics on first use ` +
        `(no route of "${createTopicKey}"); create the topic first, or set autoCreateTopicEnable=true on the brokers`,
      { responseCode: ResponseCode.TOPIC_NOT_EXIST, retriable: false },
    );
  }

  /** The client's route of `asked`; undefined when no name server knows it. */
  async #ask(topic: string, asked: string): Promise<TopicRoute | undefined> {
    try {
      return await this.#client.route(asked);
    } catch (cause) {
      if (!(cause instanceof RocketMQError)) throw cause;
      if (cause.facts.responseCode === ResponseCode.TOPIC_NOT_EXIST) return undefined;
      throw this.#unusable(topic, cause.message, { cause, retriable: cause.retriable });
    }
  }

  #keep(topic: string, wireTopic: string, source: TopicRoute, borrowed = false): PublishRoute {
    const limit = borrowed ? this.#options.defaultTopicQueueNums : Infinity;
    const queues = source.writeQueues.filter((queue) => queue.queueId < limit)
      .map(({ brokerName, queueId }): MessageQueue => ({ topic, brokerName, queueId }));
    const route: PublishRoute = { topic, wireTopic, queues, source, borrowed };
    if (!this.#routes.has(topic) && this.#routes.size >= MAX_TOPICS) {
      this.#routes.delete(this.#routes.keys().next().value!);
    }
    this.#routes.set(topic, route);
    return route;
  }

  #unusable(
    topic: string,
    why: string,
    facts: ConstructorParameters<typeof ProducerError>[1],
  ): ProducerError {
    return new ProducerError(`Cannot send to topic "${topic}": ${why}`, { ...facts, topic });
  }
}
