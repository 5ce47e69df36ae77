import { assert, assertEquals, assertRejects } from "@std/assert";
import { BrokerError } from "../../../src/core/errors.ts";
import type { Channel } from "../../../src/remoting/channel.ts";
import type { Fields, Operation } from "../../../src/wire/schema.ts";
import { operation, str } from "../../../src/wire/schema.ts";
import { consumerMember, producerMember, type TestCluster, withCluster } from "./client_support.ts";

const MASTER = "10.2.0.1:10911";
const OPTIONS = { timeoutMs: 3000 };
const byGroup = (code: number) =>
  operation({ name: `CODE_${code}`, code, request: { group: str }, response: {} });
const byConsumerGroup = (code: number) =>
  operation({ name: `CODE_${code}`, code, request: { consumerGroup: str }, response: {} });
const bare = (code: number): Operation<Fields, Fields> =>
  operation({ name: `CODE_${code}`, code, request: {}, response: {} });

/** Connects the client to its broker and gives the broker's side of the connection. */
async function brokerSide({ client, brokers }: TestCluster): Promise<Channel> {
  await client.start();
  await client.route("T");
  await client.heartbeat();
  const [channel] = brokers.get(MASTER)!.channels;
  assert(channel);
  return channel;
}

Deno.test("inbound: a change of members is told to the consumer of the group, others hear nothing", async () => {
  await withCluster({ b: [MASTER] }, async (cluster) => {
    const [told, other]: [string[], string[]] = [[], []];
    cluster.client.join(consumerMember(told));
    cluster.client.join(consumerMember(other, { group: "CG2" }));
    const broker = await brokerSide(cluster);
    broker.oneway(byConsumerGroup(40), { consumerGroup: "CG" });
    broker.oneway(byConsumerGroup(40), { consumerGroup: "unknown" });
    await cluster.world.clock.settle();
    assertEquals(told.filter((line) => line === "members").length, 1);
    assertEquals(other.filter((line) => line === "members").length, 0);
  });
});

Deno.test("inbound: requests about a consumer group are answered by its member", async () => {
  await withCluster({ b: [MASTER] }, async (cluster) => {
    const asked: number[] = [];
    cluster.client.join(consumerMember([], {
      onRequest: ({ command }) => {
        asked.push(command.code);
        return { code: 0, remark: "mine" };
      },
    }));
    const broker = await brokerSide(cluster);
    for (const code of [220, 221]) {
      assertEquals((await broker.call(byGroup(code), { group: "CG" }, OPTIONS)).remark, "mine");
    }
    for (const code of [307, 309]) {
      assertEquals(
        (await broker.call(byConsumerGroup(code), { consumerGroup: "CG" }, OPTIONS)).remark,
        "mine",
      );
    }
    assertEquals(asked, [220, 221, 307, 309]);
    const error = await assertRejects(
      () => broker.call(byConsumerGroup(307), { consumerGroup: "other" }, OPTIONS),
      BrokerError,
    );
    assertEquals(error.facts.responseCode, 1);
    assertEquals(error.facts.remark, "The Consumer Group <other> not exist in this consumer");
  });
});

Deno.test("inbound: every producer sees checks of transactions, and a reply goes to the one that waits for it", async () => {
  await withCluster({ b: [MASTER] }, async (cluster) => {
    const seen: string[] = [];
    cluster.client.join(producerMember({
      onRequest: ({ command }) => {
        seen.push(`PG ${command.code}`);
        return undefined;
      },
    }));
    cluster.client.join(producerMember({
      group: "PG2",
      onRequest: ({ command }) => {
        seen.push(`PG2 ${command.code}`);
        return command.code === 326 ? { code: 0, remark: "taken" } : undefined;
      },
    }));
    const broker = await brokerSide(cluster);
    broker.oneway(bare(39), {});
    assertEquals((await broker.call(bare(326), {}, OPTIONS)).remark, "taken");
    assertEquals(seen, ["PG 39", "PG2 39", "PG 326", "PG2 326"]);
  });
});

Deno.test("inbound: a reply that nobody waits for is taken, an unknown code is refused by its number", async () => {
  await withCluster({ b: [MASTER] }, async (cluster) => {
    cluster.client.join(producerMember());
    const broker = await brokerSide(cluster);
    assertEquals((await broker.call(bare(326), {}, OPTIONS)).code, 0);
    const error = await assertRejects(() => broker.call(bare(4711), {}, OPTIONS), BrokerError);
    assertEquals([error.facts.responseCode, error.facts.remark], [3, " request type 4711 not supported"]);
  });
});
