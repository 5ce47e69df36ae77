/**
 * Which brokers there are, and how an administrator asks them.
 *
 * Every question begins at a name server, so that no answer depends on what the client happens to know already; routes
 * are asked for past the client's own table, whose news are the application's. Changes go to masters only; what is only
 * read comes from a master, or where there is none from the slave with the lowest id.
 */
import type { RocketMQClient } from "../client/client.ts";
import { BrokerError, BrokerNotAvailableError } from "../core/errors.ts";
import { clusterInfo, topicRouteData } from "../protocol/bodies.ts";
import { getBrokerClusterInfo, getRouteInfoByTopic } from "../protocol/operations.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { Fields, Of, Operation, Reply } from "../remoting/call.ts";
import { buildRoute, MASTER_ID, type TopicRoute } from "../routing/route.ts";

/** How long one question may take, in milliseconds (Java: MQAdminExt asks for 5,000). */
const TIMEOUT_MS = 5_000;
/** The same for one that walks through an index or many queues (Java: three times as long). */
export const LONG_TIMEOUT_MS = 15_000;

/** One broker process. */
export interface ClusterBroker {
  /** Name of its cluster. */
  readonly cluster: string;
  /** Its name, which a master and its slaves share. */
  readonly brokerName: string;
  /** Its id; 0 is the master. */
  readonly brokerId: number;
  /** `host:port`. */
  readonly address: string;
}

/** Which brokers are meant; all of them without an entry. */
export interface BrokerSelection {
  /** Brokers of this cluster only. */
  readonly cluster?: string | undefined;
  /** Brokers of these names only. */
  readonly brokers?: readonly string[] | undefined;
}

/** How one question is asked. */
export interface AskOptions {
  /** Ends the wait early; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A question to one broker, as far as it is not in the header. */
export interface BrokerQuestion extends AskOptions {
  readonly body?: Uint8Array | undefined;
  readonly timeoutMs?: number | undefined;
}

/** The brokers behind a client's name servers. */
export class BrokerList {
  readonly client: RocketMQClient;

  constructor(client: RocketMQClient) {
    this.client = client;
  }

  /** All brokers, by name and id. */
  async all({ signal }: AskOptions = {}): Promise<ClusterBroker[]> {
    const { body } = await this.client.callNameServer(getBrokerClusterInfo, {}, { signal });
    const { brokerAddrTable, clusterAddrTable } = clusterInfo.read(body);
    const clusterOf = (name: string): string =>
      Object.entries(clusterAddrTable).find(([, names]) => names.includes(name))?.[0] ?? "";
    return Object.values(brokerAddrTable)
      .flatMap(({ brokerName, cluster, brokerAddrs }) =>
        [...brokerAddrs].map(([brokerId, address]) => ({
          cluster: cluster ?? clusterOf(brokerName),
          brokerName,
          brokerId,
          address,
        }))
      )
      .sort((a, b) =>
        a.brokerName < b.brokerName ? -1 : a.brokerName > b.brokerName ? 1 : a.brokerId - b.brokerId
      );
  }

  /** The selected masters. @throws BrokerNotAvailableError when there is none, or not all that were named. */
  async masters({ cluster, brokers }: BrokerSelection, options: AskOptions): Promise<ClusterBroker[]> {
    const found = (await this.all(options)).filter((each) =>
      each.brokerId === MASTER_ID && (cluster === undefined || each.cluster === cluster) &&
      (brokers?.includes(each.brokerName) ?? true)
    );
    const missing = brokers?.filter((name) => !found.some((each) => each.brokerName === name)) ?? [];
    if (found.length > 0 && missing.length === 0) return found;
    const wanted = missing.length > 0 ? `of ${missing.join(", ")}` : cluster ? `of cluster "${cluster}"` : "";
    throw new BrokerNotAvailableError(
      `Cannot ask brokers: no name server knows a master ${wanted}`.trimEnd(),
    );
  }

  /** One broker of each name, to read from. @throws BrokerNotAvailableError when there is none. */
  async readers(options: AskOptions): Promise<ClusterBroker[]> {
    const first = new Map<string, ClusterBroker>();
    for (const broker of await this.all(options)) {
      if (!first.has(broker.brokerName)) first.set(broker.brokerName, broker);
    }
    if (first.size > 0) return [...first.values()];
    throw new BrokerNotAvailableError("Cannot ask brokers: the name server knows none");
  }

  /** The brokers of a topic's route, to read from; none when there is no such topic. */
  async readersOf(topic: string, options: AskOptions): Promise<ClusterBroker[]> {
    const route = await this.findRoute(topic, options);
    return (route?.data.brokerDatas ?? []).flatMap(({ brokerName, cluster = "", brokerAddrs }) => {
      const [lowest] = [...brokerAddrs].sort(([a], [b]) => a - b);
      return lowest ? [{ cluster, brokerName, brokerId: lowest[0], address: lowest[1] }] : [];
    });
  }

  /** A topic's route; undefined when there is no such topic. */
  async findRoute(topic: string, { signal }: AskOptions): Promise<TopicRoute | undefined> {
    const header = { topic, acceptStandardJsonOnly: true };
    const reply = await this.client.callNameServer(getRouteInfoByTopic, header, { signal });
    return reply.code === ResponseCode.SUCCESS
      ? buildRoute(topic, topicRouteData.read(reply.body))
      : undefined;
  }

  /** A topic's route. @throws BrokerError with response code 17 when there is no such topic. */
  async route(topic: string, options: AskOptions): Promise<TopicRoute> {
    const route = await this.findRoute(topic, options);
    if (route !== undefined) return route;
    throw new BrokerError(`Cannot find the route of "${topic}": no name server knows such a topic`, {
      topic,
      responseCode: ResponseCode.TOPIC_NOT_EXIST,
    });
  }

  /** Asks one broker. @throws BrokerError; NetworkError; TimeoutError; the signal's reason. */
  ask<Q extends Fields, R extends Fields>(
    { address }: Pick<ClusterBroker, "address">,
    operation: Operation<Q, R>,
    header: Of<Q>,
    { timeoutMs = TIMEOUT_MS, ...options }: BrokerQuestion = {},
  ): Promise<Reply<R>> {
    return this.client.callAddress(address, operation, header, { timeoutMs, ...options });
  }
}

/** Whether an answer was one of these refusals. */
export function isRefusal(error: unknown, ...codes: readonly number[]): error is BrokerError {
  return error instanceof BrokerError && codes.includes(error.facts.responseCode ?? -1);
}

/** The answer, or undefined where the broker refused with `code`. */
export async function unlessRefused<T>(
  answer: Promise<T>,
  ...codes: readonly number[]
): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error, ...codes)) return undefined;
    throw error;
  }
}
