/**
 * Replies to requests, 324 and 325: pushed to the client that asked, and stored as well.
 *
 * The asker is found among the producers by its client id; the replier hears whether it took the reply. Agrees with
 * ReplyMessageProcessor.
 */
import { decodeProperties, encodeProperties } from "../../message/properties.ts";
import { pushReplyMessageToClient, sendReplyMessage, sendReplyMessageV2 } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { InboundRequest } from "../../remoting/call.ts";
import { formatAddress } from "../../transport/seam.ts";
import type { Broker } from "../broker/broker.ts";
import { type Answer, type HandlerRow, on } from "./handler.ts";
import { checkTopic } from "./send_handlers.ts";
import { sendFields, type SendHeader } from "./send_header.ts";

const PUSH_TIMEOUT_MS = 10_000;

/** Handlers of replies. */
export const replyHandlers: readonly HandlerRow<Broker>[] = [
  on(sendReplyMessage, onReply),
  on(sendReplyMessageV2, onReply),
];

async function onReply(
  broker: Broker,
  header: SendHeader,
  request: InboundRequest,
): Promise<Answer<typeof sendReplyMessage.response>> {
  const topic = checkTopic(broker, header, request);
  const queueId = header.queueId < 0 ? broker.random.int(Math.max(1, topic.writeQueueNums)) : header.queueId;
  const properties = decodeProperties(header.properties ?? "");
  properties["MSG_REGION"] = broker.options.regionId;
  properties["TRACE_ON"] = "true";
  const problem = await push(broker, header, properties, request);
  const stored = broker.options.storeReplyMessages
    ? broker.state.store.put({
      topic: header.topic,
      queueId,
      flag: header.flag,
      sysFlag: 0,
      bornTimestamp: header.bornTimestamp,
      bornHost: request.channel.remote,
      reconsumeTimes: header.reconsumeTimes ?? 0,
      preparedTransactionOffset: 0,
      body: request.body,
      properties: encodeProperties(properties),
    })
    : undefined;
  return {
    code: problem === undefined ? ResponseCode.SUCCESS : ResponseCode.SYSTEM_ERROR,
    remark: problem,
    header: {
      msgId: stored === undefined ? "0" : broker.offsetId(stored.physicalOffset),
      queueId,
      queueOffset: stored?.queueOffset ?? 0,
    },
    fields: sendFields(broker),
  };
}

/** Pushes a reply to the client that waits for it; gives what went wrong, `undefined` when it took it. */
async function push(
  broker: Broker,
  header: SendHeader,
  properties: Record<string, string>,
  { body, channel }: InboundRequest,
): Promise<string | undefined> {
  const clientId = properties["REPLY_TO_CLIENT"];
  if (clientId === undefined) return "reply message properties[REPLY_TO_CLIENT] is null";
  const member = broker.members.producerByClientId(clientId);
  if (member === undefined) return `push reply message fail, channel of <${clientId}> not found.`;
  const now = broker.clock.now();
  try {
    await member.channel.call(pushReplyMessageToClient, {
      producerGroup: header.producerGroup,
      topic: header.topic,
      defaultTopic: header.defaultTopic,
      defaultTopicQueueNums: header.defaultTopicQueueNums,
      queueId: header.queueId,
      sysFlag: header.sysFlag,
      bornTimestamp: header.bornTimestamp,
      flag: header.flag,
      properties: encodeProperties({ ...properties, PUSH_REPLY_TIME: String(now) }),
      reconsumeTimes: header.reconsumeTimes,
      unitMode: header.unitMode,
      bornHost: formatAddress(channel.remote),
      storeHost: broker.addressText,
      storeTimestamp: now,
    }, { body, timeoutMs: PUSH_TIMEOUT_MS });
    return undefined;
  } catch {
    return `push reply message to ${clientId}fail.`;
  }
}
