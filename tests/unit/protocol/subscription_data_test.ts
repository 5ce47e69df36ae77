import { assertEquals, assertThrows } from "@std/assert";
import { InvalidSelectorError } from "../../../src/core/errors.ts";
import { matchesTag, parseSubscription, tagSubscription } from "../../../src/protocol/subscription_data.ts";
import { vectors } from "../vectors.ts";

const file = vectors("subscription.json");

Deno.test("expressions become the subscriptions that FilterAPI builds", () => {
  for (const { method, topic, expression, type, data, error } of file.cases) {
    const build = () =>
      method === "build"
        ? parseSubscription(topic, expression, type, 7)
        : tagSubscription(topic, expression, 7, type);
    const where = JSON.stringify({ method, expression, type });
    if (error) {
      assertThrows(build, InvalidSelectorError, undefined, where);
      continue;
    }
    const { subVersion, tagsSet, codeSet, ...rest } = build();
    assertEquals(subVersion, 7);
    assertEquals(
      { ...rest, tagsSet: [...tagsSet].sort(), codeSet: [...codeSet].sort((a, b) => a - b) },
      // deno-lint-ignore no-explicit-any
      { ...data, codeSet: [...data!.codeSet].sort((a, b) => a - b) } as any,
      where,
    );
  }
});

Deno.test("tags are compared by their text, and no tags means every message", () => {
  const both = parseSubscription("T", "Aa", "TAG", 0);
  assertEquals([matchesTag(both, "Aa"), matchesTag(both, "BB"), matchesTag(both, undefined)], [
    true,
    false,
    false,
  ]);
  assertEquals(matchesTag(parseSubscription("T", "*", "TAG", 0), undefined), true);
});
