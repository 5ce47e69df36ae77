/**
 * JSON as fastjson speaks it: the dialect of RocketMQ's bodies and headers.
 *
 * Beyond JSON: object keys that are bare integers (`{0:"a"}`) or objects (`{{"topic":"T"}:1}`), single quotes, trailing
 * commas, numbers that a double cannot hold, `{"$ref":"$.x"}` for an object written before. A map with an object as key
 * is read as a Map, every other object as a plain object; a Map is written in the form that Java reads, with its keys as
 * they are. Plain JSON takes JSON.parse; nesting is bounded.
 */
import { ProtocolError } from "../core/errors.ts";

/** Deepest nesting that is followed. */
const MAX_DEPTH = 256;
const BLANK = /[ \t\r\n\f\b]*/y;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
/** A run of digits that may be an integer beyond 2^53. */
const LONG_DIGITS = /\d{16}/;
const SAME_CHAR = "\"\\/'";
const ESCAPES: Readonly<Record<string, string>> = {
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  0: "\0",
};

/** How a number's text becomes a value. */
export type ReadNumber = (text: string) => unknown;

/**
 * Reads fastjson's dialect.
 *
 * Objects become plain objects, or a `Map` when at least one key is an object (keys are then objects, numbers or
 * strings, as written); {@linkcode looseEntries} reads both. Integers beyond ±(2^53 − 1) become bigints. References
 * (`$ref`) to a value written before are resolved; others stay as they are.
 *
 * @throws ProtocolError with the position of what cannot be read.
 */
export function parseLooseJson(text: string): unknown {
  const plain = LONG_DIGITS.test(text) ? undefined : tryStrict(text);
  const value = plain === undefined ? new LooseParser(text, numberOrBigint).document() : plain.value;
  return text.includes('"$ref"') ? resolveReferences(value) : value;
}

/** Like {@linkcode parseLooseJson}, without the short cut, and with numbers made by `readNumber`. */
export function parseLooseJsonWith(text: string, readNumber: ReadNumber): unknown {
  return new LooseParser(text, readNumber).document();
}

/** The entries of a map read by {@linkcode parseLooseJson}, whatever its keys are; none when `value` is no map. */
export function looseEntries(value: unknown): [unknown, unknown][] {
  if (value instanceof Map) return [...value];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

/**
 * Writes JSON as Java's readers want it.
 *
 * A `Map` is written with its keys as JSON values: `{{"topic":"T"}:1}`, `{0:"a"}`, `{"k":1}`. A `Set` becomes an array,
 * a bigint plain digits. Members that are undefined or null are left out, as Java does.
 */
export function stringifyLooseJson(value: unknown): string {
  if (value instanceof Map) {
    const members: string[] = [];
    for (const [key, member] of value) {
      if (member !== undefined && member !== null) {
        members.push(`${stringifyLooseJson(key)}:${stringifyLooseJson(member)}`);
      }
    }
    return `{${members.join()}}`;
  }
  if (value instanceof Set) return stringifyLooseJson([...value]);
  if (Array.isArray(value)) return `[${value.map(stringifyLooseJson).join()}]`;
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined && member !== null) {
      members.push(`${JSON.stringify(key)}:${stringifyLooseJson(member)}`);
    }
  }
  return `{${members.join()}}`;
}

function tryStrict(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function numberOrBigint(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) || !/^[+-]?\d+$/.test(text) ? value : BigInt(text);
}

/** Sets a member so that a key named `__proto__` is one like any other. */
function setMember(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  } else object[key] = value;
}

class LooseParser {
  readonly #text: string;
  readonly #readNumber: ReadNumber;
  #at = 0;
  #depth = 0;

  constructor(text: string, readNumber: ReadNumber) {
    this.#text = text;
    this.#readNumber = readNumber;
  }

  document(): unknown {
    const value = this.#value();
    if (this.#peek() !== "") this.#fail("text after the value");
    return value;
  }

  #value(): unknown {
    const char = this.#peek();
    if (char === "{") return this.#nested(() => this.#object());
    if (char === "[") return this.#nested(() => this.#array());
    if (char === '"' || char === "'") return this.#string(char);
    if (char === "t" && this.#word("true")) return true;
    if (char === "f" && this.#word("false")) return false;
    if (char === "n" && this.#word("null")) return null;
    return this.#readNumber(this.#number());
  }

  #nested(read: () => unknown): unknown {
    if (++this.#depth > MAX_DEPTH) this.#fail(`more than ${MAX_DEPTH} levels`);
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): unknown {
    const entries: [unknown, unknown][] = [];
    let objectKeys = false;
    while (!this.#take("}")) {
      const key = this.#key();
      objectKeys ||= typeof key === "object";
      if (!this.#take(":")) this.#fail("no colon after a key");
      entries.push([key, this.#value()]);
      if (!this.#take(",") && this.#peek() !== "}") this.#fail("no comma between members");
    }
    if (objectKeys) return new Map(entries);
    const object: Record<string, unknown> = {};
    for (const [key, value] of entries) setMember(object, String(key), value);
    return object;
  }

  /** A string, an object, or the text of an integer; a bare name is refused, as Java refuses it. */
  #key(): unknown {
    const char = this.#peek();
    if (char === '"' || char === "'") return this.#string(char);
    if (char === "{") return this.#nested(() => this.#object());
    const text = this.#number();
    return /^-?\d+$/.test(text) ? text : this.#fail(`the key ${text}`);
  }

  #array(): unknown[] {
    const values: unknown[] = [];
    while (!this.#take("]")) {
      values.push(this.#value());
      if (!this.#take(",") && this.#peek() !== "]") this.#fail("no comma between values");
    }
    return values;
  }

  #string(quote: string): string {
    const text = this.#text;
    let out = "";
    let from = ++this.#at;
    for (;;) {
      const char = text[this.#at];
      if (char === undefined) this.#fail("a string without end");
      if (char === quote) {
        out += text.slice(from, this.#at++);
        return out;
      }
      if (char === "\\") {
        out += text.slice(from, this.#at) + this.#escape();
        from = this.#at;
      } else this.#at++;
    }
  }

  #escape(): string {
    const char = this.#text[this.#at + 1] ?? "";
    const digits = char === "u" ? 4 : char === "x" ? 2 : 0;
    if (digits > 0) {
      const hex = this.#text.slice(this.#at + 2, this.#at + 2 + digits);
      if (hex.length < digits || /[^0-9a-fA-F]/.test(hex)) this.#fail(`the escape \\${char}${hex}`);
      this.#at += 2 + digits;
      return String.fromCharCode(parseInt(hex, 16));
    }
    const plain = ESCAPES[char] ?? (char !== "" && SAME_CHAR.includes(char) ? char : undefined);
    if (plain === undefined) this.#fail(`the escape \\${char}`);
    this.#at += 2;
    return plain;
  }

  #number(): string {
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (text === undefined) {
      this.#fail(this.#at < this.#text.length ? `"${this.#text[this.#at]}"` : "the end");
    }
    this.#at += text.length;
    return text;
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  /** The next character that is not blank, `""` at the end. */
  #peek(): string {
    BLANK.lastIndex = this.#at;
    BLANK.test(this.#text);
    this.#at = BLANK.lastIndex;
    return this.#text[this.#at] ?? "";
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #fail(met: string): never {
    throw new ProtocolError(`Cannot read JSON: met ${met} at position ${this.#at}`, { position: this.#at });
  }
}

/** Puts the object in the place of a `{"$ref":"$.a.b[0]"}`; one that leads nowhere, or into itself, stays. */
function resolveReferences(root: unknown): unknown {
  const visit = (value: unknown, path: readonly unknown[]): unknown => {
    if (typeof value !== "object" || value === null) return value;
    const reference = (value as { $ref?: unknown }).$ref;
    if (typeof reference === "string") return follow(root, reference, path) ?? value;
    const ancestors = [...path, value];
    if (value instanceof Map) { for (const [key, member] of value) value.set(key, visit(member, ancestors)); }
    else {
      const object = value as Record<string, unknown>;
      for (const key of Object.keys(object)) setMember(object, key, visit(object[key], ancestors));
    }
    return value;
  };
  return visit(root, []);
}

function follow(root: unknown, reference: string, ancestors: readonly unknown[]): unknown {
  if (!/^\$[.[]/.test(reference)) return undefined;
  let value = root;
  for (const [, index, name] of reference.matchAll(/\[(\d+)\]|\.([^.[\]]+)/g)) {
    if (typeof value !== "object" || value === null) return undefined;
    const key = index ?? name!;
    value = value instanceof Map
      ? value.get(key)
      : Object.hasOwn(value, key)
      ? (value as Record<string, unknown>)[key]
      : undefined;
  }
  return ancestors.includes(value) ? undefined : value;
}
