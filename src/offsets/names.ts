/**
 * Where an offset file lies: one per group and, when broadcasting, per instance, in one folder.
 *
 * A name is the same after every restart, so neither the pid nor an address is in it, and safe on every file system: all
 * but letters, digits, `_` and `-` is percent-encoded.
 */
import { createHash } from "node:crypto";
import type { OffsetMessageModel } from "./offset_store.ts";

/** Longest encoded name that is used as it is; file systems stop at 255 bytes. */
const MAX_NAME_LENGTH = 200;

/** `text` with all but letters, digits, `_` and `-` percent-encoded (UTF-8). */
export function encodeName(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*~.]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** The file's name; one that would be too long ends in a hash of itself. */
export function offsetFileName(group: string, model: OffsetMessageModel, instanceName: string): string {
  const name = model === "CLUSTERING"
    ? encodeName(group)
    : `${encodeName(group)}@${encodeName(instanceName)}`;
  if (name.length <= MAX_NAME_LENGTH) return `${name}.json`;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 16);
  return `${name.slice(0, MAX_NAME_LENGTH)}-${hash}.json`;
}
