/**
 * SQL92 selectors, evaluated here exactly as a broker with `enablePropertyFilter` evaluates them.
 *
 * A selector is compiled once and asked for every message. Only true passes: false, null (something is missing) and a
 * failure (a property that is not the number it is compared with) all mean that the message is not delivered.
 */
import { ValidationError } from "../core/errors.ts";
import { evaluate } from "./sql92_evaluator.ts";
import { parseSql } from "./sql92_parser.ts";

/** A compiled selector. */
export interface SqlSelector {
  /** Whether a message with these properties is delivered. */
  matches(properties: Readonly<Record<string, string>>): boolean;
  /**
   * The value behind {@linkcode matches}: null when something is missing.
   *
   * @throws ValidationError when a property cannot be compared as the selector asks.
   */
  evaluate(properties: Readonly<Record<string, string>>): boolean | null;
  /** Where the text starts that the broker's parser silently ignores, when there is any: likely a mistake. */
  readonly ignoredAt?: number;
}

/**
 * Compiles a selector.
 *
 * `NOT` binds tighter than a comparison: write `NOT (a = 1)`. There is no arithmetic, no LIKE, no `!=`.
 *
 * @example
 * ```ts
 * import { compileSql } from "./sql92.ts";
 *
 * const selector = compileSql("amount > 100.5 AND region IN ('eu', 'us')");
 * selector.matches({ amount: "200", region: "eu" }); // true
 * ```
 *
 * @throws InvalidSelectorError with the position of what a broker would refuse.
 */
export function compileSql(expression: string): SqlSelector {
  const { root, ignoredAt } = parseSql(expression);
  return {
    matches(properties) {
      try {
        return evaluate(root, properties) === true;
      } catch (error) {
        // Too deep a chain overflows the stack, in Java as here.
        if (error instanceof ValidationError || error instanceof RangeError) return false;
        throw error;
      }
    },
    evaluate: (properties) => evaluate(root, properties) as boolean | null,
    ...(ignoredAt === undefined ? {} : { ignoredAt }),
  };
}
