import { assertEquals, assertThrows } from "@std/assert";
import { ValidationError } from "../../../src/core/errors.ts";
import { decodeRecallHandle, encodeRecallHandle } from "../../../src/protocol/recall_handle.ts";

interface Case {
  kind: string;
  topic?: string;
  brokerName?: string;
  timestamp?: string;
  uniqKey?: string;
  handle: string | null;
  out?: unknown;
}

const vectors: { cases: Case[] } = JSON.parse(
  Deno.readTextFileSync(new URL("../../fixtures/recall.json", import.meta.url)),
);

Deno.test("recall handles are written as Java writes them", () => {
  const cases = vectors.cases.filter((c) => c.kind === "build");
  assertEquals(cases.length, 16);
  for (const { topic, brokerName, timestamp, uniqKey, handle } of cases) {
    assertEquals(
      encodeRecallHandle({
        topic: topic!,
        brokerName: brokerName!,
        timestamp: timestamp!,
        uniqKey: uniqKey!,
      }),
      handle,
    );
  }
});

Deno.test("recall handles are read, or refused, as Java does", () => {
  const cases = vectors.cases.filter((c) => c.kind === "decode");
  assertEquals(cases.length, 22);
  for (const { handle, out } of cases) {
    if (out === undefined) {
      assertThrows(() => decodeRecallHandle(handle), ValidationError, "Cannot read recall handle");
    } else assertEquals(decodeRecallHandle(handle), out);
  }
});
