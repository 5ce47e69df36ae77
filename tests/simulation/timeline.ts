/**
 * What happened in one simulated world, line by line, and what should not have.
 *
 * Lines are cheap and always kept; they are shown only for a seed that failed or was asked for. A finding is a
 * line too, so that it stands between the faults before and the consequences after it.
 */
import type { Logger } from "../../src/core/logger.ts";
import type { SimClock } from "./sim_clock.ts";

/** What must hold. `checks_test.ts` shows for each that breaking it is found. */
export const RULES = [
  "nothing is lost",
  "acknowledge what is handled",
  "commit the lowest unsettled",
  "order",
  "one at a time",
  "one owner when calm",
  "members run",
  "offsets rise",
  "offsets rise when calm",
  "a seek is obeyed",
  "a reset is obeyed",
  "memory is bound",
  "lag ends",
  "a shutdown ends",
  "the last commit arrives",
  "locks are given back",
  "leaving is told",
  "no rejection is unheard",
  "a cluster stops",
  "nothing is left running",
  "a seed is large enough",
  "a seed is hard enough",
] as const;

/** One of the rules. */
export type Rule = typeof RULES[number];

/** Nobody reads the lines of a simulated client: its events are in the timeline. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Lines kept; of a longer story the middle is left out. */
const MAX_LINES = 20_000;
/** Findings kept; one broken rule tends to be broken again and again. */
const MAX_FINDINGS = 40;

/** The story of a seed. */
export class Timeline {
  /** What should not have happened, each with its time. */
  readonly findings: string[] = [];
  /** Whether single messages are told as well. */
  verbose = false;
  readonly #clock: SimClock;
  readonly #lines: string[] = [];
  #dropped = 0;
  #findingCount = 0;

  /** An empty story told by `clock`. */
  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  /** Whether anything should not have happened. */
  get isClean(): boolean {
    return this.#findingCount === 0;
  }

  /** Notes that something happened. */
  note(who: string, what: string): void {
    if (this.#lines.length >= MAX_LINES) this.#dropped++;
    else this.#lines.push(`${stamp(this.#clock.elapsedMs)} ${who.padEnd(10)} ${what}`);
  }

  /** Notes that a rule was broken. */
  finding(rule: Rule, what: string): void {
    this.#findingCount++;
    if (this.findings.length >= MAX_FINDINGS) return;
    this.findings.push(`${stamp(this.#clock.elapsedMs)} ${rule}: ${what}`);
    this.note("!!!", `${rule}: ${what}`);
  }

  /** The whole story. */
  text(): string {
    return [...this.#lines, ...(this.#dropped > 0 ? [`… and ${this.#dropped} lines more`] : [])].join("\n");
  }
}

/** Minutes, seconds and milliseconds since the world began. */
export function stamp(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  return `${String(minutes).padStart(2, "0")}:${((ms % 60_000) / 1000).toFixed(3).padStart(6, "0")}`;
}
