/**
 * The checkers of the simulation can fail: for each rule, a story that keeps it and one that breaks it.
 */
import { assertEquals } from "@std/assert";
import {
  CATCH_UP_MS,
  CatchUp,
  checkAfterwards,
  checkHandled,
  checkMemory,
  checkOwners,
  checkRest,
  checkShutdown,
  checkSize,
  hearRejections,
  SHUTDOWN_MS,
} from "./checks.ts";
import { GROUP, type HandedOut, Ledger, type Scope, TOPIC } from "./ledger.ts";
import { Moves } from "./moves.ts";
import { OffsetRules } from "./offset_rules.ts";
import { SimClock } from "./sim_clock.ts";
import { type Rule, RULES, Timeline } from "./timeline.ts";
import type { World } from "./world.ts";

const QUEUE = { topic: TOPIC, brokerName: "broker-a", queueId: 0 };
const KEY = `${TOPIC} broker-a 0`;
const HOST = "10.0.0.1";

/** The books of a small world, and what is told in them. */
class Scene {
  readonly clock = new SimClock();
  readonly timeline = new Timeline(this.clock);
  readonly ledger: Ledger;
  readonly rules: OffsetRules;
  readonly moves: Moves;

  constructor(scope: Scope = "message") {
    this.ledger = new Ledger(this.clock, this.timeline, { scope, pops: false });
    this.rules = new OffsetRules(this.ledger, this.timeline, this.reader, new Map());
    this.moves = new Moves(this.ledger, this.rules, this.timeline);
  }

  get reader() {
    return this.ledger.reader(GROUP);
  }

  begin(offset: number, member = "member-1") {
    const message = {
      queue: QUEUE,
      queueOffset: offset,
      keys: [`m${offset}`],
      attempt: 1,
      offsetMessageId: offset.toString(16).padStart(32, "0"),
    } as unknown as HandedOut;
    this.ledger.handOut(this.reader, message);
    return this.ledger.begin(this.reader, member, message);
  }

  handle(...offsets: number[]): void {
    for (const offset of offsets) this.ledger.succeed(this.begin(offset));
  }

  /** A world of one queue in which `held` messages lie, with what `more` says of it. */
  world(held: number, more: Record<string, unknown> = {}): World {
    const messages = Array.from({ length: held }, (_, queueOffset) => ({
      ...QUEUE,
      queueOffset,
      properties: { KEYS: `m${queueOffset}` },
    }));
    const { inspect, ...rest } = more as { inspect?: Record<string, unknown> };
    return {
      clock: this.clock,
      timeline: this.timeline,
      ledger: this.ledger,
      moves: this.moves,
      members: [],
      queuesPerBroker: 1,
      config: {},
      workload: { kind: "push", broadcast: false, scope: "message" },
      cluster: {
        brokers: ["broker-a"],
        inspect: {
          messages: (topic: string) => topic === TOPIC ? messages : [],
          progress: (_: string, topic: string) =>
            topic === TOPIC ? [{ ...QUEUE, offset: held, minOffset: 0, maxOffset: held }] : [],
          consumers: () => [],
          locks: () => [],
          ...inspect,
        },
      },
      ...rest,
    } as unknown as World;
  }
}

function member(name: string, queues: readonly unknown[], cached = 0) {
  return {
    name,
    isLive: true,
    phase: "running",
    consumer: {
      assignment: () => queues,
      statistics: () => ({ cachedMessages: cached, cachedBytes: cached }),
    },
  };
}

function owned(scene: Scene, members: readonly unknown[]): void {
  checkOwners(scene.world(0, { members }));
}

/** Keeps the rule, or breaks it; nothing else of its story differs. */
type Story = (scene: Scene, broken: boolean) => void | Promise<void>;

const STORIES: Record<Rule, Story> = {
  "nothing is lost": (scene, broken) => {
    scene.handle(0);
    if (broken) scene.ledger.fail(scene.begin(1));
    else scene.handle(1);
    checkHandled(scene.world(2));
  },
  "acknowledge what is handled": (scene, broken) => {
    if (broken) scene.begin(0);
    else scene.handle(0);
    scene.rules.acked(HOST, KEY, 0);
  },
  "commit the lowest unsettled": (scene, broken) => {
    scene.begin(0);
    if (!broken) scene.handle(0);
    scene.handle(1);
    scene.rules.committed(HOST, KEY, 2);
  },
  "order": (scene, broken) => {
    const first = scene.begin(0);
    if (!broken) scene.ledger.succeed(first);
    scene.handle(1);
    if (broken) scene.ledger.succeed(first);
    checkHandled(scene.world(2, { workload: { kind: "push", broadcast: false, scope: "queue" } }));
  },
  "one at a time": (scene, broken) => {
    const first = scene.begin(0);
    if (!broken) scene.ledger.succeed(first);
    scene.begin(1, "member-2");
  },
  "one owner when calm": (scene, broken) =>
    owned(scene, [member("member-1", [QUEUE]), member("member-2", broken ? [QUEUE] : [])]),
  "members run": (scene, broken) =>
    owned(scene, [
      member("member-1", [QUEUE]),
      ...broken ? [{ ...member("member-2", []), consumer: undefined }] : [],
    ]),
  "offsets rise": (scene, broken) => {
    scene.handle(0, 1, 2);
    scene.rules.committed(HOST, KEY, 3);
    if (!broken) scene.rules.moved(KEY, 1);
    scene.rules.committed(HOST, KEY, 1);
  },
  "offsets rise when calm": (scene, broken) => {
    scene.handle(0, 1, 2);
    scene.rules.calm = true;
    scene.rules.committed(HOST, KEY, 2);
    scene.rules.committed("10.0.0.2", KEY, broken ? 1 : 3);
  },
  "a seek is obeyed": (scene, broken) => {
    scene.moves.sought("member-1", { queue: KEY, stored: 9, offset: 4, end: 20 });
    scene.moves.handedOut("member-1", KEY, broken ? 9 : 4);
  },
  "a reset is obeyed": (scene, broken) => {
    scene.handle(0, 1, 2);
    scene.moves.reset({ queue: KEY, stored: 3, offset: 1, end: 3 }, true);
    scene.handle(...broken ? [2] : [1, 2]);
    scene.moves.checkResets(scene.reader);
  },
  "memory is bound": (scene, broken) => {
    const config = { pullThresholdForAll: 64, pullThresholdSizeForAllBytes: 64 * 1024, pullBatchSize: 8 };
    // The budget, and a pull for the queue and for the one of its retries.
    checkMemory(scene.world(0, { config, members: [member("member-1", [], 64 + 2 * 8 + (broken ? 1 : 0))] }));
  },
  "lag ends": (scene, broken) => {
    const catchUp = new CatchUp(scene.timeline);
    catchUp.look(0, () => 5);
    catchUp.look(CATCH_UP_MS, () => broken ? 5 : 0);
    catchUp.look(CATCH_UP_MS + 1, () => broken ? 5 : 0);
  },
  "a shutdown ends": ({ timeline }, broken) =>
    checkShutdown(timeline, "member-1", SHUTDOWN_MS + (broken ? 1 : 0)),
  "the last commit arrives": (scene, broken) => {
    const progress = () => [{ ...QUEUE, offset: broken ? 6 : 7, minOffset: 0, maxOffset: 7 }];
    checkAfterwards(scene.world(7, { inspect: { progress } }));
  },
  "locks are given back": (scene, broken) => {
    const locks = () => broken ? [{ clientId: "member-1", queue: QUEUE }] : [];
    checkAfterwards(scene.world(0, { inspect: { locks } }));
  },
  "leaving is told": (scene, broken) => {
    const consumers = () => broken ? [{ clientId: "member-1", brokerName: "broker-a" }] : [];
    checkAfterwards(scene.world(0, { inspect: { consumers } }));
  },
  "no rejection is unheard": async ({ timeline }, broken) => {
    const hearNoMore = hearRejections(timeline);
    const rejected = Promise.reject(new Error("nobody hears this"));
    if (!broken) rejected.catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 0));
    hearNoMore();
  },
  "a cluster stops": ({ timeline }, broken) => checkRest(timeline, { stopped: !broken, nextAt: Infinity }),
  "nothing is left running": ({ timeline }, broken) =>
    checkRest(timeline, { stopped: true, nextAt: broken ? 1 : Infinity }),
  "a seed is large enough": ({ timeline }, broken) =>
    checkSize(timeline, { sent: broken ? 4_999 : 5_000, faults: 10 }),
  "a seed is hard enough": ({ timeline }, broken) =>
    checkSize(timeline, { sent: 5_000, faults: broken ? 9 : 10 }),
};

for (const rule of RULES) {
  Deno.test(`simulation: that a rule is broken is found, and only then: ${rule}`, async () => {
    const kept = new Scene(rule === "order" || rule === "one at a time" ? "queue" : "message");
    await STORIES[rule](kept, false);
    assertEquals(kept.timeline.findings, []);
    const broken = new Scene(rule === "one at a time" ? "queue" : "message");
    await STORIES[rule](broken, true);
    assertEquals(broken.timeline.findings.map((text) => text.replace(/^\S+ ([^:]+): .*$/s, "$1")), [rule]);
  });
}

Deno.test("simulation: a message that a move ahead passes over may stay unhandled, those before and after may not", () => {
  const scene = new Scene();
  scene.moves.reset({ queue: KEY, stored: 1, offset: 3, end: 5 }, true);
  checkHandled(scene.world(5));
  const lost = scene.timeline.findings.map((text) => /m\d/.exec(text)?.[0]);
  assertEquals(lost, ["m0", "m3", "m4"]);
});

Deno.test("simulation: what was sought and never came is found at the end, unless the queue is another's by then", () => {
  const scene = new Scene();
  scene.moves.sought("member-1", { queue: KEY, stored: 9, offset: 4, end: 20 });
  scene.moves.checkSought(() => false);
  assertEquals(scene.timeline.findings, []);
  scene.moves.checkSought(() => true);
  assertEquals(scene.timeline.findings.length, 1);
});

Deno.test("simulation: a move explains one step back of each member that is told", () => {
  const scene = new Scene();
  scene.handle(0, 1, 2);
  const other = "10.0.0.2";
  for (const host of [HOST, other]) scene.rules.committed(host, KEY, 3);
  scene.rules.moved(KEY, 1);
  for (const host of [HOST, other]) scene.rules.committed(host, KEY, 1);
  assertEquals(scene.timeline.findings, []);
  scene.rules.committed(HOST, KEY, 3);
  scene.rules.committed(HOST, KEY, 2);
  assertEquals(scene.timeline.findings.length, 1);
});
