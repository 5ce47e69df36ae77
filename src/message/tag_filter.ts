/**
 * Tag expressions, matched by the tags themselves.
 *
 * A broker matches tags by a 32-bit hash only, so a client looks again at what it got. How an expression is read is told
 * in protocol/subscription_data.ts, which makes the broker's side of the same thing.
 */
import { parseTags } from "../protocol/subscription_data.ts";

/** A compiled tag expression. */
export interface TagFilter {
  /** Whether a message with this tag, or without one, passes. */
  matches(tag: string | undefined): boolean;
}

/**
 * Compiles a tag expression such as `paid || refunded`; `*`, nothing and blanks let every message pass.
 *
 * @throws InvalidSelectorError for an expression of separators only (`||`).
 */
export function compileTags(expression: string | undefined): TagFilter {
  const tags = new Set(parseTags(expression));
  return { matches: tags.size === 0 ? () => true : (tag) => tag !== undefined && tags.has(tag) };
}
