/**
 * Bodies of POP, broker-side assignment and lite topics.
 *
 * WIRE §17, §27. A batch of acks names the acked messages by bits: bit i means offset `startOffset + i`.
 */
import { Buffer } from "node:buffer";
import type { MessageQueue } from "../message_queue.ts";
import {
  type Body,
  body,
  digits,
  list,
  long,
  messageQueue,
  named,
  object,
  oneOf,
  opt,
  optText,
  record,
  type Shape,
  text,
} from "../shape.ts";
import { type MessageModel, messageModelShape } from "./heartbeat.ts";

/** Whether a group pulls or pops. */
export type MessageRequestMode = "PULL" | "POP";

const modeShape: Shape<MessageRequestMode | undefined> = oneOf("PULL", "POP");

/** A question for a client's queues. */
export interface QueryAssignment {
  /** The topic. */
  readonly topic?: string | undefined;
  /** The group. */
  readonly consumerGroup?: string | undefined;
  /** The client that asks. */
  readonly clientId?: string | undefined;
  /** Name of the strategy; brokers know AVG and AVG_BY_CIRCLE. */
  readonly strategyName?: string | undefined;
  /** Whether members share the messages. */
  readonly messageModel?: MessageModel | undefined;
}

/** Body of QUERY_ASSIGNMENT. */
export const queryAssignmentBody: Body<QueryAssignment> = body(
  "QueryAssignmentRequestBody",
  object<QueryAssignment>({
    topic: optText,
    consumerGroup: optText,
    clientId: optText,
    strategyName: optText,
    messageModel: messageModelShape,
  }),
);

/** One queue that a client shall consume; queue id −1 means all of the broker's queues. */
export interface MessageQueueAssignment {
  /** The queue. */
  readonly messageQueue?: MessageQueue | undefined;
  /** How; PULL when absent. */
  readonly mode?: MessageRequestMode | undefined;
  /** What the broker adds. */
  readonly attachments?: Readonly<Record<string, string>> | undefined;
}

/** A client's queues. */
export interface AssignmentResult {
  /** The queues; absent means "leave it as it is". */
  readonly messageQueueAssignments?: readonly MessageQueueAssignment[] | undefined;
}

/** Body of the answer to QUERY_ASSIGNMENT. */
export const assignmentResult: Body<AssignmentResult> = body(
  "QueryAssignmentResponseBody",
  object<AssignmentResult>({
    messageQueueAssignments: opt(list(object<MessageQueueAssignment>({
      messageQueue: opt(messageQueue),
      mode: modeShape,
      attachments: opt(record(text)),
    }))),
  }),
);

/** How a group shall get the messages of a topic. */
export interface RequestModeSetting {
  /** The topic. */
  readonly topic?: string | undefined;
  /** The group. */
  readonly consumerGroup?: string | undefined;
  /** Pull or pop. */
  readonly mode?: MessageRequestMode | undefined;
  /** How many further clients a queue is shared with; 0 or less means all. */
  readonly popShareQueueNum: number;
}

const requestModeShape: Shape<RequestModeSetting> = object<RequestModeSetting>({
  topic: optText,
  consumerGroup: optText,
  mode: modeShape,
  popShareQueueNum: long,
});

/** Body of SET_MESSAGE_REQUEST_MODE. */
export const requestModeSetting: Body<RequestModeSetting> = body(
  "SetMessageRequestModeRequestBody",
  requestModeShape,
);

/** All settings of a broker. */
export interface RequestModeTable {
  /** Setting by topic and group. */
  readonly messageRequestModeMap: Readonly<Record<string, Readonly<Record<string, RequestModeSetting>>>>;
}

/** Body of the answer to GET_ALL_MESSAGE_REQUEST_MODE. */
export const requestModeTable: Body<RequestModeTable> = body(
  "MessageRequestModeSerializeWrapper",
  object<RequestModeTable>({ messageRequestModeMap: record(record(requestModeShape)) }),
);

/** Bytes of a set of bits, as Java's BitSet.toByteArray: bit i is bit i % 8 of byte i / 8, no zero bytes at the end. */
export function bitSetBytes(bits: Iterable<number>): Uint8Array {
  const set = [...bits];
  const bytes = new Uint8Array(set.length === 0 ? 0 : Math.floor(Math.max(...set) / 8) + 1);
  for (const bit of set) bytes[bit >> 3]! |= 1 << (bit & 7);
  return bytes;
}

/** The bits that are set in `bytes`, ascending. */
export function bitSetBits(bytes: Uint8Array): number[] {
  const bits: number[] = [];
  bytes.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) bits.push(i * 8 + bit);
  });
  return bits;
}

/** Bits in base64; an empty text is no set at all, as Java reads it. */
const bitSetShape: Shape<readonly number[] | undefined> = {
  read(value, path) {
    const base64 = optText.read(value, path);
    return base64 ? bitSetBits(Buffer.from(base64, "base64")) : undefined;
  },
  write: (value) => value && Buffer.from(bitSetBytes(value)).toString("base64"),
};

/** Acks of messages that were popped together. Offsets and times come from the handles and stay text. */
export interface BatchAck {
  /** The group. */
  readonly consumerGroup?: string | undefined;
  /** The topic without retry prefix. */
  readonly topic?: string | undefined;
  /** Flag of the handle: 0 plain, 1 and 2 retry. */
  readonly retry?: string | undefined;
  /** Checkpoint offset of the handle; bit 0. */
  readonly startOffset: string;
  /** The queue. */
  readonly queueId: number;
  /** Revive queue of the handle. */
  readonly reviveQueueId: number;
  /** Pop time of the handle. */
  readonly popTime: string;
  /** Invisible time of the handle. */
  readonly invisibleTime: string;
  /** Offsets that are acked, less `startOffset`. */
  readonly bitSet?: readonly number[] | undefined;
}

/** Acks of one broker. */
export interface BatchAckRequest {
  /** Name of the broker. */
  readonly brokerName?: string | undefined;
  /** The acks. */
  readonly acks: readonly BatchAck[];
}

/** Shape of {@linkcode BatchAck}: one-letter names are written, long ones are read too. */
export const batchAckShape: Shape<BatchAck> = object<BatchAck>({
  consumerGroup: named("c", optText),
  topic: named("t", optText),
  retry: named("r", optText),
  startOffset: named("so", digits),
  queueId: named("q", long),
  reviveQueueId: named("rq", long),
  popTime: named("pt", digits),
  invisibleTime: named("it", digits),
  bitSet: named("b", bitSetShape),
});

/** Body of BATCH_ACK_MESSAGE. */
export const batchAckRequest: Body<BatchAckRequest> = body(
  "BatchAckMessageRequestBody",
  object<BatchAckRequest>({ brokerName: optText, acks: list(batchAckShape) }),
);

/** A change of a client's lite subscriptions. */
export interface LiteSubscription {
  /** What to do. */
  readonly action?: "PARTIAL_ADD" | "PARTIAL_REMOVE" | "COMPLETE_ADD" | "COMPLETE_REMOVE" | undefined;
  /** The client. */
  readonly clientId?: string | undefined;
  /** The group. */
  readonly group?: string | undefined;
  /** The parent topic. */
  readonly topic?: string | undefined;
  /** The lite topics. */
  readonly liteTopicSet: readonly string[];
  /** Where to begin. */
  readonly offsetOption?: LiteOffsetOption | undefined;
  /** Version of the subscription. */
  readonly version: number;
}

/** Where a lite subscription begins. */
export interface LiteOffsetOption {
  /** What `value` means. */
  readonly type?: "POLICY" | "OFFSET" | "TAIL_N" | "TIMESTAMP" | undefined;
  /** For POLICY 0 last, 1 min, 2 max. */
  readonly value: number;
}

/** Changes of lite subscriptions. */
export interface LiteSubscriptions {
  /** The changes. */
  readonly subscriptionSet: readonly LiteSubscription[];
}

/** Body of LITE_SUBSCRIPTION_CTL. */
export const liteSubscriptions: Body<LiteSubscriptions> = body(
  "LiteSubscriptionCtlRequestBody",
  object<LiteSubscriptions>({
    subscriptionSet: list(object<LiteSubscription>({
      action: oneOf("PARTIAL_ADD", "PARTIAL_REMOVE", "COMPLETE_ADD", "COMPLETE_REMOVE"),
      clientId: optText,
      group: optText,
      topic: optText,
      liteTopicSet: list(text),
      offsetOption: opt(object<LiteOffsetOption>({
        type: oneOf("POLICY", "OFFSET", "TAIL_N", "TIMESTAMP"),
        value: long,
      })),
      version: long,
    })),
  }),
);
