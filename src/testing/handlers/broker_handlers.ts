/**
 * Every request code that the embedded broker serves, gathered from the files by theme.
 *
 * What a real broker serves and this one answers REQUEST_CODE_NOT_SUPPORTED: static topics 513 and lite topics 200070 to
 * 200079, which no client here speaks of; the timer's files and metrics 60 and 61 and RocksDB 355, as nothing is on disk; and what
 * brokers ask of each other, 905, 906 and 1008, as embedded slaves share what their master keeps.
 */
import type { Broker } from "../broker/broker.ts";
import { ackHandlers } from "./ack_handlers.ts";
import { adminBrokerHandlers } from "./admin_broker_handlers.ts";
import { adminGroupHandlers } from "./admin_group_handlers.ts";
import { adminTopicHandlers } from "./admin_topic_handlers.ts";
import { adminUpkeepHandlers } from "./admin_upkeep_handlers.ts";
import { assignmentHandlers } from "./assignment_handlers.ts";
import { type HandlerRow, handlerTable } from "./handler.ts";
import { memberHandlers } from "./member_handlers.ts";
import { offsetHandlers } from "./offset_handlers.ts";
import { popHandlers } from "./pop_handlers.ts";
import { popLookHandlers } from "./pop_look_handlers.ts";
import { pullHandlers } from "./pull_handlers.ts";
import { queryHandlers } from "./query_handlers.ts";
import { recallHandlers } from "./recall_handlers.ts";
import { relayHandlers } from "./relay_handlers.ts";
import { replyHandlers } from "./reply_handlers.ts";
import { sendHandlers } from "./send_handlers.ts";
import { transactionHandlers } from "./transaction_handlers.ts";

/** The handlers of a broker, by request code. */
export function brokerHandlers(): ReadonlyMap<number, HandlerRow<Broker>> {
  return handlerTable(
    sendHandlers,
    pullHandlers,
    offsetHandlers,
    memberHandlers,
    queryHandlers,
    transactionHandlers,
    replyHandlers,
    popHandlers,
    popLookHandlers,
    ackHandlers,
    assignmentHandlers,
    recallHandlers,
    relayHandlers,
    adminTopicHandlers,
    adminGroupHandlers,
    adminBrokerHandlers,
    adminUpkeepHandlers,
  );
}
