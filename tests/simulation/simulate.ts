/**
 * One seed from beginning to end: half an hour of a world's time.
 *
 *   0 ─ members join, messages flow ─ 1 min ═ faults ═ 18 min ─ recovery ─ 21 to 24 min ─ calm ─ 30 min, all leave
 *
 * The loop below is all there is of time: it lets the world come to rest, then steps to whatever is waited for next.
 */
import type { Random } from "../../src/core/random.ts";
import {
  CatchUp,
  checkAfterwards,
  checkHandled,
  checkMemory,
  checkMoves,
  checkOwners,
  checkRest,
  checkSize,
  hearRejections,
  lag,
} from "./checks.ts";
import { befall, drawFaults, type FaultKind, type PlannedFault } from "./faults.ts";
import { START_MS } from "./sim_clock.ts";
import { tryReset, trySlave } from "./trials.ts";
import { Traffic } from "./traffic.ts";
import { CALM } from "./wiretap.ts";
import { World } from "./world.ts";
import { pick, workloadOf, WORKLOADS } from "./workloads.ts";

const MINUTE_MS = 60_000;
/** How long a world lives, in milliseconds of its time. */
export const WORLD_MS = 30 * MINUTE_MS;
/** When faults begin, and when the last of them is over. */
const FAULTS_FROM_MS = 1 * MINUTE_MS;
const FAULTS_TO_MS = 18 * MINUTE_MS;
/** How long brokers may take to forget who is silent (2 min), and the rest of the group to divide the queues anew. */
const CALM_AFTER_MS = 3 * MINUTE_MS;
/** The last message is sent within this time after one of the faults began. */
const AFTER_A_FAULT_MS = 5_000;
/** But not before this: 5,000 messages are to come in at a pace. */
const TRAFFIC_MS = 8 * MINUTE_MS;
/** Between two looks of the checkers. */
const LOOK_MS = 1_000;
const LONG_LOOK_MS = 5_000;

/** What came of a seed. */
export interface Verdict {
  readonly seed: number;
  readonly workload: string;
  /** Broken rules, with their times; empty when all held. */
  readonly findings: readonly string[];
  /** How often each kind of fault befell. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** Counts worth adding up. */
  readonly counts: Readonly<Record<string, number>>;
  /** The whole story. */
  readonly timeline: string;
}

/** Runs one seed. Gives the same verdict each time on one version of one runtime. */
export async function simulate(
  seed: number,
  workloadName: string = workloadOf(seed),
  verbose = false,
): Promise<Verdict> {
  const workload = WORKLOADS.find(({ name }) => name === workloadName);
  if (workload === undefined) throw new Error(`Cannot simulate "${workloadName}": it is no workload`);
  const world = await World.create(seed, workload);
  const { clock, timeline, ledger, moves, rules } = world;
  timeline.verbose = verbose;
  const plan = drawFaults(world, world.random("plan"), FAULTS_FROM_MS, FAULTS_TO_MS);
  const traffic = new Traffic(world, world.random("traffic"));
  timeline.note(
    "seed",
    `${seed}, ${workloadName}: ${JSON.stringify(world.config)}, ${
      JSON.stringify(world.servers)
    }, latency ${world.latencyMs} ms`,
  );
  const hearNoMore = hearRejections(timeline);
  try {
    for (let i = 0; i < 3; i++) world.addMember();
    void traffic.run(endOfTraffic(plan, world.random("end of traffic")));
    void befall(world, plan, world.random("faults")).then(() => recover(world, traffic));
    void look(world, traffic);
    await runUntil(world, START_MS + WORLD_MS);
    const stored = checkHandled(world);
    checkMoves(world);
    checkSize(timeline, { sent: traffic.sent, faults: plan.length });
    await end(world);
    const faults: Partial<Record<FaultKind, number>> = {};
    for (const { kind } of plan) faults[kind] = (faults[kind] ?? 0) + 1;
    return {
      seed,
      workload: workloadName,
      findings: timeline.findings,
      faults,
      counts: {
        stored,
        ...ledger.counts,
        ...moves.counts,
        takenBack: rules.takenBack,
        members: world.members.length,
      },
      timeline: timeline.text(),
    };
  } finally {
    hearNoMore();
  }
}

/** When the last message is to be sent: what goes wrong right then shows in what nothing follows. */
function endOfTraffic(plan: readonly PlannedFault[], random: Random): number {
  return Math.max(TRAFFIC_MS, pick(plan, random).atMs + random.int(AFTER_A_FAULT_MS));
}

/** Steps until `at`, in milliseconds since the epoch. */
async function runUntil({ clock }: World, at: number): Promise<void> {
  let due = false;
  void clock.sleep(at - clock.now()).then(() => due = true);
  while (!due) await clock.step();
}

/** The last fault is over. */
async function recover(world: World, traffic: Traffic): Promise<void> {
  world.failChance = 0;
  world.wiretap.weather = { ...CALM };
  world.timeline.note("world", "all faults are over");
  await world.clock.sleep(CALM_AFTER_MS);
  await trySlave(world);
  world.rules.calm = true;
  world.timeline.note("world", "is calm");
  await tryReset(world, traffic);
}

/** Looks around for as long as the world lives. */
async function look(world: World, traffic: Traffic): Promise<void> {
  const { clock, timeline, rules } = world;
  const catchUp = new CatchUp(timeline);
  for (let looks = 1; clock.elapsedMs < WORLD_MS; looks++) {
    await clock.sleep(LOOK_MS);
    const isLong = looks % (LONG_LOOK_MS / LOOK_MS) === 0;
    if (isLong || !traffic.done) checkMemory(world);
    if (!rules.calm || !isLong) continue;
    checkOwners(world);
    if (traffic.done) catchUp.look(clock.elapsedMs, () => lag(world));
  }
}

/** Everyone leaves, everything stops, and nothing is left that waits. */
async function end(world: World): Promise<void> {
  const { clock, timeline, cluster } = world;
  let over = false;
  void Promise.all(world.liveMembers.map((member) => member.leave())).then(() => over = true);
  const limit = clock.now() + 2 * MINUTE_MS;
  while (!over && clock.now() < limit) await clock.step();
  if (!over) timeline.finding("a shutdown ends", "not all have within two minutes");
  // The end of a connection takes as long to arrive as anything that is sent.
  await runUntil(world, clock.now() + LOOK_MS);
  checkAfterwards(world);
  let stopped = false;
  void cluster.stop().then(() => stopped = true);
  const last = clock.now() + 10 * MINUTE_MS;
  await clock.rest();
  while (clock.nextAt < last) await clock.step();
  await clock.rest();
  checkRest(timeline, { stopped, nextAt: clock.nextAt });
}
