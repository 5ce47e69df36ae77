/**
 * The life of a consumer, producer or client, as an edge table.
 *
 *   created → starting → running → draining → stopped, with `failed` for a start that did not succeed.
 * Only `enter` changes the phase, and it refuses an edge that is not in the table.
 */
import { ConsumerStateError } from "./errors.ts";

/** Where in its life a consumer, producer or client is. */
export type Phase = "created" | "starting" | "running" | "draining" | "stopped" | "failed";

/** The allowed changes of phase. */
export const LIFECYCLE_EDGES: Record<Phase, readonly Phase[]> = {
  created: ["starting", "stopped"],
  starting: ["running", "failed", "draining"],
  running: ["draining"],
  draining: ["stopped"],
  failed: ["stopped"],
  stopped: [],
};

/** A phase with a door. */
export class Lifecycle {
  readonly #subject: string;
  readonly #refusal: (message: string) => Error;
  #phase: Phase = "created";

  /** The life of `subject`, as error messages call it; `refusal` makes what is thrown, a ConsumerStateError by default. */
  constructor(
    subject: string,
    refusal: (message: string) => Error = (message) => new ConsumerStateError(message),
  ) {
    this.#subject = subject;
    this.#refusal = refusal;
  }

  /** The phase it is in. */
  get phase(): Phase {
    return this.#phase;
  }

  /** Moves on. @throws the refusal when the table has no such edge. */
  enter(next: Phase): void {
    if (!LIFECYCLE_EDGES[this.#phase].includes(next)) {
      throw this.#refusal(`Cannot go to "${next}": ${this.#subject} is "${this.#phase}"`);
    }
    this.#phase = next;
  }

  /** Checks that `action` is allowed now. @throws the refusal when the phase is not one of `allowed`. */
  require(action: string, ...allowed: Phase[]): void {
    if (!allowed.includes(this.#phase)) {
      throw this.#refusal(
        `Cannot ${action}: ${this.#subject} is "${this.#phase}", not ${allowed.join(" or ")}`,
      );
    }
  }
}

/** The edge table as a mermaid state diagram; `src/README.md` holds exactly this text. */
export function lifecycleDiagram(): string {
  const lines = ["stateDiagram-v2", "  [*] --> created"];
  for (const [from, targets] of Object.entries(LIFECYCLE_EDGES)) {
    for (const to of targets) lines.push(`  ${from} --> ${to}`);
  }
  return [...lines, "  stopped --> [*]"].join("\n");
}
