/**
 * Asks a broker whether it understands a subscription, before the group is joined.
 *
 * As Java does it (MQClientInstance.checkClientInBroker): tags need no check, SQL92 is parsed by the broker that is to
 * evaluate it, which also says whether it filters by properties at all.
 */
import type { RocketMQClient } from "../client/client.ts";
import { BrokerError, SubscriptionError } from "../core/errors.ts";
import { checkClientConfigBody } from "../protocol/bodies.ts";
import { checkClientConfig } from "../protocol/operations.ts";
import type { Subscription } from "./subscriptions.ts";

const CHECK_TIMEOUT_MS = 3_000;

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
