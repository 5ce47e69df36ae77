/**
 * Stored offsets never go back, save where something explains it.
 *
 * Two rules. A member's commits of a queue rise as long as it owns the queue: it starts anew when it asks for the stored
 * offset, or the broker tells it that its offset is gone. A move on purpose explains one step back of each member, as every one that
 * thinks it owns the queue is told, and not beyond its target. And when the world has been calm for a while, what the broker
 * stores only rises, whoever commits: a former owner has no business there any more.
 */
import { type Ledger, type Reader } from "./ledger.ts";
import type { Timeline } from "./timeline.ts";

/** What commits are held to. */
export class OffsetRules {
  /** Commits that took a stored offset back while faults were at work. */
  takenBack = 0;
  /** Whether the world has been calm for a while. */
  calm = false;
  readonly #ledger: Ledger;
  readonly #timeline: Timeline;
  readonly #reader: Reader;
  readonly #byMember = new Map<string, number>();
  readonly #stored = new Map<string, number>();
  /** How far back the next step of a queue may go, and whose has been made. */
  readonly #moved = new Map<string, { readonly to: number; readonly by: Set<string> }>();
  /** Names of members by host. */
  readonly #names: ReadonlyMap<string, string>;

  /** Rules for the commits of `reader`'s members. */
  constructor(ledger: Ledger, timeline: Timeline, reader: Reader, names: ReadonlyMap<string, string>) {
    this.#ledger = ledger;
    this.#timeline = timeline;
    this.#reader = reader;
    this.#names = names;
  }

  /** A member starts a queue from what is stored. */
  beginsAnew(host: string, queue: string): void {
    this.#byMember.delete(`${host} ${queue}`);
  }

  /** Somebody moved a queue to `offset` on purpose. */
  moved(queue: string, offset: number): void {
    this.#moved.set(queue, { to: offset, by: new Set() });
  }

  /** A broker lost what it had not saved: what is stored there now may be older. */
  forgetBroker(brokerName: string): void {
    for (const key of this.#stored.keys()) if (key.split(" ")[1] === brokerName) this.#stored.delete(key);
  }

  /** A broker stored an offset. */
  committed(host: string, queue: string, offset: number): void {
    const member = this.#names.get(host) ?? host;
    const own = this.#byMember.get(`${host} ${queue}`) ?? -1;
    const stored = this.#stored.get(queue) ?? -1;
    const move = this.#moved.get(queue);
    const isMoved = move !== undefined && offset < Math.max(own, stored) && offset >= move.to &&
      !move.by.has(host);
    if (isMoved) move.by.add(host);
    if (offset < own && !isMoved) {
      this.#timeline.finding("offsets rise", `${member} commits ${offset} of ${queue} after ${own}`);
    }
    this.#byMember.set(`${host} ${queue}`, offset);
    if (offset < stored && !isMoved) {
      this.takenBack++;
      this.#timeline.note(member, `takes the offset of ${queue} back from ${stored} to ${offset}`);
      if (this.calm) {
        this.#timeline.finding(
          "offsets rise when calm",
          `${member} takes ${queue} from ${stored} to ${offset}`,
        );
      }
    }
    this.#stored.set(queue, offset);
    this.#ledger.committed(this.#reader, queue, offset, member);
  }

  /** A broker took the acknowledgement of a popped message. */
  acked(host: string, queue: string, offset: number): void {
    this.#ledger.acked(this.#reader, queue, offset, this.#names.get(host) ?? host);
  }
}
