/**
 * Who moves offsets on purpose: members whose application seeks, and an administrator who resets the group.
 */
import { createClusterAdmin } from "../../src/cluster/cluster_admin.ts";
import type { Random } from "../../src/core/random.ts";
import { resetOffset } from "../../src/protocol/bodies.ts";
import { type MessageQueue, queueKey, sameQueue } from "../../src/protocol/message_queue.ts";
import { GROUP, TOPIC } from "./ledger.ts";
import type { SimMember } from "./member.ts";
import type { Move } from "./moves.ts";
import { silentLogger } from "./timeline.ts";
import { pick } from "./workloads.ts";
import type { World } from "./world.ts";

/** Where an administrator sits. */
export const ADMIN_HOST = "10.0.1.2";
/** A seek goes back by less than this. */
const MAX_BACK = 100;
/** How many of three seeks go ahead, where the members share the messages. */
const AHEAD_CHANCE = 1 / 3;

/** Where to move a queue. */
export type SeekTarget = Move & { readonly of: MessageQueue };

/** Has the application of `member` seek one of its queues, at a moment that suits it. */
export function seekSomewhere(world: World, member: SimMember, random: Random, brokerName?: string): void {
  member.seek(() => {
    const owned = member.consumer?.assignment().filter((queue) =>
      queue.topic === TOPIC && (brokerName ?? queue.brokerName) === queue.brokerName
    );
    return owned === undefined || owned.length === 0
      ? undefined
      : targetIn(world, member, pick(owned, random), random);
  });
}

/** A place of a queue that has a message; none when nothing was ever stored in it. */
function targetIn(
  { cluster, workload }: World,
  member: SimMember,
  queue: MessageQueue,
  random: Random,
): SeekTarget | undefined {
  const { offset, maxOffset: end } = cluster.inspect.progress(GROUP, TOPIC).find((each) =>
    sameQueue(each, queue)
  )!;
  if (end === 0) return undefined;
  const stored = workload.broadcast ? ownOffset(member, queue) : offset ?? 0;
  const ahead = workload.broadcast ? 0 : end - stored;
  const to = ahead > 0 && random.next() < AHEAD_CHANCE
    ? stored + random.int(ahead)
    : Math.max(0, Math.min(stored, end - 1) - random.int(MAX_BACK));
  return { of: queue, queue: queueKey(queue), stored, offset: to, end };
}

/** Where a member that shares with nobody says that it is. */
function ownOffset(member: SimMember, queue: MessageQueue): number {
  return member.consumer?.statistics().queues.find((each) => sameQueue(each.queue, queue))?.commitOffset ?? 0;
}

/** An administrator, who has a new client for each reset. */
export class Administrator {
  readonly #world: World;

  /** Notes every reset that a broker makes, whether or not its answer arrives. */
  constructor(world: World) {
    this.#world = world;
    const { cluster, moves, rules } = world;
    cluster.once("invokeBrokerToResetOffset", async (_request, proceed) => {
      const before = cluster.inspect.progress(GROUP, TOPIC);
      const reply = await proceed();
      for (const [queue, offset] of reply?.body ? resetOffset.read(reply.body).offsetTable : []) {
        const { offset: stored = 0, maxOffset: end } = before.find((each) => sameQueue(each, queue))!;
        moves.reset({ queue: queueKey(queue), stored, offset, end }, rules.calm);
      }
      return reply;
    }, { times: Infinity });
  }

  /** Moves the group to what was stored at `atMs`, in milliseconds since the epoch. */
  async reset(atMs: number): Promise<void> {
    const { network, clock, cluster, timeline } = this.#world;
    const admin = createClusterAdmin({ namesrvAddr: cluster.namesrvAddr }, {
      ...network.at(ADMIN_HOST),
      clock,
      random: this.#world.random("admin"),
      pid: 1,
      logger: silentLogger,
    });
    try {
      await admin.start();
      await admin.resetOffsets(GROUP, TOPIC, atMs);
    } catch (error) {
      timeline.note("admin", `cannot reset: ${(error as Error).message}`);
    } finally {
      await admin.shutdown();
    }
  }
}
