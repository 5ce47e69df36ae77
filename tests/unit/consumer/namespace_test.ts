/**
 * A consumer within a namespace against the embedded broker: what goes over the wire, and what its parts show.
 */
import { assertEquals, assertThrows } from "@std/assert";
import {
  ConfigError,
  type ConsumerConfig,
  type ConsumerEvent,
  createClient,
  createConsumer,
  createLitePullConsumer,
  createOffsetStore,
  findStartOffset,
  type MessageQueue,
  type PartialWorld,
} from "../../../mod.ts";
import type { ConsumerTracer, Tracer } from "../../../src/core/tracer.ts";
import { parseClientOptions } from "../../../src/client/options.ts";
import { directConsumeResult } from "../../../src/protocol/bodies.ts";
import * as operations from "../../../src/protocol/operations.ts";
import { captured } from "../vectors.ts";
import { stage } from "../testing/bench_client.ts";

/** A cluster with topics T and S of tenant ns1, of two queues each, and consumers of that tenant. */
async function scene(topics: Record<string, number> = { "ns1%T": 2, "ns1%S": 2 }) {
  const { cluster, clock, dial, stop } = await stage({ topics });
  const drive = <R>(work: Promise<R>): Promise<R> => clock.runUntil(work);
  const common = {
    namesrvAddr: cluster.namesrvAddr,
    consumerGroup: "G",
    namespace: "ns1",
    consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
    messageTrace: false,
  } as const;
  const undo: (() => Promise<void>)[] = [];
  const world: PartialWorld = { ...cluster.world, host: "10.0.0.1" };
  return {
    cluster,
    clock,
    drive,
    dial,
    common,
    world,
    consumer(config: Partial<ConsumerConfig>, more: PartialWorld = {}) {
      const consumer = createConsumer({ ...common, ...config }, { ...world, ...more });
      undo.push(() => consumer.shutdown());
      return consumer;
    },
    defer: (action: () => Promise<void>) => void undo.push(action),
    async stop() {
      for (const action of undo.reverse()) await drive(action());
      await stop();
    },
  };
}

const queueOf = (topic: string, queueId = 0): MessageQueue => ({ topic, brokerName: "broker-a", queueId });

Deno.test("within a namespace a consumer calls group and topics on the wire as Java does", async () => {
  const t = await scene({ "ns1%CapT": 4 });
  const seen = new Map<string, Readonly<Record<string, string>>>();
  const watched = { 38: "getConsumerListByGroup", 14: "queryConsumerOffset", 11: "pullMessage" } as const;
  for (const operation of Object.values(watched)) {
    t.cluster.once(operation, (request, proceed) => {
      const { topic = "" } = request.command.extFields ?? {};
      if (!topic.startsWith("%RETRY%")) seen.set(String(request.command.code), request.command.extFields!);
      return proceed();
    }, { times: Infinity });
  }
  const bodies: string[] = [];
  t.cluster.once("heartBeat", (request, proceed) => {
    bodies.push(new TextDecoder().decode(request.body));
    return proceed();
  }, { times: Infinity });
  const consumer = t.consumer({ consumerGroup: "CapNs1G", listener: () => {} });
  consumer.subscribe("CapT");
  await t.drive(consumer.start());
  await t.clock.advance(1_000);
  const java = captured("namespace_v1").filter(({ dir }) => dir === "client->broker");
  for (const code of Object.keys(watched)) {
    const theirs = java.find((frame) => String(frame.code) === code)!.header!;
    const ours = seen.get(code)!;
    assertEquals([ours["consumerGroup"], ours["topic"]], [theirs["consumerGroup"], theirs["topic"]], code);
  }
  for (const name of ["ns1%CapNs1G", "ns1%CapT", "%RETRY%ns1%CapNs1G"]) {
    assertEquals(bodies.some((body) => body.includes(`"${name}"`)), true, name);
    assertEquals(java.some((frame) => frame.body_text?.includes(`"${name}"`)), true, name);
  }
  await t.stop();
});

Deno.test("within a namespace a message that an administrator has consumed directly reaches its topic's listener", async () => {
  const t = await scene();
  const handled: string[][] = [];
  const consumer = t.consumer({ instanceName: "one" });
  consumer.subscribe("S", "*", () => {
    throw new Error("the listener of another topic");
  });
  consumer.subscribe("T", "*", ({ topic, queue }, { consumerGroup }) => {
    handled.push([topic, queue.topic, consumerGroup]);
  });
  await t.drive(consumer.start());
  const admin = await t.dial();
  const { header: { msgId } } = await admin.send("ns1%T", 0, "m0");
  await t.clock.advance(100);
  const reply = await admin.call(operations.consumeMessageDirectly, {
    consumerGroup: "ns1%G",
    clientId: consumer.client.clientId,
    msgId,
    brokerName: "broker-a",
  });
  assertEquals(reply.code, 0, reply.remark);
  assertEquals(directConsumeResult.read(reply.body).consumeResult, "CR_SUCCESS");
  assertEquals(handled, [["T", "T", "G"], ["T", "T", "G"]]);
  await t.stop();
});

Deno.test("within a namespace those who follow messages are told plain names, and the namespace apart", async () => {
  const t = await scene();
  const told: unknown[] = [];
  const trail = {
    run: <A extends unknown[], R>(call: (...args: A) => R, ...args: A): R => call(...args),
    failed() {},
    ended() {},
    settled() {},
  };
  const tracer = {
    consumer: ({ group, namespace }: { group: string; namespace: string }): ConsumerTracer => {
      told.push([group, namespace]);
      return {
        received: ({ queue }) => void told.push(["received", queue.topic]),
        handedOut: ({ topic, queue }) => {
          told.push(["handed out", topic, queue.topic]);
          return trail;
        },
      };
    },
  } as unknown as Tracer;
  const consumer = t.consumer({ listener: () => {} }, { tracer });
  consumer.subscribe("T");
  await t.drive(consumer.start());
  const admin = await t.dial();
  await admin.send("ns1%T", 0, "m0");
  await t.clock.advance(100);
  assertEquals(told, [["G", "ns1"], ["received", "T"], ["handed out", "T", "T"]]);
  await t.stop();
});

Deno.test("within a namespace a member that subscribes differently is told of with plain topics", async () => {
  const t = await scene();
  const events: ConsumerEvent[] = [];
  for (const [host, selector] of [["10.0.0.1", "a"], ["10.0.0.2", "b"]] as const) {
    const consumer = t.consumer({ listener: () => {} }, { host });
    const told = consumer.events();
    (async () => {
      for await (const event of told) if (event.type === "subscriptionConflict") events.push(event);
    })();
    consumer.subscribe("T", selector);
    await t.drive(consumer.start());
  }
  await t.clock.advance(60_000);
  assertEquals(events.length > 0, true);
  for (const event of events) {
    if (event.type !== "subscriptionConflict") continue;
    assertEquals(event.conflicts.map(({ topic }) => topic), ["T"]);
  }
  await t.stop();
});

Deno.test("a CONFIG strategy names queues as the application does, and those of several topics are pulled once", async () => {
  const t = await scene();
  const handled: string[] = [];
  const queues = [queueOf("T"), queueOf("S", 1)];
  const consumer = t.consumer({
    allocateStrategy: { name: "CONFIG", queues },
    rebalanceIntervalMs: 1_000,
    listener: (message) => void handled.push(message.text()),
  });
  consumer.subscribe("T");
  consumer.subscribe("S");
  await t.drive(consumer.start());
  const admin = await t.dial();
  for (const queueId of [0, 1]) {
    for (const topic of ["T", "S"]) await admin.send(`ns1%${topic}`, queueId, `${topic}${queueId}`);
  }
  await t.clock.advance(10_000);
  assertEquals(consumer.assignment(), queues);
  assertEquals(handled.toSorted(), ["S1", "T0"]);
  assertEquals(t.cluster.inspect.parked(), 2);
  await t.stop();
});

Deno.test("within a namespace the listeners of queues are told plain names", async () => {
  const t = await scene();
  const told: unknown[] = [];
  const names = (queues: readonly MessageQueue[]) => queues.map(({ topic, queueId }) => `${topic}${queueId}`);
  const consumer = createLitePullConsumer({
    ...t.common,
    topicMetadataCheckIntervalMs: 1_000,
    messageQueueListener: (topic, all, mine) => void told.push([topic, names(all), names(mine)]),
  }, t.world);
  t.defer(() => consumer.shutdown());
  consumer.registerTopicMessageQueueChangeListener("S", (topic, all) => void told.push([topic, names(all)]));
  consumer.subscribe("T");
  await t.drive(consumer.start());
  await t.clock.advance(100);
  assertEquals(told, [["T", ["T0", "T1"], ["T0", "T1"]]]);
  t.cluster.createTopic("ns1%S", { queues: 3 });
  await t.clock.advance(5_000);
  assertEquals(told.slice(1), [["S", ["S0", "S1", "S2"]]]);
  await t.stop();
});

Deno.test("a broker's store and the place where a queue begins go by the namespace of their client", async () => {
  const t = await scene();
  const { namesrvAddr } = t.cluster;
  const client = createClient({ namesrvAddr, namespace: "ns1" }, t.world);
  await t.drive(client.start());
  t.defer(() => client.shutdown());
  await t.drive(client.route("ns1%T"));
  const member = t.consumer({ listener: () => {} });
  member.subscribe("S");
  await t.drive(member.start());
  const store = createOffsetStore({ client, consumerGroup: "G" });
  const admin = await t.dial();
  for (const body of ["a", "b", "c"]) await admin.send("ns1%T", 0, body);
  const queue = queueOf("T");
  const policy = { client, queue, consumeFromWhere: "CONSUME_FROM_LAST_OFFSET" } as const;
  assertEquals(await t.drive(findStartOffset(policy)), 3);
  store.updateOffset(queue, 2);
  await t.drive(store.persistAll([queue]));
  assertEquals(t.cluster.inspect.progress("ns1%G", "ns1%T").map(({ offset }) => offset), [2, undefined]);
  assertEquals(
    await t.drive(store.readOffset(queueOf("ns1%T"), "READ_FROM_MEMORY")),
    2,
    "however it is called",
  );
  assertEquals(await t.drive(findStartOffset({ ...policy, offsetStore: store })), 2);
  await t.stop();
});

Deno.test("an instance endpoint names its namespace, unless the options do", () => {
  const of = (namesrvAddr: string, namespace?: string) =>
    parseClientOptions({ namesrvAddr, namespace }).namespace;
  assertEquals(of("MQ_INST_1_shop.example.com:80"), "MQ_INST_1_shop");
  assertEquals(of("http://MQ_INST_1_shop.example.com:80"), "MQ_INST_1_shop");
  assertEquals(of("MQ_INST_1_shop.example.com:80", "other"), "other");
  assertEquals(of("MQ_INST_1_shop.example.com:80", ""), undefined);
  assertEquals(of("10.0.0.1:9876"), undefined);
});

Deno.test("a namespace that no name of brokers can carry is refused", () => {
  for (const namespace of ["a%b", "a b"]) {
    const error = assertThrows(
      () => createConsumer({ consumerGroup: "G", namesrvAddr: "127.0.0.1:1", namespace }),
      ConfigError,
    );
    assertEquals(error.facts.problems?.map(({ path }) => path), ["namespace"]);
  }
});
