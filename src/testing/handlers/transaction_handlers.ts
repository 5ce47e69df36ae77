/**
 * The end of a transaction, 37, and a half message that was given up asked about again, 323. What a producer says without
 * being able to tell is taken and not answered, as in Java.
 */
import { decodeOffsetId } from "../../message/ids.ts";
import { TRANS_HALF_TOPIC } from "../../protocol/names.ts";
import { endTransaction, resumeCheckHalfMessage } from "../../protocol/operations.ts";
import type { Broker } from "../broker/broker.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { endHalf, resumeHalf } from "../broker/transactions.ts";
import { type HandlerRow, on } from "./handler.ts";

const ANSWERS = [0, 8, 12];

/** Handlers of transactions. */
export const transactionHandlers: readonly HandlerRow<Broker>[] = [
  on(endTransaction, (broker: Broker, header) => {
    if (!ANSWERS.includes(header.commitOrRollback)) {
      throw new Error("commitOrRollback field wrong");
    }
    return endHalf(broker, header) ? {} : undefined;
  }),
  on(resumeCheckHalfMessage, (broker: Broker, { msgId }) => {
    try {
      resumeHalf(broker, decodeOffsetId(msgId ?? "").offset);
    } catch {
      return {
        code: ResponseCode.SYSTEM_ERROR,
        remark: `Exception was thrown when putting message back to ${TRANS_HALF_TOPIC}.`,
      };
    }
    return {};
  }),
];
