/**
 * What goes wrong in a simulated world: kinds as a table, a plan drawn from the seed, and the hand that carries it out.
 *
 * Each fault begins at its time, lasts for a while and heals by itself; several may overlap. All are over when the plan's
 * window ends, and the world has to recover.
 */
import type { Random } from "../../src/core/random.ts";
import { seekSomewhere } from "./movers.ts";
import { stamp } from "./timeline.ts";
import { CALM, type Weather } from "./wiretap.ts";
import { pick } from "./workloads.ts";
import type { World } from "./world.ts";

/** One fault of a plan. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** When it begins, in milliseconds of the world's time. */
  readonly atMs: number;
  /** How long it lasts, in milliseconds. */
  readonly lastsMs: number;
}

interface Kind {
  /** How long it lasts at most, in milliseconds. */
  readonly maxMs: number;
  /** Where it can befall; everywhere when left out. */
  readonly where?: (world: World) => boolean;
  /** Begins it, waits, heals it. */
  readonly befall: (world: World, random: Random, lastsMs: number) => Promise<void>;
}

/** Fewest faults of a seed. */
export const MIN_FAULTS = 10;
/** Beyond that, at most. */
const MORE_FAULTS = 8;
/** Members never drop below this, nor rise above the other. */
const MIN_MEMBERS = 3;
const MAX_MEMBERS = 6;
/** A member that was lost is replaced after this long at most, in milliseconds. */
const REPLACED_MS = 40_000;
/** An administrator takes the group back by less than this, in milliseconds; who is further behind goes ahead. */
const RESET_MS = 30_000;

const KINDS = {
  join: { maxMs: 0, befall: (world) => Promise.resolve(joins(world)) },
  leave: { maxMs: 0, befall: (world, random) => loses(world, random, (victim) => victim.leave()) },
  crash: { maxMs: 0, befall: (world, random) => loses(world, random, (victim) => victim.crash(false)) },
  "power loss": { maxMs: 0, befall: (world, random) => loses(world, random, (victim) => victim.crash(true)) },
  partition: {
    maxMs: 100_000,
    befall: async (world, random, lastsMs) => {
      const victim = pick(world.liveMembers, random);
      const place = { host: victim.host };
      world.timeline.note(victim.name, "is cut off");
      world.network.partition(place);
      await world.clock.sleep(lastsMs);
      if (victim.phase !== "crashed") world.network.mend(place);
      world.timeline.note(victim.name, "is reachable again");
    },
  },
  "broker partition": {
    maxMs: 60_000,
    befall: async (world, random, lastsMs) => {
      const broker = pick(world.cluster.brokers, random);
      const [host, port] = world.cluster.brokerAddress(broker).split(":");
      const place = { host: host!, port: Number(port) };
      world.network.partition(place);
      await world.clock.sleep(lastsMs);
      world.network.mend(place);
    },
  },
  "slow handlers": {
    maxMs: 90_000,
    befall: async (world, random, lastsMs) => {
      const victim = pick(world.liveMembers, random);
      victim.slowMs = pick([300, 2_000, 10_000, 20_000], random);
      world.timeline.note(victim.name, `handles slowly, up to ${victim.slowMs} ms`);
      await world.clock.sleep(lastsMs);
      victim.slowMs = 0;
    },
  },
  "stopped handlers": {
    maxMs: 100_000,
    befall: async (world, random, lastsMs) => {
      const victim = pick(world.liveMembers, random);
      victim.stuckUntil = world.clock.now() + lastsMs;
      world.timeline.note(victim.name, `handlers stand still for ${lastsMs} ms`);
      await world.clock.sleep(lastsMs);
    },
  },
  "failing handlers": {
    maxMs: 90_000,
    befall: async (world, _random, lastsMs) => {
      world.failChance = 0.15;
      await world.clock.sleep(lastsMs);
      world.failChance = BASE_FAIL_CHANCE;
    },
  },
  "delayed frames": {
    maxMs: 60_000,
    befall: async (world, random, lastsMs) => {
      const { network } = world;
      if (random.next() < 0.5) return bad(world, { delayChance: 0.3, delayMs: 8_000 }, lastsMs);
      const usual = world.latencyMs;
      network.latencyMs = pick([100, 400, 1_600], random);
      await world.clock.sleep(lastsMs);
      network.latencyMs = usual;
    },
  },
  "lost frames": {
    maxMs: 60_000,
    befall: (world, random, lastsMs) => bad(world, { lossChance: pick([0.1, 0.3], random) }, lastsMs),
  },
  "broken connections": {
    maxMs: 60_000,
    befall: (world, _random, lastsMs) => bad(world, { breakChance: 0.1 }, lastsMs),
  },
  "broker restart": {
    maxMs: 40_000,
    befall: (world, random, lastsMs) => world.brokers.restart(pick(world.cluster.brokers, random), lastsMs),
  },
  "broker loss": {
    maxMs: 40_000,
    befall: (world, random, lastsMs) =>
      world.brokers.loseAndRestart(pick(world.cluster.brokers, random), lastsMs),
  },
  "master outage": {
    maxMs: 100_000,
    where: hasSlaves,
    befall: (world, random, lastsMs) => world.brokers.restart(pick(world.cluster.brokers, random), lastsMs),
  },
  "slave outage": {
    maxMs: 60_000,
    where: hasSlaves,
    befall: (world, random, lastsMs) => world.brokers.restart(pick(world.cluster.slaves, random), lastsMs),
  },
  "name server outage": {
    maxMs: 90_000,
    befall: async (world, _random, lastsMs) => {
      await world.cluster.stopNameServer(0);
      await world.clock.sleep(lastsMs);
      await world.cluster.startNameServer(0);
    },
  },
  "stale routes": {
    maxMs: 90_000,
    befall: async (world, _random, lastsMs) => {
      world.wiretap.staleRoutes = true;
      world.addQueue();
      await world.clock.sleep(lastsMs);
      world.wiretap.staleRoutes = false;
    },
  },
  seek: {
    maxMs: 0,
    where: ({ workload }) => workload.kind !== "pop",
    befall: (world, random) => Promise.resolve(seekSomewhere(world, pick(world.liveMembers, random), random)),
  },
  "offset reset": {
    maxMs: 0,
    where: ({ workload }) => !workload.broadcast,
    befall: (world, random) => world.admin.reset(world.clock.now() - random.int(RESET_MS)),
  },
} satisfies Record<string, Kind>;

/** The kinds of faults. */
export type FaultKind = keyof typeof KINDS;

/** Their names. */
export const FAULT_KINDS: readonly FaultKind[] = Object.keys(KINDS) as FaultKind[];

/** Chance that a handler fails while no fault says otherwise. */
export const BASE_FAIL_CHANCE = 0.005;

/** Draws at least ten faults that begin and end between `fromMs` and `toMs`, in order of time. */
export function drawFaults(world: World, random: Random, fromMs: number, toMs: number): PlannedFault[] {
  const kinds = FAULT_KINDS.filter((kind) => (KINDS[kind] as Kind).where?.(world) ?? true);
  const count = MIN_FAULTS + random.int(MORE_FAULTS);
  return Array.from({ length: count }, () => {
    const kind = pick(kinds, random);
    const atMs = fromMs + random.int(toMs - fromMs - REPLACED_MS - KINDS[kind].maxMs);
    return { kind, atMs, lastsMs: KINDS[kind].maxMs === 0 ? 0 : 500 + random.int(KINDS[kind].maxMs) };
  }).sort((a, b) => a.atMs - b.atMs);
}

/** Lets `plan` befall `world`; resolves when the last fault has healed. */
export async function befall(world: World, plan: readonly PlannedFault[], random: Random): Promise<void> {
  const { clock, timeline } = world;
  await Promise.all(plan.map(async ({ kind, atMs, lastsMs }) => {
    await clock.sleep(atMs - clock.elapsedMs);
    timeline.note("fault", `${kind}${lastsMs > 0 ? `, until ${stamp(clock.elapsedMs + lastsMs)}` : ""}`);
    await (KINDS[kind] as Kind).befall(world, random, lastsMs);
    timeline.note("fault", `${kind} is over`);
  }));
}

function hasSlaves({ servers }: World): boolean {
  return servers.slaves;
}

function joins(world: World): void {
  if (world.liveMembers.length < MAX_MEMBERS) world.addMember();
}

async function loses(
  world: World,
  random: Random,
  lose: (victim: World["liveMembers"][number]) => void | Promise<void>,
): Promise<void> {
  const victim = pick(world.liveMembers, random);
  await lose(victim);
  if (world.liveMembers.length >= MIN_MEMBERS) return;
  await world.clock.sleep(random.int(REPLACED_MS));
  world.addMember(victim);
}

/** Makes the network worse for a while; what is worst of all that overlaps holds. */
async function bad(world: World, worse: Partial<Weather>, lastsMs: number): Promise<void> {
  const { wiretap, clock, badWeather } = world;
  const forecast = (): void => {
    const weather = { ...CALM } as Weather;
    for (const each of badWeather) {
      for (const [name, value] of Object.entries(each) as [keyof Weather, number][]) {
        weather[name] = Math.max(weather[name], value);
      }
    }
    wiretap.weather = weather;
  };
  badWeather.add(worse);
  forecast();
  await clock.sleep(lastsMs);
  badWeather.delete(worse);
  forecast();
}
