/**
 * Transactions: half messages, their fate, and asking their producers.
 *
 * A half message is stored in the half topic, where nobody reads it. Commit stores it again under its real topic, rollback
 * forgets it. One that stays without a fate for too long is put again at the end of the half topic, and its producer
 * is asked about that copy; after so many times it is given up. Agrees with TransactionalMessageServiceImpl,
 * TransactionalMessageBridge and EndTransactionProcessor.
 */
import { decodeProperties, encodeProperties, findProperty } from "../../message/properties.ts";
import { TRANS_HALF_TOPIC } from "../../protocol/names.ts";
import { checkTransactionState, type endTransaction } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { Of } from "../../wire/schema.ts";
import { encodeRecord, type StoredRecord } from "../../wire/record.ts";
import { refuse } from "../handlers/handler.ts";
import type { Stored } from "../store/message_store.ts";
import type { Broker } from "./broker.ts";
import type { PendingHalf } from "./broker_state.ts";
import { type Draft, storeDraft, takeIn } from "./intake.ts";
import { TRANS_CHECK_MAX_TOPIC } from "./topic_table.ts";

const TRANSACTION_TYPE = 0xc;
const COMMIT = 0x8;
const ROLLBACK = 0xc;

/** Stores a half message. */
export function storeHalf(broker: Broker, draft: Draft): Stored {
  const { properties } = draft;
  // 5.5 producers refuse delays on half messages, older brokers forget them.
  delete properties["DELAY"];
  if (properties["UNIQ_KEY"] !== undefined) properties["__transactionId__"] = properties["UNIQ_KEY"];
  properties["REAL_TOPIC"] = draft.topic;
  properties["REAL_QID"] = String(draft.queueId);
  const stored = storeDraft(broker, {
    ...draft,
    topic: TRANS_HALF_TOPIC,
    queueId: 0,
    sysFlag: draft.sysFlag & ~TRANSACTION_TYPE,
  });
  const { queueOffset, physicalOffset, storeTimestamp: since } = stored;
  broker.state.halves.set(queueOffset, { queueOffset, physicalOffset, since, earlier: [] });
  return stored;
}

/** Decides over a half message; `false` when the request says nothing. @throws BrokerError when it does not fit. */
export function endHalf(broker: Broker, header: Of<typeof endTransaction.request>): boolean {
  const { commitOrRollback } = header;
  if (commitOrRollback !== COMMIT && commitOrRollback !== ROLLBACK) return false;
  const half = broker.state.store.message(header.commitLogOffset);
  if (half === undefined) refuse(ResponseCode.SYSTEM_ERROR, "Find prepared transaction message failed");
  if (!header.fromTransactionCheck && isTooLate(broker, half)) {
    refuse(ResponseCode.ILLEGAL_OPERATION, "");
  }
  if (findProperty(half.properties, "PGROUP") !== header.producerGroup) {
    refuse(ResponseCode.SYSTEM_ERROR, "The producer group wrong");
  }
  if (half.queueOffset !== header.tranStateTableOffset) {
    refuse(ResponseCode.SYSTEM_ERROR, "The transaction state table offset wrong");
  }
  const pending = pendingOf(broker, half.queueOffset);
  // Its fate was decided before, over another copy of it; Java would publish it twice.
  if (pending === undefined) return true;
  broker.state.halves.delete(pending.queueOffset);
  if (commitOrRollback === COMMIT) {
    takeIn(broker, {
      ...half,
      topic: findProperty(half.properties, "REAL_TOPIC")!,
      queueId: Number(findProperty(half.properties, "REAL_QID")),
      sysFlag: (half.sysFlag & ~TRANSACTION_TYPE) | COMMIT,
      preparedTransactionOffset: header.commitLogOffset,
      properties: decodeProperties(half.properties),
    });
  }
  return true;
}

/** Puts a half message that was given up back among those that are asked about. @throws Error when there is none. */
export function resumeHalf(broker: Broker, physicalOffset: number): void {
  const { store, halves } = broker.state;
  const message = store.message(physicalOffset);
  if (message === undefined) throw new Error(`Cannot find half message: current offset is ${physicalOffset}`);
  const properties = { ...decodeProperties(message.properties), TRANSACTION_CHECK_TIMES: "0" };
  const { queueOffset, physicalOffset: at, storeTimestamp: since } = store.put({
    ...message,
    topic: TRANS_HALF_TOPIC,
    queueId: 0,
    properties: encodeProperties(properties),
  });
  halves.set(queueOffset, { queueOffset, physicalOffset: at, since, earlier: [] });
}

/** The half message that has, or had before it was asked about, this offset in the half topic. */
function pendingOf(broker: Broker, queueOffset: number): PendingHalf | undefined {
  const { halves } = broker.state;
  return halves.get(queueOffset) ?? [...halves.values()].find((half) => half.earlier.includes(queueOffset));
}

/** Asks about every half message that has waited long enough. */
export function checkHalves(broker: Broker): void {
  for (const half of [...broker.state.halves.values()]) checkHalf(broker, half);
}

/** A message with an immunity of its own is checked only after it, so an end that comes later is refused. */
function isTooLate(broker: Broker, half: StoredRecord): boolean {
  const immunityMs = immunityOf(half);
  return immunityMs !== undefined && broker.clock.now() - half.bornTimestamp > immunityMs;
}

function immunityOf(half: StoredRecord): number | undefined {
  const seconds = Number(findProperty(half.properties, "CHECK_IMMUNITY_TIME_IN_SECONDS") ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function checkHalf(broker: Broker, half: PendingHalf): void {
  const { state, clock, options } = broker;
  const message = state.store.message(half.physicalOffset);
  if (message === undefined) return void state.halves.delete(half.queueOffset);
  const waitMs = immunityOf(message) ?? options.transactionTimeoutMs;
  if (clock.now() - message.bornTimestamp < waitMs || clock.now() - half.since < waitMs) return;
  state.halves.delete(half.queueOffset);
  const checks = half.earlier.length;
  if (checks >= options.transactionCheckMax) {
    state.topics.ensure(TRANS_CHECK_MAX_TOPIC, 1);
    state.store.put({ ...message, topic: TRANS_CHECK_MAX_TOPIC, queueId: 0 });
    return;
  }
  const properties = decodeProperties(message.properties);
  properties["TRANSACTION_CHECK_TIMES"] = String(checks + 1);
  properties["WAIT"] = "false";
  const copy = state.store.put({ ...message, properties: encodeProperties(properties) });
  state.halves.set(copy.queueOffset, {
    queueOffset: copy.queueOffset,
    physicalOffset: copy.physicalOffset,
    since: half.since,
    earlier: [...half.earlier, half.queueOffset],
  });
  askProducer(broker, message, copy, properties);
}

function askProducer(
  broker: Broker,
  message: StoredRecord,
  copy: Stored,
  properties: Record<string, string>,
): void {
  const producers = broker.members.producers(properties["PGROUP"] ?? "");
  if (producers.length === 0) return;
  const { channel } = producers[broker.random.int(producers.length)]!;
  const body = encodeRecord({
    ...message,
    topic: properties["REAL_TOPIC"]!,
    queueId: Number(properties["REAL_QID"]),
    queueOffset: copy.queueOffset,
    physicalOffset: copy.physicalOffset,
    storeTimestamp: copy.storeTimestamp,
    properties: encodeProperties(properties),
  });
  broker.tell(channel, checkTransactionState, {
    topic: TRANS_HALF_TOPIC,
    bname: broker.name,
    commitLogOffset: copy.physicalOffset,
    tranStateTableOffset: copy.queueOffset,
    offsetMsgId: broker.offsetId(copy.physicalOffset),
    msgId: properties["UNIQ_KEY"],
    transactionId: properties["UNIQ_KEY"],
  }, body);
}
