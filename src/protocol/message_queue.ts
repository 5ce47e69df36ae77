/**
 * A queue of a topic on one broker: the unit of ordering, assignment and progress.
 *
 * Agrees with Java's MessageQueue (compareTo, hashCode, toString); strings compare by UTF-16 code unit, as both
 * languages do by default. Every list of queues that is allocated from is sorted by `compareQueues` first.
 */
import { javaHash } from "./java_hash.ts";

/** One queue. */
export interface MessageQueue {
  /** The topic, with its prefix and namespace. */
  readonly topic: string;
  /** The broker's name, shared by a master and its slaves. */
  readonly brokerName: string;
  /** Number of the queue on that broker, from 0; −1 means all of the broker's queues (POP). */
  readonly queueId: number;
}

/** A text that identifies `queue`; usable as a Map key. */
export function queueKey(queue: MessageQueue): string {
  return `${queue.topic} ${queue.brokerName} ${queue.queueId}`;
}

/** Whether two values are the same queue. */
export function sameQueue(a: MessageQueue, b: MessageQueue): boolean {
  return a.queueId === b.queueId && a.brokerName === b.brokerName && a.topic === b.topic;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Order by topic, broker name, queue id (MessageQueue.compareTo). */
export function compareQueues(a: MessageQueue, b: MessageQueue): number {
  return compareText(a.topic, b.topic) || compareText(a.brokerName, b.brokerName) || a.queueId - b.queueId;
}

/** MessageQueue.hashCode. */
export function queueHash(queue: MessageQueue): number {
  let hash = 31 + javaHash(queue.brokerName);
  hash = Math.imul(hash, 31) + queue.queueId;
  return (Math.imul(hash, 31) + javaHash(queue.topic)) | 0;
}

/** MessageQueue.toString, the text that consistent hashing hashes. */
export function queueText(queue: MessageQueue): string {
  return `MessageQueue [topic=${queue.topic}, brokerName=${queue.brokerName}, queueId=${queue.queueId}]`;
}
