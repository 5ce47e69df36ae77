/**
 * What becomes of popped messages: acknowledged 200051 and 200151, given more time 200053.
 *
 * Agrees with AckMessageProcessor and ChangeInvisibleTimeProcessor in checks, codes and remarks.
 */
import { batchAckRequest } from "../../protocol/bodies.ts";
import { ackMessage, batchAckMessage, changeMessageInvisibleTime } from "../../protocol/operations.ts";
import { PopHandle, popTopicOf } from "../../protocol/pop.ts";
import { ORDER_REVIVE_QUEUE_ID } from "../../protocol/pop.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { InboundRequest } from "../../remoting/call.ts";
import type { Broker } from "../broker/broker.ts";
import type { Popped } from "../broker/pop_table.ts";
import { type HandlerRow, NOT_SET, NULL_TEXT, on, refuse, refusingWith, SEE_FAQ } from "./handler.ts";

/** What every refusal of a change of time carries. */
const NO_TIME = { popTime: "0", invisibleTime: "0", reviveQid: "0" };

/** Handlers of acknowledgements. */
export const ackHandlers: readonly HandlerRow<Broker>[] = [
  on(ackMessage, (broker: Broker, header, request) => {
    const { min, max } = checkQueue(broker, header.topic, header.queueId, request);
    const offset = offsetOf(header);
    if (offset < min || offset > max) {
      refuse(
        ResponseCode.NO_MESSAGE,
        `offset is illegal, key:${header.topic}@${header.queueId}, commit:${header.offset}, store:${min}~${max}`,
      );
    }
    const handle = new PopHandle(header.extraInfo);
    ack(broker, receiptOf(header, handle), handle.reviveQueueId);
    return {};
  }, { consumerGroup: NULL_TEXT }),
  on(batchAckMessage, (broker: Broker, _header, { body }) => {
    const { acks } = body.length === 0 ? { acks: [] } : batchAckRequest.read(body);
    if (acks.length === 0) return { code: ResponseCode.NO_MESSAGE };
    for (const each of acks) {
      const group = each.consumerGroup ?? "";
      const topic = popTopicOf(each.retry ?? "0", each.topic ?? "", group);
      const queue = broker.state.store.peekQueue(topic, each.queueId);
      for (const bit of each.bitSet ?? []) {
        const queueOffset = Number(each.startOffset) + bit;
        if (queue === undefined || queueOffset < queue.minOffset || queueOffset > queue.maxOffset) continue;
        const popTime = Number(each.popTime);
        ack(broker, { group, topic, queueId: each.queueId, queueOffset, popTime }, each.reviveQueueId);
      }
    }
    return {};
  }),
  on(
    changeMessageInvisibleTime,
    refusingWith(NO_TIME, (broker: Broker, header, request) => {
      const { min, max } = checkQueue(broker, header.topic, header.queueId, request);
      const offset = offsetOf(header);
      if (offset < min || offset >= max) refuse(ResponseCode.NO_MESSAGE, "");
      const handle = new PopHandle(header.extraInfo);
      const { reviveQueueId } = handle;
      const popTime = broker.pops.postpone(receiptOf(header, handle), reviveQueueId, header.invisibleTime);
      // An ordered handle keeps its pop time, so its invisibility counts from there.
      const invisibleTime = reviveQueueId === ORDER_REVIVE_QUEUE_ID
        ? broker.clock.now() + header.invisibleTime - popTime
        : header.invisibleTime;
      return {
        remark: NOT_SET,
        header: { popTime, invisibleTime, reviveQid: reviveQueueId },
      };
    }),
    { consumerGroup: NULL_TEXT },
  ),
];

/** @throws Error when the offset is no number. */
function offsetOf({ offset }: { offset: string }): number {
  if (!/^[+-]?\d+$/.test(offset)) throw new Error(`Cannot read offset: current value is "${offset}"`);
  return Number(offset);
}

function receiptOf(
  header: { consumerGroup: string; topic: string; queueId: number; offset: string },
  handle: PopHandle,
): Omit<Popped, "visibleAt"> {
  const { consumerGroup: group, topic, queueId } = header;
  return { group, topic, queueId, queueOffset: Number(header.offset), popTime: handle.popTime };
}

function ack(broker: Broker, receipt: Omit<Popped, "visibleAt">, reviveQueueId: number): void {
  const problem = broker.pops.ack(receipt, reviveQueueId);
  if (problem !== undefined) refuse(ResponseCode.MESSAGE_ILLEGAL, problem);
}

function checkQueue(
  broker: Broker,
  topic: string,
  queueId: number,
  { channel }: InboundRequest,
): { min: number; max: number } {
  const config = broker.state.topics.get(topic);
  if (config === undefined) {
    refuse(ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist, apply first please! ${SEE_FAQ}`);
  }
  if (queueId < 0 || queueId >= config.readQueueNums) {
    const { host, port } = channel.remote;
    refuse(
      ResponseCode.MESSAGE_ILLEGAL,
      `queueId[${queueId}] is illegal, topic:[${topic}] topicConfig.readQueueNums:[${config.readQueueNums}] consumer:[/${host}:${port}]`,
    );
  }
  const queue = broker.state.store.peekQueue(topic, queueId);
  return { min: queue?.minOffset ?? 0, max: queue?.maxOffset ?? 0 };
}
