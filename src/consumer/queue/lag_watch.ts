/**
 * How far behind a queue is while it is not pulled: paused, or full of messages that are not settled.
 *
 * Each answer of a pull tells where its queue ends. A queue without one for a while is asked about, so that its lag grows as messages
 * come, and whoever is paged or scaled by it is told.
 */
import type { BrokerCaller } from "../../offsets/broker_caller.ts";
import type { Clock } from "../../time/clock.ts";
import type { Loop } from "../../time/loop.ts";
import type { QueueWindow } from "../window/queue_window.ts";
import { endOffset } from "./queue_positions.ts";

/** How often it is looked which queues had no answer, in milliseconds. */
export const LAG_EVERY_MS = 15_000;
/** What a queue's last answer said is good for so long, in milliseconds; a parked pull is answered before. */
export const LAG_GOOD_FOR_MS = 30_000;

/** What is known of a queue's end. */
export type EndOfQueue = Pick<QueueWindow, "queue" | "lastAnswerAt" | "maxOffset">;

/** The loop that asks about queues which are not pulled. */
export function lagLoop(
  client: BrokerCaller & { readonly clock: Clock },
  pulled: () => Iterable<EndOfQueue>,
): Loop {
  const run = (signal: AbortSignal) => learnEnds(client, pulled(), client.clock.now(), signal);
  return { name: "lag", firstMs: LAG_EVERY_MS, everyMs: LAG_EVERY_MS, run };
}

/** Asks where queues end that had no answer lately, one by one. A broker that does not tell is not asked again in this round. */
export async function learnEnds(
  caller: BrokerCaller,
  windows: Iterable<EndOfQueue>,
  now: number,
  signal: AbortSignal,
): Promise<void> {
  const silent = new Set<string>();
  for (const window of [...windows]) {
    const { brokerName } = window.queue;
    if (now - window.lastAnswerAt < LAG_GOOD_FOR_MS || silent.has(brokerName)) continue;
    if (signal.aborted) return;
    try {
      window.maxOffset = Math.max(window.maxOffset, await endOffset(caller, window.queue));
    } catch {
      silent.add(brokerName);
    }
  }
}
