import { assertEquals, assertThrows } from "@std/assert";
import { InvalidSelectorError, ValidationError } from "../../../src/core/errors.ts";
import { compileSql } from "../../../src/message/sql92.ts";
import { vectors } from "../vectors.ts";

interface SqlCase {
  sql: string;
  error?: { causeMessage: string };
  parsed?: string;
  results?: { value: boolean | null | { error: string }; brokerMatches: boolean }[];
}
const file = vectors<SqlCase, { propertyMaps: Record<string, string>[] }>("sql92.json");

Deno.test("sql92.json: every selector that the broker takes gives the broker's values", () => {
  const taken = file.cases.filter((one) => one.results !== undefined);
  assertEquals(taken.length, 202);
  for (const { sql, results } of taken) {
    const selector = compileSql(sql);
    for (const [i, { value, brokerMatches }] of results!.entries()) {
      const properties = file.propertyMaps[i]!;
      assertEquals(selector.matches(properties), brokerMatches, `${sql} on map ${i}`);
      if (typeof value === "object" && value !== null) {
        assertThrows(() => selector.evaluate(properties), ValidationError, "", sql);
      } else assertEquals(selector.evaluate(properties), value, `${sql} on map ${i}`);
    }
  }
});

Deno.test("sql92.json: every selector that the broker refuses is refused with a position", () => {
  const refused = file.cases.filter((one) => one.error !== undefined);
  assertEquals(refused.length, 70);
  for (const { sql, error } of refused) {
    const ours = assertThrows(
      () => compileSql(sql),
      InvalidSelectorError,
      "Cannot parse SQL92 expression",
      sql,
    );
    const column = /Encountered .* at line 1, column (\d+)/.exec(error!.causeMessage)?.[1];
    // Java counts columns from 1, and gives the end the column of the last character.
    if (column !== undefined && !error!.causeMessage.includes("<EOF>")) {
      assertEquals(ours.facts.position, Number(column) - 1, sql);
    }
  }
});

const value = (sql: string, properties: Record<string, string> = {}): unknown => {
  try {
    return compileSql(sql).evaluate(properties);
  } catch (error) {
    return (error as Error).name === "InvalidSelectorError" ? "refused" : "failed";
  }
};

Deno.test("text that the broker ignores is pointed at", () => {
  const ignored: Record<string, number | undefined> = {
    "a = 1": undefined,
    "a = 1 ": undefined,
    "a = 1 /* c */ -- d\n": undefined,
    "a = 1)": 5,
    "a + 1 = 6": 2,
    "a LIKE 'x'": 2,
    "a = 1 -- no line end": 6,
    "a = 01": 5,
    "a-b = 1": 1,
  };
  for (const [sql, at] of Object.entries(ignored)) assertEquals(compileSql(sql).ignoredAt, at, sql);
});

Deno.test("only what the scanner reaches can be wrong", () => {
  assertEquals(value("a b !!!", { a: "x" }), false);
  assertEquals(value("a !!!"), "refused");
});

Deno.test("a literal's type rules how a property is parsed", () => {
  assertEquals(value("a = 2147483647", { a: "2147483648" }), "failed");
  assertEquals(value("a < 2147483648", { a: "2147483648" }), false);
  assertEquals(value("a = -2147483648", { a: "-2147483648" }), true);
  assertEquals(value("a > -2147483648", { a: "9223372036854775807" }), true);
  assertEquals(value("a > -2147483647", { a: "9223372036854775807" }), "failed");
  assertEquals(value("a = 5", { a: "+5" }), true);
  assertEquals(value("a = 5", { a: "-" }), "failed");
});

Deno.test("doubles are read as Java's Double.valueOf reads them", () => {
  const as = (text: string, sql = "a = 2.5"): unknown => value(sql, { a: text });
  for (const text of ["2.5", " 2.5\t", "2.5d", "2.5F", "+25e-1", "0x2.8p0", "0X5p-1", ".25e1"]) {
    assertEquals(as(text), true, text);
  }
  for (
    const text of [
      "2,5",
      "",
      "d",
      "0x2",
      "0xp1",
      "infinity",
      "nan",
      "2.5 d",
      "\u00a02.5",
      "1e",
      "NaNd",
      "constructor",
    ]
  ) {
    assertEquals(as(text), "failed", text);
  }
  assertEquals(as("NaN", "a > 1.5"), true);
  assertEquals(as("-Infinity", "a < -1e300"), true);
  assertEquals(value("a < b", { a: "-0.0", b: "0.0" }), true);
  assertEquals(value("a >= b", { a: "NaN", b: "Infinity" }), true);
  assertEquals(value("a < b", { a: "NaN", b: "NaN" }), false);
});

Deno.test("conditions compared with text fail, with numbers they are simply not equal", () => {
  assertEquals(value("(1 = 1) = a", { a: "true" }), "failed");
  assertEquals(value("(1 = 1) = 'true'"), "failed");
  assertEquals(value("(1 = 1) = 1"), false);
  assertEquals(value("1 = TRUE"), false);
  assertEquals(value("'TRUE' = TRUE"), true);
});

Deno.test("IN wants a property, and NOT before it makes it none", () => {
  assertEquals(value("NOT s IN ('a')", { s: "b" }), "refused");
  assertEquals(value("NOT (s IN ('a'))", { s: "b" }), true);
  assertEquals(value("'a' IN ('a')"), "refused");
});

Deno.test("names of Object's own members are properties like any other", () => {
  assertEquals(value("constructor IS NULL"), true);
  assertEquals(value("toString = 'x'", { toString: "x" } as unknown as Record<string, string>), true);
});

Deno.test("long chains evaluate, deep nesting is refused", () => {
  assertEquals(
    value(Array.from({ length: 20_000 }, (_, i) => `a = ${i}`).join(" OR "), { a: "19999" }),
    true,
  );
  assertEquals(value("(".repeat(400) + "TRUE" + ")".repeat(400)), true);
  assertEquals(value("(".repeat(100_000) + "TRUE"), "refused");
  assertEquals(compileSql("1 = 1" + " = TRUE".repeat(100_000)).matches({}), false);
});

Deno.test("an error says what was met, where, and in which expression", () => {
  const error = assertThrows(() => compileSql("a = 'x"), InvalidSelectorError);
  assertEquals(
    error.message,
    `Cannot parse SQL92 expression at position 4: met a string without end: current value is "a = 'x"`,
  );
});
