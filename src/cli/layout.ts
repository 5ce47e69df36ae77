/**
 * How things look: tables of aligned columns, numbers that can be read, a bar for work that takes long.
 */
import { harmless, type Paint, type Terminal } from "./terminal.ts";

/** JSON escapes the controls below U+0020; terminals obey these too. */
const C1_CONTROLS = /[\x7f-\x9f]/g;

/** Rows under a heading; what looks like a number stands at the right. */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string[] {
  const clean = rows.map((row) => row.map(harmless));
  const widths = heading.map((title, at) => Math.max(title.length, ...clean.map((row) => row[at]!.length)));
  const isNumber = heading.map((_, at) =>
    clean.length > 0 && clean.every((row) => /^[-\d,.]+$/.test(row[at]!))
  );
  const line = (cells: readonly string[]): string =>
    cells.map((cell, at) => isNumber[at] ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)).join("  ")
      .trimEnd();
  return [paint("bold", line(heading)), ...clean.map(line)];
}

/** A value as one line of JSON, which moves no cursor either. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(C1_CONTROLS, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

/** A number with its thousands apart. */
export function readable(number: number): string {
  return number.toLocaleString("en-US");
}

/** A bar for long work, among the notes, while a person looks. */
export class ProgressBar {
  readonly #terminal: Terminal;
  readonly #label: string;
  readonly #total: number;
  #shown = -1;

  /** A bar for `total` steps; it shows nothing where nobody looks. */
  constructor(terminal: Terminal, label: string, total: number) {
    this.#terminal = terminal;
    this.#label = label;
    this.#total = total;
  }

  /** So many steps are done. Draws only when the picture changes. */
  show(done: number): void {
    if (!this.#terminal.notesAreRead || this.#total <= 0) return;
    const percent = Math.min(100, Math.floor(done / this.#total * 100));
    if (percent === this.#shown) return;
    this.#shown = percent;
    const width = Math.max(10, Math.min(40, this.#terminal.columns - this.#label.length - 30));
    const full = Math.round(width * percent / 100);
    const bar = "█".repeat(full) + "░".repeat(width - full);
    this.#terminal.note(
      `\r${this.#label} ${bar} ${percent}% ${readable(done)}/${readable(this.#total)}\x1b[K`,
    );
  }

  /** Wipes it away. */
  end(): void {
    if (this.#shown >= 0) this.#terminal.note("\r\x1b[K");
  }
}
