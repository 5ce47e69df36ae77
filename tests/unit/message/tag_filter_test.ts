import { assertEquals, assertThrows } from "@std/assert";
import { InvalidSelectorError } from "../../../src/core/errors.ts";
import { compileTags } from "../../../src/message/tag_filter.ts";

Deno.test("everything passes when nothing or * is asked for", () => {
  for (const expression of [undefined, "", "*", " ", "|| ||"]) {
    const { matches } = compileTags(expression);
    assertEquals([matches(undefined), matches("any")], [true, true]);
  }
});

Deno.test("tags pass by their text, blanks around them do not count", () => {
  const { matches } = compileTags(" a || b||c ");
  const passed = ["a", "b", "c", " a", "A", "d", "", undefined].filter((tag) => matches(tag));
  assertEquals(passed, ["a", "b", "c"]);
});

Deno.test("two tags of one hash are told apart", () => {
  assertEquals(compileTags("Aa").matches("BB"), false);
});

Deno.test("a single | belongs to the tag, * beside others is a tag, wide blanks stay", () => {
  assertEquals(["a", "|b", "b"].map(compileTags("a|||b").matches), [true, true, false]);
  assertEquals(["*", "TagA", "x"].map(compileTags("*||TagA").matches), [true, true, false]);
  assertEquals(["a", "\u3000a"].map(compileTags("\u3000a").matches), [false, true]);
});

Deno.test("an expression of separators only is refused", () => {
  for (const expression of ["||", "||||"]) assertThrows(() => compileTags(expression), InvalidSelectorError);
});
