/**
 * What dividing a topic's queues starts from: where the topic is, and who is in the group.
 *
 * The second is asked of any broker that serves the topic: every member hears the same from each.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { BrokerError, RebalanceError } from "../../core/errors.ts";
import { shuffled } from "../../core/random.ts";
import { consumerIdList } from "../../protocol/bodies.ts";
import { getConsumerListByGroup } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { TopicRoute } from "../../routing/route.ts";

const TIMEOUT_MS = 3_000;

/** The ids of the group's members, each once, sorted as every member sorts them. @throws when no broker could tell. */
export async function groupRoster(
  client: RocketMQClient,
  consumerGroup: string,
  route: TopicRoute,
): Promise<string[]> {
  let failure: unknown;
  for (const broker of shuffled([...route.brokers.keys()], client.random)) {
    try {
      const ids = await membersAt(client, consumerGroup, broker);
      if (ids.includes(client.clientId)) return ids;
      // The broker has forgotten us (it restarted, or the connection broke): say hello, and ask once more.
      await client.heartbeat();
      return await membersAt(client, consumerGroup, broker);
    } catch (error) {
      failure = error;
    }
  }
  if (failure instanceof BrokerError) await client.heartbeat();
  throw failure ??
    new RebalanceError(`Cannot find a broker that knows group "${consumerGroup}": the route has none`);
}

async function membersAt(client: RocketMQClient, consumerGroup: string, broker: string): Promise<string[]> {
  const reply = await client.call(broker, getConsumerListByGroup, { consumerGroup }, {
    timeoutMs: TIMEOUT_MS,
  });
  // A broker lists connections. One that broke unnoticed stays for up to two minutes beside its successor, and queues that
  // are given to it as to a member of its own are nobody's; brokers that have noticed would be believed otherwise.
  return [...new Set(consumerIdList.read(reply.body).consumerIdList)].sort();
}

/** The route of `topic`, from the cache if it is there and not `refresh`; `undefined` when the topic does not exist. */
export async function knownRoute(
  client: RocketMQClient,
  topic: string,
  { refresh = false }: { refresh?: boolean } = {},
): Promise<TopicRoute | undefined> {
  const known = refresh ? undefined : client.cachedRoute(topic);
  if (known) return known;
  try {
    return await client.route(topic, { refresh });
  } catch (error) {
    const code = error instanceof BrokerError ? error.facts.responseCode : undefined;
    if (code === ResponseCode.TOPIC_NOT_EXIST) return undefined;
    throw error;
  }
}
