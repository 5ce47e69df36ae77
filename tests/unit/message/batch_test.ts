import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError, ValidationError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { batchOf, decodeBatch, encodeBatch } from "../../../src/message/batch.ts";
import type { Message } from "../../../src/message/message.ts";
import { decodeProperties, encodeProperties } from "../../../src/message/properties.ts";
import { fromHex, toHex, vectors } from "../vectors.ts";

const cases = vectors("batch.json").cases;
const of = (kind: string) => cases.filter((one) => one.kind === kind);
const asJava = (bytes: Uint8Array) =>
  decodeBatch(bytes).map((item) => ({
    flag: item.flag,
    body: toHex(item.body),
    properties: decodeProperties(item.properties),
  }));

Deno.test("batch.json: batches are written to the byte and read back", () => {
  assertEquals(of("encodeMessages").length, 40);
  for (const { in: items, bytes, decoded, count } of of("encodeMessages")) {
    const encoded = encodeBatch(
      items.map((item: { flag: number; body: string; propertiesText: string }) => ({
        flag: item.flag,
        body: fromHex(item.body),
        properties: item.propertiesText,
      })),
    );
    assertEquals(toHex(encoded), bytes);
    assertEquals(asJava(encoded), decoded);
    assertEquals(decodeBatch(encoded).length, count);
  }
});

Deno.test("batch.json: broken batches are read, or refused, as Java does", () => {
  assertEquals(of("broken").length, 8);
  for (const { bytes, decoded, note } of of("broken")) {
    if (decoded === undefined) {
      assertThrows(() => decodeBatch(fromHex(bytes)), ProtocolError, "Cannot read batch");
    } else assertEquals(asJava(fromHex(bytes)), decoded, note);
  }
});

Deno.test("batch.json: messages are batched, or refused, as Java does", () => {
  const a: Message = { topic: "T", body: "a" };
  const b: Message = { topic: "T", body: "b" };
  const lists: Record<string, Message[]> = {
    "ok two": [a, b],
    "different topic": [a, { ...b, topic: "U" }],
    "different wait": [a, { ...b, waitStoreOk: false }],
    "delay level": [{ ...a, delayLevel: 1 }, b],
    "retry topic": [{ ...a, topic: "%RETRY%g" }],
    "delay ms": [{ ...a, delayMs: 1 }, b],
    "deliver ms": [{ ...a, deliverAt: 1 }, b],
    "empty list": [],
    "all wait false": [{ ...a, waitStoreOk: false }, { ...b, waitStoreOk: false }],
    "single": [a],
    "priority": [{ ...a, priority: 1 }, b],
    "delay level on second": [a, { ...b, delayLevel: 2 }],
  };
  // What a Message here has no field for; a user's property may not use those names either.
  const without = ["delay sec", "lite topic", "transaction property"];
  assertEquals(of("generateFromList").length, 15);
  for (const { note, out, error } of of("generateFromList")) {
    const messages = lists[note];
    if (messages === undefined) assertEquals(without.includes(note), true, note);
    else if (error) assertThrows(() => batchOf(messages), ValidationError, "Cannot batch messages");
    else {
      const batch = batchOf(messages);
      assertEquals([batch.topic, batch.properties], [out.topic, out.properties], note);
      assertEquals(toHex(batch.body), out.body, note);
    }
  }
});

Deno.test("any batch survives", () => {
  const random = seededRandom(2);
  for (let i = 0; i < 200; i++) {
    const items = Array.from({ length: random.int(6) }, () => ({
      flag: (random.next() * 4294967296) | 0,
      body: Uint8Array.from({ length: random.int(600) }, () => random.int(256)),
      properties: encodeProperties({ ["k" + random.int(9)]: "中".repeat(random.int(200)) }),
    }));
    const bytes = encodeBatch(items);
    assertEquals(decodeBatch(bytes).map((item) => ({ ...item, body: item.body.slice() })), items);
    if (bytes.length > 0) assertThrows(() => decodeBatch(bytes.subarray(0, bytes.length - 1)), ProtocolError);
  }
});
