/**
 * Taking a timed message back, 370: a marker is stored that removes it. Agrees with RecallMessageProcessor.
 */
import { recallMessage } from "../../protocol/operations.ts";
import { decodeRecallHandle, type RecallHandle } from "../../protocol/recall_handle.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { utf8Bytes } from "../../wire/bytes.ts";
import type { Broker } from "../broker/broker.ts";
import { takeIn } from "../broker/intake.ts";
import { recallKeyOf } from "../broker/timers.ts";
import { type HandlerRow, NOT_SET, on } from "./handler.ts";

/** Handlers of recalls. */
export const recallHandlers: readonly HandlerRow<Broker>[] = [
  on(recallMessage, (broker: Broker, header, { channel }) => {
    const fields = { MSG_REGION: broker.options.regionId };
    const failed = (code: number, remark: string) => ({ code, remark, fields });
    if (!broker.options.recallMessageEnable) {
      return failed(ResponseCode.NO_PERMISSION, "recall failed, operation is forbidden");
    }
    if (broker.state.topics.get(header.topic) === undefined) {
      return failed(ResponseCode.TOPIC_NOT_EXIST, `recall failed, the topic[${header.topic}] not exist`);
    }
    const handle = read(header.recallHandle);
    const problem = handle === undefined
      ? "recall handle is invalid"
      : problemOf(broker, header.topic, handle);
    if (handle === undefined || problem !== undefined) {
      return failed(ResponseCode.ILLEGAL_OPERATION, problem!);
    }
    const now = broker.clock.now();
    takeIn(broker, {
      topic: handle.topic,
      queueId: 0,
      flag: 0,
      sysFlag: 0,
      bornTimestamp: now,
      bornHost: channel.remote,
      reconsumeTimes: 0,
      preparedTransactionOffset: 0,
      body: utf8Bytes("0"),
      properties: {
        TAGS: "_RECALL_TAG_",
        TIMER_DEL_UNIQKEY: recallKeyOf(handle.topic, handle.uniqKey),
        UNIQ_KEY: handle.uniqKey,
        TIMER_DELIVER_MS: handle.timestamp,
        BORN_TIMESTAMP: String(now),
        ...(header.producerGroup === undefined ? {} : { PGROUP: header.producerGroup }),
      },
    });
    return { remark: NOT_SET, header: { msgId: handle.uniqKey }, fields };
  }, { recallHandle: "" }),
];

function read(handle: string): RecallHandle | undefined {
  try {
    return decodeRecallHandle(handle);
  } catch {
    return undefined;
  }
}

function problemOf(broker: Broker, topic: string, handle: RecallHandle): string | undefined {
  if (topic !== handle.topic) return "recall failed, topic not match";
  if (broker.name !== handle.brokerName) return "recall failed, broker service not available";
  const leftMs = Number(handle.timestamp) - broker.clock.now();
  return leftMs > 0 && leftMs < broker.options.timerMaxDelayMs
    ? undefined
    : "recall failed, timestamp invalid";
}
