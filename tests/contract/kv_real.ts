/**
 * The offset store contract on Deno's own KV, in memory.
 *
 *   deno run -A --unstable-kv tests/contract/kv_real.ts
 *
 * A program, because `Deno.openKv` is there only under a flag; `offset_store_kv_test.ts` runs it. Prints how many cases held.
 */
import { createOffsetStore } from "@contrail/rocketmq";
import type { KvDatabase } from "@contrail/rocketmq/offsets/kv";
import { offsetStoreCases } from "./offset_store_contract.ts";

/** Opens a database, of the shape that the store asks for. */
type OpenKv = (path: string) => Promise<KvDatabase & { close(): void }>;

const openKv = Reflect.get(Deno, "openKv") as OpenKv;
const cases = offsetStoreCases.filter(({ needs }) => needs !== "fails");
for (const test of cases) {
  const kv = await openKv(":memory:");
  await test.run({
    open: () => createOffsetStore({ kv, consumerGroup: "contract" }),
    queue: (queueId, brokerName = "broker-a") => ({ topic: "orders", brokerName, queueId }),
    fail() {},
  });
  kv.close();
}
console.log(`${cases.length} cases hold`);
