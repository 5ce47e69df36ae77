/**
 * The routes of the topics that a client works with, as fresh as its last question to a name server.
 *
 * One question per topic is under way at a time; who comes meanwhile shares the answer. An answer that says the same as
 * before leaves the TopicRoute object as it is, so that "has it changed" is one comparison of objects.
 */
import { topicRouteData } from "../protocol/bodies.ts";
import { getRouteInfoByTopic } from "../protocol/operations/name_server.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { Clock } from "../time/clock.ts";
import { within } from "../time/within.ts";
import type { NameServers } from "./name_servers.ts";
import { buildRoute, sameRoute, type TopicRoute } from "./route.ts";

/** What a route table is made with. */
export interface RouteTableOptions {
  /** Who is asked. */
  readonly nameServers: NameServers;
  /** Tells deadlines. */
  readonly clock: Clock;
  /** How long one name server may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Hears of each route that is new (`previous` is undefined) or differs from before. */
  readonly onChange?: ((route: TopicRoute, previous: TopicRoute | undefined) => void) | undefined;
  /** Hears of each answer that a topic does not exist. */
  readonly onMissing?: ((topic: string) => void) | undefined;
}

/** How many topics are asked for at once in a refresh of all. */
const REFRESH_CONCURRENCY = 16;

/** The table. */
export class RouteTable {
  readonly #options: RouteTableOptions;
  readonly #routes = new Map<string, TopicRoute>();
  readonly #askedAt = new Map<string, number>();
  readonly #asking = new Map<string, Promise<TopicRoute | undefined>>();
  #refreshes = 0;
  #failures = 0;

  /** An empty table. */
  constructor(options: RouteTableOptions) {
    this.#options = options;
  }

  /** How often name servers were asked for a route, and how often none could serve. */
  get counts(): { readonly refreshes: number; readonly failures: number } {
    return { refreshes: this.#refreshes, failures: this.#failures };
  }

  /** What is known of `topic` without asking, unless the last answer is older than `maxAgeMs`. */
  cached(topic: string, maxAgeMs = Infinity): TopicRoute | undefined {
    const oldest = this.#options.clock.now() - maxAgeMs;
    return (this.#askedAt.get(topic) ?? 0) >= oldest ? this.#routes.get(topic) : undefined;
  }

  /** All known routes. */
  all(): IterableIterator<TopicRoute> {
    return this.#routes.values();
  }

  /** Forgets routes whose last answer is older than `maxAgeMs`, but for those of `wanted`. */
  forgetOlder(maxAgeMs: number, wanted: ReadonlySet<string>): void {
    const oldest = this.#options.clock.now() - maxAgeMs;
    for (const [topic, askedAt] of this.#askedAt) {
      if (askedAt >= oldest || wanted.has(topic)) continue;
      this.#askedAt.delete(topic);
      this.#routes.delete(topic);
    }
  }

  /**
   * Asks a name server for the route of `topic`; undefined when there is no such topic. What was known stays then, as
   * in Java: messages of a deleted topic may still be drained.
   *
   * @throws NameServerError when no name server could serve; the signal's reason.
   */
  ask(topic: string, signal?: AbortSignal): Promise<TopicRoute | undefined> {
    let asking = this.#asking.get(topic);
    if (!asking) {
      asking = this.#ask(topic).finally(() => this.#asking.delete(topic));
      this.#asking.set(topic, asking);
    }
    return signal ? within(asking, { clock: this.#options.clock, signal }) : asking;
  }

  /** Asks for all of `topics`, some at a time. @throws NameServerError as soon as no name server could serve one. */
  async refresh(topics: Iterable<string>, signal?: AbortSignal): Promise<void> {
    const rest = [...new Set(topics)].values();
    let failed = false;
    const workers = Array.from({ length: REFRESH_CONCURRENCY }, async () => {
      for (const topic of rest) {
        if (failed || signal?.aborted) return;
        try {
          await this.ask(topic, signal);
        } catch (error) {
          failed = true;
          throw error;
        }
      }
    });
    const outcome = (await Promise.allSettled(workers)).find((each) => each.status === "rejected");
    if (outcome) throw outcome.reason;
  }

  async #ask(topic: string): Promise<TopicRoute | undefined> {
    const { nameServers, timeoutMs, onChange, onMissing } = this.#options;
    this.#refreshes++;
    const header = { topic, acceptStandardJsonOnly: true };
    const reply = await nameServers.call(getRouteInfoByTopic, header, { timeoutMs }).catch((error) => {
      this.#failures++;
      throw error;
    });
    if (reply.code === ResponseCode.TOPIC_NOT_EXIST) {
      onMissing?.(topic);
      return undefined;
    }
    const data = topicRouteData.read(reply.body);
    const previous = this.#routes.get(topic);
    this.#askedAt.set(topic, this.#options.clock.now());
    if (previous && sameRoute(previous.data, data)) return previous;
    const route = buildRoute(topic, data);
    this.#routes.set(topic, route);
    onChange?.(route, previous);
    return route;
  }
}
