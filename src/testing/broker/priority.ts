/**
 * Messages with a priority: a priority is the queue that a message goes to, and a pop looks into the highest queue first.
 *
 * Agrees with SendMessageProcessor.sendMessage, PopMessageProcessor.processRequest and TopicMessageType.parseFromMessageProperty.
 */
import type { NamedGroup } from "./group_table.ts";
import type { NamedTopic } from "./topic_table.ts";

/** The property that carries a priority. */
const PRIORITY = "_SYS_MSG_PRIORITY_";
/** What makes a message one of another type, in which a priority means nothing. */
const OTHER_TYPES = ["DELAY", "TIMER_DELIVER_MS", "TIMER_DELAY_SEC", "TIMER_DELAY_MS", "__SHARDINGKEY"];
/** Greatest int of Java; a greater number is no priority. */
const MAX_INT = 0x7fff_ffff;
/** Of a hundred pops of a group that says nothing, how many go by priority. */
const DEFAULT_FACTOR = 100;

/**
 * The queue that the priority of a message asks for, `undefined` without one. A message of another type loses its priority, as
 * Java keeps the types apart; the type of the topic is not looked at.
 */
export function queueByPriority(
  properties: Record<string, string>,
  { writeQueueNums }: NamedTopic,
): number | undefined {
  const text = properties[PRIORITY];
  if (text === undefined || !/^\+?\d+$/.test(text) || Number(text) > MAX_INT) return undefined;
  if (properties["TRAN_MSG"]?.toLowerCase() === "true" || OTHER_TYPES.some((name) => name in properties)) {
    delete properties[PRIORITY];
    return undefined;
  }
  return Math.min(Number(text), writeQueueNums - 1);
}

/** Whether a pop goes by priority: of a topic that says so, as often in a hundred times as its group wants. */
export function popsByPriority(
  topic: NamedTopic | undefined,
  group: NamedGroup | undefined,
  chance: number,
): boolean {
  if (topic?.attributes["message.type"] !== "PRIORITY") return false;
  return chance < Number(group?.attributes["priority.factor"] ?? DEFAULT_FACTOR);
}
