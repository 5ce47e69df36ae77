/**
 * The journal of a member that was killed, read back: what was settled, and when.
 */
import { readFileSync } from "node:fs";

/** What a journal tells of one queue. */
export class QueueJournal {
  /** When each offset was settled, in milliseconds since the epoch. */
  readonly settledAt: Map<number, number> = new Map();

  /** The lowest offset that was not settled at `time`. */
  lowestUnsettled(time: number): number {
    let offset = 0;
    while ((this.settledAt.get(offset) ?? Infinity) <= time) offset++;
    return offset;
  }
}

/** A whole journal. */
export interface Journal {
  /** The member's client id, once it has started. */
  readonly clientId: string | undefined;
  /** By queue, `broker:queueId`. */
  readonly queues: ReadonlyMap<string, QueueJournal>;
  /** Where each popped message was handed out from, `<queue id> <offset>`, by its id. */
  readonly places: ReadonlyMap<string, string>;
  /** When the first message was settled, in milliseconds since the epoch; Infinity before. */
  readonly began: number;
}

/** Reads a journal as far as it is written. */
export function readJournal(file: string): Journal {
  const queues = new Map<string, QueueJournal>();
  const places = new Map<string, string>();
  let clientId: string | undefined;
  let began = Infinity;
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [what, name = "", offset, time, placeOffset] = line.split(" ");
    if (what === "client") clientId = name;
    if (what === "out" && placeOffset !== undefined) places.set(name, `${time} ${placeOffset}`);
    if (what !== "settled") continue;
    let queue = queues.get(name);
    if (queue === undefined) queues.set(name, queue = new QueueJournal());
    queue.settledAt.set(Number(offset), Number(time));
    began = Math.min(began, Number(time));
  }
  return { clientId, queues, places, began };
}
