/**
 * How a queue changes hands where messages do not wait for each other, and no lock says who owns it.
 *
 * Members hear at the same time that one has come or gone. Who loses a queue hands nothing of it out any more and has a moment
 * to finish what is out and to commit; who gains it begins after that moment. So what was handled is not delivered again. Java
 * begins at once, at an offset that may be as old as the interval of commits.
 */
import type { Clock } from "../../time/clock.ts";

/** What is out of a lost queue may take so long to be settled before its signal fires and it is lost, in milliseconds. */
export const FINISH_MS = 300;
/** A queue that others may have owned begins so long after this member heard of it, in milliseconds: they hear and commit, too. */
const HAND_OVER_MS = 400;

/** One round of rebalancing. */
export interface Round {
  /** In milliseconds since the epoch. */
  readonly beganAt: number;
  /** Ends its waits. */
  readonly signal: AbortSignal | undefined;
}

/** Waits until other members have had their moment since the round began. */
export async function letOthersFinish({ beganAt, signal }: Round, clock: Clock): Promise<void> {
  const restMs = beganAt + HAND_OVER_MS - clock.now();
  if (restMs > 0) await clock.sleep(restMs, signal).catch(() => {});
}
