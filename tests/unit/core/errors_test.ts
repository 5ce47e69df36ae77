/**
 * The family of errors, walked: each class is raised by a situation that can happen, and says what was attempted and what was met.
 */
import { assert, assertEquals } from "@std/assert";
import * as library from "../../../mod.ts";
import type { ConsumerConfig, ConsumerEvent } from "../../../mod.ts";
import * as errors from "../../../src/core/errors.ts";
import { ERROR_TABLE } from "../../../src/core/error_table.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import { startCluster, type TestCluster } from "../../../src/testing/mod.ts";

const {
  createAverageStrategy,
  createClient,
  createConsumer,
  createLitePullConsumer,
  createOffsetStore,
  createProducer,
  MemoryOffsetStore,
  sql,
  SubscriptionManager,
} = library;
const world = { logger: silentLogger };
const NOBODY = "127.0.0.1:1";
const queue = { topic: "T", brokerName: "broker-a", queueId: 0 };

/** Where a situation plays; what it opens is closed afterwards. */
interface Place {
  readonly cluster: TestCluster;
  readonly later: (undo: () => Promise<void>) => void;
}

/** A started consumer of T with a listener. */
async function consumer({ cluster, later }: Place, config: Partial<ConsumerConfig> = {}) {
  const made = createConsumer({
    consumerGroup: "G",
    namesrvAddr: cluster.namesrvAddr,
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    shutdownTimeoutMs: 50,
    listener: () => {},
    ...config,
  }, world);
  later(() => made.shutdown());
  made.subscribe("T");
  await made.start();
  return made;
}

async function client({ cluster, later }: Place) {
  const made = createClient({ namesrvAddr: cluster.namesrvAddr }, world);
  later(() => made.shutdown());
  await made.start();
  return made;
}

async function producer({ cluster, later }: Place) {
  const made = createProducer({ producerGroup: "P", namesrvAddr: cluster.namesrvAddr }, world);
  later(() => made.shutdown());
  await made.start();
  return made;
}

/** The error that an event of this type brings. */
async function told(events: AsyncIterable<ConsumerEvent>, type: ConsumerEvent["type"]): Promise<unknown> {
  for await (const event of events) if (event.type === type) return (event as { error?: unknown }).error;
}

/** What led to an error. */
async function causeOf(attempt: Promise<unknown>): Promise<unknown> {
  return await attempt.then(() => undefined, (error: Error) => error.cause);
}

/** For each class, by name, something that raises it or resolves with it. */
const SITUATIONS: Readonly<Record<string, (place: Place) => unknown>> = {
  RocketMQError: () => createClient({ namesrvAddr: NOBODY }, world).route("T"),
  ConfigError: () => createConsumer({ consumerGroup: "a b", namesrvAddr: NOBODY }),
  ValidationError: async (place) => await (await producer(place)).send({ topic: "a b", body: "" }),
  NetworkError: async () => {
    const lost = createConsumer({ consumerGroup: "G", namesrvAddr: NOBODY, listener: () => {} }, world);
    const noNameServer = await causeOf(lost.start());
    await lost.shutdown();
    return (noNameServer as Error).cause;
  },
  TimeoutError: async (place) => {
    const asking = await client(place);
    await asking.route("T");
    place.cluster.once("getMaxOffset", "drop");
    return await causeOf(
      library.findStartOffset({ client: asking, queue }),
    );
  },
  ProtocolError: async (place) => {
    const asking = await client(place);
    await asking.route("T");
    place.cluster.once("getMaxOffset", { code: 0 });
    return await causeOf(library.findStartOffset({ client: asking, queue }));
  },
  BrokerError: async (place) => await (await client(place)).route("nobody-made-this"),
  BrokerNotAvailableError: async (place) => {
    const question = { client: await client(place), queue: { ...queue, brokerName: "broker-z" } };
    return await causeOf(library.findStartOffset(question));
  },
  NameServerError: async () => {
    const lost = createClient({ namesrvAddr: NOBODY }, world);
    try {
      await lost.start();
    } finally {
      await lost.shutdown();
    }
  },
  ProducerError: async (place) => {
    place.cluster.once("sendMessageV2", 1, { times: Infinity });
    await (await producer(place)).send({ topic: "T", body: "x" });
  },
  ConsumerError: async ({ cluster, later }) => {
    const lite = createLitePullConsumer({ consumerGroup: "L", namesrvAddr: cluster.namesrvAddr }, world);
    later(() => lite.shutdown());
    await lite.start();
    await lite.fetchMessageQueues("nobody-made-this");
  },
  ConsumerStartError: async ({ later }) => {
    const lost = createConsumer({ consumerGroup: "G", namesrvAddr: NOBODY, listener: () => {} }, world);
    later(() => lost.shutdown());
    await lost.start();
  },
  ConsumerShutdownError: async (place) => {
    await (await producer(place)).send({ topic: "T", body: "x" });
    const { promise, resolve } = Promise.withResolvers<AbortSignal>();
    const made = await consumer(place, {
      listener: (message) => {
        resolve(message.signal);
        return new Promise(() => {});
      },
    });
    const signal = await promise;
    await made.shutdown();
    return signal.reason;
  },
  ConsumerStateError: async (place) => await (await consumer(place)).start(),
  MessageConsumeError: async (place) => {
    await (await producer(place)).send({ topic: "T", body: "x" });
    place.cluster.once("consumerSendMsgBack", 1, { times: Infinity });
    place.cluster.once("sendMessageV2", 1, { times: Infinity });
    const made = await consumer(place, { listener: () => "RECONSUME_LATER" });
    return await told(made.events(), "sendBackFailed");
  },
  MessagePullError: async (place) => {
    place.cluster.once("pullMessage", 1, { times: Infinity });
    const made = createConsumer({
      consumerGroup: "G",
      namesrvAddr: place.cluster.namesrvAddr,
      listener: () => {},
    }, world);
    place.later(() => made.shutdown());
    made.subscribe("T");
    const events = made.events();
    await made.start();
    return await told(events, "pullFailed");
  },
  OffsetError: () => new MemoryOffsetStore().updateOffset(queue, -1),
  OffsetFetchError: async (place) => {
    const asking = await client(place);
    await asking.route("T");
    place.cluster.once("queryConsumerOffset", 1, { times: Infinity });
    const store = createOffsetStore({ client: asking, consumerGroup: "G" });
    await store.start();
    await store.readOffset(queue, "READ_FROM_STORE");
  },
  RebalanceError: () =>
    createAverageStrategy().allocate({
      consumerGroup: "G",
      consumerId: "",
      messageModel: "CLUSTERING",
      allConsumerIds: ["a"],
      allMessageQueues: [queue],
    }),
  SubscriptionError: async (place) => {
    place.cluster.once("checkClientConfig", 23, { times: Infinity });
    const made = createConsumer({
      consumerGroup: "G",
      namesrvAddr: place.cluster.namesrvAddr,
      listener: () => {},
    }, world);
    place.later(() => made.shutdown());
    made.subscribe("T", sql("n > 1"));
    return await causeOf(made.start());
  },
  InvalidTopicError: () => new SubscriptionManager().subscribe("a b"),
  InvalidSelectorError: () => new SubscriptionManager().subscribe("T", sql("n >")),
  TopicNotSubscribedError: () => new SubscriptionManager().unsubscribe("T"),
  SubscriptionConflictError: () => {
    const subscriptions = new SubscriptionManager();
    subscriptions.subscribe("T", "a");
    subscriptions.subscribe("T", "b");
  },
  SubscriptionLimitExceededError: () => {
    const subscriptions = new SubscriptionManager(1);
    subscriptions.subscribe("T");
    subscriptions.subscribe("U");
  },
  SubscriptionDataError: () => new SubscriptionManager().importSubscriptions("{"),
};

type ErrorClass = abstract new (message: string) => errors.RocketMQError;

/** Every class of the family, by its name. */
const classes = Object.entries<unknown>(errors).filter((entry): entry is [string, ErrorClass] =>
  typeof entry[1] === "function"
);

/** Runs one situation and gives what it raised. */
async function raise(name: string): Promise<unknown> {
  const cluster = await startCluster({ topics: { T: 1 } });
  const undo: (() => Promise<void>)[] = [];
  try {
    return await SITUATIONS[name]!({ cluster, later: (action) => void undo.push(action) });
  } catch (error) {
    return error;
  } finally {
    for (const action of undo.reverse()) await action();
    await cluster.stop();
  }
}

Deno.test("every class of the family has a situation that raises it, is exported, and has a row of advice", () => {
  assertEquals(Object.keys(SITUATIONS).toSorted(), classes.map(([name]) => name).toSorted());
  for (const [name, value] of classes) assertEquals((library as Record<string, unknown>)[name], value);
  assertEquals(Object.keys(ERROR_TABLE).length, classes.length);
});

for (const [name, ErrorOfThisName] of classes) {
  Deno.test(`${name} is raised, with its code, what was attempted, what was met, and advice`, async () => {
    const error = await raise(name);
    assert(error instanceof ErrorOfThisName, `${error}`);
    assertEquals([error.constructor, error.name], [ErrorOfThisName, name]);
    assertEquals(error.retriable, error.facts.retriable ?? ERROR_TABLE[error.code].retriable);
    assert(/^(Cannot \w+.*: \S|Consumer ".*" is shutting down)/s.test(error.message), error.message);
    assert(error.advice.length > 0);
  });
}
