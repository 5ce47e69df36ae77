/**
 * How scenarios of lite pull poll.
 */
import type { LitePullConsumer, MessageQueue, PulledMessage } from "@contrail/rocketmq";
import type { Stage } from "./scenario.ts";

/** Polls until `count` messages are there; asks once more, so that all of them are finished. */
export async function pollAll(
  t: Stage,
  consumer: LitePullConsumer,
  count: number,
): Promise<PulledMessage[]> {
  const messages: PulledMessage[] = [];
  await t.eventually(`${count} messages are polled`, async () => {
    messages.push(...await consumer.poll({ timeoutMs: 100 }));
    return messages.length >= count;
  });
  messages.push(...await consumer.poll({ timeoutMs: 0 }));
  return messages;
}

/** The bodies. */
export const textsOf = (messages: readonly PulledMessage[]): string[] =>
  messages.map((message) => message.text());

/** A started consumer with all queues of `topic` assigned. */
export async function assigned(
  t: Stage,
  topic: string,
  config: Parameters<Stage["litePull"]>[0] = {},
): Promise<{ consumer: LitePullConsumer; queues: readonly MessageQueue[] }> {
  const consumer = t.litePull(config);
  consumer.assign([]);
  await consumer.start();
  const queues = await consumer.fetchMessageQueues(topic);
  consumer.assign(queues);
  return { consumer, queues };
}
