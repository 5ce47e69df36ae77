/**
 * Names of topics and groups as a broker refuses them, in Java's words: tools show these remarks. Agrees with TopicValidator.
 */
import { isDlqTopic, isRetryTopic, isSystemTopic } from "../../protocol/names.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { refuse } from "./handler.ts";

const TOPIC_MAX_LENGTH = 127;
const RETRY_OR_DLQ_TOPIC_MAX_LENGTH = 255;
const GROUP_MAX_LENGTH = 120;
const ALLOWED = /^[%|a-zA-Z0-9_-]+$/;

/** Refuses what is no name of a topic. @throws BrokerError INVALID_PARAMETER */
export function checkTopicName(topic: string | undefined): asserts topic is string {
  const name = checkCharacters("topic", topic);
  if (isRetryTopic(name) || isDlqTopic(name)) {
    if (name.length > RETRY_OR_DLQ_TOPIC_MAX_LENGTH) {
      invalid(
        `The specified topic is DLQ or Retry topic: ${name}, and it's longer than topic max length: ${RETRY_OR_DLQ_TOPIC_MAX_LENGTH}`,
      );
    }
  } else if (name.length > TOPIC_MAX_LENGTH) {
    invalid(`The specified topic: ${name}, is longer than topic max length: ${TOPIC_MAX_LENGTH}`);
  }
}

/** Refuses to let an administrator touch a topic of the system. @throws BrokerError INVALID_PARAMETER */
export function checkNoSystemTopic(topic: string): void {
  if (isSystemTopic(topic)) invalid(`The topic[${topic}] is conflict with system topic.`);
}

/** Refuses what is no name of a group. @throws BrokerError INVALID_PARAMETER */
export function checkGroupName(group: string | undefined): asserts group is string {
  const name = checkCharacters("group", group);
  if (name.length > GROUP_MAX_LENGTH) {
    invalid(`The specified group: ${name}, is longer than group max length: ${GROUP_MAX_LENGTH}`);
  }
}

function checkCharacters(what: string, name: string | undefined): string {
  if (name === undefined || name.trim() === "") invalid(`The specified ${what} is blank.`);
  if (!ALLOWED.test(name)) {
    invalid(`The specified ${what}: ${name}, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$`);
  }
  return name;
}

function invalid(remark: string): never {
  refuse(ResponseCode.INVALID_PARAMETER, remark);
}
