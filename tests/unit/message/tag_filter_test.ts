import { assertEquals, assertThrows } from "@std/assert";
import { InvalidSelectorError } from "../../../src/core/errors.ts";
import { compileTags } from "../../../src/message/tag_filter.ts";

Deno.test("everything passes when nothing or * is asked for", () => {
  for (const expression of [undefined, "", "*", " ", "|| ||"]) {
    const filter = compileTags(expression);
    assertEquals([filter.matches(undefined), filter.matches("any"), filter.tags.size], [true, true, 0]);
  }
});

Deno.test("tags pass by their text, blanks around them do not count", () => {
  const filter = compileTags(" a || b||c ");
  assertEquals(["a", "b", "c", " a", "A", "d", undefined].map((tag) => filter.matches(tag)), [
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

Deno.test("two tags of one hash are told apart", () => {
  assertEquals(compileTags("Aa").matches("BB"), false);
});

Deno.test("a single | belongs to the tag, * beside others is a tag, wide blanks stay", () => {
  assertEquals([...compileTags("a|||b").tags], ["a", "|b"]);
  assertEquals([...compileTags("*||TagA").tags], ["*", "TagA"]);
  assertEquals([...compileTags("\u3000a").tags], ["\u3000a"]);
});

Deno.test("an expression of separators only is refused", () => {
  for (const expression of ["||", "||||"]) {
    assertThrows(() => compileTags(expression), InvalidSelectorError, `current value is "${expression}"`);
  }
});
