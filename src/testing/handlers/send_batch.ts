/**
 * Sending several messages at once: an ordinary batch becomes so many records, one after the other; on a topic of batch
 * queues it becomes one record that readers take apart. Agrees with SendMessageProcessor.sendBatchMessage.
 */
import { decodeBatch } from "../../message/batch.ts";
import { decodeProperties, encodeProperties } from "../../message/properties.ts";
import { isRetryTopic } from "../../protocol/names.ts";
import type { sendMessage } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { InboundRequest } from "../../remoting/call.ts";
import type { Broker } from "../broker/broker.ts";
import { checkSize } from "../broker/intake.ts";
import type { NamedTopic } from "../broker/topic_table.ts";
import type { NewMessage, Stored } from "../store/message_store.ts";
import { type Answer, refuse } from "./handler.ts";
import { sendFields, type SendHeader } from "./send_header.ts";

const NEED_UNWRAP = 0x40;
const INNER_BATCH = 0x80;
const MAX_BATCH_TOPIC_LENGTH = 127;

/** Stores a batch. @throws BrokerError when it may not be one. */
export function storeBatch(
  broker: Broker,
  header: SendHeader,
  topic: NamedTopic,
  queueId: number,
  request: InboundRequest,
): Answer<typeof sendMessage.response> {
  if (header.topic.length > MAX_BATCH_TOPIC_LENGTH) {
    refuse(ResponseCode.MESSAGE_ILLEGAL, `message topic length too long ${header.topic.length}`);
  }
  if (isRetryTopic(header.topic)) {
    refuse(ResponseCode.MESSAGE_ILLEGAL, `batch request does not support retry group ${header.topic}`);
  }
  checkSize(broker, request.body, header.properties ?? "");
  const properties = decodeProperties(header.properties ?? "");
  const message: NewMessage = {
    topic: header.topic,
    queueId,
    flag: header.flag,
    sysFlag: header.sysFlag,
    bornTimestamp: header.bornTimestamp,
    bornHost: request.channel.remote,
    reconsumeTimes: header.reconsumeTimes ?? 0,
    preparedTransactionOffset: 0,
    body: request.body,
    properties: "",
  };
  const uniqueKey = properties["UNIQ_KEY"];
  const isInner = topic.attributes["queue.type"] === "BatchCQ" && uniqueKey !== undefined;
  const stored = isInner ? [storeInner(broker, message, properties)] : storeItems(broker, message);
  const sizeBytes = stored.reduce((sum, each) => sum + each.sizeBytes, 0);
  broker.stats.sent(header.topic, stored.length, sizeBytes);
  return {
    header: {
      msgId: stored.map((each) => broker.offsetId(each.physicalOffset)).join(","),
      queueId,
      queueOffset: stored[0]!.queueOffset,
      transactionId: uniqueKey,
      batchUniqId: isInner ? uniqueKey : undefined,
    },
    fields: sendFields(broker),
  };
}

function storeItems(broker: Broker, message: NewMessage): Stored[] {
  const items = decodeBatch(message.body);
  if (items.length === 0) throw new Error("Cannot store batch: it has no messages");
  return items.map((item) => broker.state.store.put({ ...message, ...item }));
}

function storeInner(broker: Broker, message: NewMessage, properties: Record<string, string>): Stored {
  return broker.state.store.put({
    ...message,
    sysFlag: message.sysFlag | NEED_UNWRAP | INNER_BATCH,
    properties: encodeProperties({
      ...properties,
      MSG_REGION: broker.options.regionId,
      TRACE_ON: "true",
      CLUSTER: broker.options.clusterName,
      INNER_NUM: String(decodeBatch(message.body).length),
    }),
  });
}
