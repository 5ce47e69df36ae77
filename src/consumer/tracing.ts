/**
 * Who writes down what becomes of a consumer's messages: the brokers' message trace, and the tracer of its world if there is one.
 *
 * Both call group, topics and queues as the application does, and tell the namespace apart.
 */
import type { RocketMQClient } from "../client/client.ts";
import type { ConsumerTracer } from "../core/tracer.ts";
import { withoutNamespace } from "../protocol/namespace.ts";
import { MessageTrace } from "../telemetry/message_trace.ts";
import type { MessageModel } from "./queue/assignment_terms.ts";

/** The message trace of the group that brokers call `consumerGroup`; `onBatch` is called when enough waits for a message. */
export function messageTraceOf(
  client: RocketMQClient,
  { consumerGroup, messageTrace: enabled, traceTopic }: {
    readonly consumerGroup: string;
    readonly messageTrace: boolean;
    readonly traceTopic: string;
  },
  onBatch: () => void,
): MessageTrace {
  const group = withoutNamespace(client.options.namespace, consumerGroup);
  return new MessageTrace(client, group, { enabled, kind: "CONSUME", traceTopic, onBatch });
}

/** Who follows the messages of the group that brokers call `consumerGroup`, if anybody does. */
export function tracerOf(
  client: RocketMQClient,
  { consumerGroup, messageModel }: { readonly consumerGroup: string; readonly messageModel: MessageModel },
): ConsumerTracer | undefined {
  const { namespace = "" } = client.options;
  const group = withoutNamespace(namespace, consumerGroup);
  const now = (): number => client.clock.now();
  return client.tracer?.consumer({ group, clientId: () => client.clientId, namespace, messageModel, now });
}
