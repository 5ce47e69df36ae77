/**
 * Progress and extent: 14, 15, 29 to 32.
 *
 * The rules for a group without a stored offset, and for what is missing in a request, agree with ConsumerManageProcessor;
 * queue extents with AdminBrokerProcessor.
 */
import {
  getEarliestMsgStoretime,
  getMaxOffset,
  getMinOffset,
  queryConsumerOffset,
  searchOffsetByTimestamp,
  updateConsumerOffset,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { int, long, opt } from "../../wire/schema.ts";
import type { Broker } from "../broker/broker.ts";
import { type HandlerRow, NULL_TEXT, on } from "./handler.ts";

/** A commit may lack these; Java looks at group and topic first and then says so. */
const lenientUpdate = {
  ...updateConsumerOffset,
  request: { ...updateConsumerOffset.request, queueId: opt(int), commitOffset: opt(long) },
};

/** Handlers of offsets. */
export const offsetHandlers: readonly HandlerRow<Broker>[] = [
  on(queryConsumerOffset, (broker: Broker, { consumerGroup, topic, queueId, setZeroIfNotFound }) => {
    const { offsets, store } = broker.state;
    const stored = offsets.committed(consumerGroup, topic, queueId);
    if (stored !== undefined && stored >= 0) return { header: { offset: stored } };
    if (setZeroIfNotFound === false) {
      return {
        code: ResponseCode.QUERY_NOT_FOUND,
        remark: "Not found, do not set to zero, maybe this group boot first",
        fields: {},
      };
    }
    const queue = store.peekQueue(topic, queueId);
    const startsInMemory = queue !== undefined && queue.minOffset <= 0 && queue.has(0);
    if (startsInMemory) return { header: { offset: 0 } };
    return {
      code: ResponseCode.QUERY_NOT_FOUND,
      remark: "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first",
      fields: {},
    };
  }, { consumerGroup: NULL_TEXT }),
  on(lenientUpdate, (broker: Broker, { consumerGroup, topic, queueId, commitOffset }) => {
    const refused = (code: number, remark: string) => ({ code, remark, fields: {} });
    const { groups, topics, offsets } = broker.state;
    if (groups.peek(consumerGroup) === undefined) {
      return refused(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, `Group ${consumerGroup} not exist!`);
    }
    if (topics.get(topic) === undefined) {
      return refused(ResponseCode.TOPIC_NOT_EXIST, `Topic ${topic} not exist!`);
    }
    if (queueId === undefined) {
      return refused(ResponseCode.INVALID_PARAMETER, `QueueId is null, topic is ${topic}`);
    }
    if (commitOffset === undefined) {
      return refused(ResponseCode.INVALID_PARAMETER, `Offset is null, topic is ${topic}`);
    }
    if (offsets.hasReset(consumerGroup, topic, queueId)) {
      return { remark: "Offset has been previously reset", fields: {} };
    }
    offsets.commit(consumerGroup, topic, queueId, commitOffset);
    return { fields: {} };
  }, { consumerGroup: NULL_TEXT }),
  on(searchOffsetByTimestamp, (broker: Broker, { topic, queueId, timestamp, boundaryType }) => {
    const upper = boundaryType?.toLowerCase() === "upper";
    return { header: { offset: broker.state.store.searchByTime(topic, queueId, timestamp, upper) } };
  }),
  on(getMaxOffset, (broker: Broker, { topic, queueId }) => ({
    header: { offset: broker.state.store.peekQueue(topic, queueId)?.maxOffset ?? 0 },
  })),
  on(getMinOffset, (broker: Broker, { topic, queueId }) => ({
    remark: "",
    header: { offset: broker.state.store.peekQueue(topic, queueId)?.minOffset ?? 0 },
  })),
  on(getEarliestMsgStoretime, (broker: Broker, { topic, queueId }) => {
    const { store } = broker.state;
    const queue = store.peekQueue(topic, queueId);
    return { header: { timestamp: queue === undefined ? -1 : store.storeTimeAt(queue, queue.minOffset) } };
  }),
];
