/**
 * What every program of this folder measures, and the line of JSON it prints: the clock, the CPU of the own process, its
 * memory, and a tally that counts each message once.
 *
 *     deno run -A bench/peers/contrail.ts drain ns=127.0.0.1:19876 topic=BenchDrain4 n=200000 pull=32 mode=listener
 *
 * The programs in Java, Go and Node take the same words and print the same fields. A body starts with eight bytes:
 * its number in the topic (drains) or the time it was sent (latency).
 */
import process from "node:process";

/** The words of a command line: what to measure, then `name=value`. */
export interface Words {
  readonly what: string;
  text(name: string, fallback: string): string;
  number(name: string, fallback: number): number;
}

/** Reads the command line. */
export function words(args: readonly string[] = Deno.args): Words {
  const values = new Map(
    args.slice(1).map((word) => {
      const at = word.indexOf("=");
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
  return {
    what: args[0] ?? "",
    text: (name, fallback) => values.get(name) ?? fallback,
    number: (name, fallback) => Number(values.get(name) ?? fallback),
  };
}

/** CPU seconds of this process, user and system. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** A field of /proc/self/status in MiB: VmRSS, or VmHWM, the most it ever was. */
function memoryMib(field: string): number {
  const status = Deno.readTextFileSync("/proc/self/status");
  return Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024);
}

/** What one run found. Times are in the unit that the name says. */
export interface Result {
  readonly peer: string;
  readonly what: string;
  readonly topic: string;
  readonly n: number;
  readonly secs: number;
  readonly cpuSecs: number;
  readonly more?: Readonly<Record<string, number | string>>;
}

/** Prints the line. */
export function report({ peer, what, topic, n, secs, cpuSecs, more }: Result): void {
  console.log(JSON.stringify({
    peer,
    what,
    topic,
    n,
    secs: Number(secs.toFixed(4)),
    rate: Math.round(n / secs),
    cpu_s: Number(cpuSecs.toFixed(3)),
    cpu_us_per_msg: Number((cpuSecs * 1e6 / n).toFixed(2)),
    rss_mib: memoryMib("VmRSS"),
    hwm_mib: memoryMib("VmHWM"),
    ...more,
  }));
}

/** Microseconds at p50, p90 and p99 and the longest, of times in milliseconds. */
export function percentiles(timesMs: number[], prefix = ""): Record<string, number> {
  const sorted = Float64Array.from(timesMs).sort();
  const at = (share: number) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 1000);
  return {
    [`${prefix}p50_us`]: at(0.5),
    [`${prefix}p90_us`]: at(0.9),
    [`${prefix}p99_us`]: at(0.99),
    [`${prefix}max_us`]: at(1),
  };
}

/** Counts the messages of a drain, each once, from the first hand-over to the last. */
export class Tally {
  readonly #seen: Uint8Array;
  #distinct = 0;
  #repeated = 0;
  #bytes = 0;
  #firstAt = 0;
  #firstCpu = 0;
  #lastAt = 0;
  #lastCpu = 0;
  readonly #startedAt = performance.now();
  readonly #done = Promise.withResolvers<void>();

  constructor(n: number) {
    this.#seen = new Uint8Array(n);
  }

  /** Resolves when all were handed over. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Takes a message in; whether it was the last. */
  take(body: Uint8Array): boolean {
    if (this.#firstAt === 0) {
      this.#firstAt = performance.now();
      this.#firstCpu = cpuSeconds();
    }
    this.#bytes += body.length;
    const index = numberOf(body);
    if (this.#seen[index] !== 0) {
      this.#repeated++;
      return false;
    }
    this.#seen[index] = 1;
    if (++this.#distinct < this.#seen.length) return false;
    this.#lastAt = performance.now();
    this.#lastCpu = cpuSeconds();
    this.#done.resolve();
    return true;
  }

  /** Prints the line; `repeated` counts what came more than once, up to now. */
  report(peer: string, topic: string, more: Record<string, number | string> = {}): void {
    report({
      peer,
      what: "drain",
      topic,
      n: this.#distinct,
      secs: (this.#lastAt - this.#firstAt) / 1000,
      cpuSecs: this.#lastCpu - this.#firstCpu,
      more: {
        repeated: this.#repeated,
        body_bytes: this.#bytes,
        start_to_first_s: Number(((this.#firstAt - this.#startedAt) / 1000).toFixed(2)),
        ...more,
      },
    });
  }
}

/** The number of a message in its topic: the low half of the first eight bytes. */
function numberOf(body: Uint8Array): number {
  return ((body[4]! << 24) | (body[5]! << 16) | (body[6]! << 8) | body[7]!) >>> 0;
}

/** Waits; for the programs only, the library tells time by its clock. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
