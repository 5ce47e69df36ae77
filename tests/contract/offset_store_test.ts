/** The offset store contract on Deno: every store but Redis, which has a file of its own. */
import { assert } from "@std/assert";
import {
  createClient,
  createOffsetStore,
  MemoryOffsetStore,
  type MessageQueue,
  type OffsetStore,
} from "@contrail/rocketmq";
import { startCluster } from "@contrail/rocketmq/testing";
import type { ConsumerMember } from "../../src/client/members.ts";
import { InMemoryKv } from "./kv_in_memory.ts";
import { type OffsetPlace, type OffsetStoreCase, offsetStoreCases } from "./offset_store_contract.ts";

const consumerGroup = "contract";

function queue(queueId: number, brokerName = "broker-a"): MessageQueue {
  return { topic: "orders", brokerName, queueId };
}

const neverFails = (): void => assert(false, "this place cannot be made unreachable");

/** A broker keeps offsets of groups that it knows, and it knows them by their heartbeats. */
const member: ConsumerMember = {
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

interface Kind {
  readonly name: string;
  readonly has: readonly OffsetStoreCase["needs"][];
  run(test: OffsetStoreCase): Promise<void>;
}

function simple(name: string, has: Kind["has"], place: () => OffsetPlace): Kind {
  return { name, has, run: (test) => test.run(place()) };
}

const kinds: Kind[] = [
  simple("memory", [], () => {
    const map = new Map<string, number>();
    return { open: () => new MemoryOffsetStore(map), queue, fail: neverFails };
  }),
  {
    name: "file",
    has: [],
    async run(test) {
      const path = await Deno.makeTempDir();
      try {
        const open = (): OffsetStore =>
          createOffsetStore({ consumerGroup, store: "file", path: `${path}/deep`, singleMember: true });
        await test.run({ open, queue, fail: neverFails });
      } finally {
        await Deno.remove(path, { recursive: true });
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
    has: ["fails"],
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

for (const kind of kinds) {
  for (const test of offsetStoreCases) {
    if (test.needs !== undefined && !kind.has.includes(test.needs)) continue;
    Deno.test(`offset store, ${kind.name}: ${test.name}`, () => kind.run(test));
  }
}
