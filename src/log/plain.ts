/**
 * What belongs to a line, made plain: JSON can write it, no secret is in it, and it is no longer than its limits.
 */

/** An error, as JSON can write it. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly stack?: string;
  readonly cause?: unknown;
}

const MAX_DEPTH = 4;
const MAX_ENTRIES = 64;
const MAX_TEXT = 4096;

const SECRET = "access_?key|secret_?key|(?:\\w+_?)?token|signature|password|authorization|credentials";
const SECRET_NAME = new RegExp(`^(?:${SECRET})$`, "i");
const SECRET_IN_TEXT = new RegExp(
  `\\b(${SECRET})(["']?\\s*[=:]\\s*["']?)(?:(?:bearer|basic)\\s+)?[^\\s"',;&{}]+`,
  "gi",
);

/** `text` with what stands behind names of secrets (`secretKey=…`, `"token":"…"`) hidden, cut at 4,096 characters. */
export function withoutSecrets(text: string): string {
  const shown = text.replace(SECRET_IN_TEXT, "$1$2***");
  return shown.length > MAX_TEXT ? `${shown.slice(0, MAX_TEXT)}…` : shown;
}

/** `value` as JSON can write it: secrets hidden, bytes as their number, depth and length bounded. */
export function plain(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return withoutSecrets(value);
  if (typeof value === "bigint" || typeof value === "symbol" || typeof value === "function") {
    return String(value);
  }
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Date) return value;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `${value.byteLength} bytes`;
  if (depth === MAX_DEPTH) return "…";
  if (value instanceof Error) return plainError(value, depth);
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((each) => plain(each, depth + 1));
  if (value instanceof Map) return plain(Object.fromEntries(value), depth);
  if (value instanceof Set) return plain([...value], depth);
  return Object.fromEntries(
    Object.entries(value).slice(0, MAX_ENTRIES).map(([name, each]) => [
      name,
      SECRET_NAME.test(name) ? "***" : plain(each, depth + 1),
    ]),
  );
}

function plainError(error: Error & { readonly code?: unknown }, depth: number): PlainError {
  return {
    name: error.name,
    message: withoutSecrets(error.message),
    ...(error.code === undefined ? {} : { code: plain(error.code, depth + 1) }),
    ...(error.stack === undefined ? {} : { stack: withoutSecrets(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: plain(error.cause, depth + 1) }),
  };
}
