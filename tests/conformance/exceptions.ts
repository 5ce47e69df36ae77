/**
 * What an older broker cannot do, by scenario: the list of reasoned exceptions of the 4.9.7 cluster.
 */
import { type Scenario, Skipped } from "./scenario.ts";

/** Name of a scenario → why a broker of version 4.9 cannot show it. */
const EXCEPTIONS_OF_4_9: Readonly<Record<string, string>> = {};

/** The scenario, or one of its name that is skipped with the reason. */
export function exceptionFor(scenario: Scenario, version: string | undefined): Scenario {
  const reason = version?.startsWith("4.") ? EXCEPTIONS_OF_4_9[scenario.name] : undefined;
  if (reason === undefined) return scenario;
  return { name: scenario.name, run: () => Promise.reject(new Skipped(reason)) };
}
