/**
 * A queue whose broker answers nothing any more is noticed, told, and asked afresh.
 */
import { strict as assert } from "node:assert";
import type { Clock, ConsumerEvent } from "@contrail/rocketmq";
import { RequestCode } from "../bare_request.ts";
import type { Scenario } from "../scenario.ts";

/** So many times as fast goes the consumer's clock: two minutes of silence last eight seconds. */
const SPEED = 15;

/** A clock that runs ahead once it is told to. */
function fastClock(): Clock & { hurry(): void } {
  let speed = 1;
  let [since, base] = [Date.now(), Date.now()];
  const now = (): number => base + (Date.now() - since) * speed;
  return {
    now,
    hurry() {
      [base, since, speed] = [now(), Date.now(), SPEED];
    },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const over = (): void => {
          clearTimeout(timer);
          reject(signal!.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener("abort", over);
          resolve();
        }, ms / speed);
        signal?.addEventListener("abort", over, { once: true });
      }),
  };
}

export const stalledQueue: Scenario = {
  name:
    "a queue without an answer for two minutes is told as stalled and pulled afresh, and goes on when its broker does",
  async run(t) {
    const topic = await t.topic("stalled", { queues: 2 });
    const proxy = await t.proxy();
    let mute = true;
    proxy.detain = (code, { topic: asked, queueId }) =>
      mute && code === RequestCode.PULL_MESSAGE && asked === topic && queueId === "0" ? 60_000 : 0;
    const clock = fastClock();
    const consumer = t.consumer({ namesrvAddr: proxy.namesrvAddr, brokerSuspendMs: 1_000 }, { clock });
    const stalled: (ConsumerEvent & { type: "stalled" })[] = [];
    void (async () => {
      for await (const event of consumer.events()) {
        if (event.type === "stalled" && event.queue.topic === topic) stalled.push(event);
      }
    })();
    const bodies: string[] = [];
    consumer.subscribe(topic, "*", (message) => void bodies.push(message.text()));
    await consumer.start();
    clock.hurry();
    const producer = await t.producer();
    const send = (queueId: number, body: string): Promise<unknown> =>
      producer.send({ topic, body }, { queue: { topic, brokerName: t.brokers[0]!, queueId } });
    await send(0, "silenced");
    await t.eventually("it is told", async () => {
      // the other queue is spoken to all the time
      await send(1, "heard");
      await t.sleep(200);
      return stalled.some(({ queue }) => queue.queueId === 0);
    }, 30_000);
    assert.ok(stalled.every(({ queue }) => queue.queueId === 0), "the other queue is not stalled");
    assert.ok(stalled[0]!.silentMs >= 120_000);
    assert.ok(!bodies.includes("silenced"));
    mute = false;
    await t.eventually("the message comes", () => bodies.includes("silenced"));
  },
};
