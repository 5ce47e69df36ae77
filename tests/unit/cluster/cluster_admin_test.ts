/**
 * What an administrator asks and changes, against the embedded cluster.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  BrokerError,
  BrokerNotAvailableError,
  type ClusterAdmin,
  type Consumer,
  createClusterAdmin,
  createConsumer,
  createProducer,
  ValidationError,
} from "../../../mod.ts";
import { silentLogger } from "../../../src/core/logger.ts";
import type { ConsumerConfig } from "../../../src/consumer/config/options.ts";
import { type ClusterOptions, startCluster, type TestCluster } from "../../../src/testing/mod.ts";

interface Scene {
  readonly cluster: TestCluster;
  readonly admin: ClusterAdmin;
  consumer(config?: Partial<ConsumerConfig>): Consumer;
  send(topic: string, bodies: readonly string[], more?: { tag?: string; keys?: string }): Promise<string[]>;
}

const quiet = { logger: silentLogger };

/** Runs `play` on a cluster of two brokers with topic T, two queues on each. */
async function onScene(play: (scene: Scene) => Promise<void>, options: ClusterOptions = {}): Promise<void> {
  const cluster = await startCluster({ brokers: 2, topics: { T: 2 }, ...options });
  const { namesrvAddr } = cluster;
  const admin = createClusterAdmin({ namesrvAddr }, quiet);
  const producer = createProducer({ namesrvAddr, producerGroup: "P" }, quiet);
  const consumers: Consumer[] = [];
  try {
    await admin.start();
    await producer.start();
    await play({
      cluster,
      admin,
      consumer(config = {}) {
        const consumer = createConsumer({
          namesrvAddr,
          consumerGroup: "G",
          consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
          messageTrace: false,
          ...config,
        }, quiet);
        consumers.push(consumer);
        return consumer;
      },
      async send(topic, bodies, more) {
        const ids: string[] = [];
        for (const body of bodies) ids.push((await producer.send({ topic, body, ...more })).messageId);
        return ids;
      },
    });
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.shutdown()));
    await producer.shutdown();
    await admin.shutdown();
    await cluster.stop();
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const text = (body: Uint8Array): string => new TextDecoder().decode(body);

Deno.test("brokers are listed with cluster, id and address, and tell their state", () =>
  onScene(async ({ admin, cluster }) => {
    const brokers = await admin.brokers();
    assertEquals(brokers.map(({ brokerName, brokerId }) => [brokerName, brokerId]), [
      ["broker-a", 0],
      ["broker-a", 1],
      ["broker-b", 0],
    ]);
    assertEquals(brokers[0]!.address, cluster.brokerAddress("broker-a"));
    assertEquals(new Set(brokers.map((each) => each.cluster)), new Set(["DefaultCluster"]));
    assertEquals((await admin.brokerStatus(brokers[0]!.address))["brokerVersionDesc"], "V5_5_0");
  }, { brokers: [{ name: "broker-a", slaves: 1 }, "broker-b"] }));

Deno.test("a topic is made, described, changed without losing its other settings, and deleted", () =>
  onScene(async ({ admin, send }) => {
    await admin.createTopic("N", { queues: 3, ordered: true, attributes: { "message.type": "FIFO" } });
    await send("N", ["a", "b"]);
    const made = await admin.topic("N");
    assertEquals(
      made.places.map(({ brokerName, readQueues, writeQueues, perm }) => [
        brokerName,
        readQueues,
        writeQueues,
        perm,
      ]),
      [["broker-a", 3, 3, 6], ["broker-b", 3, 3, 6]],
    );
    assertEquals([made.kind, made.queues.length], ["normal", 6]);
    assertEquals(made.queues.reduce((sum, { maxOffset }) => sum + maxOffset, 0), 2);
    await admin.updateTopic("N", { perm: 4 }, { brokers: ["broker-b"] });
    const changed = await admin.topic("N");
    assertEquals(changed.places.map(({ readQueues, perm }) => [readQueues, perm]), [[3, 6], [3, 4]]);
    assert((await admin.topics()).some(({ topic }) => topic === "N"));
    await admin.deleteTopic("N");
    assert(!(await admin.topics()).some(({ topic }) => topic === "N"));
    const missing = await assertRejects(() => admin.topic("N"), BrokerError);
    assertEquals(missing.facts.responseCode, 17);
  }));

Deno.test("brokers before 5.0 tell the settings of one topic or group only among those of all, and changes keep them", () =>
  onScene(async ({ admin, cluster }) => {
    const notSupported = 3;
    const orders = (["getTopicConfig", "getSubscriptionGroupConfig"] as const).map((operation) =>
      cluster.once(operation, notSupported, { times: Infinity })
    );
    await admin.createTopic("N", { queues: 3 });
    await admin.updateTopic("N", { perm: 4 });
    const { places } = await admin.topic("N");
    assertEquals(places.map(({ readQueues, perm }) => [readQueues, perm]), [[3, 4], [3, 4]]);
    await admin.saveGroup("G", { retryMaxTimes: 3 });
    await admin.saveGroup("G", { consumeEnable: false });
    const { settings } = (await admin.groups()).find((each) => each.group === "G")!;
    assertEquals([settings.retryMaxTimes, settings.consumeEnable], [3, false]);
    assert(orders.every(({ hits }) => hits > 0));
  }));

Deno.test("a topic is made on the brokers that are named, and unknown ones are refused before any change", () =>
  onScene(async ({ admin }) => {
    await admin.createTopic("N", {}, { brokers: ["broker-b"] });
    assertEquals(
      (await admin.topic("N")).places.map(({ brokerName, readQueues }) => [brokerName, readQueues]),
      [
        ["broker-b", 8],
      ],
    );
    await assertRejects(
      () => admin.createTopic("M", {}, { brokers: ["broker-a", "broker-x"] }),
      BrokerNotAvailableError,
      "broker-x",
    );
    await assertRejects(
      () => admin.createTopic("M", {}, { cluster: "other" }),
      BrokerNotAvailableError,
      "other",
    );
    assert(!(await admin.topics()).some(({ topic }) => topic === "M"));
  }));

Deno.test("settings and names that brokers would misread are refused", () =>
  onScene(async ({ admin }) => {
    await assertRejects(() => admin.createTopic("a b"), ValidationError, "illegal character");
    await assertRejects(
      () => admin.createTopic("N", { queues: 0 }),
      ValidationError,
      "number of queues is 0",
    );
    await assertRejects(() => admin.updateTopic("T", { perm: 9 }), ValidationError, "perm is 9");
    await assertRejects(() => admin.progress("a/b"), ValidationError, "illegal character");
    await assertRejects(() => admin.resetOffsets("G", "T", -5), ValidationError, "the time is -5");
    await assertRejects(() => admin.deadLetters("G", { after: "x" }), ValidationError, "page before");
    await assertRejects(() => admin.deadLetters("G", { limit: 1000 }), ValidationError, "limit is 1000");
  }));

Deno.test("groups are listed with their settings, changed one by one, and deleted with their own topics", () =>
  onScene(async ({ admin }) => {
    await admin.saveGroup("G", { retryMaxTimes: 3 });
    await admin.saveGroup("G", { consumeEnable: false }, { brokers: ["broker-a"] });
    const group = (await admin.groups()).find((each) => each.group === "G")!;
    assertEquals(group.brokers, ["broker-a", "broker-b"]);
    assertEquals([group.settings.retryMaxTimes, group.settings.consumeEnable], [3, false]);
    await admin.deleteGroup("G");
    assert(!(await admin.groups()).some((each) => each.group === "G"));
  }));

Deno.test("the members of a group tell who owns which queue; nobody is online in a group without members", () =>
  onScene(async ({ admin, consumer }) => {
    const [one, two] = [consumer(), consumer()];
    for (const each of [one, two]) {
      each.subscribe("T", "a || b");
      each.registerMessageListener(() => {});
      await each.start();
    }
    await until(() => one.assignment().length + two.assignment().length >= 4 && one.assignment().length <= 3);
    const { members, subscriptions, messageModel } = await admin.members("G");
    assertEquals(
      members.map(({ clientId }) => clientId),
      [one, two].map(({ client }) => client.clientId).sort(),
    );
    const owners = members.flatMap(({ queues }) => queues).filter(({ topic }) => topic === "T");
    assertEquals(owners.map(({ brokerName, queueId }) => `${brokerName}:${queueId}`).sort(), [
      "broker-a:0",
      "broker-a:1",
      "broker-b:0",
      "broker-b:1",
    ]);
    assertEquals(messageModel, "CLUSTERING");
    assertEquals(subscriptions.map(({ topic, subString }) => [topic, subString]), [["%RETRY%G", "*"], [
      "T",
      "a || b",
    ]]);
    assertEquals(members[0]!.version, "V5_5_0");
    assertEquals((await admin.members("nobody")).members, []);
  }));

Deno.test("a member that does not answer is told with its problem and hides nobody", () =>
  onScene(async ({ admin, consumer, cluster }) => {
    const member = consumer();
    member.subscribe("T", "*", () => {});
    await member.start();
    cluster.once("getConsumerRunningInfo", { code: 1, remark: "no answer today" });
    const { members } = await admin.members("G");
    assertEquals(members.map(({ queues, problem }) => [queues, problem?.includes("no answer today")]), [[
      [],
      true,
    ]]);
  }));

Deno.test("progress tells offsets and lag queue by queue, and says so when there is none", () =>
  onScene(async ({ admin, consumer, send }) => {
    await send("T", ["1", "2", "3", "4", "5", "6"]);
    const member = consumer({ pullThresholdForQueue: 1000 });
    member.subscribe("T", "*");
    await member.start();
    let seen = 0;
    for await (const _ of member.messages()) if (++seen === 6) break;
    await member.commit();
    await send("T", ["7", "8"]);
    const progress = await admin.progress("G", { topic: "T" });
    assertEquals(progress.queues.length, 4);
    assertEquals(progress.totalLag, progress.queues.reduce((sum, { lag }) => sum + lag, 0));
    assertEquals(
      progress.queues.every(({ brokerOffset, consumerOffset, lag }) => lag === brokerOffset - consumerOffset),
      true,
    );
    assert(progress.totalLag >= 2 && progress.totalLag <= 3, `${progress.totalLag}`);
    const topics = new Set((await admin.progress("G")).queues.map(({ queue }) => queue.topic));
    assertEquals(topics, new Set(["%RETRY%G", "T"]));
    const unknown = await assertRejects(() => admin.progress("nobody"), BrokerError);
    assertEquals(unknown.facts.responseCode, 206);
  }));

for (const useServerSideResetOffset of [true, false]) {
  const how = useServerSideResetOffset
    ? "by the brokers"
    : "by storing the offsets, where brokers need a member to tell";
  Deno.test(`the offsets of a group that is not online are reset ${how}`, () =>
    onScene(async ({ admin, consumer, send }) => {
      await send("T", ["1", "2", "3", "4"]);
      const member = consumer();
      member.subscribe("T");
      await member.start();
      let seen = 0;
      for await (const message of member.messages({ settle: "manual" })) {
        message.ack();
        if (++seen === 4) break;
      }
      await member.shutdown();
      assertEquals((await admin.progress("G", { topic: "T" })).totalLag, 0);
      const back = await admin.resetOffsets("G", "T", "earliest");
      assertEquals(back.map(({ offset }) => offset), [0, 0, 0, 0]);
      assertEquals((await admin.progress("G", { topic: "T" })).totalLag, 4);
      const end = await admin.resetOffsets("G", "T", "latest");
      assertEquals(end.reduce((sum, { offset }) => sum + offset, 0), 4);
      assertEquals((await admin.progress("G", { topic: "T" })).totalLag, 0);
    }, { broker: { useServerSideResetOffset } }));
}

Deno.test("dead letters are browsed page by page without moving an offset, and each is sent back once to its group", () =>
  onScene(async ({ admin, consumer, send }) => {
    assertEquals(await admin.deadLetters("G"), { messages: [], next: undefined });
    await send("T", ["a", "b", "c", "d", "e"], { tag: "x", keys: "k1 k2" });
    const got: string[] = [];
    const member = consumer();
    member.subscribe("T", "*", async (message) => {
      got.push(`${message.text()}/${message.topic}`);
      if (message.attempt === 1) await message.deadLetter("told so");
    });
    await member.start();
    await until(() => member.statistics().deadLettered === 5);
    const first = await admin.deadLetters("G", { limit: 2 });
    const second = await admin.deadLetters("G", { limit: 2, after: first.next! });
    const third = await admin.deadLetters("G", { limit: 2, after: second.next! });
    assertEquals([first, second, third].map(({ messages }) => messages.length), [2, 2, 1]);
    assertEquals(third.next, undefined);
    const letters = [first, second, third].flatMap(({ messages }) => messages);
    assertEquals(letters.map(({ body }) => text(body)).sort(), ["a", "b", "c", "d", "e"]);
    assertEquals(new Set(letters.map(({ tag }) => tag)), new Set(["x"]));
    got.length = 0;
    await admin.sendBack("G", letters[0]!);
    await until(() => got.length === 1);
    assertEquals(got, [`${text(letters[0]!.body)}/T`]);
    assertEquals((await admin.deadLetters("G")).messages.length, 5);
    const alien = (await admin.messagesByKey("T", "k1"))[0]!;
    await assertRejects(() => admin.sendBack("G", alien), ValidationError, "no dead letter");
  }, { broker: { delayLevelsMs: [20, 20, 20] } }));

Deno.test("a message is found by its unique id, its offset id and its keys", () =>
  onScene(async ({ admin, send }) => {
    const [id] = await send("T", ["one"], { keys: "order-1 customer-9" });
    await send("T", ["two"], { keys: "order-2 customer-9" });
    const message = await admin.message("T", id!);
    assertEquals([message!.messageId, text(message!.body), message!.keys], [id, "one", [
      "order-1",
      "customer-9",
    ]]);
    assertEquals((await admin.message("T", message!.offsetMessageId))?.messageId, id);
    assertEquals(await admin.message("T", "7F000001".padEnd(32, "0")), undefined);
    const both = await admin.messagesByKey("T", "customer-9");
    assertEquals(both.map(({ body }) => text(body)), ["two", "one"]);
    assertEquals(await admin.messagesByKey("T", "customer"), []);
    // of several brokers, what one millisecond brought has no order
  }, { brokers: 1 }));

Deno.test("an administrator shares a client that runs, and leaves it running", () =>
  onScene(async ({ consumer }) => {
    const member = consumer();
    member.subscribe("T", "*", () => {});
    await member.start();
    const admin = createClusterAdmin({ client: member.client });
    await admin.start();
    assertEquals((await admin.members("G")).members.length, 1);
    await admin.shutdown();
    assertEquals(member.client.isRunning, true);
  }));
