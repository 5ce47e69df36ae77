import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { batchAckShape, bitSetBits, bitSetBytes } from "../../../src/protocol/bodies.ts";
import { popRetryTopicV1, popRetryTopicV2 } from "../../../src/protocol/names.ts";
import {
  encodePopHandle,
  groupOfRetryTopic,
  isPopRetryTopicV2,
  plainTopicOf,
  plainTopicOfV2,
  popFlag,
  PopHandle,
  popTopicOf,
} from "../../../src/protocol/pop_handle.ts";
import {
  formatMessageOffsets,
  formatOrderCounts,
  formatStartOffsets,
  parseLiteOrderCounts,
  parseMessageOffsets,
  parseOrderCounts,
  parseStartOffsets,
  popOffsetKey,
  popOffsetName,
  popQueueKey,
} from "../../../src/protocol/pop_offsets.ts";
import { body } from "../../../src/protocol/shape.ts";
import { toHex, vectors } from "../vectors.ts";

const cases = vectors("pop.json").cases;
const ofKind = (...kinds: string[]) => cases.filter((vector) => kinds.includes(vector.kind));

Deno.test("handles are written as ExtraInfoUtil writes them", () => {
  for (
    const { ckQueueOffset, reviveQid, msgQueueOffset, text, ...parts } of ofKind(
      "buildExtraInfo8",
      "buildExtraInfo7",
    )
  ) {
    const handle = {
      ...parts,
      checkpointOffset: ckQueueOffset,
      reviveQueueId: reviveQid,
      queueOffset: msgQueueOffset,
    };
    assertEquals(encodePopHandle(handle), text);
  }
});

/** The value, or that reading it failed. */
function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return "failed";
    throw error;
  }
}

Deno.test("handles are read part by part, and each bad part fails on its own", () => {
  for (const { text, topic, group, parts } of ofKind("parseExtraInfo")) {
    const handle = new PopHandle(text);
    const actual = {
      ckQueueOffset: attempt(() => handle.checkpointOffset),
      popTime: attempt(() => handle.popTime),
      invisibleTime: attempt(() => handle.invisibleTime),
      reviveQid: attempt(() => handle.reviveQueueId),
      realTopic: attempt(() => handle.topicOf(topic, group)),
      retry: attempt(() => handle.flag),
      brokerName: attempt(() => handle.brokerName),
      queueId: attempt(() => handle.queueId),
      queueOffset: attempt(() => handle.queueOffset),
      isOrder: attempt(() => handle.isOrder),
    };
    for (const [name, expected] of Object.entries(parts)) {
      const wanted = typeof expected === "object" ? "failed" : String(expected);
      assertEquals(String(actual[name as keyof typeof actual]), wanted, `${name} of "${text}"`);
    }
  }
});

Deno.test("a flag leads to the topic that a message lies in", () => {
  for (const { topic, group, retry, out, error } of ofKind("getRealTopic")) {
    if (error) assertThrows(() => popTopicOf(retry, topic, group), ProtocolError);
    else assertEquals(popTopicOf(retry, topic, group), out);
  }
});

Deno.test("retry topics are taken apart as KeyBuilder does", () => {
  for (const vector of ofKind("KeyBuilder")) {
    const { topic, group, v1, v2 } = vector;
    assertEquals([popRetryTopicV1(topic, group), popRetryTopicV2(topic, group)], [v1, v2]);
    assertEquals([plainTopicOf(v1, group), plainTopicOf(v2, group)], [vector.normalOfV1, vector.normalOfV2]);
    assertEquals(plainTopicOfV2(v2), vector.normalOfV2NoGroup);
    assertEquals([groupOfRetryTopic(v1), groupOfRetryTopic(v2)], [vector.groupOfV1, vector.groupOfV2]);
    assertEquals([isPopRetryTopicV2(v1), isPopRetryTopicV2(v2)], [vector.v1IsV2, vector.v2IsV2]);
  }
});

interface Run {
  topic: string;
  queueId: number;
  startOffset: string;
  offsets: string[];
  orderCount: number;
  orderByOffset: boolean;
}

Deno.test("the strings of an answer are written as ExtraInfoUtil writes them", () => {
  for (const vector of ofKind("buildInfos")) {
    const runs: Run[] = vector.in;
    assertEquals(formatStartOffsets(runs), vector.startOffsetInfo);
    assertEquals(formatMessageOffsets(runs), vector.msgOffsetInfo);
    const counts = runs.map(({ topic, queueId, orderCount, orderByOffset, offsets }) => ({
      topic,
      queueId,
      count: orderCount,
      offset: orderByOffset ? offsets[0] : undefined,
    }));
    assertEquals(formatOrderCounts(counts), vector.orderCountInfo);
  }
});

Deno.test("the strings of an answer are read, and refused, as ExtraInfoUtil does", () => {
  const readers: Record<string, (text: string | null) => ReadonlyMap<string, unknown> | undefined> = {
    parseStartOffsetInfo: parseStartOffsets,
    parseMsgOffsetInfo: parseMessageOffsets,
    parseOrderCountInfo: parseOrderCounts,
  };
  for (const { kind, text, map, error } of ofKind(...Object.keys(readers))) {
    const read = () => readers[kind]!(text);
    if (error) assertThrows(read, ProtocolError, "Cannot read", text);
    else assertEquals(read() && Object.fromEntries(read()!), map ?? undefined, text);
  }
});

Deno.test("counts of a lite pop fit the messages or are none", () => {
  for (const { text, count, list } of ofKind("parseLiteOrderCountInfo")) {
    assertEquals(parseLiteOrderCounts(text, count), list ?? undefined, text);
  }
});

Deno.test("keys of the maps are ExtraInfoUtil's", () => {
  for (const vector of ofKind("mapKeys")) {
    const flag = popFlag(vector.topic);
    assertEquals(popQueueKey(flag, vector.key), vector.startOffsetKey);
    assertEquals(popQueueKey("2", vector.key), vector.withPopCk);
    assertEquals(popOffsetKey(flag, vector.key, 77), vector.queueOffsetMapKey);
    assertEquals(popOffsetName(vector.key, 77), vector.queueOffsetKeyValueKey);
  }
});

Deno.test("sets of acked offsets are Java's BitSet", () => {
  const ack = body("BatchAck", batchAckShape);
  for (const { bits, bytes, base64, json } of ofKind("bitSet")) {
    assertEquals(toHex(bitSetBytes(bits)), bytes);
    assertEquals(bitSetBits(bitSetBytes(bits)), bits);
    const text = ack.writeText({
      startOffset: "0",
      queueId: 0,
      reviveQueueId: 0,
      popTime: "0",
      invisibleTime: "0",
      bitSet: bits,
    });
    assertEquals(JSON.parse(text), JSON.parse(json));
    assertEquals(ack.readText(json).bitSet, base64 === "" ? undefined : bits);
  }
});

Deno.test("every case of the vectors is of a kind that is tested here", () => {
  const kinds = new Set(cases.map(({ kind }) => kind));
  assertEquals(
    [...kinds].sort(),
    [
      "KeyBuilder",
      "bitSet",
      "buildExtraInfo7",
      "buildExtraInfo8",
      "buildInfos",
      "getRealTopic",
      "mapKeys",
      "parseExtraInfo",
      "parseLiteOrderCountInfo",
      "parseMsgOffsetInfo",
      "parseOrderCountInfo",
      "parseStartOffsetInfo",
    ],
  );
});
