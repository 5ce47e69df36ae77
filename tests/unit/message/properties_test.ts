import { assertEquals } from "@std/assert";
import { seededRandom } from "../../../src/core/random.ts";
import { decodeProperties, encodeProperties, findProperty } from "../../../src/message/properties.ts";
import { vectors } from "../vectors.ts";

const cases = vectors("properties.json").cases;

Deno.test("properties.json: properties are written as Java writes them", () => {
  const written = cases.filter((one) => one.kind === "messageProperties2String");
  assertEquals(written.length, 40);
  // The order carries no meaning: Java's is that of a hash, JavaScript puts names that look like integers first.
  const parts = (text: string): string[] => text.split("\u0002").sort();
  for (const one of written) assertEquals(parts(encodeProperties(one.in)), parts(one.text));
});

Deno.test("properties.json: properties are read as Java reads them, one by one too", () => {
  const read = cases.filter((one) => one.kind === "string2messageProperties");
  assertEquals(read.length, 70);
  for (const { text, out } of read) {
    assertEquals(decodeProperties(text ?? ""), out);
    for (const [name, value] of Object.entries(out)) assertEquals(findProperty(text, name), value);
  }
});

Deno.test("finding one property agrees with reading all, whatever the text", () => {
  const random = seededRandom(17);
  const alphabet = ["a", "b", "ab", "\u0001", "\u0002", "\u0001", "\u0002", "中"];
  for (let i = 0; i < 5000; i++) {
    const text = Array.from({ length: random.int(14) }, () => alphabet[random.int(alphabet.length)]).join("");
    const all = decodeProperties(text);
    for (const name of ["a", "b", "ab", "aab", "ba", "中", "", "a\u0001b", "\u0002a"]) {
      assertEquals(
        findProperty(text, name),
        Object.hasOwn(all, name) ? all[name] : undefined,
        JSON.stringify(text),
      );
    }
  }
});

Deno.test("a property named __proto__ is one like any other", () => {
  const properties = decodeProperties("__proto__\u0001x\u0002");
  assertEquals(Object.entries(properties), [["__proto__", "x"]]);
  assertEquals(encodeProperties(properties), "__proto__\u0001x\u0002");
});
