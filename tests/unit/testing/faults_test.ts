import type { OperationName } from "../../../src/protocol/operations.ts";
import type { FaultTarget } from "../../../src/testing/mod.ts";
import { assertEquals } from "@std/assert";

/** `true` only when both unions hold the same names. */
type Same<A, B> = [A] extends [B] ? [B] extends [A] ? true : false : false;

Deno.test("a fault can be ordered for every operation of the table", () => {
  const same: Same<OperationName, FaultTarget> = true;
  assertEquals(same, true);
});
