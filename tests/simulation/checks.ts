/**
 * What must hold in a simulated world: looked at once in a while, and when all is over.
 *
 * Nothing here knows how the client works. It compares what the brokers hold with what the ledger says was handled, and
 * looks at what the members say of themselves.
 */
import { queueKey } from "../../src/protocol/message_queue.ts";
import { dlqTopic, retryTopic } from "../../src/protocol/names.ts";
import type { StoredMessageView } from "../../src/testing/mod.ts";
import { MIN_FAULTS } from "./faults.ts";
import { COPIES } from "./broker_faults.ts";
import { GROUP, type Reader, TOPIC } from "./ledger.ts";
import { stamp, type Timeline } from "./timeline.ts";
import { MESSAGES } from "./traffic.ts";
import type { World } from "./world.ts";

/** A message of the topic as the brokers hold it. */
type Held = Pick<StoredMessageView, "queueOffset" | "properties"> & { readonly key: string };

/** One look at the members' memory: the budget, and one pull per queue on top of it. */
export function checkMemory({ members, config, timeline, cluster, queuesPerBroker }: World): void {
  const { pullThresholdForAll = 0, pullThresholdSizeForAllBytes = 0, pullBatchSize = 0, popBatchNums = 0 } =
    config;
  // Queues that a member lets go of count as well, so all that there are: the topic's, and a retry queue for each broker.
  const pulls = cluster.brokers.length * (queuesPerBroker + 1);
  const maxMessages = pullThresholdForAll + pulls * Math.max(pullBatchSize, popBatchNums);
  const maxBytes = pullThresholdSizeForAllBytes + pulls * 32 * 1024;
  for (const member of members) {
    const { consumer } = member;
    if (consumer === undefined) continue;
    const { cachedMessages, cachedBytes } = consumer.statistics();
    if (cachedMessages > maxMessages || cachedBytes > maxBytes) {
      timeline.finding(
        "memory is bound",
        `${member.name} holds ${cachedMessages} messages and ${cachedBytes} bytes, more than ${maxMessages} and ${maxBytes}`,
      );
    }
  }
}

/** One look at who owns what, when the world has been calm for a while. */
export function checkOwners({ members, cluster, workload, timeline }: World): void {
  const topics = workload.kind === "push" && !workload.broadcast ? [TOPIC, retryTopic(GROUP)] : [TOPIC];
  const queues = topics.flatMap((topic) => cluster.inspect.progress(GROUP, topic).map(queueKey));
  const owners = new Map<string, string[]>(queues.map((key) => [key, []]));
  const live = members.filter((member) => member.isLive);
  for (const member of live) {
    if (member.consumer === undefined) timeline.finding("members run", `${member.name} is ${member.phase}`);
    for (const queue of member.consumer?.assignment() ?? []) owners.get(queueKey(queue))?.push(member.name);
  }
  // Popped queues may be shared, and change hands without a word.
  if (workload.kind === "pop") return;
  const wanted = workload.broadcast ? live.length : 1;
  for (const [key, names] of owners) {
    if (names.length === wanted) continue;
    timeline.finding(
      "one owner when calm",
      `${key} has ${names.length === 0 ? "none" : names.join(" and ")}`,
    );
  }
}

/** Messages that the group has not committed, over the topic and its retries. */
export function lag({ cluster, workload, members }: World): number {
  if (!workload.broadcast) {
    const { inspect } = cluster;
    return inspect.lag(GROUP, TOPIC) + inspect.lag(GROUP, retryTopic(GROUP)) + inspect.popped(GROUP);
  }
  let sum = 0;
  for (const member of members) {
    if (!member.isLive) continue;
    const own = member.consumer?.statistics().queues;
    const ends = cluster.inspect.progress(GROUP, TOPIC);
    for (const { maxOffset, ...queue } of ends) {
      const at = own?.find((each) => queueKey(each.queue) === queueKey(queue))?.commitOffset ?? 0;
      sum += Math.max(0, maxOffset - at);
    }
  }
  return sum;
}

/** At the end: everything that the brokers hold was handled, by everyone who must see it, and in order. */
export function checkHandled(world: World): number {
  const { cluster, workload, ledger, members, timeline } = world;
  const held: Held[] = cluster.inspect.messages(TOPIC).map((message) => ({
    queueOffset: message.queueOffset,
    properties: message.properties,
    key: queueKey(message),
  }));
  const dead = new Set(cluster.inspect.messages(dlqTopic(GROUP)).map(({ properties }) => properties["KEYS"]));
  const lostAgain = new Set(
    COPIES.flatMap((topic) => cluster.inspect.messages(topic))
      .filter((copy) => ledger.isExcused(queueKey(copy), copy.queueOffset))
      .map(({ properties }) => properties["KEYS"]),
  );
  const readers = workload.broadcast
    ? new Set(members.filter((member) => member.isLive).map(({ reader }) => reader))
    : [ledger.reader(GROUP)];
  for (const reader of readers) {
    for (const { key, queueOffset, properties } of held) {
      const id = properties["KEYS"]!;
      if (reader.handledIds.has(id) || reader.excusedIds.has(id) || dead.has(id)) continue;
      if (lostAgain.has(id) || ledger.isExcused(key, queueOffset)) continue;
      const begun = reader.page(key).begun[queueOffset] !== undefined;
      timeline.finding(
        "nothing is lost",
        `${id}, ${key}@${queueOffset}, was ${
          begun ? "handed out but never handled" : "never handed out"
        } by ${reader.name}`,
      );
    }
    if (workload.scope !== "message") checkOrder(world, reader, held);
  }
  return held.length;
}

/** At the end: what was sought came, and what was to come again came again. */
export function checkMoves({ members, ledger, moves }: World): void {
  moves.checkSought((name, queue) => {
    const owner = members.find((member) => member.name === name);
    return owner?.consumer?.assignment().some((owned) => queueKey(owned) === queue) ?? false;
  });
  moves.checkResets(ledger.reader(GROUP));
}

/** Each message was first begun after its predecessor (of the queue, or of the key) was first handled. */
function checkOrder({ ledger, workload, timeline }: World, reader: Reader, held: readonly Held[]): void {
  const last = new Map<string, number>();
  for (const { key, queueOffset, properties } of held) {
    const line = workload.scope === "key" ? `${key} ${properties["TAGS"]}` : key;
    const before = last.get(line);
    last.set(line, queueOffset);
    if (before === undefined || ledger.isExcused(key, before) || ledger.isExcused(key, queueOffset)) continue;
    const { begun, handled } = reader.page(key);
    const begunAt = begun[queueOffset] ?? Infinity;
    const handledAt = handled[before] ?? Infinity;
    if (begunAt < handledAt) {
      timeline.finding("order", `${line}: ${queueOffset} was begun before ${before} was handled`);
    }
  }
}

/** After everyone has left: offsets are where the queues end, and brokers remember nobody. */
export function checkAfterwards({ cluster, workload, timeline }: World): void {
  const { inspect } = cluster;
  if (!workload.broadcast) {
    for (const { offset, maxOffset, ...queue } of inspect.progress(GROUP, TOPIC)) {
      if ((offset ?? 0) === maxOffset) continue;
      timeline.finding(
        "the last commit arrives",
        `${queueKey(queue)} is at ${offset}, its end is ${maxOffset}`,
      );
    }
  }
  for (const { clientId, brokerName } of inspect.consumers(GROUP)) {
    timeline.finding("leaving is told", `${brokerName} still knows ${clientId}`);
  }
  for (const { clientId, queue } of inspect.locks(GROUP)) {
    timeline.finding("locks are given back", `${clientId} still holds ${queueKey(queue)}`);
  }
}

/** After the last message, and after the last fault, the group must have caught up within this, in milliseconds. */
export const CATCH_UP_MS = 5 * 60_000;
/** A member leaves within this, in milliseconds: its patience for handlers, and for a broker that does not answer. */
export const SHUTDOWN_MS = 60_000;

/** Whether lag reaches zero in time. */
export class CatchUp {
  readonly #timeline: Timeline;
  #since = Infinity;
  #over = false;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** One look at a calm world that nothing is sent in any more. */
  look(elapsedMs: number, lag: () => number): void {
    if (this.#over) return;
    this.#since = Math.min(this.#since, elapsedMs);
    const left = lag();
    this.#over = left === 0 || elapsedMs - this.#since > CATCH_UP_MS;
    if (left === 0) this.#timeline.note("world", "has caught up");
    else if (this.#over) {
      this.#timeline.finding("lag ends", `${left} messages are left ${stamp(CATCH_UP_MS)} after the last`);
    }
  }
}

/** A member has left. */
export function checkShutdown(timeline: Timeline, name: string, tookMs: number): void {
  if (tookMs > SHUTDOWN_MS) timeline.finding("a shutdown ends", `that of ${name} took ${tookMs} ms`);
}

/** How much a seed has tried. */
export function checkSize(timeline: Timeline, { sent, faults }: { sent: number; faults: number }): void {
  if (sent < MESSAGES) timeline.finding("a seed is large enough", `only ${sent} messages`);
  if (faults < MIN_FAULTS) timeline.finding("a seed is hard enough", `only ${faults} faults`);
}

/** The world is over: `nextAt` is when somebody still wants to wake. */
export function checkRest(
  timeline: Timeline,
  { stopped, nextAt }: { stopped: boolean; nextAt: number },
): void {
  if (!stopped) timeline.finding("a cluster stops", "this one does not");
  if (nextAt !== Infinity) timeline.finding("nothing is left running", "somebody still waits");
}

/** Listens for rejections that nobody handles, until the function that it gives is called. */
export function hearRejections(timeline: Timeline): () => void {
  const onRejection = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    timeline.finding("no rejection is unheard", String((event.reason as Error)?.stack ?? event.reason));
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  return () => globalThis.removeEventListener("unhandledrejection", onRejection);
}
