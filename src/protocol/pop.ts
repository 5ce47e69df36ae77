/**
 * What the answer of a pop means for each of its messages: the handle to ack it with, and how often it came before.
 *
 * The answer names offsets by queue, the messages come in a row; the n-th message of a queue owns the n-th offset of
 * that queue. Agrees with MQClientAPIImpl.processPopResponse. Handles and strings have files of their own.
 */
import { ProtocolError } from "../core/errors.ts";
import { LMQ_PREFIX } from "./names.ts";
import { encodePopHandle, popFlag, PopHandle } from "./pop_handle.ts";
import {
  parseMessageOffsets,
  parseOrderCounts,
  parseStartOffsets,
  popOffsetKey,
  popQueueKey,
} from "./pop_offsets.ts";

export * from "./pop_handle.ts";
export * from "./pop_offsets.ts";

/** What has to be known of a popped message. */
export interface PoppedMessage {
  /** Topic that it is stored in. */
  readonly topic: string;
  /** Queue that it is stored in. */
  readonly queueId: number;
  /** Its queue offset. */
  readonly queueOffset: number;
  /** How often it came before, as stored. */
  readonly reconsumeTimes: number;
  /** A property of it. */
  property(name: string): string | undefined;
}

/** The header of a pop's answer. */
export interface PopAnswer {
  /** When the broker popped, in milliseconds since the epoch. */
  readonly popTime: number;
  /** How long the messages stay invisible, in milliseconds. */
  readonly invisibleTime: number;
  /** Queue of the broker's revive topic. */
  readonly reviveQid: number;
  /** Start of each queue's run. */
  readonly startOffsetInfo?: string | undefined;
  /** Offsets of each queue's run. */
  readonly msgOffsetInfo?: string | undefined;
  /** How often messages came before; in ordered pops. */
  readonly orderCountInfo?: string | undefined;
}

/** What was asked. */
export interface PopQuestion {
  /** The topic that was popped. */
  readonly topic: string;
  /** Name of the broker that was asked. */
  readonly brokerName: string;
  /** Whether the pop was an ordered one. */
  readonly order?: boolean | undefined;
}

/** What one message gets. */
export interface PopAssignment {
  /** Handle for ack and extension. */
  readonly handle: string;
  /** How often the message came before. */
  readonly reconsumeTimes: number;
}

/** Where a message stands in the answer: flag, queue, offset. */
interface Place {
  readonly topic: string;
  readonly flag: string;
  readonly queueId: number;
  readonly offset: string;
}

/** A light queue's messages carry its offset in a property; a broker's own handle tells the real flag. */
function placeOf(message: PoppedMessage, question: PopQuestion): Place {
  const queues = message.property("INNER_MULTI_DISPATCH");
  if (question.topic.startsWith(LMQ_PREFIX) && message.reconsumeTimes === 0 && queues) {
    const offsets = message.property("INNER_MULTI_QUEUE_OFFSET")?.split(",") ?? [];
    const offset = offsets[queues.split(",").indexOf(question.topic)];
    if (offset === undefined) {
      throw new ProtocolError(`Cannot read popped message: it has no offset in ${question.topic}`);
    }
    return { topic: question.topic, flag: popFlag(question.topic), queueId: 0, offset };
  }
  const handle = message.property("POP_CK");
  const flag = handle === undefined ? popFlag(message.topic) : new PopHandle(handle).flag;
  return { topic: message.topic, flag, queueId: message.queueId, offset: String(message.queueOffset) };
}

/** Handle and count of each of `messages`, in their order. @throws ProtocolError when answer and messages differ. */
export function assignPopHandles(
  answer: PopAnswer,
  messages: readonly PoppedMessage[],
  question: PopQuestion,
): PopAssignment[] {
  const { popTime, invisibleTime, reviveQid: reviveQueueId } = answer;
  const { brokerName } = question;
  const common = { popTime, invisibleTime, reviveQueueId, brokerName };
  const starts = parseStartOffsets(answer.startOffsetInfo);
  const offsets = parseMessageOffsets(answer.msgOffsetInfo);
  const counts = question.order ? parseOrderCounts(answer.orderCountInfo) : undefined;
  const rows = new Map<string, string[]>();
  const firsts = new Map<string, string>();

  const places = messages.map((message) => {
    const place = placeOf(message, question);
    const key = popQueueKey(place.flag, place.queueId);
    const row = rows.get(key);
    if (row) row.push(place.offset);
    else rows.set(key, [place.offset]);
    return place;
  });
  return messages.map((message, i) => {
    const { topic, flag, queueId, offset } = places[i]!;
    const key = popQueueKey(flag, queueId);
    const given = message.property("POP_CK");
    if (given !== undefined && starts !== undefined) {
      return { handle: given, reconsumeTimes: message.reconsumeTimes };
    }
    if (starts === undefined) {
      // An old broker says nothing of starts: the first message of each queue is the start.
      const first = `${message.topic} ${message.queueId}`;
      if (!firsts.has(first)) firsts.set(first, String(message.queueOffset));
      const parts = { ...common, topic: message.topic, queueId: message.queueId };
      const handle = encodePopHandle({
        ...parts,
        checkpointOffset: firsts.get(first)!,
        queueOffset: message.queueOffset,
      });
      return { handle, reconsumeTimes: message.reconsumeTimes };
    }
    const checkpointOffset = starts.get(key);
    const queueOffset = offsets?.get(key)?.[rows.get(key)!.indexOf(offset)];
    if (checkpointOffset === undefined || queueOffset === undefined) {
      throw new ProtocolError(`Cannot read pop answer: it lacks offset ${offset} of queue ${key}`);
    }
    const count = counts?.get(popOffsetKey(flag, queueId, offset)) ?? counts?.get(key) ?? 0;
    return {
      handle: encodePopHandle({ ...common, topic, queueId, checkpointOffset, queueOffset }),
      reconsumeTimes: count > 0 ? count : message.reconsumeTimes,
    };
  });
}
