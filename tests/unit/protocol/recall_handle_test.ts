import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { decodeRecallHandle, encodeRecallHandle } from "../../../src/protocol/recall_handle.ts";
import vectors from "../../fixtures/recall.json" with { type: "json" };

Deno.test("recall handles are Java's", () => {
  // deno-lint-ignore no-explicit-any
  for (const vector of vectors.cases as any[]) {
    const { kind, handle } = vector;
    const where = JSON.stringify(vector);
    if (kind === "build") {
      const { topic, brokerName, timestamp, uniqKey } = vector;
      const parts = { topic, brokerName, timestamp, uniqKey };
      assertEquals(encodeRecallHandle(parts), handle, where);
      assertEquals(decodeRecallHandle(handle), parts, where);
    } else if (vector.error) {
      assertThrows(() => decodeRecallHandle(handle), ProtocolError, "Cannot read recall handle", where);
    } else assertEquals(decodeRecallHandle(handle), vector.out, where);
  }
});
