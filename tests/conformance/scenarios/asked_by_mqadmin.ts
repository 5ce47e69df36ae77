/**
 * What the official administrator's tool asks of a running consumer: who it is, a report, one message now, a reset.
 */
import { strict as assert } from "node:assert";
import { bareCall, brokerAddresses, RequestCode } from "../bare_request.ts";
import type { Scenario, Stage } from "../scenario.ts";

const WHY = "mqadmin comes with the real cluster; what it sends is asked of both by asked_by_brokers.ts";
/** One call of the tool starts a virtual machine. */
const TIMEOUT_MS = 150_000;

export const mqadminAsks: Scenario = {
  name: "mqadmin is told who consumes and a report of it, and has one message consumed now",
  only: "real",
  why: WHY,
  // the tool gives a broker three seconds, too few for a virtual machine that starts beside others
  alone: true,
  timeoutMs: TIMEOUT_MS,
  async run(t) {
    const topic = await t.topic("mqadmin", { queues: 2 });
    const offsetIds: string[] = [];
    const consumer = t.consumer({ persistIntervalMs: 200 });
    consumer.subscribe(topic, "*", (message) => void offsetIds.push(message.offsetMessageId));
    await consumer.start();
    await t.fill(topic, 20);
    await t.eventually("all are consumed", () => offsetIds.length === 20);
    const { consumerGroup, client: { clientId } } = consumer;

    const connection = await t.rig.mqadmin("consumerConnection", "-g", consumerGroup);
    assert.ok(connection.includes(clientId) && connection.includes(topic), connection);
    assert.match(connection, /ConsumeType: CONSUME_PASSIVELY/);

    const report = await t.rig.mqadmin("consumerStatus", "-g", consumerGroup, "-i", clientId);
    assert.match(report, /#Consumer Properties#/);
    assert.ok(report.includes(topic) && report.includes(`%RETRY%${consumerGroup}`), report);

    const which = ["-i", offsetIds[3]!, "-g", consumerGroup, "-d", clientId];
    const ask = (...more: string[]): Promise<string> => t.rig.mqadmin("queryMsgById", ...which, ...more);
    // 5.x must be told the topic, 4.9 does not know the option
    const consumed = await ask("-t", topic).catch(() => ask());
    assert.match(consumed, /consumeResult=CR_SUCCESS/);
    assert.deepEqual(offsetIds.slice(20), [offsetIds[3]]);
  },
};

/** Has the brokers push a reset to the members, instead of answering their next pull with it. 4.9 knows no other way. */
async function pushResets(t: Stage): Promise<void> {
  const addresses = [...(await brokerAddresses(t.namesrvAddr.split(";")[0]!)).values()];
  const set = async (serverSide: boolean): Promise<void> => {
    for (const address of addresses) {
      await bareCall(
        address,
        RequestCode.UPDATE_BROKER_CONFIG,
        {},
        `useServerSideResetOffset=${serverSide}\n`,
      );
    }
  };
  t.defer(() => set(true));
  await set(false);
}

export const resetIsPushed: Scenario = {
  name:
    "mqadmin resets a group's offsets, the broker pushes it to the running consumer, which starts there again",
  only: "real",
  why: "mqadmin comes with the real cluster; the embedded broker's push is shown by its unit tests",
  // it changes the brokers' configuration
  alone: true,
  timeoutMs: TIMEOUT_MS,
  async run(t) {
    await pushResets(t);
    const topic = await t.topic("pushed-reset", { queues: 2 });
    const proxy = await t.proxy();
    const consumer = t.consumer({ namesrvAddr: proxy.namesrvAddr, persistIntervalMs: 200 });
    const bodies: string[] = [];
    consumer.subscribe(topic, "*", (message) => void bodies.push(message.text()));
    await consumer.start();
    const { consumerGroup } = consumer;
    const old = await t.fill(topic, 20, { prefix: "old-" });
    await t.sleep(1_100);
    const since = Date.now();
    const sent = await t.fill(topic, 10, { prefix: "new-" });
    await t.eventually("all are consumed", () => bodies.length === old.length + sent.length);
    await t.eventually("all is committed", async () => await t.committed(consumerGroup, topic) === 30);
    await t.rig.mqadmin("resetOffsetByTime", "-g", consumerGroup, "-t", topic, "-s", `${since}`);
    await t.eventually("what was sent since comes again", () => bodies.length >= 40, 30_000);
    assert.deepEqual(bodies.slice(30).toSorted(), sent.toSorted());
    assert.ok(proxy.asked.includes(RequestCode.RESET_CONSUMER_CLIENT_OFFSET), `asked ${proxy.asked}`);
    await t.eventually("all is committed again", async () => await t.committed(consumerGroup, topic) === 30);
  },
};
