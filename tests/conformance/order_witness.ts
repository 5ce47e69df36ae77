/**
 * Watches what all members of a group are handed, and remembers every breach of order.
 *
 * A queue holds lines: itself where messages stay in order, one for each key by key. Messages of a line are numbered from 0. At
 * no time may two members be at work on one queue, nor two messages of one line; a line never skips forward over a message
 * that is not settled, and steps back only when its queue has changed hands.
 */

/** One message, as a member is handed it. */
export interface Sighting {
  /** Who is handed it. */
  readonly member: string;
  /** The queue. */
  readonly queue: string;
  /** The line within the queue. */
  readonly line: string;
  /** Its number in the line. */
  readonly at: number;
  /** What else is known of it, for the telling of a breach. */
  readonly facts?: string;
}

interface Line {
  /** The lowest number that is not settled. */
  next: number;
  /** The last number that was handed out, what is known of it, and how often its queue had changed hands by then. */
  last: number;
  facts: string | undefined;
  turn: number;
  busy: boolean;
  /** Whether the last one was settled by the one it was handed to. */
  settled: boolean;
}

interface Queue {
  member: string;
  /** How many are at work. */
  busy: number;
  /** How often it changed hands. */
  turn: number;
  readonly lines: Map<string, Line>;
}

/** The witness of one group. */
export class OrderWitness {
  /** Breaches of order; none when all is well. */
  readonly breaches: string[] = [];
  /** How often queues changed hands. */
  handOvers = 0;
  /** Messages that were handed out again after they were settled. */
  repeats = 0;
  readonly #queues = new Map<string, Queue>();

  /** A queue was assigned anew: it may step back. */
  assigned(queue: string): void {
    this.#queue(queue, "").turn++;
  }

  /** A handler begins. */
  begin({ member, queue, line, at, facts }: Sighting): void {
    const held = this.#queue(queue, member);
    if (held.member !== member) {
      if (held.busy > 0) this.#tell(`${member} begins ${line} ${at} of ${queue}: ${held.member} is at work`);
      if (held.member !== "") this.handOvers++;
      held.member = member;
      held.turn++;
    }
    held.busy++;
    const known = this.#line(held, line);
    if (known.busy) this.#tell(`${member} begins ${line} ${at} of ${queue}: ${known.last} is at work`);
    const sameHands = known.turn === held.turn;
    // what a former owner settled may come again, and fail: then it is not done for this one
    const next = sameHands && known.last >= 0 && !known.settled ? known.last : known.next;
    if (at > next) this.#tell(`${member} skips in ${line} of ${queue} from ${next} to ${at}`);
    const stepsBack = at < known.last || (at === known.last && known.settled);
    if (stepsBack && sameHands) {
      const what = `${member} steps back in ${line} of ${queue} from ${known.last} to ${at}`;
      this.#tell(facts === undefined ? what : `${what} (${known.facts}; ${facts})`);
    }
    if (at < known.next) this.repeats++;
    known.last = at;
    known.facts = facts;
    known.turn = held.turn;
    known.busy = true;
    known.settled = false;
  }

  /** It has returned; `settled` when it settled the message. */
  end({ queue, line, at }: Sighting, settled: boolean): void {
    const held = this.#queue(queue, "");
    const known = this.#line(held, line);
    held.busy--;
    known.busy = false;
    known.settled = settled;
    if (settled) known.next = Math.max(known.next, at + 1);
  }

  /** Messages settled, each counted once. */
  get settled(): number {
    let sum = 0;
    for (const { lines } of this.#queues.values()) for (const { next } of lines.values()) sum += next;
    return sum;
  }

  #queue(name: string, member: string): Queue {
    let queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, queue = { member, busy: 0, turn: 0, lines: new Map() });
    return queue;
  }

  #line({ lines, turn }: Queue, name: string): Line {
    let line = lines.get(name);
    if (line === undefined) {
      lines.set(name, line = { next: 0, last: -1, facts: undefined, turn, busy: false, settled: false });
    }
    return line;
  }

  #tell(breach: string): void {
    // the first ones tell what went wrong
    if (this.breaches.length < 10) this.breaches.push(breach);
  }
}
