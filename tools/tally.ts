/**
 * Counts of passed and failed checks, and the one line that ends every test program of this project.
 *
 * The line `N passed, N failed` is made from results only: from the JUnit report that `deno test` writes, or from the
 * same line of a program that ran below. A program that fails without naming a failure counts as one.
 */

/** How many checks held and how many did not. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** Both counts added up. */
export function sum(tallies: Iterable<Tally>): Tally {
  let passed = 0, failed = 0;
  for (const tally of tallies) {
    passed += tally.passed;
    failed += tally.failed;
  }
  return { passed, failed };
}

/** The last line of a test program. */
export function tallyLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed`;
}

/** The last such line in `output`, or undefined. */
export function readTallyLine(output: string): Tally | undefined {
  const found = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  return found && { passed: Number(found[1]), failed: Number(found[2]) };
}

/** The counts of a JUnit report: ignored tests are neither passed nor failed. */
export function readJUnit(xml: string): Tally {
  const count = (pattern: RegExp): number => xml.match(pattern)?.length ?? 0;
  const failed = count(/<failure[ >]/g) + count(/<error[ >]/g);
  return { passed: count(/<testcase /g) - failed - count(/<skipped/g), failed };
}

/** A failing exit code is never hidden by a count that knows of no failure. */
export function withExitCode(tally: Tally | undefined, code: number): Tally {
  const known = tally ?? { passed: 0, failed: 0 };
  const silent = code !== 0 ? known.failed === 0 : tally === undefined;
  return silent ? { passed: known.passed, failed: known.failed + 1 } : known;
}
