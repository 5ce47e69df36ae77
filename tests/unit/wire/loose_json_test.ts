import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { looseEntries, parseLooseJson, stringifyLooseJson } from "../../../src/wire/loose_json.ts";

Deno.test("bare integer keys are read as keys", () => {
  assertEquals(parseLooseJson('{"brokerAddrs":{0:"a:1",1:"b:2",-1:"c"}}'), {
    brokerAddrs: { 0: "a:1", 1: "b:2", "-1": "c" },
  });
});

Deno.test("a map with objects as keys is read as a Map and written back the same", () => {
  const text = '{"offsetTable":{{"brokerName":"b","queueId":0,"topic":"T"}:12,{"queueId":1}:13}}';
  const body = parseLooseJson(text) as { offsetTable: Map<unknown, unknown> };
  assertEquals([...body.offsetTable], [[{ brokerName: "b", queueId: 0, topic: "T" }, 12], [
    { queueId: 1 },
    13,
  ]]);
  assertEquals(stringifyLooseJson(body), text);
});

Deno.test("the entries of a map are the same to take whether its keys were objects, texts or none", () => {
  assertEquals(looseEntries(parseLooseJson("{{}:1}")), [[{}, 1]]);
  assertEquals(looseEntries(parseLooseJson('{"a":1}')), [["a", 1]]);
  assertEquals(looseEntries(parseLooseJson("{}")), []);
  assertEquals(looseEntries(parseLooseJson("[1]")), []);
  assertEquals(looseEntries(undefined), []);
});

Deno.test("integers beyond 2^53 keep their digits", () => {
  const text =
    '{"a":9223372036854775807,"b":[-9007199254740993],"c":1234567890123456.5,"d":9007199254740991}';
  const value = parseLooseJson(text);
  assertEquals(value, {
    a: 9223372036854775807n,
    b: [-9007199254740993n],
    c: 1234567890123456.5,
    d: 9007199254740991,
  });
  assertEquals(stringifyLooseJson(value), text);
});

Deno.test("single quotes, trailing commas, raw line ends and Java's doubles are read", () => {
  assertEquals(parseLooseJson("{'a':'it\"s\\'',\"b\":[1.0E-7,1.2345678905E9,],'c':\"x\ny\\u4e2d\\x41\",}"), {
    a: "it\"s'",
    b: [1e-7, 1234567890.5],
    c: "x\ny中A",
  });
});

Deno.test("a reference to something written before is resolved, one into itself or nowhere stays", () => {
  const text = '{"set":[{"topic":"T"},{"$ref":"$.set[0]"}],"again":{"$ref":"$.set"},"lost":{"$ref":"$.x.y"}}';
  const value = parseLooseJson(text) as { set: unknown[]; again: unknown; lost: unknown };
  assertEquals(value.set[1], { topic: "T" });
  assert(value.again === value.set);
  assertEquals(value.lost, { $ref: "$.x.y" });
  assertEquals(parseLooseJson('{"a":{"b":{"$ref":"$.a"}}}'), { a: { b: { $ref: "$.a" } } });
});

Deno.test("a key named __proto__ is a member like any other", () => {
  const value = parseLooseJson("{'__proto__':{'admin':true}}") as { admin?: boolean };
  assertEquals(value.admin, undefined);
  assertEquals(Object.keys(value), ["__proto__"]);
});

Deno.test("members that are null or undefined are left out, sets become arrays", () => {
  assertEquals(
    stringifyLooseJson({ a: null, b: undefined, c: new Set([1, "x"]), d: new Map([[0, "a"]]), e: true }),
    '{"c":[1,"x"],"d":{0:"a"},"e":true}',
  );
});

Deno.test("what is no JSON is refused with its position", () => {
  const refused = [
    "",
    "{",
    "{a:1}",
    "{1.5:2}",
    "[1 2]",
    '{"a" 1}',
    '{"a":1 "b":2}',
    "'x",
    "'\\q'",
    "1 2",
    "-",
    "tru",
  ];
  for (const text of refused) {
    assertThrows(() => parseLooseJson(text), ProtocolError, "Cannot read JSON: met");
  }
  assertEquals(assertThrows(() => parseLooseJson('{"a":x}'), ProtocolError).facts.position, 5);
});

Deno.test("nesting is bounded", () => {
  assertThrows(() => parseLooseJson("[".repeat(100_000)), ProtocolError, "more than 256 levels");
});
