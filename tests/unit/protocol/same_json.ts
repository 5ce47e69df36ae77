/**
 * Compares bodies as JSON: member order, hash order of maps and text copies of times mean nothing.
 */
import { assertEquals } from "@std/assert";
import { parseLooseJson } from "../../../src/wire/loose_json.ts";

/** Members that Java adds as text copies of others; we neither read nor write them. */
const COPIES = new Set(["minTimeStampStr", "maxTimeStampStr", "consumeTimeStampStr"]);

/** JSON in one comparable form: maps and objects as sorted entries, without members that are copies. */
function canonical(value: unknown): unknown {
  if (value instanceof Map || (typeof value === "object" && value !== null && !Array.isArray(value))) {
    const entries: [unknown, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
    return entries
      .filter(([key]) => !COPIES.has(key as string))
      .map(([key, each]) => [JSON.stringify(canonical(key)), canonical(each)])
      .sort(([a], [b]) => a! < b! ? -1 : 1);
  }
  return Array.isArray(value) ? value.map(canonical) : typeof value === "bigint" ? String(value) : value;
}

/** Checks that two texts in fastjson's dialect say the same. */
export function assertSameJson(actual: string, expected: string, where: string): void {
  assertEquals(canonical(parseLooseJson(actual)), canonical(parseLooseJson(expected)), where);
}
