/**
 * `deno task mutants`: does the suite notice when the library is broken on purpose?
 *
 *   deno task mutants [part of a patch's name …] [--jobs 2]
 *
 * Each patch beside this file is a deliberate bug. It opens with a line that says what is wrong, and a `Run:` line for each
 * part of the suite that may notice: test files, `scenario <name>`, or `sim <workload> <seeds>`. The patch is applied to a
 * copy of the tree, the parts are run in that order, and the first that turns red, or does not end, has caught it. A mutant
 * that survives fails, and so does a patch that no longer applies: the code has moved on, and the bug must be put in anew.
 */
import { output, run } from "../../tools/command.ts";
import { readJUnit, tallyLine } from "../../tools/tally.ts";

/** A deliberate bug. */
interface Mutant {
  readonly name: string;
  readonly path: string;
  /** What is wrong, in one line. */
  readonly what: string;
  /** What to run, one part of the suite after the other. */
  readonly parts: readonly string[];
}

/** How long a part of the suite may take, in milliseconds: what hangs has noticed, too. */
const PART_MS = 300_000;
const FOLDER = new URL(".", import.meta.url).pathname;

/** The mutants whose names contain one of `wanted`; all when there is none. */
function readMutants(wanted: readonly string[]): Mutant[] {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).filter((name) =>
    name.endsWith(".patch")
  );
  return names.sort().filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
    .map((name) => {
      const path = FOLDER + name;
      const [what = "", ...rest] = Deno.readTextFileSync(path).split("\n");
      const head = rest.slice(0, rest.findIndex((line) => line.startsWith("diff ")));
      const parts = head.filter((line) => line.startsWith("Run: ")).map((line) => line.slice("Run: ".length));
      return { name: name.replace(/\.patch$/, ""), path, what, parts };
    });
}

/** A copy of every file that the repository knows or would take in. */
async function copyOfTree(): Promise<string> {
  const to = await Deno.makeTempDir({ prefix: "mutant-" });
  const files = (await output(["git", "ls-files", "-co", "--exclude-standard"])).split("\n").filter(Boolean);
  for (const file of files) {
    await Deno.mkdir(`${to}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(file, `${to}/${file}`).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  return to;
}

/** What runs a part of the suite in `tree`. */
function commandOf(part: string, tree: string): string[] {
  const [kind, workload, seeds] = part.split(" ");
  const program = ["deno", "run", "-A", "--no-check"];
  switch (kind) {
    case "sim":
      return [
        ...program,
        "tests/simulation/main.ts",
        ...["--workload", workload!, "--any", "--from", "0", "--seeds", seeds!],
      ];
    case "scenario":
      return [
        ...program,
        ...["tests/conformance/main.ts", "--embedded", "--only", part.slice("scenario ".length)],
      ];
    default:
      return ["deno", "test", "-A", "--no-check", `--junit-path=${reportOf(tree)}`, ...part.split(" ")];
  }
}

function reportOf(tree: string): string {
  return `${tree}/junit.xml`;
}

/** What in `part` turned red, or undefined when all of it is green. */
async function whatFails(part: string, tree: string): Promise<string | undefined> {
  const command = commandOf(part, tree);
  const { code, output, late } = await run(command, {
    cwd: tree,
    capture: true,
    quiet: true,
    limitMs: PART_MS,
  });
  if (late) return `${part} does not end within ${PART_MS / 1000} s`;
  if (code === 0) return undefined;
  const [kind, workload] = part.split(" ");
  if (kind === "scenario") return part.replace(" ", ": ");
  if (kind === "sim") {
    const first = /^seed (\d+), .*\n\s+\S+ ([^:]+): /m.exec(output);
    if (first === null) throw new Error(`no seed of ${part} fails, and yet:\n${output.slice(-2000)}`);
    return `simulation, ${workload} seed ${first[1]}: ${first[2]}`;
  }
  const xml = await Deno.readTextFile(reportOf(tree)).catch(() => "");
  // Files that cannot be loaded turn red too, and would catch anything.
  if (readJUnit(xml).passed === 0) throw new Error(`no test of ${part} passes:\n${output.slice(-2000)}`);
  const test = /<testcase name="([^"]*)"[^>]*>\s*<failure/.exec(xml)?.[1] ?? part;
  return test.replaceAll("&quot;", '"').replaceAll("&gt;", ">").replaceAll("&lt;", "<").replaceAll(
    "&amp;",
    "&",
  );
}

/** What caught a mutant; throws when nothing did, or it cannot be made. */
async function trial({ path, parts }: Mutant, tree: string): Promise<string> {
  const applied = await run(["git", "apply", "--unsafe-paths", path], {
    cwd: tree,
    capture: true,
    quiet: true,
  });
  if (applied.code !== 0) throw new Error(`the patch does not apply: ${applied.output.trim()}`);
  try {
    for (const part of parts) {
      const caught = await whatFails(part, tree);
      if (caught !== undefined) return caught;
    }
    throw new Error(`it survives ${parts.join(", ")}`);
  } finally {
    await run(["git", "apply", "--unsafe-paths", "-R", path], { cwd: tree, capture: true, quiet: true });
  }
}

/** The parts that the mutants name, each once; of a workload's seeds the most. */
function distinctParts(mutants: readonly Mutant[]): string[] {
  const seeds = new Map<string, number>();
  const others = new Set<string>();
  for (const part of mutants.flatMap(({ parts }) => parts)) {
    const [kind, workload = "", count] = part.split(" ");
    if (kind === "sim") seeds.set(workload, Math.max(seeds.get(workload) ?? 0, Number(count)));
    else others.add(part);
  }
  return [...others, ...[...seeds].map(([workload, count]) => `sim ${workload} ${count}`)];
}

const jobsAt = Deno.args.indexOf("--jobs");
const jobs = jobsAt < 0 ? 2 : Number(Deno.args[jobsAt + 1]);
const mutants = readMutants(jobsAt < 0 ? Deno.args : Deno.args.slice(0, jobsAt));
const trees = await Promise.all(Array.from({ length: jobs }, copyOfTree));
let passed = 0, failed = 0;

/** Works through `tasks`, each on one of the trees. */
async function onTrees<T>(
  tasks: readonly T[],
  work: (task: T, tree: string) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(trees.map(async (tree) => {
    while (next < tasks.length) await work(tasks[next++]!, tree);
  }));
}

try {
  // What is red without any mutant would catch them all.
  await onTrees(distinctParts(mutants), async (part, tree) => {
    const red = await whatFails(part, tree);
    if (red === undefined) return;
    failed++;
    console.log(`red without a mutant: ${part}\n           ${red}`);
  });
  if (failed === 0) {
    await onTrees(mutants, async (mutant, tree) => {
      try {
        const by = await trial(mutant, tree);
        passed++;
        console.log(`caught   ${mutant.what}\n           ${by}`);
      } catch (error) {
        failed++;
        console.log(`ESCAPED  ${mutant.what} (${mutant.name})\n           ${(error as Error).message}`);
      }
    });
  }
} finally {
  for (const tree of trees) await Deno.remove(tree, { recursive: true });
}
console.log(tallyLine({ passed, failed }));
Deno.exit(failed === 0 ? 0 : 1);
