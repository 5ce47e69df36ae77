/**
 * CONSISTENT_HASH: members stand at many points of a ring, each queue goes to the next point clockwise.
 *
 * A member that comes or goes moves few queues. Agrees with AllocateMessageQueueConsistentHash and
 * ConsistentHashRouter: the same points, the same hash, the later of two members on one point wins.
 */
import { createHash } from "node:crypto";
import { ConfigError } from "../../core/errors.ts";
import { type MessageQueue, queueText } from "../../protocol/message_queue.ts";
import { type AllocateContext, type AllocateStrategy, memberIndex } from "../allocate_strategy.ts";

/** First four bytes of the MD5 of `text` in UTF-8, big-endian, unsigned (ConsistentHashRouter.MD5Hash). */
export function md5Hash(text: string): number {
  return createHash("md5").update(text, "utf8").digest().readUInt32BE(0);
}

/** What can be chosen. */
export interface ConsistentHashOptions {
  /** Points of each member on the ring; default 10. All members must agree. */
  readonly virtualNodes?: number;
  /** Hash of a text, at least 0; default {@linkcode md5Hash}. All members must agree. */
  readonly hash?: (text: string) => number;
}

/** A ring: the points in ascending order, and the member at each. */
interface Ring {
  readonly points: readonly number[];
  readonly owners: ReadonlyMap<number, string>;
}

function buildRing(members: readonly string[], virtualNodes: number, hash: (text: string) => number): Ring {
  const owners = new Map<number, string>();
  const repeats = new Set(members).size < members.length;
  for (const member of members) {
    // An id that is listed twice gets further points, as in ConsistentHashRouter.addNode.
    const before = repeats ? [...owners.values()].filter((owner) => owner === member).length : 0;
    for (let i = 0; i < virtualNodes; i++) owners.set(hash(`${member}-${before + i}`), member);
  }
  return { points: [...owners.keys()].sort((a, b) => a - b), owners };
}

function ownerOf(ring: Ring, point: number): string | undefined {
  let low = 0;
  let high = ring.points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ring.points[middle]! < point) low = middle + 1;
    else high = middle;
  }
  const next = ring.points[low] ?? ring.points[0];
  return next === undefined ? undefined : ring.owners.get(next);
}

/**
 * Consistent hashing over the members.
 *
 * @throws ConfigError when `virtualNodes` is negative or no whole number.
 */
export function createConsistentHashStrategy(options: ConsistentHashOptions = {}): AllocateStrategy {
  const { virtualNodes = 10, hash = md5Hash } = options;
  if (!Number.isInteger(virtualNodes) || virtualNodes < 0) {
    throw new ConfigError(`Cannot use virtualNodes: current value is ${virtualNodes}`);
  }
  return {
    name: "CONSISTENT_HASH",
    allocate(context: AllocateContext): MessageQueue[] {
      if (memberIndex(context) < 0) return [];
      const ring = buildRing(context.allConsumerIds, virtualNodes, hash);
      return context.allMessageQueues.filter((queue) =>
        ownerOf(ring, hash(queueText(queue))) === context.consumerId
      );
    },
  };
}
