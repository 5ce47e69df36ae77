/**
 * What is tried when all faults are over, and must succeed, because nothing excuses a failure then.
 */
import { checkMoves } from "./checks.ts";
import { seekSomewhere } from "./movers.ts";
import type { Traffic } from "./traffic.ts";
import { pick } from "./workloads.ts";
import type { World } from "./world.ts";

/** How long members may take to learn from the name server that a master is gone, in milliseconds. */
const ROUTE_MS = 45_000;
/** How long the slave of that master may then take to serve, in milliseconds. */
const SERVE_MS = 20_000;
/** Until locks, members and owners are as before, in milliseconds. */
const AFTER_SLAVE_MS = 90_000;
/** Until what calm brought is over, in milliseconds. */
const BEFORE_RESET_MS = 5_000;
/** What was sent last comes again, for so long at most, in milliseconds. */
const RESET_MS = 20_000;

/** Takes a master away for a while: what a member seeks of its queues, the slave must serve. */
export async function trySlave(world: World): Promise<void> {
  const { cluster, clock, workload, servers, timeline, liveMembers } = world;
  // Locks and pops are a master's business, and a lite pull consumer asks one for the ends of a queue before it seeks.
  if (!servers.slaves || workload.kind !== "push" || workload.scope !== "message") return;
  const random = world.random("slave trial");
  const master = pick(cluster.brokers, random);
  timeline.note("trial", `${master} goes, its slave serves`);
  await cluster.stopBroker(master);
  await clock.sleep(ROUTE_MS);
  for (const member of liveMembers) seekSomewhere(world, member, random, master);
  await clock.sleep(SERVE_MS);
  checkMoves(world);
  await cluster.startBroker(master);
  timeline.note("trial", `${master} is back`);
  await clock.sleep(AFTER_SLAVE_MS);
}

/** Takes the group back: everything from there on must come again. */
export async function tryReset(world: World, traffic: Traffic): Promise<void> {
  if (world.workload.broadcast) return;
  await world.clock.sleep(BEFORE_RESET_MS);
  await world.admin.reset(traffic.lastAt - world.random("reset trial").int(RESET_MS));
}
