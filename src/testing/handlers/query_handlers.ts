/**
 * Looking messages up: by offset id 33, by key 12.
 *
 * There is no index: a query walks the queues of the topic, newest first, which a broker in memory can afford; what it found is
 * answered oldest first. Agrees with QueryMessageProcessor in what is answered.
 */
import { findProperty } from "../../message/properties.ts";
import { queryMessage, viewMessageById } from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { Of } from "../../wire/schema.ts";
import type { Broker } from "../broker/broker.ts";
import { type Answer, type HandlerRow, on } from "./handler.ts";

/** Most messages that one query gives, by key (`maxMsgsNumBatch`) and by unique id (`defaultQueryMaxNum`). */
const MAX_FOUND = 64;
const MAX_FOUND_BY_ID = 32;
/** What a query without a topic or key asks for: nothing has it. */
const ABSENT = { topic: "", key: "" };

/** Handlers of look-ups. */
export const queryHandlers: readonly HandlerRow<Broker>[] = [
  on(viewMessageById, (broker: Broker, { offset }) => {
    const { store } = broker.state;
    const record = store.message(offset) === undefined ? undefined : store.record(offset);
    return record === undefined
      ? { code: ResponseCode.SYSTEM_ERROR, remark: `can not find message by the offset, ${offset}` }
      : { body: record };
  }),
  on(queryMessage, onQuery, ABSENT),
];

function onQuery(
  broker: Broker,
  header: Of<typeof queryMessage.request>,
): Answer<typeof queryMessage.response> {
  const { store } = broker.state;
  const found: Uint8Array[] = [];
  // A unique id is searched over all time, as Java does.
  const isUnique = header.uniqueKeyQuery || header.indexType === "U";
  const limit = header.key === "" ? 0 : isUnique ? MAX_FOUND_BY_ID : Math.min(header.maxNum, MAX_FOUND);
  for (const { physicalOffset, storeTime } of newestFirst(broker, header.topic)) {
    if (found.length >= limit) break;
    if (!isUnique && (storeTime < header.beginTimestamp || storeTime > header.endTimestamp)) continue;
    const message = store.message(physicalOffset);
    if (message === undefined) continue;
    const value = findProperty(
      message.properties,
      isUnique ? "UNIQ_KEY" : header.indexType === "T" ? "TAGS" : "KEYS",
    );
    const matches = isUnique || header.indexType === "T"
      ? value === header.key
      : value?.split(" ").includes(header.key);
    if (matches) found.unshift(store.record(physicalOffset)!);
  }
  if (found.length === 0) {
    return {
      code: ResponseCode.QUERY_NOT_FOUND,
      remark: "can not find message, maybe time range not correct",
      header: { indexLastUpdateTimestamp: 0, indexLastUpdatePhyoffset: 0 },
    };
  }
  const last = {
    indexLastUpdateTimestamp: broker.clock.now(),
    indexLastUpdatePhyoffset: store.maxPhysicalOffset,
  };
  const body = new Uint8Array(found.reduce((sum, record) => sum + record.length, 0));
  let at = 0;
  for (const record of found) {
    body.set(record, at);
    at += record.length;
  }
  return { header: last, body };
}

function* newestFirst(
  broker: Broker,
  topic: string,
): Iterable<{ physicalOffset: number; storeTime: number }> {
  const { store } = broker.state;
  const rows: { physicalOffset: number; storeTime: number }[] = [];
  for (const queue of store.queuesOf(topic).values()) {
    for (let at = queue.minOffset; at < queue.maxOffset; at++) {
      const physicalOffset = queue.physicalOffset(at);
      if (rows.at(-1)?.physicalOffset !== physicalOffset) {
        rows.push({ physicalOffset, storeTime: store.storeTimeAt(queue, at) });
      }
    }
  }
  yield* rows.sort((a, b) => b.physicalOffset - a.physicalOffset);
}
