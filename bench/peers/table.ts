/**
 * From lines of results to markdown: medians with the least and the most, one table for each row of the matrix, and the targets.
 */
import { type Entry, entryName, type Row } from "./matrix.ts";

/** A line of a program, with the row and entry that it belongs to. */
export interface Line {
  readonly row: string;
  readonly entry: string;
  readonly round: number;
  /** How busy the machine was: its load average over the last minute, when the run had ended. */
  readonly load: number;
  readonly rate: number;
  readonly cpu_us_per_msg: number;
  readonly hwm_mib: number;
  readonly p50_us?: number;
  readonly p99_us?: number;
}

type Field = "rate" | "cpu_us_per_msg" | "hwm_mib" | "p50_us" | "p99_us";

/** One column: what it is of, and how a figure is written. */
interface Column {
  readonly title: string;
  readonly field: Field;
  readonly write: (value: number) => string;
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");
const rate: Column = { title: "messages/s", field: "rate", write: whole };
const cpu: Column = {
  title: "CPU µs a message",
  field: "cpu_us_per_msg",
  write: (us) => us.toFixed(us < 20 ? 1 : 0),
};
const memory: Column = { title: "peak MiB", field: "hwm_mib", write: whole };
const p50: Column = { title: "p50 ms", field: "p50_us", write: (us) => (us / 1000).toFixed(2) };
const p99: Column = { title: "p99 ms", field: "p99_us", write: (us) => (us / 1000).toFixed(1) };

const COLUMNS: Record<Row["what"], readonly Column[]> = {
  drain: [rate, cpu, memory],
  send: [rate, p50, p99, cpu, memory],
  latency: [p50, p99, cpu, memory],
};

/** The figures of one entry in one row, sorted. */
class Figures {
  readonly #lines: readonly Line[];

  constructor(lines: readonly Line[], row: string, entry: string) {
    this.#lines = lines.filter((line) => line.row === row && line.entry === entry);
  }

  get count(): number {
    return this.#lines.length;
  }

  sorted(field: Field): number[] {
    return this.#lines.map((line) => line[field] ?? NaN).sort((a, b) => a - b);
  }

  median(field: Field): number {
    const values = this.sorted(field), middle = values.length >> 1;
    return values.length % 2 === 1 ? values[middle]! : (values[middle - 1]! + values[middle]!) / 2;
  }
}

/** The markdown of everything that was measured; `absent` says why a peer, or an entry of a row, has none. */
export function markdown(
  rows: readonly Row[],
  lines: readonly Line[],
  absent: ReadonlyMap<string, string>,
): string {
  const parts = rows.map((row) => rowTable(row, lines, absent));
  const checks = targets(rows, lines);
  if (checks.length > 0) parts.push(["### Targets", "", ...checks].join("\n"));
  return parts.join("\n\n") + "\n";
}

function rowTable(row: Row, lines: readonly Line[], absent: ReadonlyMap<string, string>): string {
  const columns = COLUMNS[row.what];
  const cells = row.entries.map((entry) => {
    const name = entryName(entry);
    const figures = new Figures(lines, row.id, name);
    if (figures.count === 0) {
      return [name, absent.get(`${row.id} ${name}`) ?? absent.get(entry.peer) ?? "no result"];
    }
    return [name, ...columns.map((column) => cell(figures, column))];
  });
  return [
    `### ${row.title}`,
    "",
    `| | ${columns.map(({ title }) => title).join(" | ")} |`,
    `|---|${columns.map(() => "---|").join("")}`,
    ...cells.map((each) =>
      `| ${[...each, ...Array(columns.length + 1 - each.length).fill("")].join(" | ")} |`
    ),
  ].join("\n");
}

function cell(figures: Figures, { field, write }: Column): string {
  const sorted = figures.sorted(field);
  const range = figures.count > 1 ? ` (${write(sorted[0]!)}–${write(sorted.at(-1)!)})` : "";
  return `**${write(figures.median(field))}**${range}`;
}

/** What the project wants of these figures, each with what was met. Only what was measured is told. */
function targets(rows: readonly Row[], lines: readonly Line[]): string[] {
  const of = (row: Row, entry: Entry) => new Figures(lines, row.id, entryName(entry));
  const checks: string[] = [];
  const check = (what: string, value: number, limit: number, atLeast: boolean, unit = "") => {
    if (!Number.isFinite(value) || !Number.isFinite(limit)) return;
    const met = atLeast ? value >= limit : value <= limit;
    const bound = `${atLeast ? "at least" : "at most"} ${limit.toFixed(2)}${unit}`;
    checks.push(`- ${met ? "met" : "**missed**"}: ${what} is ${value.toFixed(2)}${unit} (${bound})`);
  };
  for (const row of rows) {
    if (row.what === "drain") {
      const listener = of(row, { peer: "contrail", mode: "listener" });
      const loop = of(row, { peer: "contrail", mode: "for-await" });
      const go = of(row, { peer: "go" }), floor = of(row, { peer: "floor" });
      check(`${row.title}: rate to Go's`, listener.median("rate") / go.median("rate"), 1.3, true);
      check(
        `${row.title}: for await to the listener`,
        loop.median("rate") / listener.median("rate"),
        0.8,
        true,
      );
      check(
        `${row.title}: CPU to Go's`,
        listener.median("cpu_us_per_msg") / go.median("cpu_us_per_msg"),
        0.6,
        false,
      );
      check(
        `${row.title}: peak memory`,
        Math.max(...listener.sorted("hwm_mib"), ...loop.sorted("hwm_mib")),
        160,
        false,
        " MiB",
      );
      const share = listener.median("rate") / floor.median("rate");
      if (Number.isFinite(share)) checks.push(`- ${row.title}: ${share.toFixed(2)} of the floor's rate`);
    } else if (row.what === "send") {
      const ratio = of(row, { peer: "contrail" }).median("rate") /
        of(row, { peer: "ali-ons" }).median("rate");
      check(`${row.title}: rate to that of ali-ons`, ratio, 1, true);
    } else {
      const ours = of(row, { peer: "contrail" });
      const peers = row.entries.filter(({ peer }) => peer !== "contrail").map((entry) => of(row, entry))
        .filter(({ count }) => count > 0);
      const best = peers.sort((a, b) => a.median("p50_us") - b.median("p50_us"))[0];
      if (best === undefined) continue;
      check(
        `${row.title}: p50`,
        ours.median("p50_us") / 1000,
        best.median("p50_us") * 1.1 / 1000,
        false,
        " ms",
      );
      const worst = best.sorted("p99_us").at(-1)!;
      check(`${row.title}: p99`, ours.median("p99_us") / 1000, worst / 1000, false, " ms");
    }
  }
  return checks;
}
