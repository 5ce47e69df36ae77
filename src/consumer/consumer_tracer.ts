/**
 * Who follows the messages of a consumer, push or pull: what the world's tracer makes for it, if there is one.
 */
import type { RocketMQClient } from "../client/client.ts";
import type { ConsumerTracer } from "../core/tracer.ts";
import type { MessageModel } from "./queue/assignment_terms.ts";

/** The consumer as a tracer knows it; `undefined` where nobody follows messages. */
export function tracerOf(
  client: RocketMQClient,
  { consumerGroup: group, messageModel }: {
    readonly consumerGroup: string;
    readonly messageModel: MessageModel;
  },
): ConsumerTracer | undefined {
  const { namespace = "" } = client.options;
  const now = (): number => client.clock.now();
  return client.tracer?.consumer({ group, clientId: () => client.clientId, namespace, messageModel, now });
}
