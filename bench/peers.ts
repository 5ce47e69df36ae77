/**
 * `deno task bench:peers`: this library, the Java client, the Go client, ali-ons and a raw socket on one real broker.
 *
 *   --namesrv host:port   use this cluster; default: the test cluster, started if need be and then stopped again
 *   --repeat 5            rounds; each runs everything once, in an order of its own, so that noise is shared
 *   --only drain4,go      rows and peers to keep: drain4 drain16 send latency, contrail java go ali-ons floor
 *   --quick               a tenth of the work, one round: shows that everything runs, its figures mean little
 *   --out results.jsonl   where the line of every run goes (in the user's cache by default)
 *
 * A run that fails is told and left out; a peer that cannot be installed is reported as absent. The cluster's brokers give
 * up to 256 messages and 1 MiB for a pull, a stock broker 32 and 256 KiB.
 */
import { parseArgs } from "node:util";
import { availableParallelism, cpus, loadavg } from "node:os";
import { clusterLayout, namesrvAddr } from "../tests/cluster/layout.ts";
import { run } from "../tools/command.ts";
import { type Entry, entryName, matrix, type Peer, type Row } from "./peers/matrix.ts";
import { type Prepared, preparePrograms } from "./peers/programs.ts";
import { type Line, markdown } from "./peers/table.ts";
import { ensureTopics } from "./peers/topics.ts";

const RUN_TIMEOUT_MS = 180_000;
const LAUNCHER = new URL("../tests/cluster/cluster.ts", import.meta.url).pathname;

/** What the command line says. */
interface Choice {
  readonly namesrv: string | undefined;
  readonly rounds: number;
  readonly rows: readonly Row[];
  readonly quick: boolean;
  readonly out: string;
}

function choose(folder: string): Choice {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      namesrv: { type: "string" },
      repeat: { type: "string" },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      out: { type: "string" },
    },
  });
  const quick = values.quick ?? false;
  const all = matrix(quick);
  const only = values.only?.split(",") ?? [];
  const known: string[] = [
    ...all.map(({ id }) => id),
    ...new Set(all.flatMap(({ entries }) => entries.map(({ peer }) => peer))),
  ];
  const unknown = only.filter((word) => !known.includes(word));
  if (unknown.length > 0) {
    throw new Error(`Cannot measure only ${unknown.join(", ")}: known are ${known.join(", ")}`);
  }
  const rows = all.filter(({ id }) => only.includes(id) || !all.some((row) => only.includes(row.id)));
  const peers = only.filter((word) => !all.some(({ id }) => id === word));
  return {
    namesrv: values.namesrv,
    rounds: Number(values.repeat ?? (quick ? 1 : 5)),
    rows: peers.length === 0
      ? rows
      : rows.map((row) => ({ ...row, entries: row.entries.filter(({ peer }) => peers.includes(peer)) })),
    quick,
    out: values.out ?? `${folder}/results-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.jsonl`,
  };
}

/** Runs one program; its line, or why there is none. */
async function measure(
  program: Prepared | undefined,
  row: Row,
  entry: Entry,
  address: { readonly ns: string; readonly broker: string },
) {
  if (program === undefined || "absent" in program) return { failed: "it is absent" };
  const words = {
    topic: await topicOf(row, address.ns),
    ...row.words,
    ...address,
    ...(entry.mode ? { mode: entry.mode } : {}),
  };
  const [name, ...args] = program.command;
  const { success, stdout, stderr } = await new Deno.Command(name!, {
    args: [...args, row.what, ...Object.entries(words).map(([key, value]) => `${key}=${value}`)],
    env: program.env,
    stdout: "piped",
    stderr: "piped",
    signal: AbortSignal.timeout(RUN_TIMEOUT_MS),
  }).output();
  const decoder = new TextDecoder();
  const line = decoder.decode(stdout).split("\n").findLast((each) => each.startsWith("{"));
  if (!success || line === undefined) {
    return { failed: decoder.decode(stderr).trim().split("\n").at(-1) ?? "no line of JSON" };
  }
  const result = JSON.parse(line);
  if (row.what === "drain" && (result.n !== row.words.n || result.repeated !== 0)) {
    return { failed: `${result.n} messages came, ${result.repeated} of them again` };
  }
  return { result };
}

/** The topic of a run. One that is written to is new each time: groups of some peers begin with what others have left in it. */
async function topicOf({ topic }: Row, namesrv: string): Promise<string> {
  if (topic.messages > 0) return topic.topic;
  const fresh = `${topic.topic}_${Date.now().toString(36)}`;
  await ensureTopics(namesrv, [{ ...topic, topic: fresh }]);
  return fresh;
}

/** Every entry of every row, `rounds` times; each round begins with another entry. */
async function measureAll(choice: Choice, namesrv: string, folder: string): Promise<void> {
  const { rows, rounds, out } = choice;
  const peers = new Set<Peer>(rows.flatMap(({ entries }) => entries.map(({ peer }) => peer)));
  const programs = await preparePrograms(folder, clusterLayout("5.5.0"), peers.add("floor"));
  const missing = new Map<string, string>();
  for (const [peer, program] of programs) {
    if ("absent" in program) missing.set(peer, `absent: ${program.absent}`);
  }
  const broker = await ensureTopics(
    namesrv,
    rows.map(({ topic }) => topic).filter(({ messages }) => messages > 0),
  );
  const address = { ns: namesrv.split(";")[0]!, broker }; // ali-ons takes one name server only
  const jobs = (round: number) =>
    rows.flatMap((row) =>
      row.entries.map((_, i) => ({ row, entry: row.entries[(i + round) % row.entries.length]! }))
    );
  // Once over, unrecorded: what a broker reads for the first time comes from disk.
  for (const row of rows) {
    if (row.what === "drain") await measure(programs.get("floor"), row, { peer: "floor" }, address);
  }

  const lines: Line[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const { row, entry } of jobs(round)) {
      if (missing.has(entry.peer)) continue;
      const label = `${round + 1}/${rounds} ${row.title}, ${entryName(entry)}`;
      const { result, failed } = await measure(programs.get(entry.peer), row, entry, address);
      if (result === undefined) {
        missing.set(`${row.id} ${entryName(entry)}`, `failed: ${failed}`);
        console.log(`${label}: failed: ${failed}`);
        continue;
      }
      const line: Line = { row: row.id, entry: entryName(entry), round, load: loadavg()[0]!, ...result };
      lines.push(line);
      await Deno.writeTextFile(out, JSON.stringify(line) + "\n", { append: true });
      console.log(
        `${label}: ${line.rate}/s, ${line.cpu_us_per_msg} µs CPU, ${line.hwm_mib} MiB` +
          (line.p99_us === undefined ? "" : `, p50 ${line.p50_us} µs, p99 ${line.p99_us} µs`),
      );
    }
  }
  console.log(`\n${heading(choice)}\n\n${markdown(rows, lines, missing)}\nEvery line: ${out}`);
}

function heading({ rounds, quick }: Choice): string {
  const machine = `${availableParallelism()} cores of ${cpus()[0]?.model ?? "an unknown kind"}`;
  const how = `median (least–most) of ${rounds}, 1 KiB messages${quick ? ", QUICK" : ""}`;
  return `${
    new Date().toISOString().slice(0, 10)
  }, ${machine}, broker on the same machine, Deno ${Deno.version.deno}: ${how}`;
}

const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "."}/.cache`;
const folder = `${cache}/contrail-bench`;
await Deno.mkdir(folder, { recursive: true });
const choice = choose(folder);
if (choice.namesrv !== undefined) await measureAll(choice, choice.namesrv, folder);
else {
  const runs = (await run(["deno", "run", "-A", LAUNCHER, "status"])).code === 0;
  if (!runs && (await run(["deno", "run", "-A", LAUNCHER, "start"])).code !== 0) Deno.exit(1);
  try {
    await measureAll(choice, namesrvAddr(clusterLayout("5.5.0")), folder);
  } finally {
    if (!runs) await run(["deno", "run", "-A", LAUNCHER, "stop"]);
  }
}
