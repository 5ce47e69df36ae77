/**
 * The way every new message takes into the store: limits, timers, delay levels.
 *
 * A message that asks to be delivered later is stored under another topic with its real one noted in its properties; the
 * parts that deliver it later put it back without coming here again. Agrees with HookUtils.checkBeforePutMessage and
 * handleScheduleMessage.
 */
import { encodeProperties } from "../../message/properties.ts";
import { SCHEDULE_TOPIC } from "../../protocol/names.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { refuse } from "../handlers/handler.ts";
import type { NewMessage, Stored } from "../store/message_store.ts";
import type { Broker } from "./broker.ts";
import { TIMER_TOPIC } from "./topic_table.ts";

/** A message with its properties taken apart. */
export type Draft = Omit<NewMessage, "properties"> & { readonly properties: Record<string, string> };

/** Longest stored properties, in bytes. */
const MAX_PROPERTIES_BYTES = 32_767;
/** `sysFlag` bits of the transaction type. */
const TRANSACTION_TYPE = 0xc;
const TRANSACTION_COMMIT = 0x8;
/** `sysFlag` bit of a batch that is stored as one record. */
const INNER_BATCH = 0x80;
const TIMER_PROPERTIES = ["TIMER_DELIVER_MS", "TIMER_DELAY_SEC", "TIMER_DELAY_MS"];

/** Stores a message, now or for later. @throws BrokerError when the broker refuses it. */
export function takeIn(broker: Broker, draft: Draft): Stored {
  const type = draft.sysFlag & TRANSACTION_TYPE;
  const message = type === 0 || type === TRANSACTION_COMMIT ? forLater(broker, draft) : draft;
  return storeDraft(broker, message);
}

/** Stores a message as it is. @throws BrokerError when it is too large. */
export function storeDraft(broker: Broker, draft: Draft): Stored {
  const properties = encodeProperties(draft.properties);
  if ("INNER_NUM" in draft.properties && (draft.sysFlag & INNER_BATCH) === 0) refuseMessage(broker);
  checkSize(broker, draft.body, properties);
  return broker.state.store.put({ ...draft, properties });
}

/** @throws BrokerError when a body or properties are too large. */
export function checkSize(broker: Broker, body: Uint8Array, properties: string): void {
  const limit = broker.options.maxMessageSize;
  if (body.length > limit || properties.length > MAX_PROPERTIES_BYTES) refuseMessage(broker);
}

function refuseMessage({ options: { maxMessageSize } }: Broker): never {
  refuse(
    ResponseCode.MESSAGE_ILLEGAL,
    `the message is illegal, maybe msg body or properties length not matched. msg body length limit ${maxMessageSize}B, msg properties length limit 32KB.`,
  );
}

function forLater(broker: Broker, draft: Draft): Draft {
  const level = delayLevelOf(draft.properties);
  if (level > 0) {
    for (const name of TIMER_PROPERTIES) delete draft.properties[name];
    return delayed(broker, draft, Math.min(level, broker.options.delayLevelsMs.length));
  }
  const isTimer = draft.properties["TIMER_OUT_MS"] === undefined && draft.topic !== TIMER_TOPIC &&
    TIMER_PROPERTIES.some((name) => name in draft.properties);
  return isTimer ? timed(broker, draft) : draft;
}

/** The delay level that properties ask for, 0 for none. @throws Error when it is no number, as Java's parseInt does. */
export function delayLevelOf(properties: Readonly<Record<string, string>>): number {
  const text = properties["DELAY"] ?? "0";
  if (!/^[+-]?\d+$/.test(text)) throw new Error(`Cannot read delay level: current value is "${text}"`);
  return Number(text);
}

function delayed(broker: Broker, draft: Draft, level: number): Draft {
  broker.state.topics.ensure(SCHEDULE_TOPIC, broker.options.delayLevelsMs.length);
  draft.properties["DELAY"] = String(level);
  return redirected(draft, SCHEDULE_TOPIC, level - 1);
}

function timed(broker: Broker, draft: Draft): Draft {
  const { options, clock } = broker;
  if (!options.timerWheelEnable) {
    refuse(ResponseCode.SYSTEM_ERROR, "accurate timer message is not enabled, timerWheelEnable is false");
  }
  const now = clock.now();
  const wanted = deliverAt(draft.properties, now);
  if (wanted === undefined || wanted - now > options.timerMaxDelayMs) refuseTimer(options.timerMaxDelayMs);
  if (wanted <= now) {
    if ("TIMER_DEL_UNIQKEY" in draft.properties) refuseTimer(options.timerMaxDelayMs);
    return draft;
  }
  const precision = options.timerPrecisionMs;
  const dueAt = wanted % precision === 0 ? wanted - precision : Math.floor(wanted / precision) * precision;
  draft.properties["TIMER_OUT_MS"] = String(dueAt);
  return redirected(draft, TIMER_TOPIC, 0);
}

/** When a message with timer properties asks to be delivered, `undefined` when it is no number. */
function deliverAt(properties: Readonly<Record<string, string>>, now: number): number | undefined {
  const number = (name: string): number | undefined => {
    const text = properties[name];
    return text === undefined ? undefined : /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
  };
  const seconds = number("TIMER_DELAY_SEC");
  const delayMs = seconds === undefined ? number("TIMER_DELAY_MS") : seconds * 1000;
  const at = delayMs === undefined ? number("TIMER_DELIVER_MS") : now + delayMs;
  return at === undefined || Number.isNaN(at) ? undefined : at;
}

function redirected(draft: Draft, topic: string, queueId: number): Draft {
  draft.properties["REAL_TOPIC"] = draft.topic;
  draft.properties["REAL_QID"] = String(draft.queueId);
  return { ...draft, topic, queueId };
}

function refuseTimer(maxDelayMs: number): never {
  refuse(
    ResponseCode.MESSAGE_ILLEGAL,
    `timer message illegal, the delay time should not be bigger than the max delay ${maxDelayMs}ms; or if set del msg, the delay time should be bigger than the current time`,
  );
}
