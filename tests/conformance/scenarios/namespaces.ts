/**
 * Tenants on one cluster: what a program calls `orders`, brokers call `shop%orders`, and the program never sees it.
 */
import { strict as assert } from "node:assert";
import type { ConsumedMessage, ConsumerEvent, MessageQueue, PulledMessage } from "@contrail/rocketmq";
import { JavaMember } from "../java_member.ts";
import type { Scenario, Stage } from "../scenario.ts";
import { namesHeld } from "../stage.ts";

/** A tenant with a topic of two queues, and a neighbour without namespace whose topic has the same name. */
async function tenant(t: Stage, base: string) {
  const namespace = t.name("shop");
  const group = t.name(base);
  const onBrokers = await t.topic(`${namespace}%${base}`, { queues: 2 });
  const topic = await t.topic(base, { queues: 2 });
  await t.fill(topic, 4, { prefix: "of-the-neighbour-" });
  const producer = await t.producer({ namespace });
  return {
    namespace,
    topic,
    consumerGroup: group,
    onBrokers: { topic: onBrokers, group: `${namespace}%${group}` },
    async send(...bodies: string[]): Promise<void> {
      for (const body of bodies) await producer.send({ topic, body });
    },
  };
}

const topicsOf = (
  queues: readonly MessageQueue[],
): string[] => [...new Set(queues.map(({ topic }) => topic))];

/** Topics that an event names. */
function namedBy(event: ConsumerEvent): string[] {
  return [
    ...("topic" in event ? [event.topic] : []),
    ...("queue" in event ? [event.queue.topic] : []),
    ...("queues" in event ? topicsOf(event.queues) : []),
  ];
}

/** Handles what ends in "again" at the second attempt, and gives "bad" up. */
async function treat(message: ConsumedMessage): Promise<void> {
  if (message.text() === "bad") await message.deadLetter("no good");
  else if (message.text().endsWith("again") && message.attempt === 1) await message.retry({ delayLevel: 1 });
}

async function plainNames(t: Stage, config: { messageRequestMode?: "POP" }): Promise<void> {
  const { namespace, topic, consumerGroup, onBrokers, send } = await tenant(t, "orders");
  const handled: ConsumedMessage[] = [];
  const events: ConsumerEvent[] = [];
  const consumer = t.consumer({
    namespace,
    consumerGroup,
    ...config,
    listener: (message) => {
      handled.push(message);
      return treat(message);
    },
  });
  const told = consumer.events();
  const reading = (async () => {
    for await (const event of told) events.push(event);
  })();
  consumer.subscribe(topic);
  await consumer.start();
  await send("a", "b-again", "bad");
  await t.eventually("all are handled, one twice", () => handled.length === 4);
  assert.deepEqual(
    handled.map((message) => `${message.text()} ${message.attempt}`).toSorted(),
    ["a 1", "b-again 1", "b-again 2", "bad 1"],
  );
  const retryTopic = `%RETRY%${consumerGroup}`;
  for (const { topic: shown, queue } of handled) {
    assert.equal(shown, topic);
    assert.ok([topic, retryTopic].includes(queue.topic), queue.topic);
  }
  const { queues, topics } = consumer.statistics();
  const names = [...topicsOf(consumer.assignment()), ...topicsOf(queues.map(({ queue }) => queue))];
  for (const name of [...names, ...topics.map((each) => each.topic)]) {
    assert.ok([topic, retryTopic].includes(name), name);
  }
  assert.deepEqual(consumer.subscriptions().map((each) => each.topic), [topic]);
  assert.equal(consumer.consumerGroup, consumerGroup);
  assert.deepEqual(await t.deadLetters(onBrokers.group, 1), ["bad"]);
  await consumer.shutdown();
  await reading;
  assert.ok(events.some(({ type }) => type === "deadLettered"));
  const foreign = events.flatMap(namedBy).filter((name) => name.includes(namespace));
  assert.deepEqual(foreign, [], "events name what the application knows");
  assert.equal(await t.committed(consumerGroup, topic), 0, "nothing is stored outside the namespace");
  if (config.messageRequestMode === undefined) {
    assert.equal(await t.committed(onBrokers.group, onBrokers.topic), 3);
  }
}

export const namespaceHides: Scenario = {
  name: "with a namespace a consumer gets its tenant's messages, retries and dead letters under plain names",
  run: (t) => plainNames(t, {}),
};

export const namespacePops: Scenario = {
  name: "with a namespace messages are popped, retried and given up under plain names",
  run: (t) => plainNames(t, { messageRequestMode: "POP" }),
};

export const namespaceControls: Scenario = {
  name: "with a namespace pause, seek and a topic's stream take plain names",
  async run(t) {
    const { namespace, topic, consumerGroup, send } = await tenant(t, "controlled");
    const consumer = t.consumer({ namespace, consumerGroup });
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer, { topic });
    await consumer.start();
    await send("first");
    await t.eventually("the first", () => bodies.length === 1);
    consumer.pause([topic]);
    assert.ok(consumer.statistics().queues.every(({ queue, paused }) => paused === (queue.topic === topic)));
    await send("second");
    await t.sleep(300);
    assert.deepEqual(bodies, ["first"]);
    consumer.resume([topic]);
    await t.eventually("the second", () => bodies.length === 2);
    for (const queue of consumer.assignment()) if (queue.topic === topic) consumer.seek(queue, 0);
    await t.eventually("both again", () => bodies.length === 4);
    consumer.unsubscribe(topic);
    await t.eventually("no queue of it", () => namesHeld(consumer, topic).length === 0);
  },
};

export const namespaceLitePull: Scenario = {
  name: "with a namespace queues are fetched, assigned, sought, polled and committed under plain names",
  async run(t) {
    const { namespace, topic, consumerGroup, onBrokers, send } = await tenant(t, "polled");
    await send("a", "b", "c", "d");
    const consumer = t.litePull({ namespace, consumerGroup, autoCommit: false });
    await consumer.start();
    const queues = await consumer.fetchMessageQueues(topic);
    assert.deepEqual(topicsOf(queues), [topic]);
    consumer.assign(queues);
    const poll = async (count: number): Promise<PulledMessage[]> => {
      const got: PulledMessage[] = [];
      await t.eventually(`${count} messages`, async () => {
        got.push(...await consumer.poll({ timeoutMs: 500 }));
        return got.length >= count;
      });
      return got;
    };
    const messages = await poll(4);
    assert.deepEqual(messages.map((message) => message.text()).toSorted(), ["a", "b", "c", "d"]);
    for (const message of messages) assert.deepEqual([message.topic, message.queue.topic], [topic, topic]);
    assert.deepEqual(topicsOf(consumer.assignment()), [topic]);
    await consumer.commit();
    assert.equal(await t.committed(onBrokers.group, onBrokers.topic), 4);
    const [queue] = queues as [MessageQueue];
    const stored = await consumer.committed(queue);
    assert.equal(stored, messages.filter((message) => message.queue.queueId === queue.queueId).length);
    await consumer.seekToBegin(queue);
    assert.equal((await poll(stored!)).length, stored);
    consumer.pause([queue]);
    assert.equal(consumer.isPaused(queue), true);
    await consumer.commit([[queue, 1]]);
    assert.equal(await consumer.committed(queue), 1);
    assert.equal(await consumer.offsetForTimestamp(queue, 0), 0);
  },
};

export const namespaceTold: Scenario = {
  name: "with namespaceV2 every request tells the tenant, and topics and groups keep their names",
  async run(t) {
    const topic = await t.topic("told", { queues: 2 });
    const proxy = await t.proxy();
    const untold = new Set<number>();
    const told = new Set<number>();
    proxy.tamper = ({ requestCode, requestFields: { ns, nsd } }) => {
      (ns === "tenant" && nsd === "true" ? told : untold).add(requestCode);
    };
    const common = { namesrvAddr: proxy.namesrvAddr, namespaceV2: "tenant" };
    const consumer = t.consumer({ ...common, consumerGroup: t.name("told") });
    consumer.subscribe(topic);
    const { bodies } = t.collect(consumer);
    await consumer.start();
    const producer = await t.producer(common);
    await producer.send({ topic, body: "with" });
    await t.fill(topic, 1, { prefix: "without-" });
    await t.eventually("both are consumed", () => bodies.length === 2);
    await consumer.shutdown();
    assert.deepEqual(bodies.toSorted(), ["with", "without-0"]);
    assert.equal(await t.committed(t.name("told"), topic), 2);
    assert.deepEqual([...untold], []);
    for (const code of [11, 34, 35, 105, 310]) {
      assert.ok(told.has(code), `request code ${code} among ${[...told]}`);
    }
  },
};

export const namespaceWithJava: Scenario = {
  name: "the official Java client and this one share a group within a namespace",
  alone: true,
  timeoutMs: 180_000,
  async run(t) {
    const { namespace, topic, consumerGroup, onBrokers, send } = await tenant(t, "shared");
    const ours = t.consumer({ namespace, consumerGroup });
    ours.subscribe(topic);
    const { bodies } = t.collect(ours);
    await ours.start();
    const java = await JavaMember.start(t, { consumerGroup, topic, mode: "concurrent", namespace });
    await t.eventually(
      "each holds a queue",
      () => namesHeld(ours, topic).length === 1 && java.queues.length === 1,
      90_000,
    );
    const sent = Array.from({ length: 40 }, (_, at) => `${at}`);
    await send(...sent);
    await t.eventually("all are consumed", () => bodies.length + java.bodies.length >= sent.length);
    assert.deepEqual([...bodies, ...java.bodies].toSorted(), sent.toSorted());
    assert.ok(bodies.length > 0 && java.bodies.length > 0);
    java.send("from-java");
    await t.eventually("what Java sent", () => [...bodies, ...java.bodies].includes("from-java"));
    await java.leave();
    await ours.shutdown();
    assert.equal(await t.committed(onBrokers.group, onBrokers.topic), sent.length + 1);
  },
};
