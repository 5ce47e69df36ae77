/**
 * The stores that the offset store contract is held against, without a test runner's API or a runtime's; and as scenarios, so that
 * it holds on Bun and Node too.
 */
import { strict as assert } from "node:assert";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import {
  createClient,
  createOffsetStore,
  MemoryOffsetStore,
  type MessageQueue,
  type OffsetStore,
  type RocketMQClient,
} from "@contrail/rocketmq";
import { startCluster } from "@contrail/rocketmq/testing";
import type { Scenario } from "../conformance/scenario.ts";
import { InMemoryKv } from "./kv_in_memory.ts";
import { type OffsetPlace, type OffsetStoreCase, offsetStoreCases } from "./offset_store_contract.ts";

const consumerGroup = "contract";

function queue(queueId: number, brokerName = "broker-a"): MessageQueue {
  return { topic: "orders", brokerName, queueId };
}

const neverFails = (): void => assert.fail("this place cannot be made unreachable");

/** A broker keeps offsets of groups that it knows, and it knows them by their heartbeats. */
const member: Parameters<RocketMQClient["join"]>[0] = {
  kind: "consumer",
  group: consumerGroup,
  heartbeat: () => ({
    groupName: consumerGroup,
    consumeType: "CONSUME_PASSIVELY",
    messageModel: "CLUSTERING",
    consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
    subscriptionDataSet: [],
    unitMode: false,
  }),
  topics: () => ["orders"],
  onMembersChanged() {},
  onRouteChanged() {},
};

/** A store to hold to the contract. */
export interface OffsetStoreKind {
  readonly name: string;
  /** The cases that hold for it. */
  readonly cases: readonly OffsetStoreCase[];
  /** Runs one on a place of its own. */
  run(test: OffsetStoreCase): Promise<void>;
}

type Needs = OffsetStoreCase["needs"];

/** The cases that ask nothing more of a place than it has. */
function casesFor(...has: Needs[]): OffsetStoreCase[] {
  return offsetStoreCases.filter(({ needs }) => needs === undefined || has.includes(needs));
}

function simple(name: string, has: Needs[], place: () => OffsetPlace): OffsetStoreKind {
  return { name, cases: casesFor(...has), run: (test) => test.run(place()) };
}

/** Every store but Redis, which has a file of its own. */
export const offsetStoreKinds: readonly OffsetStoreKind[] = [
  simple("memory", [], () => {
    const map = new Map<string, number>();
    return { open: () => new MemoryOffsetStore(map), queue, fail: neverFails };
  }),
  {
    name: "file",
    cases: casesFor(),
    async run(test) {
      const path = await mkdtemp(`${tmpdir()}/contrail-offsets-`);
      try {
        const open = (): OffsetStore =>
          createOffsetStore({ consumerGroup, store: "file", path: `${path}/deep`, singleMember: true });
        await test.run({ open, queue, fail: neverFails });
      } finally {
        await rm(path, { recursive: true });
      }
    },
  },
  simple("kv", ["shared", "fails"], () => {
    const kv = new InMemoryKv();
    return {
      open: () => createOffsetStore({ kv, consumerGroup }),
      queue,
      fail: (failing) => void (kv.failing = failing),
    };
  }),
  {
    name: "remote",
    cases: casesFor("fails"),
    async run(test) {
      const cluster = await startCluster({ brokers: ["broker-a", "broker-b"], topics: { orders: 4 } });
      const client = createClient({ namesrvAddr: cluster.namesrvAddr });
      try {
        await client.start();
        await client.route("orders");
        client.join(member);
        await client.heartbeat();
        let failing = false;
        // The stores fail as they do when the broker does; taking the cluster away would only take longer.
        const caller: typeof client = new Proxy(client, {
          get: (target, name) =>
            name !== "call"
              ? Reflect.get(target, name)
              : (...args: Parameters<typeof client.call>) =>
                failing ? Promise.reject(new Error("not reachable")) : target.call(...args),
        });
        await test.run({
          open: () => createOffsetStore({ client: caller, consumerGroup }),
          queue,
          fail: (now) => void (failing = now),
        });
      } finally {
        await client.shutdown();
        await cluster.stop();
      }
    },
  },
];

/** One scenario a store. */
export const offsetStoreContract: readonly Scenario[] = offsetStoreKinds.map(({ name, cases, run }) => ({
  name: `offset store, ${name}: every case of the contract holds`,
  only: "embedded",
  why: "the places of the stores are its own, and no cluster of the stage",
  async run() {
    for (const test of cases) {
      try {
        await run(test);
      } catch (cause) {
        throw new Error(test.name, { cause });
      }
    }
  },
}));
