/**
 * What administrators ask of a running consumer, through its broker: offsets, a report, one message now, a reset.
 */
import { strict as assert } from "node:assert";
import type { Consumer, ConsumeResult } from "@contrail/rocketmq";
import {
  bareCall,
  type BareReply,
  bareRequest,
  queueEntries,
  queuesOf,
  RequestCode,
} from "../bare_request.ts";
import type { Scenario, Stage } from "../scenario.ts";

/** Asks the broker of the first queue of `topic`. */
async function ask(
  t: Stage,
  topic: string,
  code: number,
  fields: Record<string, string | number | boolean>,
): Promise<BareReply> {
  const [queue] = await queuesOf(t.namesrvAddr.split(";")[0]!, topic);
  return await bareCall(queue!.address, code, fields);
}

/** A running consumer of `topic` that took `count` messages by listener. */
async function consumed(
  t: Stage,
  topic: string,
  count: number,
  listener: (body: string) => ConsumeResult | void,
): Promise<{ consumer: Consumer; bodies: string[]; offsetIds: string[] }> {
  const bodies: string[] = [];
  const offsetIds: string[] = [];
  const consumer = t.consumer({ brokerSuspendMs: 1_000, persistIntervalMs: 200 });
  consumer.subscribe(topic, "*", (message) => {
    bodies.push(message.text());
    offsetIds.push(message.offsetMessageId);
    return listener(message.text());
  });
  await consumer.start();
  await t.fill(topic, count);
  await t.eventually("all are consumed", () => bodies.length >= count);
  return { consumer, bodies, offsetIds };
}

export const statusOfConsumer: Scenario = {
  name: "a broker is told the offsets that a consumer holds of a topic",
  async run(t) {
    const topic = await t.topic("status", { queues: 2 });
    const { consumer } = await consumed(t, topic, 20, () => {});
    const { consumerGroup: group, client } = consumer;
    await t.eventually("the offsets sum up", async () => {
      const reply = await ask(t, topic, RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS, { topic, group });
      const offsets = queueEntries(reply.body.toString(), client.clientId);
      return offsets.size === 2 && [...offsets.values()].reduce((sum, each) => sum + Number(each), 0) === 20;
    });
  },
};

export const reportOfConsumer: Scenario = {
  name: "a consumer tells its configuration, subscriptions and queues to an administrator",
  async run(t) {
    const topic = await t.topic("report", { queues: 2 });
    const { consumer } = await consumed(t, topic, 20, () => {});
    const { consumerGroup, client: { clientId } } = consumer;
    const fields = { consumerGroup, clientId, jstackEnable: true };
    const reply = await ask(t, topic, RequestCode.GET_CONSUMER_RUNNING_INFO, fields);
    const report = reply.body.toString();
    for (
      const part of [
        `"PROP_CONSUME_TYPE":"CONSUME_PASSIVELY"`,
        `"PROP_CONSUMEORDERLY":"false"`,
        `"consumerGroup":"${consumerGroup}"`,
        `"topic":"${topic}"`,
        `"topic":"%RETRY%${consumerGroup}"`,
        `"jstack":"no message is out"`,
      ]
    ) assert.ok(report.includes(part), `${part} in ${report}`);
    const queues = [...queueEntries(report, "mqTable").values()].map((each) => JSON.parse(each));
    assert.ok(queues.some(({ commitOffset, droped }) => commitOffset > 0 && droped === false), report);
  },
};

export const oneMessageNow: Scenario = {
  name: "an administrator has one message consumed now and is told how it fared",
  async run(t) {
    const topic = await t.topic("directly", { queues: 1 });
    let answer = (): ConsumeResult | void => {};
    const { consumer, bodies, offsetIds } = await consumed(t, topic, 3, () => answer());
    const { consumerGroup, client: { clientId } } = consumer;
    const outcomes: [() => ConsumeResult | void, string][] = [
      [() => {}, "CR_SUCCESS"],
      [() => "RECONSUME_LATER", "CR_LATER"],
      [() => {
        throw new TypeError("no such account");
      }, "CR_THROW_EXCEPTION"],
    ];
    for (const [how, expected] of outcomes) {
      answer = how;
      const fields = { consumerGroup, clientId, msgId: offsetIds[1]!, topic, brokerName: t.brokers[0]! };
      const { body } = await ask(t, topic, RequestCode.CONSUME_MESSAGE_DIRECTLY, fields);
      const result = JSON.parse(body.toString());
      assert.equal(result.consumeResult, expected);
      assert.equal(result.order, false);
      if (expected === "CR_THROW_EXCEPTION") assert.equal(result.remark, "TypeError: no such account");
    }
    assert.deepEqual(bodies.slice(3), Array(3).fill(bodies[1]));
    assert.equal(consumer.statistics().sentBack, 0);
  },
};

export const strangeGroupIsRefused: Scenario = {
  name: "a question about a client that is not there is refused",
  async run(t) {
    const topic = await t.topic("nobody", { queues: 1 });
    const [queue] = await queuesOf(t.namesrvAddr.split(";")[0]!, topic);
    const fields = { consumerGroup: t.name("nobody"), clientId: "10.0.0.1@1" };
    const reply = await bareRequest(queue!.address, RequestCode.GET_CONSUMER_RUNNING_INFO, fields);
    assert.notEqual(reply.code, 0);
  },
};

export const offsetsAreReset: Scenario = {
  name: "an administrator resets a group's offsets, and the running consumer starts there again",
  async run(t) {
    const topic = await t.topic("reset", { queues: 2 });
    const { consumer, bodies } = await consumed(t, topic, 20, () => {});
    const group = consumer.consumerGroup;
    await t.eventually("all is committed", async () => await t.committed(group, topic) === 20);
    const fields = { topic, group, timestamp: 0, isForce: true, queueId: -1 };
    await ask(t, topic, RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, fields);
    await t.eventually("all are consumed again", () => bodies.length >= 40, 30_000);
    assert.deepEqual(bodies.slice(20).toSorted(), bodies.slice(0, 20).toSorted());
    await t.eventually("all is committed again", async () => await t.committed(group, topic) === 20);
  },
};
