/**
 * The background life of a client, told like a timetable.
 *
 * A Loop is a name, two intervals and a body. `runLoops` sleeps, runs the body, reports its error and goes on; runs of
 * one loop never overlap. `nudge` wakes a loop early: a nudge during a run causes one more run after it.
 * `stop` aborts the signal and resolves when every body has ended, so nothing outlives its owner.
 */
import { type Clock, UNAWAITED } from "./clock.ts";

/** One line of the timetable. */
export interface Loop {
  /** What error reports and `nudge` call it. */
  readonly name: string;
  /** Wait before the first run, in milliseconds; `Infinity` waits for a nudge. */
  readonly firstMs: number;
  /** Wait between two runs, in milliseconds, counted from the end of one to the start of the next. */
  readonly everyMs: number;
  /** The work; must end soon after `signal` aborts. */
  run(signal: AbortSignal): void | Promise<void>;
}

/** Running loops. */
export interface LoopRunner {
  /** Wakes the loop called `name` at once. */
  nudge(name: string): void;
  /** Aborts every loop and resolves when all bodies have ended. Safe to call twice. */
  stop(): Promise<void>;
}

/** Starts every loop of the timetable. */
export function runLoops(
  loops: readonly Loop[],
  options: { clock: Clock; onError: (loop: string, error: unknown) => void },
): LoopRunner {
  const stopping = new AbortController();
  const wake = new Map<string, () => void>();
  const running = loops.map((loop) => runLoop(loop, options, stopping.signal, wake));
  return {
    nudge: (name) => wake.get(name)?.(),
    async stop() {
      stopping.abort();
      await Promise.all(running);
    },
  };
}

async function runLoop(
  loop: Loop,
  { clock, onError }: { clock: Clock; onError: (loop: string, error: unknown) => void },
  signal: AbortSignal,
  wake: Map<string, () => void>,
): Promise<void> {
  let nudged = false;
  let sleeping: AbortController | undefined;
  wake.set(loop.name, () => {
    nudged = true;
    sleeping?.abort(UNAWAITED);
  });
  const onStop = (): void => sleeping?.abort(UNAWAITED);
  signal.addEventListener("abort", onStop);
  let waitMs = loop.firstMs;
  while (!signal.aborted) {
    if (!nudged && waitMs > 0) {
      sleeping = new AbortController();
      await clock.sleep(waitMs, sleeping.signal).catch(() => {});
      sleeping = undefined;
      if (signal.aborted) break;
    }
    nudged = false;
    try {
      await loop.run(signal);
    } catch (error) {
      if (!signal.aborted) onError(loop.name, error);
    }
    waitMs = loop.everyMs;
  }
  signal.removeEventListener("abort", onStop);
}
