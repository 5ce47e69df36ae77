/**
 * What brokers ask of a client, and whose business it is.
 *
 * Agrees with ClientRemotingProcessor: a request about a consumer group goes to the consumer of that group. Checks of
 * transactions and replies to requests name no group in their header, so every producer looks whether they are its own.
 */
import type { Logger } from "../core/logger.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { InboundRequest, OutboundReply, RequestHandler } from "../remoting/call.ts";
import type { MemberReply, Members } from "./members.ts";

const CHECK_TRANSACTION_STATE = 39;
const NOTIFY_CONSUMER_IDS_CHANGED = 40;
const RESET_CONSUMER_CLIENT_OFFSET = 220;
const GET_CONSUMER_STATUS_FROM_CLIENT = 221;
const GET_CONSUMER_RUNNING_INFO = 307;
const CONSUME_MESSAGE_DIRECTLY = 309;
const PUSH_REPLY_MESSAGE_TO_CLIENT = 326;

/** Answers the brokers' requests on behalf of `members`. */
export function inboundDispatch(members: Members, logger: Logger): RequestHandler {
  return (request) => {
    const { code, extFields = {} } = request.command;
    switch (code) {
      case NOTIFY_CONSUMER_IDS_CHANGED:
        members.consumer(extFields.consumerGroup ?? "")?.onMembersChanged();
        return undefined;
      case RESET_CONSUMER_CLIENT_OFFSET:
      case GET_CONSUMER_STATUS_FROM_CLIENT:
        return askConsumer(members, extFields.group ?? "", request);
      case GET_CONSUMER_RUNNING_INFO:
      case CONSUME_MESSAGE_DIRECTLY:
        return askConsumer(members, extFields.consumerGroup ?? "", request);
      case CHECK_TRANSACTION_STATE:
        return askProducers(members, request);
      case PUSH_REPLY_MESSAGE_TO_CLIENT:
        // A reply that came after its request gave up is taken all the same, or the broker would report a failure.
        return askProducers(members, request) ?? { code: ResponseCode.SUCCESS };
      default:
        logger.warn(`A broker sent request code ${code}, which this client does not know`);
        return notSupported(code);
    }
  };
}

function askConsumer(members: Members, group: string, request: InboundRequest): MemberReply {
  const member = members.consumer(group);
  if (!member) {
    const remark = `The Consumer Group <${group}> not exist in this consumer`;
    return { code: ResponseCode.SYSTEM_ERROR, remark };
  }
  return member.onRequest ? member.onRequest(request) : notSupported(request.command.code);
}

function askProducers(members: Members, request: InboundRequest): MemberReply {
  let answer: MemberReply;
  for (const producer of members.producers()) answer ??= producer.onRequest?.(request);
  return answer;
}

function notSupported(code: number): OutboundReply {
  return {
    code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
    remark: ` request type ${code} not supported`,
  };
}
