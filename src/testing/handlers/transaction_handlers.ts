/**
 * The end of a transaction, 37. What a producer says without being able to tell is taken and not answered, as in Java.
 */
import { endTransaction, resumeCheckHalfMessage } from "../../protocol/operations.ts";
import type { Broker } from "../broker/broker.ts";
import { endHalf } from "../broker/transactions.ts";
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
  on(resumeCheckHalfMessage, (broker: Broker) => {
    for (const half of broker.state.halves.values()) {
      broker.state.halves.set(half.queueOffset, { ...half, earlier: [] });
    }
    return {};
  }),
];
