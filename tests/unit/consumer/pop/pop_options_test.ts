import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError, type ConsumerConfig } from "../../../../mod.ts";
import { parseConsumerConfig } from "../../../../src/consumer/config/options.ts";

const base: ConsumerConfig = { consumerGroup: "G", namesrvAddr: "127.0.0.1:9876" };

function problemsOf(config: Partial<ConsumerConfig>): string[] {
  const error = assertThrows(() => parseConsumerConfig({ ...base, ...config }), ConfigError);
  return (error.facts.problems ?? []).map(({ path }) => path);
}

Deno.test("the defaults of popping are Java's, and members divide by themselves", () => {
  const { popInvisibleTimeMs, popBatchNums, popThresholdForQueue, popShareQueueNum, clientRebalance } =
    parseConsumerConfig(base);
  assertEquals(
    { popInvisibleTimeMs, popBatchNums, popThresholdForQueue, popShareQueueNum, clientRebalance },
    {
      popInvisibleTimeMs: 60_000,
      popBatchNums: 32,
      popThresholdForQueue: 96,
      popShareQueueNum: 0,
      clientRebalance: true,
    },
  );
});

Deno.test("a mode that is wished for leaves the division to the brokers", () => {
  for (const messageRequestMode of ["POP", "PULL"] as const) {
    assertEquals(parseConsumerConfig({ ...base, messageRequestMode }).clientRebalance, false);
  }
  assertEquals(problemsOf({ messageRequestMode: "POP", clientRebalance: true }), ["clientRebalance"]);
});

Deno.test("what brokers that divide cannot do is refused, all at once", () => {
  assertEquals(
    problemsOf({
      clientRebalance: false,
      messageModel: "BROADCASTING",
      ordering: { by: () => "" },
      allocateStrategy: "CONSISTENT_HASH",
    }),
    ["messageModel", "ordering", "allocateStrategy"],
  );
  assertEquals(
    parseConsumerConfig({ ...base, clientRebalance: false, ordering: "orderly" }).ordering,
    "orderly",
  );
});

Deno.test("what a pop does not know is refused, and only where popping is asked for", () => {
  const config = { consumeFromWhere: "CONSUME_FROM_TIMESTAMP" } as const;
  assertEquals(problemsOf({ ...config, messageRequestMode: "POP" }), ["consumeFromWhere"]);
  parseConsumerConfig({ ...base, ...config, clientRebalance: false });
});

Deno.test("numbers that brokers refuse are refused here", () => {
  assertEquals(problemsOf({ popBatchNums: 33 }), ["popBatchNums"]);
  assertEquals(problemsOf({ popInvisibleTimeMs: 4_999 }), ["popInvisibleTimeMs"]);
  assertEquals(problemsOf({ popInvisibleTimeMs: 300_001 }), ["popInvisibleTimeMs"]);
});
