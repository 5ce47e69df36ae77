/**
 * Topics as an administrator makes them: 17.
 *
 * What is refused, and with which code, agrees with AdminBrokerProcessor.updateAndCreateTopic.
 */
import { isSystemTopic, serverTopicProblem } from "../../protocol/names.ts";
import { updateAndCreateTopic } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { Broker } from "../broker/broker.ts";
import { topicConfig } from "../broker/topic_table.ts";
import { type HandlerRow, on, refuse } from "./handler.ts";

/** Handlers of topics. */
export const topicHandlers: readonly HandlerRow<Broker>[] = [
  on(updateAndCreateTopic, ({ state: { topics } }: Broker, header) => {
    const { topic, readQueueNums, writeQueueNums, perm, topicFilterType, topicSysFlag = 0, order } = header;
    const problem = serverTopicProblem(topic);
    if (problem !== undefined) refuse(ResponseCode.INVALID_PARAMETER, problem);
    if (isSystemTopic(topic)) {
      refuse(ResponseCode.INVALID_PARAMETER, `The topic[${topic}] is conflict with system topic.`);
    }
    const attributes = { ...topics.get(topic)?.attributes, ...attributeChanges(header.attributes) };
    for (const [name, value] of Object.entries(attributes)) if (value === undefined) delete attributes[name];
    topics.put(topicConfig(topic, readQueueNums, {
      writeQueueNums,
      perm,
      topicFilterType,
      topicSysFlag,
      order,
      attributes: attributes as Record<string, string>,
    }));
    return {};
  }),
];

/** Reads `+name=value,-name`: what is set, and `undefined` for what is taken away (AttributeParser). */
function attributeChanges(text: string | undefined): Record<string, string | undefined> {
  const changes: Record<string, string | undefined> = {};
  for (const part of (text ?? "").split(",")) {
    const [name = "", value] = part.split("=", 2);
    if (name.startsWith("+")) changes[name.slice(1)] = value ?? "";
    if (name.startsWith("-")) changes[name.slice(1)] = undefined;
  }
  return changes;
}
