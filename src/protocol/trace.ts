/**
 * Trace records: what producers and consumers write about each message into the trace topic.
 *
 * Fields are separated by \x01, records end with \x02, an absent text is written "null". Agrees with TraceDataEncoder.
 * SubBefore and SubAfter write one record for each message and share a request id.
 */

/** What kind of message was sent; its number is its place in this list. */
export const TRACE_MESSAGE_TYPES = [
  "Normal_Msg",
  "Trans_Msg_Half",
  "Trans_msg_Commit",
  "Delay_Msg",
  "Order_Msg",
] as const;

/** What kind of message was sent. */
export type TraceMessageType = (typeof TRACE_MESSAGE_TYPES)[number];

/** What a record is about. */
export type TraceType = "Pub" | "Recall" | "SubBefore" | "SubAfter" | "EndTransaction";

/** One message of a trace. */
export interface TraceBean {
  /** Topic of the message. */
  readonly topic?: string | undefined;
  /** Unique id of the message. */
  readonly msgId?: string | undefined;
  /** Id made of address and offset. */
  readonly offsetMsgId?: string | undefined;
  /** Its tag. */
  readonly tags?: string | undefined;
  /** Its keys, separated by spaces. */
  readonly keys?: string | undefined;
  /** `ip:port` of the broker that stored it. */
  readonly storeHost?: string | undefined;
  /** Size of its body, in bytes. */
  readonly bodyLength: number;
  /** How often it was tried before. */
  readonly retryTimes: number;
  /** What kind of message it is. */
  readonly msgType: TraceMessageType;
  /** Id of its transaction. */
  readonly transactionId?: string | undefined;
  /** COMMIT_MESSAGE, ROLLBACK_MESSAGE or UNKNOW. */
  readonly transactionState?: string | undefined;
  /** Whether the decision answers a check. */
  readonly fromTransactionCheck: boolean;
}

/** One event to trace. */
export interface TraceContext {
  /** What it is about. */
  readonly traceType: TraceType;
  /** When it was, in milliseconds since the epoch. */
  readonly timeStamp: number;
  /** Region of the broker. */
  readonly regionId: string;
  /** The producer or consumer group. */
  readonly groupName: string;
  /** How long it took, in milliseconds. */
  readonly costTime: number;
  /** Whether it succeeded. */
  readonly success: boolean;
  /** Id that SubBefore and SubAfter share. */
  readonly requestId: string;
  /** How consuming ended: 0 success, 1 timeout, 2 exception, 3 nothing returned, 4 failed. */
  readonly contextCode: number;
  /** CLOUD leaves time and group of SubAfter out. */
  readonly accessChannel: "LOCAL" | "CLOUD";
  /** The messages; Pub, Recall and EndTransaction use the first. */
  readonly beans: readonly TraceBean[];
}

/** The records of one event, and the keys by which they are found. */
export interface TraceData {
  /** The records. */
  readonly data: string;
  /** Message ids and keys, each once. */
  readonly keys: readonly string[];
}

const FIELD = "\x01";
const RECORD = "\x02";

function line(...fields: readonly unknown[]): string {
  return fields.map((field) => String(field ?? null)).join(FIELD) + RECORD;
}

function encodeBean(context: TraceContext, bean: TraceBean): string {
  const { traceType, timeStamp, regionId, groupName, costTime, success, requestId, contextCode } = context;
  const head = [traceType, timeStamp, regionId, groupName];
  const { topic, msgId, offsetMsgId, tags, keys, storeHost, bodyLength, retryTimes } = bean;
  const typeNumber = TRACE_MESSAGE_TYPES.indexOf(bean.msgType);
  switch (traceType) {
    case "Pub":
      return line(
        ...head,
        ...[topic, msgId, tags, keys, storeHost, bodyLength, costTime, typeNumber, offsetMsgId, success],
      );
    case "Recall":
      return line(...head, topic, msgId, success);
    case "SubBefore":
      return line(...head, requestId, msgId, retryTimes, keys);
    case "SubAfter": {
      const end = context.accessChannel === "CLOUD" ? [""] : [timeStamp, groupName];
      return line(traceType, requestId, msgId, costTime, success, keys, contextCode, ...end);
    }
    case "EndTransaction":
      return line(
        ...head,
        ...[topic, msgId, tags, keys, storeHost, typeNumber, bean.transactionId, bean.transactionState],
        bean.fromTransactionCheck,
      );
  }
}

/** Writes the records of one event. */
export function encodeTrace(context: TraceContext): TraceData {
  const many = context.traceType === "SubBefore" || context.traceType === "SubAfter";
  const beans = many ? context.beans : context.beans.slice(0, 1);
  const keys = new Set<string>();
  for (const bean of context.beans) {
    if (bean.msgId) keys.add(bean.msgId);
    for (const key of bean.keys?.split(" ") ?? []) if (key !== "") keys.add(key);
  }
  return { data: beans.map((bean) => encodeBean(context, bean)).join(""), keys: [...keys] };
}

/** The records of a trace message, each as its fields; the first field is the kind. */
export function splitTrace(data: string): string[][] {
  return data.split(RECORD).filter((record) => record !== "").map((record) => record.split(FIELD));
}
