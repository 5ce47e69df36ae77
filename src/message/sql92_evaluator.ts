/**
 * What a SQL92 selector says of a message's properties, as the broker's filter module computes it.
 *
 * Three-valued: true, false, null for what is missing. A property is text; beside a number it is parsed with that
 * number's type (an int, a long, a double), and what cannot be parsed fails the whole expression.
 *
 * Java's Integer and Long are bigints here, its Double a number. A literal within ±(2^31 − 1) is an Integer: the minus of
 * −2147483648 stands before a literal of its own, which is a Long.
 */

import { ValidationError } from "../core/errors.ts";

/** A value: an Integer or Long is a bigint, a Double a number. */
export type Value = string | boolean | bigint | number | null;

/** A parsed expression. */
export type Node =
  | { readonly kind: "constant"; readonly value: Value }
  | { readonly kind: "property"; readonly name: string }
  /** A bare property used as a condition. */
  | { readonly kind: "cast"; readonly name: string }
  | { readonly kind: "negate"; readonly operand: Node }
  | { readonly kind: "not"; readonly operand: Node }
  | { readonly kind: "and" | "or"; readonly terms: readonly Node[] }
  | { readonly kind: "equal"; readonly left: Node; readonly right: Node }
  | {
    readonly kind: "order";
    readonly operator: "<" | "<=" | ">" | ">=";
    readonly left: Node;
    readonly right: Node;
  }
  | {
    readonly kind: "in";
    readonly name: string;
    readonly texts: ReadonlySet<string>;
    readonly negated: boolean;
  }
  | {
    readonly kind: "text";
    readonly test: "CONTAINS" | "STARTSWITH" | "ENDSWITH";
    readonly operand: Node;
    readonly search: string;
    readonly negated: boolean;
  };

const INT_MAX = 2147483647n;
const LONG_MIN = -9223372036854775808n;
const LONG_MAX = 9223372036854775807n;
const WHOLE = /^[+-]?\d+$/;
const DECIMAL = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/;
const SPECIAL: Readonly<Record<string, number>> = {
  "NaN": NaN,
  "+NaN": NaN,
  "-NaN": NaN,
  "Infinity": Infinity,
  "+Infinity": Infinity,
  "-Infinity": -Infinity,
};

/** The value of `node` for these properties. @throws ValidationError where Java's evaluation throws. */
export function evaluate(node: Node, properties: Readonly<Record<string, string>>): Value {
  switch (node.kind) {
    case "constant":
      return node.value;
    case "property":
      return textOf(properties, node.name);
    case "cast":
      // Properties are text, so never a condition that holds.
      return textOf(properties, node.name) === null ? null : false;
    case "negate": {
      const value = evaluate(node.operand, properties);
      return typeof value === "bigint" || typeof value === "number" ? -value : null;
    }
    case "not": {
      const value = evaluate(node.operand, properties);
      return value === null ? null : !value;
    }
    case "and":
      return evaluateTerms(node.terms, properties, false);
    case "or":
      return evaluateTerms(node.terms, properties, true);
    case "equal":
      return equal(evaluate(node.left, properties), evaluate(node.right, properties));
    case "order": {
      const left = evaluate(node.left, properties);
      return left === null ? null : order(node.operator, left, evaluate(node.right, properties));
    }
    case "in": {
      const text = textOf(properties, node.name);
      return text === null ? null : node.texts.has(text) !== node.negated;
    }
    case "text": {
      const value = evaluate(node.operand, properties);
      // Missing or empty: false for the plain form and for the negated one.
      if (node.search === "" || typeof value !== "string") return false;
      return passes(node.test, value, node.search) !== node.negated;
    }
  }
}

/** Left to right, stopping at the first term that decides (false for AND, true for OR). */
function evaluateTerms(
  terms: readonly Node[],
  properties: Readonly<Record<string, string>>,
  decisive: boolean,
): boolean | null {
  let result: boolean | null = !decisive;
  for (const term of terms) {
    const value = evaluate(term, properties);
    if (value === decisive) return decisive;
    if (value === null) result = null;
  }
  return result;
}

function textOf(properties: Readonly<Record<string, string>>, name: string): string | null {
  return Object.hasOwn(properties, name) ? properties[name]! : null;
}

function passes(test: "CONTAINS" | "STARTSWITH" | "ENDSWITH", value: string, search: string): boolean {
  if (test === "CONTAINS") return value.includes(search);
  return test === "STARTSWITH" ? value.startsWith(search) : value.endsWith(search);
}

/** Java: ComparisonExpression.doCreateEqual. */
function equal(left: Value, right: Value): boolean | null {
  if (left === null) return right === null ? true : null;
  if (right === null) return false;
  if (typeof left === "string" && typeof right === "string") return left === right;
  return compareValues(left, right) === 0;
}

/** Java: ComparisonExpression.evaluate; two texts are compared as doubles. */
function order(operator: "<" | "<=" | ">" | ">=", left: Value, right: Value): boolean | null {
  if (left === null || right === null) return null;
  const answer = typeof left === "string" && typeof right === "string"
    ? compareDoubles(parseDouble(left), parseDouble(right))
    : compareValues(left, right);
  if (operator === "<") return answer < 0;
  if (operator === "<=") return answer <= 0;
  return operator === ">" ? answer > 0 : answer >= 0;
}

/**
 * Negative, 0 or positive as `left` is below, equal to or above `right`; −1 for kinds that do not go together (Java:
 * ComparisonExpression.__compare).
 */
export function compareValues(left: NonNullable<Value>, right: NonNullable<Value>): number {
  if (typeof left === "string") {
    if (typeof right === "string") return left === right ? 0 : left < right ? -1 : 1;
    if (typeof right === "boolean") return Number(left.toLowerCase() === "true") - Number(right);
    return compareNumbers(parseLike(left, right), right);
  }
  if (typeof left === "boolean") {
    // Java casts the Boolean to a String here, which throws.
    if (typeof right === "string") throw new ValidationError("Cannot compare a condition with text");
    return typeof right === "boolean" ? Number(left) - Number(right) : -1;
  }
  if (typeof right === "boolean") return -1;
  return compareNumbers(left, typeof right === "string" ? parseLike(right, left) : right);
}

function compareNumbers(left: bigint | number, right: bigint | number): number {
  if (typeof left === "bigint" && typeof right === "bigint") return left < right ? -1 : left > right ? 1 : 0;
  return compareDoubles(Number(left), Number(right));
}

/** Java: Double.compare. NaN equals itself and is above all, −0 is below 0. */
function compareDoubles(left: number, right: number): number {
  if (left < right) return -1;
  if (left > right) return 1;
  if (Object.is(left, right)) return 0;
  if (Number.isNaN(left) || Number.isNaN(right)) return Number.isNaN(left) ? 1 : -1;
  return Object.is(left, -0) ? -1 : 1;
}

/** The number that a text stands for, parsed with the type of `other`. */
function parseLike(text: string, other: bigint | number): bigint | number {
  if (typeof other === "number") return parseDouble(text);
  const isInt = other <= INT_MAX && other >= -INT_MAX;
  return isInt ? parseWhole(text, -INT_MAX - 1n, INT_MAX) : parseWhole(text, LONG_MIN, LONG_MAX);
}

/** Java: Integer.parseInt, Long.parseLong. */
function parseWhole(text: string, min: bigint, max: bigint): bigint {
  if (!WHOLE.test(text)) throw new ValidationError(`Cannot read integer: current value is "${text}"`);
  const value = text.startsWith("+") ? BigInt(text.slice(1)) : BigInt(text);
  if (value < min || value > max) {
    throw new ValidationError(`Cannot read integer: current value "${text}" is not within ${min} and ${max}`);
  }
  return value;
}

/** Java: Double.valueOf. Blanks around are code units up to U+0020. */
function parseDouble(text: string): number {
  let from = 0;
  let until = text.length;
  while (from < until && text.charCodeAt(from) <= 0x20) from++;
  while (until > from && text.charCodeAt(until - 1) <= 0x20) until--;
  const trimmed = text.slice(from, until);
  const decimal = DECIMAL.exec(trimmed);
  if (decimal !== null) return Number(decimal[1]);
  if (Object.hasOwn(SPECIAL, trimmed)) return SPECIAL[trimmed]!;
  const hexadecimal = HEXADECIMAL.exec(trimmed);
  if (hexadecimal !== null && hexadecimal[2]! + hexadecimal[3]! !== "") {
    const [, sign, whole, fraction, exponent] = hexadecimal as unknown as [
      string,
      string,
      string,
      string,
      string,
    ];
    const magnitude = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
    return sign === "-" ? -magnitude : magnitude;
  }
  throw new ValidationError(`Cannot read number: current value is "${text}"`);
}
