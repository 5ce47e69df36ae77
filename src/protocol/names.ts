/**
 * Names of topics and groups: prefixes, the system's own names, and what Java refuses.
 *
 * Agrees with Validators and TopicValidator (5.5.0), KeyBuilder and MixAll. `…Problem` functions say what is wrong with
 * a value, as a phrase for an error message; `validate…` throw a ValidationError made of it.
 */
import { ValidationError } from "../core/errors.ts";

/** Prefix of the topic that a group's messages come back through. */
export const RETRY_PREFIX = "%RETRY%";
/** Prefix of the topic that a group's given-up messages go to. */
export const DLQ_PREFIX = "%DLQ%";
/** Prefix of the light queues inside a topic. */
export const LMQ_PREFIX = "%LMQ%";
/** Suffix of the topic that a cluster's replies go to. */
export const REPLY_TOPIC_SUFFIX = "_REPLY_TOPIC";
/** The topic whose settings a topic that is created on first use takes. */
export const DEFAULT_CREATE_TOPIC = "TBW102";
/** The group under which every Java client keeps an inner producer. */
export const CLIENT_INNER_PRODUCER_GROUP = "CLIENT_INNER_PRODUCER";
/** Where message traces go unless told otherwise. */
export const TRACE_TOPIC = "RMQ_SYS_TRACE_TOPIC";
/** Where half messages of transactions are kept. */
export const TRANS_HALF_TOPIC = "RMQ_SYS_TRANS_HALF_TOPIC";
/** Where messages with a delay level wait. */
export const SCHEDULE_TOPIC = "SCHEDULE_TOPIC_XXXX";

/** Longest name of a topic, in characters. */
export const TOPIC_MAX_LENGTH = 127;
/** Longest name of a `%RETRY%` or `%DLQ%` topic on a broker. */
export const RETRY_OR_DLQ_TOPIC_MAX_LENGTH = 255;
/** Longest name of a group, in characters. */
export const GROUP_MAX_LENGTH = 120;
/** Largest body of a message by default, in bytes. */
export const DEFAULT_MAX_MESSAGE_SIZE: number = 4 * 1024 * 1024;

const SYSTEM_PREFIX = "rmq_sys_";
const SYSTEM_GROUP_PREFIX = "CID_RMQ_SYS_";
const ALLOWED = /^[%|a-zA-Z0-9_-]+$/;

/** Topics to which sending is forbidden. */
export const FORBIDDEN_SEND_TOPICS: ReadonlySet<string> = new Set([
  SCHEDULE_TOPIC,
  TRANS_HALF_TOPIC,
  "RMQ_SYS_TRANS_OP_HALF_TOPIC",
  "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC",
  "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC",
  "TRANS_CHECK_MAX_TIME_TOPIC",
  "SELF_TEST_TOPIC",
  "OFFSET_MOVED_EVENT",
]);

/** The brokers' own topics; beside them everything that begins with `rmq_sys_`. */
export const SYSTEM_TOPICS: ReadonlySet<string> = new Set([
  DEFAULT_CREATE_TOPIC,
  "BenchmarkTest",
  TRACE_TOPIC,
  "CHECKPOINT_TOPIC",
  ...FORBIDDEN_SEND_TOPICS,
]);

/** Whether `topic` is one of the brokers' own. */
export function isSystemTopic(topic: string): boolean {
  return SYSTEM_TOPICS.has(topic) || topic.startsWith(SYSTEM_PREFIX);
}

/** Whether `group` is one of the system's own consumer groups. */
export function isSystemGroup(group: string): boolean {
  return group.startsWith(SYSTEM_GROUP_PREFIX);
}

/** Whether `topic` is the retry topic of some group. */
export function isRetryTopic(topic: string): boolean {
  return topic.startsWith(RETRY_PREFIX);
}

/** Whether `topic` is the dead-letter topic of some group. */
export function isDlqTopic(topic: string): boolean {
  return topic.startsWith(DLQ_PREFIX);
}

/** The retry topic of `group`. */
export function retryTopic(group: string): string {
  return RETRY_PREFIX + group;
}

/** The dead-letter topic of `group`. */
export function dlqTopic(group: string): string {
  return DLQ_PREFIX + group;
}

/** The retry topic of a group that pops `topic`, first form (KeyBuilder.buildPopRetryTopicV1). */
export function popRetryTopicV1(topic: string, group: string): string {
  return `${RETRY_PREFIX}${group}_${topic}`;
}

/** The retry topic of a group that pops `topic`, second form (KeyBuilder.buildPopRetryTopicV2). */
export function popRetryTopicV2(topic: string, group: string): string {
  return `${RETRY_PREFIX}${group}+${topic}`;
}

/** Key-value namespace, at a name server, of the topics whose queues have a fixed order. */
export const ORDER_NAMESPACE = "ORDER_TOPIC_CONFIG";

/** The topic that replies to requests within `cluster` travel through. */
export function replyTopic(cluster: string): string {
  return cluster + REPLY_TOPIC_SUFFIX;
}

function isBlank(text: string | null | undefined): text is "" | null | undefined {
  return text === null || text === undefined || text.trim() === "";
}

function nameProblem(what: string, name: string | null | undefined, maxLength: number): string | undefined {
  if (isBlank(name)) return `${what} is blank: current value is "${name}"`;
  if (name.length > maxLength) {
    return `${what} is longer than ${maxLength} characters: current length is ${name.length}`;
  }
  if (!ALLOWED.test(name)) return `${what} has an illegal character: current value is "${name}"`;
  return undefined;
}

/** What is wrong with a topic's name (Validators.checkTopic), or undefined. */
export function topicProblem(topic: string | null | undefined): string | undefined {
  return nameProblem("topic name", topic, TOPIC_MAX_LENGTH);
}

/** What is wrong with a group's name (Validators.checkGroup), or undefined. */
export function groupProblem(group: string | null | undefined): string | undefined {
  return nameProblem("group name", group, GROUP_MAX_LENGTH);
}

/** What a message is checked by before it is sent. */
export interface MessageToCheck {
  /** Where it goes. */
  readonly topic: string | null | undefined;
  /** Size of its body in bytes; undefined when it has none. */
  readonly bodyBytes: number | null | undefined;
  /** Its properties. */
  readonly properties?: Readonly<Record<string, string>> | undefined;
}

/** What is wrong with a message (Validators.checkMessage), or undefined. */
export function messageProblem(
  message: MessageToCheck | null | undefined,
  maxMessageSize: number = DEFAULT_MAX_MESSAGE_SIZE,
): string | undefined {
  if (message === null || message === undefined) return "message is missing";
  const problem = topicProblem(message.topic);
  if (problem !== undefined) return problem;
  if (FORBIDDEN_SEND_TOPICS.has(message.topic!)) {
    return `topic takes no messages: current value is "${message.topic}"`;
  }
  const { bodyBytes } = message;
  if (bodyBytes === null || bodyBytes === undefined) return "message has no body";
  if (bodyBytes === 0) return "message body is empty";
  if (bodyBytes > maxMessageSize) {
    return `message body is above the limit of ${maxMessageSize} bytes: current size is ${bodyBytes}`;
  }
  const dispatch = message.properties?.["INNER_MULTI_DISPATCH"];
  if (dispatch?.includes("/")) {
    return `property INNER_MULTI_DISPATCH has an illegal character: current value is "${dispatch}"`;
  }
  return undefined;
}

/** @throws ValidationError when `topic` is no usable name; `attempted` completes "Cannot …". */
export function validateTopic(topic: string | null | undefined, attempted = "use topic"): void {
  const problem = topicProblem(topic);
  if (problem !== undefined) throw new ValidationError(`Cannot ${attempted}: ${problem}`);
}

/** @throws ValidationError when `group` is no usable name; `attempted` completes "Cannot …". */
export function validateGroup(group: string | null | undefined, attempted = "use group"): void {
  const problem = groupProblem(group);
  if (problem !== undefined) throw new ValidationError(`Cannot ${attempted}: ${problem}`);
}

/** @throws ValidationError when a message cannot be sent as it is. */
export function validateMessage(
  message: MessageToCheck | null | undefined,
  maxMessageSize: number = DEFAULT_MAX_MESSAGE_SIZE,
): void {
  const problem = messageProblem(message, maxMessageSize);
  if (problem !== undefined) throw new ValidationError(`Cannot send message: ${problem}`);
}

/** What is wrong with a topic's name as a broker sees it (TopicValidator.validateTopic), or undefined. */
export function serverTopicProblem(topic: string | null | undefined): string | undefined {
  const prefixed = !isBlank(topic) && (isRetryTopic(topic) || isDlqTopic(topic));
  return nameProblem("topic name", topic, prefixed ? RETRY_OR_DLQ_TOPIC_MAX_LENGTH : TOPIC_MAX_LENGTH);
}
