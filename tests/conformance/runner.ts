/**
 * Runs scenarios, several at once, and says how each went. No test runner: it is to work alike on Deno, Bun and Node.
 */
import type { Rig } from "./rig.ts";
import { type Scenario, Skipped } from "./scenario.ts";
import { createStage, runtime } from "./stage.ts";

/** Time a scenario may take unless it says otherwise, in milliseconds. */
const TIMEOUT_MS = 60_000;

/** How a scenario went. */
export interface Outcome {
  readonly scenario: Scenario;
  /** Why it was skipped. */
  readonly skipped?: string;
  /** Why it failed. */
  readonly error?: unknown;
  /** Time it took, in milliseconds. */
  readonly tookMs: number;
}

/** Why a scenario cannot run here, if so. */
export function obstacle(scenario: Scenario, rig: Pick<Rig, "kind">): string | undefined {
  const { only, why } = scenario;
  if (only === undefined || only === rig.kind || only === runtime) return undefined;
  return `only on ${only}: ${why ?? "it has no counterpart elsewhere"}`;
}

/** Runs one scenario. */
export async function runScenario(scenario: Scenario, rig: Rig): Promise<Outcome> {
  const skipped = obstacle(scenario, rig);
  if (skipped !== undefined) return { scenario, skipped, tookMs: 0 };
  const began = performance.now();
  const outcome = (rest: Omit<Outcome, "scenario" | "tookMs">): Outcome => ({
    scenario,
    ...rest,
    tookMs: performance.now() - began,
  });
  try {
    const stage = await createStage(rig);
    try {
      await within(scenario.timeoutMs ?? TIMEOUT_MS, scenario.run(stage));
    } finally {
      await within(TIMEOUT_MS, stage.clear());
    }
    return outcome({});
  } catch (error) {
    return outcome(error instanceof Skipped ? { skipped: error.message } : { error });
  }
}

/** Runs all: those that can share the cluster first, `parallel` at once, the others after them one by one. */
export async function runAll(
  scenarios: readonly Scenario[],
  rig: Rig,
  { parallel, report }: { parallel: number; report: (outcome: Outcome) => void },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const drain = async (queue: Scenario[]): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const outcome = await runScenario(next, rig);
      outcomes.push(outcome);
      report(outcome);
    }
  };
  const together = scenarios.filter((scenario) => !scenario.alone);
  await Promise.all(Array.from({ length: parallel }, () => drain(together)));
  await drain(scenarios.filter((scenario) => scenario.alone));
  return outcomes;
}

/** One line about an outcome. */
export function outcomeLine({ scenario, skipped, error, tookMs }: Outcome): string {
  if (skipped !== undefined) return `skip        ${scenario.name} (${skipped})`;
  const time = `${(tookMs / 1000).toFixed(2)} s`.padStart(7);
  return `${error === undefined ? "ok  " : "FAIL"} ${time} ${scenario.name}`;
}

/** The counts of outcomes. */
export function countOutcomes(
  outcomes: readonly Outcome[],
): { passed: number; failed: number; skipped: number } {
  const failed = outcomes.filter(({ error }) => error !== undefined).length;
  const skipped = outcomes.filter((outcome) => outcome.skipped !== undefined).length;
  return { passed: outcomes.length - failed - skipped, failed, skipped };
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished after ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
