/**
 * Transactional sends: a half message that no consumer sees, the local transaction, then the verdict.
 *
 *   send half → run executor → END_TRANSACTION (commit | rollback | unknown)
 *   broker has no verdict → CHECK_TRANSACTION_STATE → listener.check → END_TRANSACTION
 *
 * Only a half message stored as SEND_OK lets the local transaction run. A verdict is one-way: if it is lost, the broker
 * asks. Agrees with Java's DefaultMQProducerImpl (sendMessageInTransaction, endTransaction, checkTransactionState).
 */
import { formatAddress } from "../core/address.ts";
import type { RocketMQClient } from "../client/client.ts";
import type { Logger } from "../core/logger.ts";
import { decodeOffsetId } from "../message/ids.ts";
import { decodeProperties } from "../message/properties.ts";
import { PropertyKey } from "../message/property_keys.ts";
import { scanRecords } from "../message/record_view.ts";
import { SysFlag } from "../message/sys_flags.ts";
import { withoutNamespace, wrapNamespace } from "../protocol/namespace.ts";
import { checkTransactionState, endTransaction } from "../protocol/operations.ts";
import type { InboundRequest } from "../remoting/call.ts";
import { type Of, readFields } from "../wire/schema.ts";
import type { Outgoing, SendExtras } from "./outgoing.ts";
import { ReceivedMessage } from "./received_message.ts";
import type { SendResult } from "./send_result.ts";
import type { SendTrace } from "./send_trace.ts";

/** What became of a local transaction. `UNKNOWN` makes the broker ask again later. */
export type TransactionState = "COMMIT_MESSAGE" | "ROLLBACK_MESSAGE" | "UNKNOWN";

/** The local transaction: runs when the half message is stored and tells what became of it. */
export type TransactionExecutor = (half: SendResult) => TransactionState | Promise<TransactionState>;

/** Answers brokers that have no verdict about a half message. */
export interface TransactionListener {
  /** What became of the transaction of `message`. A throw counts as `UNKNOWN`. */
  check(message: ReceivedMessage): TransactionState | Promise<TransactionState>;
}

/** The outcome of a transactional send. */
export interface TransactionSendResult extends SendResult {
  /** The verdict that was sent. */
  readonly transactionState: TransactionState;
  /** What the executor threw; the verdict is `UNKNOWN` then. */
  readonly executorError?: unknown;
}

/** Checks that may be under way at once; further ones are left for the broker to ask again (checkRequestHoldMax). */
const MAX_CHECKS = 2000;
/** The values of `commitOrRollback` (MessageSysFlag). */
const VERDICTS: Readonly<Record<TransactionState, number>> = {
  UNKNOWN: 0,
  COMMIT_MESSAGE: 8,
  ROLLBACK_MESSAGE: 12,
};

/** What makes a message a half message of `producerGroup`. */
export function halfMessageExtras(producerGroup: string): SendExtras {
  return {
    properties: {
      [PropertyKey.TRANSACTION_PREPARED]: "true",
      [PropertyKey.PRODUCER_GROUP]: producerGroup,
    },
    sysFlag: SysFlag.TRANSACTION_PREPARED,
  };
}

/** Whose transactions they are. */
export interface TransactionsOptions {
  /** The group as brokers call it, with the namespace. */
  readonly producerGroup: string;
  /** The namespace, which messages handed to the listener do not show. */
  readonly namespace: string | undefined;
  /** Answers brokers. */
  readonly listener: TransactionListener | undefined;
  /** Writes verdicts down. */
  readonly trace: SendTrace;
}

/** The transactions of one producer. */
export class Transactions {
  readonly #client: RocketMQClient;
  readonly #producerGroup: string;
  readonly #namespace: string | undefined;
  readonly #listener: TransactionListener | undefined;
  readonly #trace: SendTrace;
  readonly #logger: Logger;
  #checks = 0;

  /** The transactions of a producer at `client`. */
  constructor(client: RocketMQClient, { producerGroup, namespace, listener, trace }: TransactionsOptions) {
    this.#client = client;
    this.#producerGroup = producerGroup;
    this.#namespace = namespace;
    this.#listener = listener;
    this.#trace = trace;
    this.#logger = client.logger;
  }

  /** Runs the local transaction of a stored half message and sends the verdict. */
  async conclude(
    half: SendResult,
    outgoing: Outgoing,
    executor: TransactionExecutor,
  ): Promise<TransactionSendResult> {
    let transactionState: TransactionState = "ROLLBACK_MESSAGE";
    let failure: { executorError?: unknown } = {};
    if (half.status === "SEND_OK") {
      try {
        transactionState = stateOf(await executor(half));
      } catch (executorError) {
        transactionState = "UNKNOWN";
        failure = { executorError };
      }
    }
    this.#sendVerdict(half, outgoing, transactionState);
    return { ...half, transactionState, ...failure };
  }

  /** Takes a broker's question, if it is about a message of this producer; the answer goes out on its own. */
  onCheck(request: InboundRequest): boolean {
    const header = readFields(
      checkTransactionState.request,
      request.command.extFields,
      checkTransactionState.name,
    );
    const record = scanRecords(request.body, { checkCrc: true }).records[0];
    if (record?.property(PropertyKey.PRODUCER_GROUP) !== this.#producerGroup) return false;
    if (this.#listener === undefined) {
      this.#logger.warn(
        `Cannot check a transaction of group "${this.#producerGroup}": no transactionListener is configured`,
      );
      return true;
    }
    if (this.#checks >= MAX_CHECKS) return true;
    this.#checks++;
    const message = new ReceivedMessage({
      topic: withoutNamespace(this.#namespace, record.topic),
      body: record.body.slice(),
      properties: record.properties,
      bornTimestamp: record.bornTimestamp,
      storeTimestamp: record.storeTimestamp,
    });
    void this.#check(this.#listener, message, header, request).finally(() => this.#checks--);
    return true;
  }

  async #check(
    listener: TransactionListener,
    message: ReceivedMessage,
    header: Of<typeof checkTransactionState["request"]>,
    { channel }: InboundRequest,
  ): Promise<void> {
    let state: TransactionState = "UNKNOWN";
    try {
      state = stateOf(await listener.check(message));
    } catch (error) {
      this.#logger.warn(
        `Cannot check a transaction of group "${this.#producerGroup}": the listener threw`,
        error,
      );
    }
    try {
      channel.oneway(endTransaction, {
        topic: header.topic,
        producerGroup: this.#producerGroup,
        tranStateTableOffset: header.tranStateTableOffset,
        commitLogOffset: header.commitLogOffset,
        commitOrRollback: VERDICTS[state],
        fromTransactionCheck: true,
        msgId: message.messageId ?? header.msgId ?? "",
        transactionId: header.transactionId,
        bname: header.bname,
      });
      this.#trace.ended({
        wireTopic: wrapNamespace(this.#namespace, message.topic),
        topic: message.topic,
        properties: message.properties,
        messageId: message.messageId ?? header.msgId ?? "",
        state,
        storeHost: formatAddress(channel.remote),
        fromCheck: true,
      });
    } catch (error) {
      this.#logger.warn(`Cannot tell the verdict ${state} to a broker, it will ask again`, error);
    }
  }

  #sendVerdict(half: SendResult, outgoing: Outgoing, state: TransactionState): void {
    const { brokerName } = half.queue;
    const { topic, wireTopic } = outgoing;
    try {
      this.#client.oneway(brokerName, endTransaction, {
        topic: wireTopic,
        producerGroup: this.#producerGroup,
        tranStateTableOffset: half.queueOffset,
        commitLogOffset: decodeOffsetId(half.offsetMessageId).offset,
        commitOrRollback: VERDICTS[state],
        fromTransactionCheck: false,
        msgId: half.messageId,
        transactionId: half.transactionId,
        bname: brokerName,
      }, {});
      this.#trace.ended({
        wireTopic,
        topic,
        properties: decodeProperties(outgoing.properties),
        messageId: half.messageId,
        state,
        storeHost: this.#client.brokerAddress(brokerName),
        fromCheck: false,
      });
    } catch (error) {
      this.#logger.warn(`Cannot tell the verdict ${state} to broker "${brokerName}", it will ask`, error);
    }
  }
}

/** What a listener that is not type-checked may return beside a state counts as unknown, as Java's null does. */
function stateOf(state: TransactionState | undefined): TransactionState {
  return state !== undefined && state in VERDICTS ? state : "UNKNOWN";
}
