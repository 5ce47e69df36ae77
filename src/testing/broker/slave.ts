/**
 * What a slave does not do: it reads its master's messages, and refuses what would change them.
 *
 * An embedded slave shares what its master keeps, so it is never behind and goes on when the master is stopped. Codes and remarks
 * agree with SendMessageProcessor, EndTransactionProcessor and RecallMessageProcessor on a SLAVE.
 */
import {
  ackMessage,
  batchAckMessage,
  changeMessageInvisibleTime,
  consumerSendMsgBack,
  endTransaction,
  popMessage,
  recallMessage,
  sendBatchMessage,
  sendMessage,
  sendMessageV2,
  sendReplyMessage,
  sendReplyMessageV2,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { OutboundReply } from "../../remoting/call.ts";

const NOT_WRITABLE: OutboundReply = {
  code: ResponseCode.SERVICE_NOT_AVAILABLE,
  remark:
    "service not available now. It may be caused by one of the following reasons: the broker's disk is full [CL:  0.00 CQ:  0.00 INDEX:  0.00], messages are put to the slave, message store has been shut down, etc.",
};
const NOT_A_MASTER: OutboundReply = { code: ResponseCode.SLAVE_NOT_AVAILABLE };

const REFUSALS: ReadonlyMap<number, OutboundReply> = new Map([
  ...[
    sendMessage,
    sendMessageV2,
    sendBatchMessage,
    sendReplyMessage,
    sendReplyMessageV2,
    consumerSendMsgBack,
    popMessage,
    ackMessage,
    batchAckMessage,
    changeMessageInvisibleTime,
  ].map(({ code }): [number, OutboundReply] => [code, NOT_WRITABLE]),
  [endTransaction.code, NOT_A_MASTER],
  [recallMessage.code, { ...NOT_A_MASTER, remark: "recall failed, broker service not available" }],
]);

/** What a slave answers to a request code that it does not serve, `undefined` when it serves it. */
export function slaveRefusal(code: number): OutboundReply | undefined {
  return REFUSALS.get(code);
}
