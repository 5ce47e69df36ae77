/**
 * `deno task sim`: many seeds at once, or one again with its story.
 *
 *   deno task sim --seeds 1000 [--from 0] [--workload orderly] [--jobs 2] [--any] [--until-red]
 *   deno task sim --seed 17 [--workload orderly] [--verbose]
 *
 * Many: prints totals by fault and workload; a workload or a kind of fault that was never drawn is a failure, as nothing was
 * learned about it, save with `--any`; `--until-red` ends with the first seed that fails. One: prints the timeline, with `--verbose` down to single messages. The last line counts seeds.
 */
import { tallyLine } from "../../tools/tally.ts";
import { FAULT_KINDS } from "./faults.ts";
import { simulate, type Verdict, WORLD_MS } from "./simulate.ts";
import { workloadOf, WORKLOADS } from "./workloads.ts";

/** Much code that is warm and little that is hot: compiled at once, and with room for what dies young, a seed takes a twentieth less. */
const V8_FLAGS = "--v8-flags=--always-sparkplug,--max-semi-space-size=64";

/** What a process below tells of one seed: the verdict without its story. */
type Outcome = Omit<Verdict, "timeline">;

/** The value that follows `--name`. */
function option(name: string): string | undefined {
  const at = Deno.args.indexOf(`--${name}`);
  return at < 0 ? undefined : Deno.args[at + 1];
}

/** Runs one seed and tells its story. */
async function replay(seed: number): Promise<number> {
  const verdict = await simulate(seed, option("workload"), Deno.args.includes("--verbose"));
  console.log(verdict.timeline);
  console.log(`\nseed ${seed}, ${verdict.workload}: ${JSON.stringify(verdict.counts)}`);
  console.log(verdict.findings.length === 0 ? "every rule held" : `\n${verdict.findings.join("\n")}`);
  return verdict.findings.length === 0 ? 0 : 1;
}

/** A process below: every `step`th seed, one line each. */
async function work(from: number, to: number, step: number): Promise<void> {
  for (let seed = from; seed < to; seed += step) {
    const { timeline: _, ...outcome } = await simulate(seed, option("workload"));
    console.log(JSON.stringify(outcome));
  }
}

/** Starts a process below, and hands on what it tells. */
async function* outcomes(from: number, to: number, step: number): AsyncGenerator<Outcome> {
  const workload = option("workload");
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", V8_FLAGS, new URL(import.meta.url).pathname],
      ...["--below", String(step), "--from", String(from), "--to", String(to)],
      ...(workload === undefined ? [] : ["--workload", workload]),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let rest = "";
  let finished = false;
  try {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) yield JSON.parse(line) as Outcome;
    }
    finished = true;
  } finally {
    if (!finished) child.kill();
  }
  const { code } = await child.status;
  if (code !== 0) throw new Error(`Cannot simulate from seed ${from}: exit code ${code}`);
}

/** What must have come about for the checks that concern it to mean anything. */
const NEEDED_COUNTS = ["servedBySlaves", "seeksObeyed", "resets", "passedOver"];

/** Progress is told once for so many seeds. */
const TELL_EVERY = 100;

/** Totals over many seeds. */
class Totals {
  passed = 0;
  failed = 0;
  readonly #faults = new Map<string, number>();
  readonly #counts = new Map<string, Map<string, number>>();

  /** How many are through. */
  get seeds(): number {
    return this.passed + this.failed;
  }

  add({ seed, workload, findings, faults, counts }: Outcome): void {
    if (findings.length === 0) this.passed++;
    else {
      this.failed++;
      console.log(`seed ${seed}, ${workload}: ${findings.length} findings, the first:`);
      for (const finding of findings.slice(0, 3)) console.log(`  ${finding}`);
      console.log(`  deno task sim --seed ${seed} --workload ${workload}`);
    }
    for (const [kind, times] of Object.entries(faults)) {
      const key = `${workload} ${kind}`;
      this.#faults.set(key, (this.#faults.get(key) ?? 0) + times);
    }
    const sums = this.#counts.get(workload) ?? new Map<string, number>();
    this.#counts.set(workload, sums);
    for (const [name, count] of Object.entries({ seeds: 1, ...counts })) {
      sums.set(name, (sums.get(name) ?? 0) + count);
    }
  }

  /** Workloads and kinds of faults that no seed drew, and what none of them brought about. */
  get missing(): string[] {
    const drawn = [...this.#faults.keys()];
    const sum = (name: string): number =>
      [...this.#counts.values()].reduce((all, sums) => all + (sums.get(name) ?? 0), 0);
    return [
      ...WORKLOADS.map(({ name }) => name).filter((name) => !this.#counts.has(name)),
      ...FAULT_KINDS.filter((kind) => !drawn.some((key) => key.endsWith(` ${kind}`))),
      ...NEEDED_COUNTS.filter((name) => sum(name) === 0),
    ];
  }

  print(): void {
    const workloads = WORKLOADS.map(({ name }) => name).filter((name) => this.#counts.has(name));
    const row = (name: string, cells: (number | string)[]): void =>
      console.log(name.padEnd(20) + cells.map((cell) => String(cell).padStart(13)).join(""));
    console.log();
    row("fault", [...workloads, "all"]);
    for (const kind of FAULT_KINDS) {
      const cells = workloads.map((workload) => this.#faults.get(`${workload} ${kind}`) ?? 0);
      row(kind, [...cells, cells.reduce((sum, cell) => sum + cell, 0)]);
    }
    console.log();
    row("total", workloads);
    const names = new Set([...this.#counts.values()].flatMap((sums) => [...sums.keys()]));
    for (const name of names) {
      row(
        name,
        workloads.map((workload) => this.#counts.get(workload)!.get(name) ?? 0),
      );
    }
  }
}

/** Runs many seeds, on several processes. */
async function runMany(from: number, count: number, jobs: number): Promise<number> {
  const started = performance.now();
  const totals = new Totals();
  await Promise.all(Array.from({ length: jobs }, async (_, at) => {
    for await (const outcome of outcomes(from + at, from + count, jobs)) {
      totals.add(outcome);
      if (totals.seeds % TELL_EVERY === 0) {
        console.log(
          `${totals.seeds} of ${count} seeds, ${((performance.now() - started) / 1000).toFixed(0)} s`,
        );
      }
      if (totals.failed > 0 && Deno.args.includes("--until-red")) return;
    }
  }));
  totals.print();
  const seconds = (performance.now() - started) / 1000;
  const hours = (count * WORLD_MS) / 3_600_000;
  console.log(
    `\n${count} seeds, ${hours} hours of the worlds' time, in ${seconds.toFixed(0)} s: ` +
      `${(count / seconds).toFixed(2)} seeds a second`,
  );
  const missing = Deno.args.includes("--any") ? [] : totals.missing;
  for (const each of missing) console.log(`never drawn: ${each}`);
  const failed = totals.failed + (missing.length > 0 ? 1 : 0);
  console.log(tallyLine({ passed: totals.passed, failed }));
  return failed;
}

const from = Number(option("from") ?? 0);
const below = option("below");
const seed = option("seed");
if (below !== undefined) {
  await work(from, Number(option("to")), Number(below));
} else if (seed !== undefined) {
  const failed = await replay(Number(seed));
  console.log(tallyLine({ passed: 1 - failed, failed }));
  Deno.exit(failed);
} else {
  const failed = await runMany(from, Number(option("seeds") ?? 100), Number(option("jobs") ?? 2));
  Deno.exit(failed === 0 ? 0 : 1);
}
