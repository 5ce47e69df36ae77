/**
 * Who was handed what, and what came of it: the books that the checkers compare with what the brokers hold.
 *
 * A Reader is whoever must see every message: the whole group when its members share the queues, each instance when it
 * broadcasts. For every queue of the topic a reader has a page: when each offset was first begun and first handled, in
 * one count over the whole world. What comes through a retry topic is known by its id alone.
 */
import type { PulledMessage } from "../../src/consumer/consumed_message.ts";
import { type MessageQueue, queueKey } from "../../src/protocol/message_queue.ts";
import type { SimClock } from "./sim_clock.ts";
import type { Timeline } from "./timeline.ts";

/** The topic of every simulated world. */
export const TOPIC = "sim-topic";
/** Its group. */
export const GROUP = "sim-group";

/** A message as it is handed out; one that was polled has no signal. */
export type HandedOut = PulledMessage & { readonly signal?: AbortSignal };

/** Which messages may not be at work at the same time. */
export type Scope = "message" | "queue" | "key";

/** What one reader knows of one queue; indices are offsets, values positions in the count of all events. */
export interface Page {
  readonly begun: number[];
  /** When each was last begun. */
  readonly begunLast: number[];
  readonly handled: number[];
  /** The broker's id of each message: where it lies in the log. */
  readonly offsetIds: string[];
  /** Offsets below this have been found settled when a commit passed them. */
  checkedTo: number;
}

/** One message in the hands of one member. */
export interface Attempt {
  readonly reader: Reader;
  readonly member: string;
  readonly message: HandedOut;
  readonly id: string;
  /** Where it is entered while it is at work. */
  readonly scope: string;
  readonly startedAt: number;
}

/** Whoever must see every message. */
export class Reader {
  /** What it is called. */
  readonly name: string;
  /** Ids of messages that it handled. */
  readonly handledIds: Set<string> = new Set();
  /** Ids that it may miss: a broker lost what would have brought them again. */
  readonly excusedIds: Set<string> = new Set();
  readonly pages: Map<string, Page> = new Map();

  /** A reader that has seen nothing. */
  constructor(name: string) {
    this.name = name;
  }

  /** Its page of a queue. */
  page(key: string): Page {
    let page = this.pages.get(key);
    if (page === undefined) {
      this.pages.set(key, page = { begun: [], begunLast: [], handled: [], offsetIds: [], checkedTo: 0 });
    }
    return page;
  }
}

/** What the books must know of a way to consume. */
export interface LedgerTerms {
  /** Which messages may not be at work at once. */
  readonly scope: Scope;
  /** Whether they are popped. */
  readonly pops: boolean;
}

/** How long two members may both believe that a queue is theirs after its broker forgot its locks, in milliseconds. */
const LOCK_DOUBT_MS = 60_000;
/** The same where it forgot what was popped: until everything that a slow handler has cached is handled. */
const POP_DOUBT_MS = 180_000;

/** Offsets of a queue that nobody needs to handle. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

/** The books of one world. */
export class Ledger {
  /** Readers by name. */
  readonly readers: Map<string, Reader> = new Map();
  /** Offsets that a broker gave out twice, whose messages it lost, or that a move passed over, by queue. */
  readonly excused: Map<string, OffsetRange[]> = new Map();
  /** When a broker last began a new life, in milliseconds since the epoch. */
  readonly restartedAt: Map<string, number> = new Map();
  /** Hand-outs, successes and failures so far. */
  readonly counts = {
    begun: 0,
    handled: 0,
    failed: 0,
    redelivered: 0,
    overlapsExcused: 0,
    servedBySlaves: 0,
  };
  readonly #clock: SimClock;
  readonly #timeline: Timeline;
  readonly #scope: Scope;
  readonly #hidesRetries: boolean;
  readonly #pops: boolean;
  readonly #doubtMs: number;
  readonly #resetAt = new Map<string, number>();
  readonly #running = new Map<string, Attempt>();
  readonly #sentBack = new Set<string>();
  #event = 0;

  /** Empty books. */
  constructor(clock: SimClock, timeline: Timeline, { scope, pops }: LedgerTerms) {
    this.#clock = clock;
    this.#timeline = timeline;
    this.#scope = scope;
    this.#hidesRetries = pops && scope === "message";
    this.#pops = pops;
    this.#doubtMs = pops ? POP_DOUBT_MS : LOCK_DOUBT_MS;
  }

  /** How many events there were. */
  get event(): number {
    return this.#event;
  }

  /** The reader of that name. */
  reader(name: string): Reader {
    let reader = this.readers.get(name);
    if (reader === undefined) this.readers.set(name, reader = new Reader(name));
    return reader;
  }

  /** A message is handed out, perhaps with others before whose turn it is not. */
  handOut(reader: Reader, message: HandedOut): void {
    const { queue, queueOffset, offsetMessageId } = message;
    if (this.#isFirst(message)) reader.page(queueKey(queue)).offsetIds[queueOffset] = offsetMessageId;
  }

  /** Whether a message comes from its own queue, not by way of a retry topic; popped ones are shown under their own either way. */
  #isFirst({ queue, attempt }: HandedOut): boolean {
    return queue.topic === TOPIC && (!this.#hidesRetries || attempt === 1);
  }

  /** A message comes into the hands of `member`: it is its turn. */
  begin(reader: Reader, member: string, message: HandedOut): Attempt {
    this.counts.begun++;
    const id = message.keys[0] ?? "?";
    const { queue, queueOffset } = message;
    const key = queueKey(queue);
    if (this.#isFirst(message)) {
      const page = reader.page(key);
      const event = this.#event++;
      page.begunLast[queueOffset] = event;
      if (page.begun[queueOffset] === undefined) page.begun[queueOffset] = event;
      else this.counts.redelivered++;
    }
    if (this.#timeline.verbose) this.#timeline.note(member, `begins ${id} of ${key}@${queueOffset}`);
    const scope = this.#scope === "message"
      ? ""
      : `${reader.name} ${key}${this.#scope === "key" ? ` ${message.tag}` : ""}`;
    const attempt: Attempt = { reader, member, message, id, scope, startedAt: this.#clock.now() };
    if (scope !== "") this.#enter(attempt, queue);
    return attempt;
  }

  /** An administrator has moved a queue. */
  wasReset(key: string): void {
    this.#resetAt.set(key, this.#clock.now());
  }

  /**
   * When two members last had a reason to be at work on a queue at once. A broker that comes back has forgotten its locks: until the
   * next renewal two members may believe in theirs. One that pops a queue from where it was reset forgets what is out
   * (PopMessageProcessor.getPopOffset).
   */
  #doubtedAt(queue: MessageQueue): number {
    const restarted = this.restartedAt.get(queue.brokerName) ?? -Infinity;
    return this.#pops ? Math.max(restarted, this.#resetAt.get(queueKey(queue)) ?? -Infinity) : restarted;
  }

  #enter(attempt: Attempt, queue: MessageQueue): void {
    const other = this.#running.get(attempt.scope);
    this.#running.set(attempt.scope, attempt);
    if (other === undefined || other.message.signal?.aborted || attempt.message.signal?.aborted) return;
    if (this.#clock.now() - this.#doubtedAt(queue) < this.#doubtMs) {
      this.counts.overlapsExcused++;
      return;
    }
    this.#timeline.finding(
      "one at a time",
      `${attempt.member} begins ${describe(attempt)} while ${other.member} is at work on ${describe(other)}`,
    );
  }

  /** It was handled. */
  succeed(attempt: Attempt): void {
    this.#leave(attempt);
    if (this.#timeline.verbose) this.#timeline.note(attempt.member, `handled ${attempt.id}`);
    this.counts.handled++;
    const { reader, id, message } = attempt;
    reader.handledIds.add(id);
    if (!this.#isFirst(message)) return;
    const page = reader.page(queueKey(message.queue));
    page.handled[message.queueOffset] ??= this.#event++;
  }

  /** It was not. */
  fail(attempt: Attempt): void {
    this.#leave(attempt);
    if (this.#timeline.verbose) this.#timeline.note(attempt.member, `failed ${attempt.id}`);
    this.counts.failed++;
  }

  #leave(attempt: Attempt): void {
    if (this.#running.get(attempt.scope) === attempt) this.#running.delete(attempt.scope);
  }

  /** A member is no more: nothing is in its hands. */
  gone(member: string): void {
    for (const [scope, attempt] of this.#running) if (attempt.member === member) this.#running.delete(scope);
  }

  /** A broker has confirmed that the message at `physicalOffset` of its log comes again, or is a dead letter. */
  sentBack(brokerName: string, physicalOffset: number): void {
    this.#sentBack.add(`${brokerName} ${physicalOffset}`);
  }

  /** The same, for the message with the given offset id; it may be any broker's. */
  sentBackById(offsetMessageId: string): void {
    this.#sentBack.add(offsetMessageId);
  }

  /** A popped message was acknowledged: it must be handled, or be with the dead letters. */
  acked(reader: Reader, key: string, offset: number, member: string): void {
    const page = reader.page(key);
    if (page.handled[offset] !== undefined || this.isExcused(key, offset)) return;
    if (this.#cameBack(key.split(" ")[1]!, page.offsetIds[offset])) return;
    this.#timeline.finding("acknowledge what is handled", `${member} acknowledges ${key}@${offset}`);
  }

  #cameBack(brokerName: string, offsetId: string | undefined): boolean {
    if (offsetId === undefined) return false;
    return this.#sentBack.has(offsetId) ||
      this.#sentBack.has(`${brokerName} ${parseInt(offsetId.slice(-16), 16)}`);
  }

  /** Nobody needs to handle the messages of a queue from `from` to `to`. */
  excuse(key: string, range: OffsetRange): void {
    const ranges = this.excused.get(key);
    if (ranges) ranges.push(range);
    else this.excused.set(key, [range]);
  }

  /** Whether nobody needs to handle the message at an offset. */
  isExcused(key: string, offset: number): boolean {
    return this.excused.get(key)?.some(({ from, to }) => offset >= from && offset < to) ?? false;
  }

  /** An offset was stored: everything below it must be handled, or confirmed to come again. */
  committed(reader: Reader, key: string, offset: number, member: string): void {
    const page = reader.page(key);
    const brokerName = key.split(" ")[1];
    for (; page.checkedTo < offset; page.checkedTo++) {
      const at = page.checkedTo;
      if (page.handled[at] !== undefined || this.isExcused(key, at)) continue;
      if (this.#cameBack(brokerName!, page.offsetIds[at])) continue;
      this.#timeline.finding(
        "commit the lowest unsettled",
        `${member} commits ${offset} of ${key}, but ${at} ${
          page.offsetIds[at] === undefined ? "was never handed out" : "is not settled"
        }`,
      );
      page.checkedTo = offset;
    }
  }
}

function describe({ message: { queue, queueOffset, tag, attempt } }: Attempt): string {
  return `${queue.topic}/${queue.brokerName}/${queue.queueId}@${queueOffset} (key ${tag}, attempt ${attempt})`;
}
