/**
 * The wire as data: one Operation per request code, made of fields of a few kinds.
 *
 * Every header field travels as text. A Kind knows how to read and write one; an Operation lists the fields of its
 * request and its response. From that one row derive the types of the client's calls and of the embedded broker's
 * handlers, and both header serialisations.
 */
import { ProtocolError } from "../core/errors.ts";

/** How one header field is read and written. */
export interface Kind<T> {
  /** Name of the kind, for error messages. */
  readonly kind: string;
  /** Whether the field may be absent. */
  readonly optional: boolean;
  /** Its key on the wire, where that differs from the field's name. */
  readonly wireName?: string;
  /** The value of a text. @throws ProtocolError when the text is not of this kind. */
  read(text: string): T;
  /** The text of a value. @throws ProtocolError when the value cannot be written. */
  write(value: T): string;
}

/** The fields of a header, in order. */
// deno-lint-ignore no-explicit-any
export type Fields = Readonly<Record<string, Kind<any>>>;

/** The keys of optional fields of F. */
export type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends { readonly optional: true } ? K : never;
}[keyof F];

/** The object that a set of fields describes. */
export type Of<F extends Fields> =
  & { [K in Exclude<keyof F, OptionalKeys<F>>]: F[K] extends Kind<infer T> ? T : never }
  & { [K in OptionalKeys<F>]?: (F[K] extends Kind<infer T> ? T : never) | undefined };

/** A field kind that must be present. */
export type Required<T> = Kind<T> & { readonly optional: false };
/** A field kind that may be absent. */
export type Optional<T> = Kind<T> & { readonly optional: true };

const INT_TEXT = /^[+-]?\d+$/;

function wholeNumber(kind: string, min: number, max: number): Required<number> {
  return {
    kind,
    optional: false,
    read(text) {
      const value = INT_TEXT.test(text) ? Number(text) : NaN;
      if (!(value >= min && value <= max)) {
        throw new ProtocolError(`Cannot read ${kind}: current value is "${text}"`);
      }
      return value;
    },
    write(value) {
      if (!Number.isInteger(value) || value < min || value > max) {
        throw new ProtocolError(`Cannot write ${kind}: current value is ${value}`);
      }
      return String(value);
    },
  };
}

/** Text. */
export const str: Required<string> = {
  kind: "str",
  optional: false,
  read: (text) => text,
  write: (value) => value,
};
/** Java's boolean: `true` in any case is true, everything else false. */
export const bool: Required<boolean> = {
  kind: "bool",
  optional: false,
  read: (text) => text.toLowerCase() === "true",
  write: String,
};
/** Java's int. */
export const int: Required<number> = wholeNumber("int", -2147483648, 2147483647);
/** Java's long as a number; past 2^53 − 1 it is refused rather than rounded. */
export const long: Required<number> = wholeNumber("long", Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
/** Java's long used as a limit of time: what a number cannot hold (the tools send Long.MAX_VALUE) is Infinity. */
export const bound: Required<number> = {
  kind: "bound",
  optional: false,
  read(text) {
    if (!INT_TEXT.test(text)) throw new ProtocolError(`Cannot read bound: current value is "${text}"`);
    const value = Number(text);
    return Number.isSafeInteger(value) ? value : value > 0 ? Infinity : -Infinity;
  },
  write: (value) =>
    value === Infinity
      ? "9223372036854775807"
      : value === -Infinity
      ? "-9223372036854775808"
      : long.write(value),
};
/** Java's long that is only handed back as it came: kept as text. */
export const token: Required<string> = {
  kind: "token",
  optional: false,
  read: (text) => text,
  write: (value) => value,
};

/** Java's long that is only compared: what a number cannot hold exactly is rounded (Go's versions count nanoseconds). */
export const stamp: Required<number> = {
  kind: "stamp",
  optional: false,
  read(text) {
    if (!INT_TEXT.test(text)) throw new ProtocolError(`Cannot read stamp: current value is "${text}"`);
    return Number(text);
  },
  write: (value) => String(value),
};

/** The same kind, but the field may be absent. */
export function opt<T>(kind: Kind<T>): Optional<T> {
  return { ...kind, optional: true };
}

/** The same kind under another key on the wire. */
export function as<K extends Kind<unknown>>(kind: K, wireName: string): K {
  return { ...kind, wireName };
}

/** One request code: what goes out, what comes back, which response codes are an answer rather than an error. */
export interface Operation<Q extends Fields = Fields, R extends Fields = Fields> {
  /** Name of the request code, as in Java's RequestCode (SCREAMING_CASE). */
  readonly name: string;
  /** The request code. */
  readonly code: number;
  /** Fields of the request header. */
  readonly request: Q;
  /** Fields of the response header, present with every code of `answers`. */
  readonly response: R;
  /** Response codes that a caller handles itself; others become a BrokerError. */
  readonly answers: readonly number[];
}

/** Makes a row of the operations table; `answers` is `[0]` unless told otherwise. */
export function operation<const Q extends Fields, const R extends Fields>(
  row: { name: string; code: number; request: Q; response: R; answers?: readonly number[] },
): Operation<Q, R> {
  return { answers: [0], ...row };
}

/** The text fields of `values`. @throws ProtocolError naming `where` and the field when one is missing or unusable. */
export function writeFields<F extends Fields>(
  fields: F,
  values: Of<F>,
  where: string,
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const name in fields) {
    const kind = fields[name]!;
    const value = (values as Record<string, unknown>)[name];
    if (value === undefined || value === null) {
      if (!kind.optional) throw new ProtocolError(`Cannot write ${where}: field "${name}" is missing`);
      continue;
    }
    try {
      out[kind.wireName ?? name] = kind.write(value);
    } catch (cause) {
      throw new ProtocolError(`Cannot write ${where}, field "${name}": ${(cause as Error).message}`, {
        cause,
      });
    }
  }
  return out;
}

/** The values of text fields; unknown ones are ignored. @throws ProtocolError naming `where` and the field. */
export function readFields<F extends Fields>(
  fields: F,
  texts: Readonly<Record<string, string>> | undefined,
  where: string,
): Of<F> {
  const out: Record<string, unknown> = {};
  for (const name in fields) {
    const kind = fields[name]!;
    const text = texts?.[kind.wireName ?? name];
    if (text === undefined || text === null) {
      if (!kind.optional) throw new ProtocolError(`Cannot read ${where}: field "${name}" is missing`);
      continue;
    }
    try {
      out[name] = kind.read(text);
    } catch (cause) {
      throw new ProtocolError(`Cannot read ${where}, field "${name}": ${(cause as Error).message}`, {
        cause,
      });
    }
  }
  return out as Of<F>;
}
