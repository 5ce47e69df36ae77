/**
 * Tag expressions, matched by the tags themselves.
 *
 * A broker matches tags by a 32-bit hash only, so a client looks again at what it got. The rules are those of Java's
 * FilterAPI: `a || b`, blanks around a tag do not count, `*` or nothing is everything, `*` beside other tags is a tag.
 */
import { InvalidSelectorError } from "../core/errors.ts";

/** A compiled tag expression. */
export interface TagFilter {
  /** The tags that pass; empty when everything does. */
  readonly tags: ReadonlySet<string>;
  /** Whether a message with this tag, or without one, passes. */
  matches(tag: string | undefined): boolean;
}

/**
 * Compiles a tag expression.
 *
 * @throws InvalidSelectorError for an expression of separators only (`||`).
 */
export function compileTags(expression: string | undefined): TagFilter {
  const tags = new Set(parseTags(expression ?? ""));
  return {
    tags,
    matches: tags.size === 0 ? () => true : (tag) => tag !== undefined && tags.has(tag),
  };
}

function parseTags(expression: string): string[] {
  if (expression === "" || expression === "*") return [];
  const parts = expression.split("||");
  // Java's split drops empty parts at the end; when all are, nothing is left to subscribe to.
  if (parts.every((part) => part === "")) {
    throw new InvalidSelectorError(
      `Cannot parse tags as there are only separators: current value is "${expression}"`,
      {
        position: 0,
      },
    );
  }
  return parts.map(trimAscii).filter((tag) => tag !== "");
}

/** Java's String.trim: code units up to U+0020 go, other blanks stay. */
function trimAscii(text: string): string {
  let from = 0;
  let until = text.length;
  while (from < until && text.charCodeAt(from) <= 0x20) from++;
  while (until > from && text.charCodeAt(until - 1) <= 0x20) until--;
  return text.slice(from, until);
}
