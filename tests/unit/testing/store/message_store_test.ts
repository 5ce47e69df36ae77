import { assertEquals } from "@std/assert";
import { ManualClock } from "../../../../src/testing/manual_clock.ts";
import { MessageStore, type NewMessage } from "../../../../src/testing/store/message_store.ts";
import { decodeRecord } from "../../../../src/wire/record.ts";

const HOST = { host: "127.0.0.1", port: 1 };

function store(clock: ManualClock, more = {}): MessageStore {
  return new MessageStore({
    clock,
    storeHost: HOST,
    delayLevelsMs: [1000],
    retentionBytes: Infinity,
    retentionMessages: Infinity,
    blockBytes: 1 << 20,
    ...more,
  });
}

function message(more: Partial<NewMessage> = {}): NewMessage {
  return {
    topic: "T",
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 0,
    bornHost: HOST,
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    body: new Uint8Array(100),
    properties: "",
    ...more,
  };
}

Deno.test("every read status, and where to read next", () => {
  const messages = store(new ManualClock(), { blockBytes: 1 });
  const read = (offset: number, more = {}) => {
    const { status, nextOffset } = messages.read("T", 0, offset, { maxMessages: 32, maxBytes: 1e6, ...more });
    return [status, nextOffset];
  };
  assertEquals(read(0), ["NO_MESSAGE_IN_QUEUE", 0]);
  assertEquals(read(7), ["NO_MESSAGE_IN_QUEUE", 0]);
  for (let i = 0; i < 5; i++) messages.put(message());
  assertEquals(read(0), ["FOUND", 5]);
  assertEquals(read(0, { maxMessages: 2 }), ["FOUND", 2]);
  assertEquals(read(0, { maxBytes: 1 }), ["FOUND", 1], "one message passes, however large");
  assertEquals(read(5), ["OFFSET_OVERFLOW_ONE", 5]);
  assertEquals(read(6), ["OFFSET_OVERFLOW_BADLY", 5]);
  assertEquals(read(0, { wantsTags: () => false }), ["NO_MATCHED_MESSAGE", 5]);
  messages.retain(0);
  assertEquals(read(0), ["OFFSET_TOO_SMALL", 4]);
});

Deno.test("one read looks at 800 rows at most", () => {
  const messages = store(new ManualClock());
  for (let i = 0; i < 1000; i++) messages.put(message({ body: new Uint8Array(1) }));
  const { status, nextOffset } = messages.read("T", 0, 100, {
    maxMessages: 32,
    maxBytes: 1e6,
    wantsTags: () => false,
  });
  assertEquals([status, nextOffset], ["NO_MATCHED_MESSAGE", 900]);
});

Deno.test("a search by time gives the first message from then on, or the last one until then", async () => {
  const clock = new ManualClock({ startMs: 100 });
  const messages = store(clock);
  assertEquals(messages.searchByTime("T", 0, 100), 0);
  // Stored at 100, 100, 110, 120.
  for (const ms of [0, 10, 10, 0]) {
    messages.put(message());
    if (ms === 10 || messages.queue("T", 0).maxOffset === 1) await clock.advance(ms);
  }
  const times = [0, 1, 2, 3].map((at) => messages.storeTimeAt(messages.queue("T", 0), at));
  assertEquals(times, [100, 100, 110, 120]);
  const lower = (at: number) => messages.searchByTime("T", 0, at);
  const upper = (at: number) => messages.searchByTime("T", 0, at, true);
  assertEquals([lower(0), lower(100), lower(105), lower(120), lower(121)], [0, 0, 2, 3, 4]);
  assertEquals([upper(0), upper(100), upper(105), upper(120), upper(121)], [0, 1, 1, 3, 3]);
});

Deno.test("retention by messages moves the first offset of a queue", () => {
  const messages = store(new ManualClock(), { retentionMessages: 3 });
  for (let i = 0; i < 10; i++) messages.put(message());
  const { minOffset, maxOffset } = messages.queue("T", 0);
  assertEquals([minOffset, maxOffset], [7, 10]);
});

Deno.test("a snapshot put back holds the same messages at the same places", () => {
  const messages = store(new ManualClock(), { retentionMessages: 4 });
  for (let i = 0; i < 10; i++) {
    messages.put(message({ queueId: i % 2, body: Uint8Array.of(i), properties: "TAGS\x01a\x02" }));
  }
  messages.put(message({ sysFlag: 0xc0, properties: "INNER_NUM\x013\x02" }));
  messages.put(message({ topic: "gone" }));
  messages.removeTopic("gone");
  messages.put(message({ topic: "gone", body: Uint8Array.of(42) }));
  const copy = store(new ManualClock());
  copy.restore(messages.snapshot());
  for (const queueId of [0, 1]) {
    const [was, is] = [messages.queue("T", queueId), copy.queue("T", queueId)];
    assertEquals([is.minOffset, is.maxOffset], [was.minOffset, was.maxOffset]);
    for (let at = was.minOffset; at < was.maxOffset; at++) {
      assertEquals([is.physicalOffset(at), is.tagsCode(at)], [was.physicalOffset(at), was.tagsCode(at)]);
      assertEquals(copy.messageAt("T", queueId, at)?.body, messages.messageAt("T", queueId, at)?.body);
    }
  }
  assertEquals(
    copy.messageAt("gone", 0, 0)?.body,
    Uint8Array.of(42),
    "a topic that was made anew starts anew",
  );
  assertEquals(copy.put(message()).physicalOffset, messages.maxPhysicalOffset);
});

Deno.test("an offset in the middle of a record is no message", () => {
  const messages = store(new ManualClock());
  const { physicalOffset, sizeBytes } = messages.put(message());
  assertEquals(decodeRecord(messages.record(physicalOffset)!).totalSize, sizeBytes);
  for (let at = 1; at < sizeBytes; at++) assertEquals(messages.message(physicalOffset + at), undefined);
});
