/**
 * Reads the golden vectors under tests/fixtures/: what the official Java classes answer.
 */
import { readFileSync } from "node:fs";

/** A vector file. */
export interface VectorFile<C> {
  readonly cases: readonly C[];
}

/** The vector file called `name`; beside its cases a file may have extras of its own. */
// deno-lint-ignore no-explicit-any
export function vectors<C = any, Extras = unknown>(name: string): VectorFile<C> & Extras {
  return JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), "utf8"));
}

/** One frame of a captured conversation between the Java client and a real cluster. */
export interface CapturedFrame {
  readonly dir: string;
  readonly kind: "request" | "oneway" | "response";
  readonly code: number;
  readonly name: string;
  readonly answerToCode?: number;
  readonly header: Record<string, string> | null;
  readonly body_hex: string;
  /** Where the body is short JSON, instead of its hex. */
  readonly body_text?: string;
}

/** The frames of the captured conversation called `flow`. */
export function captured(flow: string): CapturedFrame[] {
  const text = readFileSync(new URL(`../fixtures/capture_${flow}.jsonl`, import.meta.url), "utf8");
  return text.trim().split("\n").slice(1).map((line) => JSON.parse(line));
}

/** The bytes of lower- or upper-case hex. */
export function fromHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/** Lower-case hex of bytes. */
export function toHex(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}
