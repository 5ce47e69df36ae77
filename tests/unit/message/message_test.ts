import { assertEquals, assertThrows } from "@std/assert";
import { ValidationError } from "../../../src/core/errors.ts";
import {
  checkUserProperty,
  joinKeys,
  type Message,
  messageBytes,
  messageProperties,
} from "../../../src/message/message.ts";
import { KEY_SEPARATOR, PropertyKey, RESERVED } from "../../../src/message/property_keys.ts";
import { vectors } from "../vectors.ts";

// deno-lint-ignore no-explicit-any
const file = vectors<any, { messageConst: string[]; reserved: string[] }>("message.json");
const cases = file.cases;

Deno.test("message.json: the reserved names are Java's", () => {
  assertEquals([...RESERVED].sort(), file.reserved);
});

Deno.test("message.json: every name that Java knows is known", () => {
  const known = new Set<string>([...Object.values(PropertyKey), KEY_SEPARATOR]);
  // Constants of MessageConst that name no property: message types and the like.
  const notNames = ["E_T", "F", "K", "R", "T", "U"];
  assertEquals(file.messageConst.filter((name) => !known.has(name)), notNames);
});

Deno.test("message.json: user properties are taken or refused as Java does", () => {
  const puts = cases.filter((one) => one.kind === "putUserProperty");
  assertEquals(puts.length, 85);
  for (const { name, value, out } of puts) {
    if (out === "ok") checkUserProperty(name, value);
    else assertThrows(() => checkUserProperty(name, value), ValidationError, "Cannot set property");
  }
});

Deno.test("message.json: several keys become one property", () => {
  const keys = cases.filter((one) => one.kind === "setKeys");
  assertEquals(keys.length, 6);
  for (const one of keys) assertEquals(joinKeys(one.in), one.property);
});

Deno.test("message.json: a message's properties are Java's", () => {
  const ours: Record<string, Omit<Message, "topic" | "body">> = {
    "new Message(T, tag, k1 k2, flag 3, body, waitStoreMsgOK false); setDelayTimeLevel(4), setBuyerId, setInstanceId":
      {
        tag: "tag",
        keys: ["k1", "k2"],
        flag: 3,
        waitStoreOk: false,
        delayLevel: 4,
      },
    "new Message(T, tag, body)": { tag: "tag" },
    "new Message(T, body)": {},
    "setDelayTimeSec(5), setDelayTimeMs(6), setDeliverTimeMs(7), setPriority(3)": {
      delayMs: 6,
      deliverAt: 7,
      priority: 3,
    },
    'new Message(T, "", "", 0, body, true)': { tag: "", keys: "", waitStoreOk: true },
  };
  // Set by nobody but Java's own tools, or the same thing in another unit.
  const without = ["BUYER_ID", "INSTANCE_ID", "TIMER_DELAY_SEC"];
  const constructors = cases.filter((one) => one.kind === "constructor");
  assertEquals(constructors.length, 5);
  for (const { note, properties } of constructors) {
    for (const name of without) delete properties[name];
    assertEquals(messageProperties({ topic: "T", body: "", ...ours[note] }), properties, note);
  }
});

Deno.test("text bodies are UTF-8, bytes stay as they are", () => {
  const body = Uint8Array.of(1);
  assertEquals([...messageBytes({ topic: "T", body: "é" })], [0xc3, 0xa9]);
  assertEquals(messageBytes({ topic: "T", body }) === body, true);
});

Deno.test("a property that would tear the others apart is refused", () => {
  assertThrows(() => checkUserProperty("a", "x\u0002TAGS\u0001y"), ValidationError, "U+0001 or U+0002");
  assertThrows(
    () => messageProperties({ topic: "T", body: "", properties: { KEYS: "a" } }),
    ValidationError,
    "KEYS",
  );
});
