/**
 * Which limiter of concurrency serves listeners best: a simulation with one seed, and the table of what came of it.
 *
 *     deno run -A --no-check bench/limiter_bench.ts
 *
 * Calls of a listener last as long as a model of what they call says, given how many are pending; messages never run out but
 * in the last scene. Each limiter looks once a second, for three minutes. What counts is good calls a second divided by the
 * square root of their latency, as a share of what the best fixed number of slots reaches: 1.00 is a limiter that knew it.
 */
import { type ConcurrencyBounds, firstLimit, nextLimit } from "../src/consumer/taking/concurrency_limit.ts";
import { type Random, seededRandom } from "../src/core/random.ts";

const BOUNDS: ConcurrencyBounds = { min: 4, max: 64 };
const SECONDS = 180;
const SEED = 20_251_122;

/** What calls depend on. */
interface Scene {
  readonly name: string;
  /** How long a call lasts that starts as the `pending`-th, in milliseconds. */
  latencyMs(pending: number, atMs: number): number;
  /** How likely it fails. */
  failure?(pending: number, atMs: number): number;
  /** Messages a second; more than can be handled by default. */
  arrivals?(atMs: number): number;
}

/** Served by `servers` at once; the others wait. */
const served = (ms: number, servers: number) => (pending: number): number =>
  ms * Math.max(1, pending / servers);

const SCENES: readonly Scene[] = [
  { name: "remote call, no limit", latencyMs: () => 50 },
  { name: "pool of 12", latencyMs: served(20, 12) },
  { name: "pool of 40", latencyMs: served(20, 40) },
  {
    name: "thrashes beyond 24",
    latencyMs: (pending) => 20 * Math.max(1, pending / 16) * Math.max(1, pending / 24) ** 2,
  },
  {
    name: "refuses beyond 30",
    latencyMs: served(20, 40),
    failure: (pending) => pending > 30 ? 0.4 : 0,
  },
  {
    name: "pool of 40, then 10, then 40",
    latencyMs: (pending, at) => served(20, at > 60_000 && at < 120_000 ? 10 : 40)(pending),
  },
  { name: "slower after a minute", latencyMs: (_, at) => at > 60_000 ? 120 : 30 },
  { name: "long calls", latencyMs: () => 2_000 },
  { name: "long calls, pool of 20", latencyMs: served(1_000, 20) },
  { name: "slow tide", latencyMs: (_, at) => 50 * (1.5 + Math.sin(at / 9_000)) },
  {
    name: "slow tide, pool of 20",
    latencyMs: (pending, at) => served(30, 20)(pending) * (1.5 + Math.sin(at / 9_000)),
  },
  { name: "always one in twelve fails", latencyMs: () => 50, failure: () => 1 / 12 },
  { name: "few messages, then a flood", latencyMs: () => 50, arrivals: (at) => at < 90_000 ? 60 : 1_000 },
];

/** What was seen since the last look. */
interface Seen {
  readonly saturated: boolean;
  readonly pending: number;
  readonly ended: number;
  readonly failed: number;
  readonly latencyMs: number | undefined;
}

/** Something that decides, given what was seen. */
type Limiter = () => (seen: Seen) => number;

const clamp = (limit: number): number => Math.min(BOUNDS.max, Math.max(BOUNDS.min, limit));

const fixed = (limit: number): Limiter => () => () => limit;

/** Two more while all are taken, two fewer while half are idle. */
const steps: Limiter = () => {
  let limit = BOUNDS.min;
  return ({ saturated, pending }) => {
    return limit = clamp(saturated ? limit + 2 : pending < limit / 2 ? limit - 2 : limit);
  };
};

/** Additive increase, multiplicative decrease at failures or at twice the least latency ever met. */
const aimd: Limiter = () => {
  let limit = BOUNDS.min, least = Infinity;
  return ({ saturated, ended, failed, latencyMs = Infinity }) => {
    least = Math.min(least, latencyMs);
    const tooMuch = failed >= ended * 0.1 && ended > 0 || (latencyMs !== Infinity && latencyMs > 2 * least);
    return limit = clamp(tooMuch ? limit * 0.8 : saturated ? limit + 2 : limit);
  };
};

/** Goes on in the direction that brought more good calls, else turns round. */
const climber: Limiter = () => {
  let limit = BOUNDS.min, before = 0, direction = 1;
  return ({ saturated, ended, failed }) => {
    if (!saturated) return limit;
    const good = ended - failed;
    if (good < before * 1.01) direction = -direction;
    before = good;
    return limit = clamp(limit + 2 * direction);
  };
};

/** As Netflix's Gradient2Limit: grows by its square root while calls take no longer than they have come to take. */
const latencyGradient: Limiter = () => {
  let limit = BOUNDS.min, usualMs = 0;
  return ({ saturated, latencyMs }) => {
    if (latencyMs === undefined) return limit;
    usualMs = usualMs === 0 ? latencyMs : usualMs + (latencyMs - usualMs) / 60;
    if (!saturated) return limit;
    const gradient = Math.min(1, Math.max(0.5, 1.5 * usualMs / latencyMs));
    return limit = clamp(limit + 0.5 * (limit * gradient + Math.sqrt(limit) - limit));
  };
};

/** The one in use. */
const slope: Limiter = () => {
  let state = firstLimit(BOUNDS);
  return (sample) =>
    (state = nextLimit(state, { ...sample, good: sample.ended - sample.failed }, BOUNDS)).limit;
};

interface Outcome {
  readonly goodPerSecond: number;
  readonly latencyMs: number;
  readonly failedShare: number;
  readonly value: number;
}

/** One limiter in one scene. Completions come out of a calendar of milliseconds. */
function play(scene: Scene, limiter: Limiter, random: Random): Outcome {
  const decide = limiter();
  const calendar = new Map<number, { latencyMs: number; failed: boolean }[]>();
  let limit = decide({ saturated: false, pending: BOUNDS.min, ended: 0, failed: 0, latencyMs: undefined });
  let pending = 0, waiting = 0, good = 0, goodMs = 0, ended = 0, failed = 0, allFailed = 0, spentMs = 0;
  let saturated = false;
  for (let now = 0; now < SECONDS * 1_000; now++) {
    for (const call of calendar.get(now) ?? []) {
      pending--;
      ended++;
      spentMs += call.latencyMs;
      if (call.failed) failed++;
      else {
        good++;
        goodMs += call.latencyMs;
      }
    }
    calendar.delete(now);
    waiting = scene.arrivals === undefined ? Infinity : waiting + scene.arrivals(now) / 1_000;
    while (waiting >= 1 && pending < Math.floor(limit)) {
      waiting--;
      pending++;
      const latencyMs = Math.max(1, Math.round(scene.latencyMs(pending, now) * (0.7 + 0.6 * random.next())));
      const call = { latencyMs, failed: random.next() < (scene.failure?.(pending, now) ?? 0) };
      const at = calendar.get(now + latencyMs);
      if (at) at.push(call);
      else calendar.set(now + latencyMs, [call]);
    }
    if (waiting >= 1) saturated = true;
    if (now % 1_000 !== 999) continue;
    allFailed += failed;
    limit = decide({
      saturated,
      pending,
      ended,
      failed,
      latencyMs: ended === 0 ? undefined : spentMs / ended,
    });
    saturated = false;
    ended = failed = spentMs = 0;
  }
  const latencyMs = goodMs / Math.max(1, good);
  return {
    goodPerSecond: good / SECONDS,
    latencyMs,
    failedShare: allFailed / Math.max(1, good + allFailed),
    value: good / SECONDS / Math.sqrt(latencyMs),
  };
}

const LIMITERS: Readonly<Record<string, Limiter>> = { steps, aimd, climber, latencyGradient, slope };
const shares: Record<string, number[]> = {};
console.log(
  "scene                         | best fixed    " +
    Object.keys(LIMITERS).map((name) => `| ${name.padEnd(25)}`).join(""),
);
for (const scene of SCENES) {
  let best = { slots: 0, value: 0 };
  for (let slots = BOUNDS.min; slots <= BOUNDS.max; slots += 4) {
    const { value } = play(scene, fixed(slots), seededRandom(SEED));
    if (value > best.value) best = { slots, value };
  }
  const cells = Object.entries(LIMITERS).map(([name, limiter]) => {
    const { goodPerSecond, latencyMs, failedShare, value } = play(scene, limiter, seededRandom(SEED));
    (shares[name] ??= []).push(value / best.value);
    const share = (value / best.value).toFixed(2);
    const failures = failedShare === 0 ? "" : ` ${(failedShare * 100).toFixed(0)}%!`;
    return `| ${`${share} ${goodPerSecond.toFixed(0)}/s ${latencyMs.toFixed(0)} ms${failures}`.padEnd(25)}`;
  });
  console.log(`${scene.name.padEnd(29)} | ${`${best.slots} slots`.padEnd(14)}${cells.join("")}`);
}
const geometric = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
for (const [name, values] of Object.entries(shares)) {
  console.log(
    `${name.padEnd(16)} geometric mean ${geometric(values).toFixed(3)}, worst ${
      Math.min(...values).toFixed(2)
    }`,
  );
}
