import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../src/core/errors.ts";
import { decodeRecallHandle, encodeRecallHandle } from "../../../src/protocol/recall_handle.ts";
import { vectors } from "../vectors.ts";

const file = vectors("recall.json");

Deno.test("recall handles are Java's", () => {
  for (const vector of file.cases) {
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
