/**
 * What an administrator asks and changes.
 */
import {
  deepStrictEqual as same,
  match,
  notStrictEqual as notEqual,
  ok,
  strictEqual as equal,
} from "node:assert";
import { type ClusterAdmin, createClusterAdmin } from "@contrail/rocketmq";
import { serveAdmin } from "@contrail/rocketmq/admin";
import type { Scenario, Stage } from "../scenario.ts";
import { changeTopic } from "../stage.ts";

const text = (body: Uint8Array): string => new TextDecoder().decode(body);

/** A started administrator, shut down at the end. */
async function administrator(stage: Stage): Promise<ClusterAdmin> {
  const admin = createClusterAdmin({ namesrvAddr: stage.namesrvAddr });
  stage.defer(() => admin.shutdown());
  await admin.start();
  return admin;
}

export const topicLife: Scenario = {
  name: "a topic is made, described, changed without losing its other settings, and deleted",
  async run(stage) {
    const admin = await administrator(stage);
    const topic = stage.name("administered");
    const [broker] = stage.brokers;
    const settings = { queues: 3, attributes: { "message.type": "NORMAL" } };
    await changeTopic(
      stage,
      "the topic is routed",
      () => admin.createTopic(topic, settings, { brokers: [broker!] }),
      async () => (await admin.topics()).some((each) => each.topic === topic),
    );
    await stage.fill(topic, 3);
    const made = await admin.topic(topic);
    same(made.places.map(({ brokerName, readQueues, perm }) => [brokerName, readQueues, perm]), [[
      broker,
      3,
      6,
    ]]);
    // a broker counts what it has indexed, which comes a moment after it has stored
    await stage.eventually("the messages are counted", async () => {
      const { queues } = await admin.topic(topic);
      return queues.reduce((sum, { maxOffset }) => sum + maxOffset, 0) === 3;
    });
    await changeTopic(
      stage,
      "the change is routed",
      () => admin.updateTopic(topic, { perm: 4 }),
      async () => {
        const { places } = await admin.topic(topic);
        return places[0]!.perm === 4 && places[0]!.readQueues === 3;
      },
    );
    await admin.deleteTopic(topic);
    ok(!(await admin.topics()).some((each) => each.topic === topic));
  },
};

export const groupView: Scenario = {
  name: "an administrator sees who is in a group, who owns which queue, and how far the group is",
  async run(stage) {
    const admin = await administrator(stage);
    const topic = await stage.topic("viewed", { queues: 4 });
    const consumerGroup = stage.name("viewers");
    const members = [stage.consumer({ consumerGroup }), stage.consumer({ consumerGroup })];
    for (const member of members) {
      member.subscribe(topic, "*", () => {});
      await member.start();
    }
    await stage.eventually("each holds two queues", async () => {
      const seen = (await admin.members(consumerGroup)).members;
      return seen.length === 2 &&
        seen.every(({ queues }) => queues.filter((queue) => queue.topic === topic).length === 2);
    });
    const { members: seen } = await admin.members(consumerGroup);
    same(seen.map(({ clientId }) => clientId), members.map(({ client }) => client.clientId).sort());
    await stage.fill(topic, 12);
    await stage.eventually(
      "all is consumed",
      () => members.reduce((sum, each) => sum + each.statistics().acked, 0) === 12,
    );
    await Promise.all(members.map((member) => member.commit()));
    const { queues, totalLag } = await admin.progress(consumerGroup, { topic });
    same([queues.length, totalLag], [4, 0]);
    equal(queues.reduce((sum, { consumerOffset }) => sum + consumerOffset, 0), 12);
    ok((await admin.groups()).some(({ group }) => group === consumerGroup));
    ok((await admin.topic(topic)).groups.includes(consumerGroup));
  },
};

export const resetOnline: Scenario = {
  name: "a group that consumes goes back to a time that an administrator names",
  async run(stage) {
    const admin = await administrator(stage);
    const topic = await stage.topic("reset-by-time", { queues: 2 });
    const consumerGroup = stage.name("resetters");
    const early = await stage.fill(topic, 4, { prefix: "early" });
    // brokers before 5.0 take the message that is nearest in time, earlier or later
    await stage.sleep(1_000);
    const middle = Date.now();
    await stage.sleep(2);
    const late = await stage.fill(topic, 6, { prefix: "late" });
    // a reset is told with the answer to the next pull
    const consumer = stage.consumer({ consumerGroup, brokerSuspendMs: 1_000 });
    consumer.subscribe(topic);
    const collected = stage.collect(consumer);
    await consumer.start();
    await stage.eventually("all came", () => collected.bodies.length === early.length + late.length);
    await consumer.commit();
    collected.bodies.length = 0;
    const moved = await admin.resetOffsets(consumerGroup, topic, middle);
    equal(moved.length, 2);
    await stage.eventually("what is later comes again", () => collected.bodies.length >= late.length);
    same([...collected.bodies].sort(), [...late].sort());
  },
};

export const deadLettersBack: Scenario = {
  name: "dead letters are browsed and sent back to their group, which gets them once more",
  async run(stage) {
    const admin = await administrator(stage);
    const topic = await stage.topic("letters");
    const consumerGroup = stage.name("buriers");
    const bodies = await stage.fill(topic, 3, { tag: () => "x" });
    const got: string[] = [];
    const consumer = stage.consumer({ consumerGroup });
    consumer.subscribe(topic, "*", async (message) => {
      got.push(`${message.topic}/${message.text()}`);
      if (message.attempt === 1) await message.deadLetter();
    });
    await consumer.start();
    await stage.eventually("all are dead", async () => {
      return (await admin.deadLetters(consumerGroup)).messages.length === bodies.length;
    });
    const first = await admin.deadLetters(consumerGroup, { limit: 2 });
    const rest = await admin.deadLetters(consumerGroup, { limit: 2, after: first.next! });
    const letters = [...first.messages, ...rest.messages];
    same([first.messages.length, rest.next], [2, undefined]);
    same(letters.map(({ body }) => text(body)).sort(), [...bodies].sort());
    got.length = 0;
    await admin.sendBack(consumerGroup, letters[0]!);
    await stage.eventually("it comes again", () => got.length > 0);
    same(got, [`${topic}/${text(letters[0]!.body)}`]);
  },
};

export const lookUps: Scenario = {
  name: "a message is found by its unique id, its offset id and its keys",
  async run(stage) {
    const admin = await administrator(stage);
    const topic = await stage.topic("looked-up");
    const producer = await stage.producer();
    const { messageId } = await producer.send({ topic, body: "one", keys: ["k-1", "shared"] });
    await producer.send({ topic, body: "two", keys: ["k-2", "shared"] });
    await stage.eventually("both are indexed", async () => {
      return (await admin.messagesByKey(topic, "shared")).length === 2;
    });
    const found = await admin.message(topic, messageId);
    same([found?.messageId, text(found!.body), found!.keys], [messageId, "one", ["k-1", "shared"]]);
    ok([found!.bornHost, found!.storeHost].every((host) => /^127\.0\.0\.1:\d+$/.test(host)));
    notEqual(found!.bornHost, found!.storeHost);
    equal((await admin.message(topic, found!.offsetMessageId))?.messageId, messageId);
    same((await admin.messagesByKey(topic, "k-2")).map(({ body }) => text(body)), ["two"]);
  },
};

export const groupLife: Scenario = {
  name: "a group's settings are made, changed one by one, and deleted; brokers tell their state",
  async run(stage) {
    const admin = await administrator(stage);
    const group = stage.name("settled");
    const find = async () => (await admin.groups()).find((each) => each.group === group);
    await admin.saveGroup(group, { retryMaxTimes: 3 });
    await admin.saveGroup(group, { consumeBroadcastEnable: false });
    const { brokers, settings } = (await find())!;
    same([...brokers], [...stage.brokers]);
    same([settings.retryMaxTimes, settings.consumeBroadcastEnable, settings.consumeEnable], [3, false, true]);
    await admin.deleteGroup(group);
    equal(await find(), undefined);
    const [broker] = await admin.brokers();
    match((await admin.brokerStatus(broker!.address))["brokerVersionDesc"]!, /^V[45]_\d+_\d+$/);
  },
};

export const endpoint: Scenario = {
  name: "the admin endpoint shows a consumer over HTTP, tells its events, and changes it with the token only",
  async run(stage) {
    const topic = await stage.topic("watched");
    const consumerGroup = stage.name("watchers");
    const consumer = stage.consumer({ consumerGroup });
    const admin = await serveAdmin({ consumers: [consumer], port: 0, token: "the-token" });
    stage.defer(() => admin.close());
    const token = { authorization: "Bearer the-token" };
    const status = async (asked: Promise<Response>) => {
      const { status, body } = await asked;
      await body?.cancel();
      return status;
    };
    const ready = () => status(fetch(`${admin.url}/readyz`));
    equal(await ready(), 503);
    const events = (await fetch(`${admin.url}/events`, { headers: token })).body!.getReader();
    consumer.subscribe(topic, "*", () => {});
    await consumer.start();
    equal(await ready(), 200);
    let told = "";
    while (!told.includes("event: assigned")) {
      const { value, done } = await events.read();
      ok(!done, told);
      told += text(value);
    }
    await events.cancel();
    await stage.fill(topic, 5);
    const path = `${admin.url}/consumers/${consumerGroup}`;
    await stage.eventually("the page's figures follow", async () => {
      return (await (await fetch(path, { headers: token })).json() as { acked: number }).acked === 5;
    });
    const pause = (headers: Record<string, string>) =>
      status(fetch(`${path}/pause`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: "{}",
      }));
    equal(await pause({ authorization: "Bearer the-tokeN" }), 401);
    equal(await pause(token), 200);
    ok(consumer.statistics().queues.every(({ paused }) => paused));
    const scraped = await (await fetch(`${admin.url}/metrics`, { headers: token })).text();
    ok(scraped.includes(`messaging_destination_name="${topic}"} 5`), scraped);
    const members = await fetch(`${admin.url}/cluster/groups/${consumerGroup}/members`, { headers: token });
    equal((await members.json() as { members: unknown[] }).members.length, 1);
  },
};
