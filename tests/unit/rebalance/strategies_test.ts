import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError, RebalanceError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { compareQueues, type MessageQueue, queueKey } from "../../../src/protocol/message_queue.ts";
import {
  type AllocateContext,
  type AllocateStrategy,
  createAverageStrategy,
  createCircleStrategy,
  createConfigStrategy,
  createConsistentHashStrategy,
  createHashStrategy,
  createMachineRoomNearbyStrategy,
  createMachineRoomStrategy,
  type MachineRoomResolver,
} from "../../../src/rebalance/strategies.ts";
import { md5Hash } from "../../../src/rebalance/strategies/consistent_hash.ts";
import { vectors } from "../vectors.ts";

interface Case {
  strategy: string;
  getName: string;
  cids: string[] | null;
  queues: [string, string, number][] | null;
  virtualNodes?: number;
  rooms?: string[];
  configured?: number[];
  self?: string;
  result?: Record<string, number[] | { error: unknown }>;
  resultForSelf?: number[];
  error?: unknown;
}

/** The vectors' resolver: what stands before the first `-`. */
const resolver: MachineRoomResolver = {
  brokerRoom: (queue) => beforeDash(queue.brokerName),
  consumerRoom: beforeDash,
};
function beforeDash(text: string): string | undefined {
  return text.includes("-") ? text.slice(0, text.indexOf("-")) : undefined;
}

function strategyOf(vector: Case, queues: MessageQueue[]): AllocateStrategy {
  switch (vector.strategy) {
    case "AVG":
      return createAverageStrategy();
    case "AVG_BY_CIRCLE":
      return createCircleStrategy();
    case "CONSISTENT_HASH":
      return createConsistentHashStrategy(
        vector.virtualNodes === undefined ? {} : { virtualNodes: vector.virtualNodes },
      );
    case "CONFIG":
      return createConfigStrategy(vector.configured!.map((i) => queues[i]!));
    case "MACHINE_ROOM":
      return createMachineRoomStrategy(vector.rooms!);
    case "MACHINE_ROOM_NEARBY-AVG":
      return createMachineRoomNearbyStrategy(createAverageStrategy(), resolver);
    case "MACHINE_ROOM_NEARBY-AVG_BY_CIRCLE":
      return createMachineRoomNearbyStrategy(createCircleStrategy(), resolver);
    default:
      throw new Error(`no strategy ${vector.strategy}`);
  }
}

function contextOf(cids: readonly string[], queues: readonly MessageQueue[], self: string): AllocateContext {
  return {
    consumerGroup: "CG",
    consumerId: self,
    messageModel: "CLUSTERING",
    allConsumerIds: cids,
    allMessageQueues: queues,
  };
}

Deno.test("every strategy allocates what Java's does", () => {
  for (const vector of vectors<Case>("allocate.json").cases) {
    const queues = (vector.queues ?? []).map(([topic, brokerName, queueId]) => ({
      topic,
      brokerName,
      queueId,
    }));
    const strategy = strategyOf(vector, queues);
    const where = `${vector.strategy} ${JSON.stringify(vector.cids)}`;
    assertEquals(strategy.name, vector.getName);
    if (vector.error) {
      const context = contextOf(vector.cids ?? [], queues, vector.self ?? "");
      assertThrows(() => strategy.allocate(context), RebalanceError, "Cannot allocate queues", where);
      continue;
    }
    const expected = vector.result ?? { [vector.self!]: vector.resultForSelf! };
    for (const [self, indexes] of Object.entries(expected)) {
      const context = contextOf(vector.cids!, queues, self);
      if (Array.isArray(indexes)) {
        assertEquals(strategy.allocate(context), indexes.map((i) => queues[i]!), `${where} ${self}`);
      } else assertThrows(() => strategy.allocate(context), RebalanceError, undefined, `${where} ${self}`);
    }
  }
});

Deno.test("the ring's hash is Java's", () => {
  for (const { s, hash } of vectors("consistent_hash.json").cases) assertEquals(md5Hash(s), hash, s);
});

Deno.test("members together hold every queue exactly once, whatever the numbers", () => {
  const random = seededRandom(16);
  const strategies = [
    createAverageStrategy(),
    createCircleStrategy(),
    createConsistentHashStrategy(),
    createHashStrategy(),
  ];
  for (let run = 0; run < 60; run++) {
    const cids = Array.from({ length: 1 + random.int(9) }, (_, i) => `10.0.0.${i}@${random.int(1e6)}`).sort();
    const queues = Array.from({ length: 1 + random.int(33) }, (_, queueId) => ({
      topic: "T",
      brokerName: `broker-${random.int(3)}`,
      queueId,
    })).sort(compareQueues);
    for (const strategy of strategies) {
      const held = cids.flatMap((self) => strategy.allocate(contextOf(cids, queues, self)));
      assertEquals(held.map(queueKey).sort(), queues.map(queueKey).sort(), strategy.name);
    }
  }
});

Deno.test("a member that leaves moves no queue between the others on the ring", () => {
  const cids = ["a@1", "b@2", "c@3", "d@4"];
  const queues = Array.from({ length: 64 }, (_, queueId) => ({ topic: "T", brokerName: "b", queueId }));
  const strategy = createConsistentHashStrategy();
  for (const self of ["a@1", "b@2", "c@3"]) {
    const before = strategy.allocate(contextOf(cids, queues, self)).map(queueKey);
    const after = new Set(strategy.allocate(contextOf(cids.slice(0, 3), queues, self)).map(queueKey));
    assert(before.every((key) => after.has(key)), self);
  }
});

Deno.test("a room that nobody can name is an error, and so are negative virtual nodes", () => {
  const queues = [{ topic: "T", brokerName: "noroom", queueId: 0 }];
  const strategy = createMachineRoomNearbyStrategy(createAverageStrategy(), resolver);
  assertThrows(() => strategy.allocate(contextOf(["r-1"], queues, "r-1")), RebalanceError, "broker noroom");
  assertThrows(() => createConsistentHashStrategy({ virtualNodes: -1 }), ConfigError, "current value is -1");
});
