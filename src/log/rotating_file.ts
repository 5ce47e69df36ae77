/**
 * A handler of @std/log that writes files: when one is full it becomes `path.1`, that one `path.2`, and the oldest goes.
 *
 * The handlers of @std/log itself know files in Deno only, and keep lines in a buffer. This one is on node:fs, which all three
 * runtimes have, and every line is in the file when `log` returns: there are few, and the last ones matter most.
 */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { BaseHandler, type FormatterFunction } from "@std/log";
import { ConfigError } from "../core/errors.ts";

/** Where lines go, and how many are kept. */
export interface RotatingFileOptions {
  readonly path: string;
  readonly maxBytes: number;
  readonly maxBackupCount: number;
  readonly formatter: FormatterFunction;
}

/** Lines in a file, and in those that it was before. */
export class RotatingFile extends BaseHandler {
  readonly #options: RotatingFileOptions;
  readonly #encoder = new TextEncoder();
  #file: number | undefined;
  #size = 0;
  #failing = false;

  /** Opens nothing yet; `setup` does. */
  constructor(options: RotatingFileOptions) {
    super("NOTSET", { formatter: options.formatter });
    this.#options = options;
  }

  /** Opens the file, at its end. @throws ConfigError when that cannot be done. */
  override setup(): void {
    const { path } = this.#options;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#open();
    } catch (cause) {
      throw new ConfigError(`Cannot log to "${path}": ${(cause as Error).message}`, { cause });
    }
  }

  /** Writes a line. What cannot be written (a disk that is full) is told on the console, once until it works again. */
  override log(line: string): void {
    const { path, maxBytes } = this.#options;
    const bytes = this.#encoder.encode(`${line}\n`);
    try {
      if (this.#file === undefined) this.#open();
      if (this.#size > 0 && this.#size + bytes.length > maxBytes) this.#rotate();
      for (let written = 0; written < bytes.length;) {
        written += writeSync(this.#file!, bytes, written, bytes.length - written);
      }
      this.#size += bytes.length;
      this.#failing = false;
    } catch (error) {
      // deno-lint-ignore no-console
      if (!this.#failing) console.error(`Cannot write to log file "${path}": ${(error as Error).message}`);
      this.#failing = true;
    }
  }

  /** Closes the file. */
  override destroy(): void {
    if (this.#file === undefined) return;
    closeSync(this.#file);
    this.#file = undefined;
  }

  #open(): void {
    this.#file = openSync(this.#options.path, "a");
    this.#size = fstatSync(this.#file).size;
  }

  #rotate(): void {
    const { path, maxBackupCount } = this.#options;
    this.destroy();
    for (let age = maxBackupCount - 1; age >= 0; age--) {
      try {
        renameSync(age === 0 ? path : `${path}.${age}`, `${path}.${age + 1}`);
      } catch (error) {
        if ((error as { code?: unknown }).code !== "ENOENT") throw error;
      }
    }
    this.#open();
  }
}
