/**
 * What a broker said about a message that it stored.
 *
 * Four response codes mean "stored"; three of them add that a disk or a slave was too late. Everything else is an error
 * and never comes here.
 */
import { ResponseCode } from "../protocol/response_codes.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { sendMessageV2 } from "../protocol/operations.ts";
import type { Of } from "../wire/schema.ts";

/** How safely a message is stored. `SEND_OK` is what to expect; the others say what was not confirmed in time. */
export type SendStatus = "SEND_OK" | "FLUSH_DISK_TIMEOUT" | "FLUSH_SLAVE_TIMEOUT" | "SLAVE_NOT_AVAILABLE";

/** Where and how a message was stored. */
export interface SendResult {
  /** How safely it is stored. */
  readonly status: SendStatus;
  /** The id this producer gave it (property UNIQ_KEY); of a batch, the ids of its messages joined by commas. */
  readonly messageId: string;
  /** The id the broker gave it: store address and commit-log offset; of a batch, joined by commas. */
  readonly offsetMessageId: string;
  /** The queue it is in. */
  readonly queue: MessageQueue;
  /** Its offset in that queue; of a batch, that of the first message. */
  readonly queueOffset: number;
  /** The broker's id of the transaction, when it named one. */
  readonly transactionId: string | undefined;
  /** Region of the broker; `DefaultRegion` when it names none. */
  readonly regionId: string;
  /** Whether the broker wants the message traced. */
  readonly traceOn: boolean;
  /** Takes a delayed message back, see `Producer.recall`; set by brokers since 5.3.2 for timed messages. */
  readonly recallHandle: string | undefined;
}

/** The status that a response code stands for; `undefined` when the message is not stored. */
export function statusOf(code: number): SendStatus | undefined {
  switch (code) {
    case ResponseCode.SUCCESS:
      return "SEND_OK";
    case ResponseCode.FLUSH_DISK_TIMEOUT:
      return "FLUSH_DISK_TIMEOUT";
    case ResponseCode.FLUSH_SLAVE_TIMEOUT:
      return "FLUSH_SLAVE_TIMEOUT";
    case ResponseCode.SLAVE_NOT_AVAILABLE:
      return "SLAVE_NOT_AVAILABLE";
    default:
      return undefined;
  }
}

/** What the answer to a send says. `itemIds` are the ids of a batch's messages, joined; Java's processSendResponse. */
export function sendResultOf(
  reply: { readonly code: number; readonly header: Of<typeof sendMessageV2["response"]> },
  queue: MessageQueue,
  ids: { readonly messageId: string; readonly itemIds: string | undefined },
): SendResult {
  const { header } = reply;
  return {
    status: statusOf(reply.code) ?? "SEND_OK",
    messageId: ids.itemIds !== undefined && header.batchUniqId === undefined ? ids.itemIds : ids.messageId,
    offsetMessageId: header.msgId,
    queue: header.queueId === queue.queueId ? queue : { ...queue, queueId: header.queueId },
    queueOffset: header.queueOffset,
    transactionId: header.transactionId,
    regionId: header.regionId || "DefaultRegion",
    traceOn: header.traceOn !== "false",
    recallHandle: header.recallHandle,
  };
}
