import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  createClient,
  createConsumer,
  createOffsetStore,
  getOffsetStoreMetrics,
  MemoryOffsetStore,
  type OffsetStoreConfig,
  validateOffsetStoreConfig,
} from "@contrail/rocketmq";
import { ConfigError } from "../../../src/core/errors.ts";
import { checkStoreServes } from "../../../src/offsets/offset_store.ts";
import { RemoteOffsetStore } from "../../../src/offsets/remote.ts";
import { InMemoryKv } from "../../contract/kv_in_memory.ts";

const kv = new InMemoryKv();
const redis = {
  get: () => Promise.resolve(null),
  set: () => Promise.resolve(),
  eval: () => Promise.resolve(1),
};
const client = createClient({ namesrvAddr: "127.0.0.1:9876" });
const consumerGroup = "g";

/** Paths of what is wrong. */
function problems(config: Partial<OffsetStoreConfig>): string[] {
  try {
    validateOffsetStoreConfig({ consumerGroup, ...config });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return (error.facts.problems ?? []).map(({ path }) => path);
  }
}

Deno.test("each store serves the message models that it can, and refuses the others", () => {
  const clustering = { messageModel: "CLUSTERING" } as const;
  const broadcasting = { messageModel: "BROADCASTING" } as const;
  const withoutAtomic = { get: kv.get.bind(kv), set: kv.set.bind(kv) };
  const withoutEval = { get: redis.get, set: redis.set };
  const rows: [Partial<OffsetStoreConfig>, string[]][] = [
    [{ client, ...clustering }, []],
    [{ store: "remote", client, ...broadcasting }, ["messageModel"]],
    [{ ...clustering }, ["client"]],
    [{ ...broadcasting }, []],
    [{ store: "file", ...clustering }, ["singleMember"]],
    [{ store: "file", singleMember: true, ...clustering }, []],
    [{ store: "memory", ...clustering }, ["singleMember"]],
    [{ store: "memory", ...broadcasting }, []],
    [{ kv, ...clustering }, []],
    [{ kv, ...broadcasting }, ["instanceName"]],
    [{ kv, instanceName: "a", ...broadcasting }, []],
    [{ kv: withoutAtomic, ...clustering }, ["kv"]],
    [{ kv: withoutAtomic, instanceName: "a", ...broadcasting }, []],
    [{ store: "kv" }, ["kv"]],
    [{ redis, ...clustering }, []],
    [{ redis: withoutEval, ...clustering }, ["redis"]],
    [{ redis: withoutEval, instanceName: "a", ...broadcasting }, []],
    [{ redis, ...broadcasting }, ["instanceName"]],
    [{ store: "file", path: "", ...broadcasting }, ["path"]],
    [{ consumerGroup: "a b", kv: withoutAtomic }, ["consumerGroup", "kv"]],
    [{ store: "tape" as "file" }, ["store"]],
    [{ messageModel: "BOTH" as "CLUSTERING", kv }, ["messageModel"]],
  ];
  for (const [config, expected] of rows) {
    assertEquals(problems(config), expected, JSON.stringify(Object.entries(config)));
  }
});

Deno.test("createOffsetStore makes the store that the group needs, or none", () => {
  assert(createOffsetStore({ consumerGroup, client }) instanceof RemoteOffsetStore);
  const broadcasting = { consumerGroup, messageModel: "BROADCASTING" } as const;
  assert(createOffsetStore({ ...broadcasting, store: "memory" }) instanceof MemoryOffsetStore);
  assertEquals(
    createOffsetStore(broadcasting).messageModel,
    "BROADCASTING",
  );
  assertEquals(createOffsetStore({ consumerGroup, kv }).messageModel, "CLUSTERING");
  assertThrows(() => createOffsetStore({ consumerGroup }), ConfigError, "needs a client");
});

Deno.test("a group of the other message model refuses a store", () => {
  const store = createOffsetStore({ consumerGroup, kv });
  checkStoreServes(store, "CLUSTERING");
  assertThrows(() => checkStoreServes(store, "BROADCASTING"), ConfigError, "made for CLUSTERING");
  checkStoreServes(new MemoryOffsetStore(), "BROADCASTING");
  const offsetStore = createOffsetStore({ consumerGroup, messageModel: "BROADCASTING" });
  assertThrows(
    () => createConsumer({ consumerGroup, client, offsetStore }),
    ConfigError,
    "not for CLUSTERING",
  );
});

Deno.test("getOffsetStoreMetrics tells what a store did", async () => {
  const store = new MemoryOffsetStore();
  const queue = { topic: "t", brokerName: "b", queueId: 0 };
  store.updateOffset(queue, 1);
  await store.persist(queue);
  const expected = { queues: 1, persisted: 1, persistFailures: 0, fetched: 0, overtaken: 0 };
  assertEquals(getOffsetStoreMetrics(store), expected);
});
