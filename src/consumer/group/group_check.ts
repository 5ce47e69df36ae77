/**
 * What a broker is asked before the group is joined: whether it understands the subscriptions, and whether the group has a
 * member of our client id already.
 *
 * Subscriptions as Java checks them (MQClientInstance.checkClientInBroker): tags need no check, SQL92 is parsed by the
 * broker that is to evaluate it. Two members with one id would be given the same queues and take the same messages;
 * that can only happen where the application chose the id.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { BrokerError, ConsumerStartError, RocketMQError, SubscriptionError } from "../../core/errors.ts";
import { checkClientConfigBody, consumerConnection } from "../../protocol/bodies.ts";
import { checkClientConfig, getConsumerConnectionList } from "../../protocol/operations.ts";
import { isRetryTopic } from "../../protocol/names.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { Subscription } from "../subscription/subscriptions.ts";

const CHECK_TIMEOUT_MS = 3_000;

/** What becomes of a start when a topic does not exist. */
export type MissingTopic = "wait" | "fail";

/**
 * Asks for the routes of the topics. One that does not exist is waited for later or ends the start, as `missingTopic` says; a
 * group's retry topic comes with its first message. Anything else is thrown.
 */
export async function learnRoutes(
  client: RocketMQClient,
  topics: Iterable<string>,
  { missingTopic, signal }: { missingTopic: MissingTopic; signal: AbortSignal | undefined },
): Promise<void> {
  for (const topic of topics) {
    signal?.throwIfAborted();
    try {
      await client.route(topic, { signal });
    } catch (error) {
      const missing = error instanceof BrokerError &&
        error.facts.responseCode === ResponseCode.TOPIC_NOT_EXIST;
      if (!missing) throw error;
      if (missingTopic === "wait" || isRetryTopic(topic)) continue;
      throw new BrokerError(
        `${error.message} (asked: ${
          [client.options.namesrvAddr].flat().join(", ")
        }); create it, check its name and namespace, or leave missingTopic at "wait" to wait for it`,
        { ...error.facts, cause: error },
      );
    }
  }
}

/** Has every SQL92 subscription with a known route checked. @throws SubscriptionError when a broker refuses one. */
export async function checkSubscriptions(
  client: RocketMQClient,
  consumerGroup: string,
  subscriptions: Iterable<Subscription>,
): Promise<void> {
  for (const { topic, data } of subscriptions) {
    const broker = client.cachedRoute(topic)?.brokers.keys().next().value;
    if (data.expressionType === "TAG" || broker === undefined) continue;
    const body = checkClientConfigBody.write({
      clientId: client.clientId,
      group: consumerGroup,
      subscriptionData: data,
    });
    try {
      await client.call(broker, checkClientConfig, {}, { timeoutMs: CHECK_TIMEOUT_MS, body });
    } catch (cause) {
      if (!(cause instanceof BrokerError)) throw cause;
      const text =
        `Cannot subscribe "${topic}" with ${data.expressionType} "${data.subString}": ${cause.message}`;
      throw new SubscriptionError(text, { cause, topic, group: consumerGroup, broker });
    }
  }
}

/** Asks one broker of each topic who is in the group. @throws ConsumerStartError when someone there has our client id. */
export async function checkClientId(
  client: RocketMQClient,
  consumerGroup: string,
  topics: Iterable<string>,
): Promise<void> {
  const brokers = new Set([...topics].map((topic) => client.cachedRoute(topic)?.brokers.keys().next().value));
  for (const broker of brokers) {
    if (broker === undefined) continue;
    const members = await membersAt(client, consumerGroup, broker);
    const other = members.find((member) => member.clientId === client.clientId);
    if (other === undefined) continue;
    throw new ConsumerStartError(
      `Cannot join group "${consumerGroup}" as client id "${client.clientId}" is taken there by ${other.clientAddr}: ` +
        "choose another instanceName",
      { group: consumerGroup, broker },
    );
  }
}

/** The members of the group; none when the broker knows no such group or cannot be asked. */
async function membersAt(
  client: RocketMQClient,
  consumerGroup: string,
  broker: string,
): Promise<readonly { readonly clientId?: string | undefined; readonly clientAddr?: string | undefined }[]> {
  try {
    const header = { consumerGroup };
    const reply = await client.call(broker, getConsumerConnectionList, header, {
      timeoutMs: CHECK_TIMEOUT_MS,
    });
    return consumerConnection.read(reply.body).connectionSet;
  } catch (error) {
    if (error instanceof RocketMQError) return [];
    throw error;
  }
}
