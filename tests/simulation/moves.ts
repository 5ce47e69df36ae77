/**
 * Offsets that were moved on purpose, by a member's seek or an administrator's reset, and what must come of it.
 *
 * A seek binds its member: the next message that it is handed of the queue is the one sought, unless it loses the queue or
 * the broker moves it first. A reset that was given in calm binds the group: every message from there on is handed out
 * again. What a move ahead passes over is excused by name, and nothing else is.
 */
import type { Ledger, Reader } from "./ledger.ts";
import type { OffsetRules } from "./offset_rules.ts";
import type { Timeline } from "./timeline.ts";

interface Sought {
  readonly member: string;
  readonly queue: string;
  readonly offset: number;
}

interface Reset {
  readonly queue: string;
  readonly from: number;
  readonly to: number;
  /** Position in the count of all events. */
  readonly at: number;
}

/** Where a queue was moved to, and from. */
export interface Move {
  readonly queue: string;
  /** What was stored before: everything below it is settled. */
  readonly stored: number;
  readonly offset: number;
  /** Where the queue ends. */
  readonly end: number;
}

/** The moves of one world. */
export class Moves {
  /** How often offsets were moved, how many messages that passed over, and how many seeks were seen to be obeyed. */
  readonly counts = { seeks: 0, seeksObeyed: 0, resets: 0, passedOver: 0 };
  readonly #ledger: Ledger;
  readonly #rules: OffsetRules;
  readonly #timeline: Timeline;
  readonly #sought = new Map<string, Sought>();
  readonly #resets: Reset[] = [];

  constructor(ledger: Ledger, rules: OffsetRules, timeline: Timeline) {
    this.#ledger = ledger;
    this.#rules = rules;
    this.#timeline = timeline;
  }

  /** A member has sought. */
  sought(member: string, move: Move): void {
    this.counts.seeks++;
    this.#timeline.note(member, `seeks ${move.queue} to ${move.offset}, ${move.stored} is stored`);
    this.#sought.set(`${member} ${move.queue}`, { member, queue: move.queue, offset: move.offset });
    this.#moved(move);
  }

  /** An administrator has moved the group; `calm` when nothing excuses that it were not obeyed. */
  reset(move: Move, calm: boolean): void {
    const { queue, offset, end } = move;
    this.counts.resets++;
    this.#timeline.note("admin", `resets ${queue} to ${offset}, ${move.stored} is stored`);
    this.forgetQueue(queue);
    this.#ledger.wasReset(queue);
    this.#moved(move);
    if (calm) this.#resets.push({ queue, from: offset, to: end, at: this.#ledger.event });
  }

  #moved({ queue, stored, offset }: Move): void {
    this.#rules.moved(queue, offset);
    if (offset <= stored) return;
    this.counts.passedOver += offset - stored;
    this.#ledger.excuse(queue, { from: stored, to: offset });
  }

  /** A member has lost a queue, or goes on where its broker says. */
  forget(member: string, queue: string): void {
    this.#sought.delete(`${member} ${queue}`);
  }

  /** What was sought of a queue holds for nobody any more. */
  forgetQueue(queue: string): void {
    for (const [key, sought] of this.#sought) if (sought.queue === queue) this.#sought.delete(key);
  }

  /** A member was handed a message of a queue. */
  handedOut(member: string, queue: string, offset: number): void {
    const sought = this.#sought.get(`${member} ${queue}`);
    if (sought === undefined) return;
    this.forget(member, queue);
    if (offset === sought.offset) this.counts.seeksObeyed++;
    else {
      this.#timeline.finding(
        "a seek is obeyed",
        `${member} sought ${sought.offset} of ${queue}, and was handed ${offset}`,
      );
    }
  }

  /** Everything that was sought by members that still own the queue must have come by now. */
  checkSought(owns: (member: string, queue: string) => boolean): void {
    for (const { member, queue, offset } of this.#sought.values()) {
      if (!owns(member, queue)) continue;
      this.#timeline.finding(
        "a seek is obeyed",
        `${member} sought ${offset} of ${queue}, and was handed nothing`,
      );
    }
  }

  /** At the end: everything that was to come again has come again. */
  checkResets(reader: Reader): void {
    for (const { queue, from, to, at } of this.#resets) {
      const { begunLast } = reader.page(queue);
      for (let offset = from; offset < to; offset++) {
        if ((begunLast[offset] ?? -1) >= at || this.#ledger.isExcused(queue, offset)) continue;
        this.#timeline.finding(
          "a reset is obeyed",
          `${queue}@${offset} did not come again, reset to ${from}`,
        );
        break;
      }
    }
  }
}
