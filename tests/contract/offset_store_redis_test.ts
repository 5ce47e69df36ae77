/** The offset store contract on a real Redis server; skipped, with the reason in the name, where there is none. */
import { assertEquals, assertRejects } from "@std/assert";
import { createOffsetStore } from "@contrail/rocketmq";
import { createRedisOffsetStore } from "@contrail/rocketmq/offsets/redis";
import { OffsetFetchError } from "../../src/core/errors.ts";
import { offsetStoreCases } from "./offset_store_contract.ts";
import { redisProblem, startRedis, TestRedisClient } from "./redis_server.ts";

const consumerGroup = "contract";
const problem = await redisProblem();
const suffix = problem === undefined ? "" : ` (${problem})`;
const queue = (queueId: number, brokerName = "broker-a") => ({ topic: "a|b%c", brokerName, queueId });

async function withRedis(body: (client: TestRedisClient) => Promise<void>): Promise<void> {
  const server = await startRedis();
  const client = await TestRedisClient.connect(server.port);
  try {
    await body(client);
  } finally {
    client.close();
    await server.stop();
  }
}

Deno.test({
  name: `offset store, a real Redis: every case of the contract holds${suffix}`,
  ignore: problem !== undefined,
  fn: (t) =>
    withRedis(async (redis) => {
      for (const test of offsetStoreCases) {
        await t.step(test.name, async () => {
          await redis.command("FLUSHALL");
          await test.run({
            open: () => createOffsetStore({ redis, consumerGroup }),
            queue,
            fail: (failing) => void (redis.failing = failing),
          });
        });
      }
    }),
});

Deno.test({
  name: `offset store, a real Redis: keys and values can be read, and what is no offset is refused${suffix}`,
  ignore: problem !== undefined,
  fn: () =>
    withRedis(async (redis) => {
      const store = createRedisOffsetStore({ redis, consumerGroup });
      store.updateOffset(queue(3), 12);
      await store.persist(queue(3));
      const key = "rocketmq:offsets:contract:a%7Cb%25c:broker-a:3";
      assertEquals(await redis.get(key), "12");
      store.updateOffset(queue(3), 5, false);
      await store.persist(queue(3));
      assertEquals(await redis.get(key), "5@1");

      const member = createRedisOffsetStore({
        redis,
        consumerGroup,
        messageModel: "BROADCASTING",
        instanceName: "shop 1",
        keyPrefix: "other",
      });
      member.updateOffset(queue(3), 7);
      await member.persist(queue(3));
      assertEquals(await redis.get("other:contract@shop%201:a%7Cb%25c:broker-a:3"), "7");

      await redis.set(key, "a dozen");
      await assertRejects(
        () => store.readOffset(queue(3), "READ_FROM_STORE"),
        OffsetFetchError,
        'the stored value is not an offset: "a dozen"',
      );
    }),
});
