import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type AllocateStrategyConfig,
  type ConsumerConfig,
  createConfig,
  createConsumer,
  createConsumerConfig,
  createConsumerWithConfig,
  MemoryOffsetStore,
} from "../../../../mod.ts";
import { CLIENT_OPTION_NAMES } from "../../../../src/client/options.ts";
import { ENVIRONMENT_OPTIONS, variableOf } from "../../../../src/consumer/config/environment.ts";
import {
  consumerEntries,
  parseConsumerConfig,
  windowLimits,
} from "../../../../src/consumer/config/options.ts";
import { ConfigError } from "../../../../src/core/errors.ts";

const needed = { consumerGroup: "billing", namesrvAddr: "127.0.0.1:9876" };

/** The paths of what is wrong. */
function paths(make: () => unknown): string[] {
  const error = assertThrows(make, ConfigError);
  for (const { path, message } of error.facts.problems!) {
    assert(error.message.includes(`${path}: ${message}`));
  }
  return error.facts.problems!.map(({ path }) => path);
}

Deno.test("the defaults are those that the options are documented with", () => {
  const { allocateStrategy, ...config } = createConsumerConfig(needed);
  assertEquals(allocateStrategy.name, "AVG");
  assertEquals(config, {
    ...needed,
    messageModel: "CLUSTERING",
    ordering: "concurrent",
    consumeFromWhere: "CONSUME_FROM_LAST_OFFSET",
    offsetStorePath: "~/.rocketmq/offsets",
    autoCommit: true,
    messageTrace: true,
    traceTopic: "RMQ_SYS_TRACE_TOPIC",
    checkCrc: true,
    missingTopic: "wait",
    onBadRecord: "stall",
    consumeConcurrencyMin: 20,
    consumeConcurrencyMax: 64,
    maxMessagesPerSecond: Infinity,
    consumeMessageBatchMaxSize: 1,
    consumeTimeoutMs: 30_000,
    maxReconsumeTimes: 16,
    suspendCurrentQueueTimeMs: 1_000,
    pullBatchSize: 32,
    pullBatchSizeBytes: 262_144,
    pullIntervalMs: 0,
    brokerSuspendMs: 15_000,
    pullThresholdForQueue: 1_000,
    pullThresholdSizeForQueueBytes: 32 * 1024 * 1024,
    pullThresholdForTopic: -1,
    pullThresholdSizeForTopicBytes: -1,
    pullThresholdForAll: 50_000,
    pullThresholdSizeForAllBytes: 64 * 1024 * 1024,
    consumeConcurrentlyMaxSpan: 2_000,
    persistIntervalMs: 5_000,
    rebalanceIntervalMs: 20_000,
    shutdownTimeoutMs: 10_000,
    clientRebalance: true,
    popShareQueueNum: 0,
    popInvisibleTimeMs: 60_000,
    popBatchNums: 32,
    popThresholdForQueue: 96,
    language: "JAVA",
    requestTimeoutMs: 3_000,
    connectTimeoutMs: 3_000,
    routePollIntervalMs: 30_000,
    heartbeatIntervalMs: 30_000,
    idleCloseMs: 120_000,
  });
});

Deno.test("what is made once is made the same again, frozen, and a consumer takes it", () => {
  for (
    const options of [{}, { ordering: "orderly" }, {
      allocateStrategy: "HASH",
      consumeTimestamp: new Date(5),
    }] as const
  ) {
    const config = createConsumerConfig({ ...needed, ...options });
    assert(Object.isFrozen(config));
    assertEquals(createConsumerConfig(config), config);
    assertEquals(createConsumer(config).consumerGroup, "billing");
  }
});

Deno.test("createConfig is the short form, and createConsumerWithConfig gives the config a listener", () => {
  const short = createConfig("billing", ["a:1", "b:2"], { pullBatchSize: 7 });
  assertEquals([short.consumerGroup, short.namesrvAddr, short.pullBatchSize], ["billing", ["a:1", "b:2"], 7]);
  const consumer = createConsumerWithConfig(short, () => {});
  assertEquals(consumer.consumerGroup, "billing");
  assertThrows(() => consumer.messages(), Error, "a listener takes its messages already");
  assertEquals(paths(() => createConsumerWithConfig(short, 5 as never)), ["listener"]);
});

Deno.test("an argument comes before the environment, that before the default, and undefined is no argument", () => {
  const env = {
    ROCKETMQ_NAMESRV_ADDR: "e:1",
    ROCKETMQ_PULL_BATCH_SIZE: "64",
    ROCKETMQ_CONSUME_TIMEOUT_MS: "70",
  };
  const options = { consumerGroup: "billing", pullBatchSize: 16, consumeTimeoutMs: undefined };
  const config = createConsumerConfig(options, { env });
  assertEquals([config.namesrvAddr, config.pullBatchSize, config.consumeTimeoutMs], ["e:1", 16, 70]);
  assertEquals(config.persistIntervalMs, 5_000);
  assertEquals(
    paths(() => createConsumerConfig(options)),
    ["namesrvAddr"],
    "the environment is read only where asked for",
  );
  assertEquals(paths(() => createConsumerConfig(options, { env: false })), ["namesrvAddr"]);
});

Deno.test("every option that is a text, a number or a flag can be told by a variable", () => {
  const objects = ["listener", "offsetStore", "credentials"];
  const expected = [...Object.keys(consumerEntries), ...CLIENT_OPTION_NAMES].filter((name) =>
    !objects.includes(name)
  );
  assertEquals(ENVIRONMENT_OPTIONS.toSorted(), expected.toSorted());
  const env: Record<string, string> = {
    consumerGroup: "g",
    namesrvAddr: "n:1",
    messageModel: "BROADCASTING",
    consumeFromWhere: "CONSUME_FROM_TIMESTAMP",
    consumeTimestamp: "2026-01-02T03:04:05Z",
    ordering: "orderly",
    allocateStrategy: "AVG_BY_CIRCLE",
    missingTopic: "fail",
    onBadRecord: "skip",
    tls: "TRUE",
    clientRebalance: "true",
    autoCommit: "false",
    checkCrc: "false",
    messageTrace: "false",
    maxMessagesPerSecond: "2.5",
    idleCloseMs: "2000",
    popInvisibleTimeMs: "7000",
    popBatchNums: "9",
    pullBatchSizeBytes: "2048",
  };
  const told = Object.fromEntries(
    ENVIRONMENT_OPTIONS.filter((name) => name !== "messageRequestMode").map((
      name,
    ) => [variableOf(name), env[name] ?? (/Path|Ip|Name|namespace|language/.test(name) ? "x" : "999")]),
  );
  // what brokers divide is no broadcasting: the mode goes with another model
  const popped = createConsumerConfig({ consumerGroup: "g", namesrvAddr: "n:1" }, {
    env: { ROCKETMQ_MESSAGE_REQUEST_MODE: "POP", ROCKETMQ_POP_SHARE_QUEUE_NUM: "5" },
  });
  assertEquals([popped.messageRequestMode, popped.clientRebalance, popped.popShareQueueNum], [
    "POP",
    false,
    5,
  ]);
  const config = createConsumerConfig({}, { env: told }) as unknown as Record<string, unknown>;
  assertEquals(config["consumeTimestamp"], Date.UTC(2026, 0, 2, 3, 4, 5));
  assertEquals([config["tls"], config["autoCommit"], config["maxMessagesPerSecond"]], [true, false, 2.5]);
  const without = createConsumerConfig({ consumerGroup: "g", namesrvAddr: "n:1" }) as unknown as Record<
    string,
    unknown
  >;
  const same = ENVIRONMENT_OPTIONS.filter((name) =>
    JSON.stringify(config[name]) === JSON.stringify(without[name])
  );
  assertEquals(same, ["consumerGroup", "namesrvAddr", "messageRequestMode", "clientRebalance"]);
});

Deno.test("credentials are three variables, and Java's NAMESRV_ADDR stands in for ours", () => {
  const env = {
    NAMESRV_ADDR: "j:1",
    ROCKETMQ_ACCESS_KEY: "a",
    ROCKETMQ_SECRET_KEY: "s",
    ROCKETMQ_UNIT_NAME: "",
  };
  const config = createConsumerConfig({ consumerGroup: "g" }, { env });
  assertEquals([config.namesrvAddr, config.credentials, config.unitName], ["j:1", {
    accessKey: "a",
    secretKey: "s",
  }, undefined]);
  const ours = createConsumerConfig({ consumerGroup: "g" }, {
    env: { ...env, ROCKETMQ_NAMESRV_ADDR: "o:1" },
  });
  assertEquals(ours.namesrvAddr, "o:1");
});

Deno.test("a variable that makes no sense is a problem of its option, beside all others", () => {
  const env = {
    ROCKETMQ_PULL_BATCH_SIZE: "many",
    ROCKETMQ_AUTO_COMMIT: "perhaps",
    ROCKETMQ_CONSUME_TIMESTAMP: "soon",
  };
  const make = () => createConsumerConfig({ consumerGroup: "a b" }, { env });
  assertEquals(paths(make).toSorted(), [
    "autoCommit",
    "consumeTimestamp",
    "consumerGroup",
    "namesrvAddr",
    "pullBatchSize",
  ]);
});

Deno.test("env: true reads this process's variables", () => {
  Deno.env.set("ROCKETMQ_PULL_BATCH_SIZE", "77");
  try {
    assertEquals(createConsumerConfig(needed, { env: true }).pullBatchSize, 77);
    assertEquals(createConsumerConfig(needed).pullBatchSize, 32);
  } finally {
    Deno.env.delete("ROCKETMQ_PULL_BATCH_SIZE");
  }
});

Deno.test("where variables may not be read, env: true is a ConfigError, and without it none is read", async () => {
  const program = `import { createConsumerConfig } from "./mod.ts";
    console.log(createConsumerConfig({ consumerGroup: "g", namesrvAddr: "a:1" }).pullBatchSize);
    try { createConsumerConfig({ consumerGroup: "g" }, { env: true }); }
    catch (error) { console.log(error.code, error.facts.problems[0].path); }`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--no-prompt", "--ext=ts", "-"],
    stdin: "piped",
    stdout: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(program));
  await writer.close();
  const { stdout } = await child.output();
  assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), ["32", "CONFIG env"]);
});

Deno.test("strategies go by their names, with what they need, or are objects of one's own", () => {
  const name = (allocateStrategy: ConsumerConfig["allocateStrategy"]) =>
    parseConsumerConfig({ ...needed, allocateStrategy }).allocateStrategy.name;
  for (const each of ["AVG", "AVG_BY_CIRCLE", "CONSISTENT_HASH", "HASH"] as const) {
    assertEquals([name(each), name({ name: each } as AllocateStrategyConfig)], [each, each]);
  }
  const queue = { topic: "T", brokerName: "b", queueId: 0 };
  const resolver = { brokerRoom: () => "r", consumerRoom: () => "r" };
  assertEquals(name({ name: "MACHINE_ROOM", rooms: ["hz"] }), "MACHINE_ROOM");
  assertEquals(name({ name: "MACHINE_ROOM_NEARBY", resolver }), "MACHINE_ROOM_NEARBY-AVG");
  const inner = { name: "CONSISTENT_HASH", virtualNodes: 3 } as const;
  assertEquals(name({ name: "MACHINE_ROOM_NEARBY", resolver, inner }), "MACHINE_ROOM_NEARBY-CONSISTENT_HASH");
  const own = { name: "MINE", allocate: () => [queue] };
  assertEquals(parseConsumerConfig({ ...needed, allocateStrategy: own }).allocateStrategy, own);
  const config = parseConsumerConfig({ ...needed, allocateStrategy: { name: "CONFIG", queues: [queue] } });
  assertEquals(config.allocateStrategy.allocate({} as never), [queue]);
});

Deno.test("a strategy that is named wrongly or lacks what it needs is told with the path to it", () => {
  const wrong: readonly [unknown, string][] = [
    ["NOBODY", "allocateStrategy.name"],
    ["MACHINE_ROOM", "allocateStrategy.rooms"],
    [{ name: "MACHINE_ROOM", rooms: [] }, "allocateStrategy.rooms"],
    [{ name: "MACHINE_ROOM_NEARBY", resolver: {} }, "allocateStrategy.resolver"],
    [
      { name: "CONFIG", queues: [{ topic: "T", brokerName: "b", queueId: -1 }] },
      "allocateStrategy.queues.0.queueId",
    ],
    [{ name: "CONSISTENT_HASH", virtualNodes: 0 }, "allocateStrategy.virtualNodes"],
    [{ name: "AVG", rooms: ["hz"] }, "allocateStrategy.rooms"],
    [5, "allocateStrategy"],
    [null, "allocateStrategy"],
  ];
  for (const [allocateStrategy, path] of wrong) {
    assertEquals(paths(() => parseConsumerConfig({ ...needed, allocateStrategy } as ConsumerConfig)), [path]);
  }
});

Deno.test("limits of a topic take the place of those of a queue, divided by the queues that are owned", () => {
  const config = parseConsumerConfig({
    ...needed,
    pullThresholdForTopic: 100,
    pullThresholdSizeForTopicBytes: 5_000,
  });
  const limits = (queues: number) => {
    const { maxMessages, maxBytes } = windowLimits(config, queues);
    return [maxMessages, maxBytes];
  };
  assertEquals([limits(0), limits(1), limits(3), limits(1_000)], [[100, 5_000], [100, 5_000], [33, 1_666], [
    1,
    5,
  ]]);
  const { maxMessages, maxBytes } = windowLimits(parseConsumerConfig(needed), 3);
  assertEquals([maxMessages, maxBytes], [1_000, 32 * 1024 * 1024]);
  assertEquals(paths(() => parseConsumerConfig({ ...needed, pullThresholdForTopic: 0 })), [
    "pullThresholdForTopic",
  ]);
});

Deno.test("a client that is given brings its own options: none of them is asked for or read", () => {
  const { client } = createConsumer(needed);
  const env = { ROCKETMQ_REQUEST_TIMEOUT_MS: "0", ROCKETMQ_NAMESRV_ADDR: "nonsense" };
  const config = createConsumerConfig({ consumerGroup: "g", client, offsetStore: new MemoryOffsetStore() }, {
    env,
  });
  assertEquals([config.client, config.namesrvAddr], [client, undefined]);
});

Deno.test("an option that there is not is a problem of its own", () => {
  assertEquals(
    paths(() => createConsumerConfig({ ...needed, pullBatchsize: 3 } as Partial<ConsumerConfig>)),
    ["pullBatchsize"],
  );
});
