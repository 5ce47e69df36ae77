/**
 * The words of a SQL92 selector, as the broker's scanner cuts them.
 *
 * Words are cut one by one, when the parser asks: text behind a complete expression is never looked at, so what is wrong
 * there is no error. The longest match wins; keywords count in any case, property names as they are written.
 */
import { InvalidSelectorError } from "../core/errors.ts";

/** What a word is. */
export type TokenKind = "keyword" | "name" | "integer" | "float" | "string" | "symbol" | "end";

/** One word. */
export interface Token {
  /** What it is. */
  readonly kind: TokenKind;
  /** A keyword in upper case, a string without quotes, everything else as written; `""` at the end. */
  readonly text: string;
  /** Where it starts, in UTF-16 units. */
  readonly position: number;
}

const KEYWORDS: ReadonlySet<string> = new Set([
  "NOT",
  "AND",
  "OR",
  "BETWEEN",
  "IN",
  "TRUE",
  "FALSE",
  "NULL",
  "IS",
  "CONTAINS",
  "STARTSWITH",
  "ENDSWITH",
]);

/** Blanks and comments; a `--` without a line end behind it is no comment. */
const SKIPPED = /(?:[ \t\n\r\f]|--[^\n\r]*[\n\r]|\/\*[^]*?\*\/)*/y;
const NAME = /[a-z_$][a-z0-9_$]*/iy;
const FLOAT = /(?:\d+\.\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|\d+e[+-]?\d+)/iy;
/** A leading 0 stands alone: `00` is two words. */
const INTEGER = /0|[1-9]\d*l?/iy;
const STRING = /'(?:''|[^'])*'/y;
const SYMBOL = /<>|<=|>=|[=<>(),+-]/y;

/** Cuts a selector into words. */
export class SqlLexer {
  readonly #text: string;
  #at = 0;

  /** Starts at the beginning of `text`. */
  constructor(text: string) {
    this.#text = text;
  }

  /** The next word; at the end again and again a word of kind `end`. @throws InvalidSelectorError where none begins. */
  next(): Token {
    this.#match(SKIPPED);
    const position = this.#at;
    const token = (kind: TokenKind, text: string): Token => ({ kind, text, position });
    if (position >= this.#text.length) return token("end", "");
    const name = this.#match(NAME);
    if (name !== "") {
      const keyword = name.toUpperCase();
      return KEYWORDS.has(keyword) ? token("keyword", keyword) : token("name", name);
    }
    const float = this.#match(FLOAT);
    if (float !== "") return token("float", float);
    const integer = this.#match(INTEGER);
    if (integer !== "") return token("integer", integer);
    const string = this.#match(STRING);
    if (string !== "") return token("string", string.slice(1, -1).replaceAll("''", "'"));
    const symbol = this.#match(SYMBOL);
    if (symbol !== "") return token("symbol", symbol);
    const met = this.#text[position] === "'" ? "a string without end" : JSON.stringify(this.#text[position]);
    throw invalidSelector(this.#text, position, `met ${met}`);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }
}

/** The error for what is wrong at `position` of a selector. */
export function invalidSelector(expression: string, position: number, met: string): InvalidSelectorError {
  return new InvalidSelectorError(
    `Cannot parse SQL92 expression at position ${position}: ${met}: current value is ${
      JSON.stringify(expression)
    }`,
    { position },
  );
}
