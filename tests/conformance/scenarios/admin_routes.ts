/**
 * Every route of the admin endpoint, served and asked over HTTP. The list is held against the OpenAPI document: a route without a
 * step here fails.
 */
import { serveAdmin } from "@contrail/rocketmq/admin";
import { deepStrictEqual as same, equal, ok } from "node:assert/strict";
import type { Scenario, Stage } from "../scenario.ts";

/** An answer, as far as steps look at it. */
interface Answer {
  readonly status: number;
  readonly text: string;
  // deno-lint-ignore no-explicit-any
  readonly json: any;
}

/** What the steps work with: a group of one consumer on `topic`, of which one message is a dead letter. */
interface Desk {
  readonly t: Stage;
  readonly topic: string;
  readonly group: string;
  readonly url: string;
  readonly token: { readonly authorization: string };
  readonly log: { levelName: string };
  readonly consumer: ReturnType<Stage["consumer"]>;
  /** Bodies that the listener got. */
  readonly got: string[];
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
}

async function openDesk(t: Stage): Promise<Desk> {
  const topic = await t.topic("desk", { queues: 2 });
  const group = t.name("clerks");
  const consumer = t.consumer({ consumerGroup: group, brokerSuspendMs: 1_000 });
  const got: string[] = [];
  consumer.subscribe(topic, "*", async (message) => {
    got.push(message.text());
    if (message.text() === "m0" && message.attempt === 1) await message.deadLetter();
  });
  await consumer.start();
  const log = { levelName: "INFO" };
  const admin = await serveAdmin({ consumers: [consumer], port: 0, token: "the-token", log });
  t.defer(() => admin.close());
  await t.fill(topic, 6, { prefix: "m" });
  await t.eventually("all came, one is dead", () => {
    const { acked, deadLettered } = consumer.statistics();
    return acked === 5 && deadLettered === 1;
  });
  await consumer.commit();
  const token = { authorization: "Bearer the-token" };
  const ask = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await fetch(admin.url + path, init);
    const text = await response.text();
    return { status: response.status, text, json: /^[[{]/.test(text) ? JSON.parse(text) : undefined };
  };
  return {
    t,
    topic,
    group,
    url: admin.url,
    token,
    log,
    consumer,
    got,
    get: (path) => ask(path, { headers: token }),
    post: (path, body) =>
      ask(path, {
        method: "POST",
        headers: { ...token, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
}

type Steps = Record<string, (desk: Desk) => Promise<void>>;

const shows: Steps = {
  "get /": async ({ get }) => ok((await get("/")).text.includes("<title>Contrail</title>")),
  "get /healthz": async ({ get }) => same((await get("/healthz")).json, { status: "ok" }),
  "get /readyz": async ({ get }) => same((await get("/readyz")).json, { status: "ready", problems: [] }),
  "get /metrics": async ({ get, group }) => {
    ok(
      (await get("/metrics")).text.includes(
        `rocketmq_consumer_dead_lettered_total{messaging_consumer_group_name="${group}"} 1`,
      ),
    );
  },
  "get /consumers": async ({ get, group }) => {
    const [{ phase, acked, group: shown }] = (await get("/consumers")).json;
    same([phase, acked, shown], ["running", 5, group]);
  },
  "get /consumers/{group}": async ({ get, group, topic }) => {
    const { configuration, queues, subscriptions } = (await get(`/consumers/${group}`)).json;
    equal(configuration.consumerGroup, group);
    equal(queues.filter((queue: { topic: string }) => queue.topic === topic).length, 2);
    equal(subscriptions[0].topic, topic);
  },
  "get /queues": async ({ get, group, topic }) => {
    const queues = (await get(`/queues?group=${group}`)).json as { topic: string; lag: number }[];
    same(queues.filter((queue) => queue.topic === topic).map(({ lag }) => lag), [0, 0]);
    equal((await get("/queues?group=nobody")).status, 404);
  },
  "get /subscriptions": async ({ get, topic }) => {
    equal((await get("/subscriptions")).json[0].topic, topic);
  },
  "get /connections": async ({ get, consumer }) => {
    const [{ clientId, connections }] = (await get("/connections")).json;
    equal(clientId, consumer.client.clientId);
    ok(connections.length > 0);
  },
  "get /events": async ({ url, token }) => {
    const response = await fetch(`${url}/events`, { headers: token });
    equal(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body!.getReader();
    equal(new TextDecoder().decode((await reader.read()).value), ": contrail\n\n");
    await reader.cancel();
  },
  "get /openapi.json": async ({ get }) => equal((await get("/openapi.json")).json.openapi, "3.1.0"),
  "get /cluster/brokers": async ({ get, t }) => {
    const brokers = (await get("/cluster/brokers")).json as { brokerName: string }[];
    for (const name of t.brokers) ok(brokers.some(({ brokerName }) => brokerName === name), name);
  },
  "get /cluster/topics": async ({ get, topic }) => {
    ok((await get("/cluster/topics")).json.some((each: { topic: string }) => each.topic === topic));
  },
  "get /cluster/topics/{topic}": async ({ get, topic, group }) => {
    const { queues, places, groups } = (await get(`/cluster/topics/${topic}`)).json;
    same([queues.length, places.length], [2, 1]);
    ok(groups.includes(group));
    equal((await get("/cluster/topics/no-such-topic")).status, 404);
  },
  "get /cluster/groups": async ({ get, group }) => {
    ok((await get("/cluster/groups")).json.some((each: { group: string }) => each.group === group));
  },
  "get /cluster/groups/{group}/members": async ({ get, group, topic, consumer }) => {
    const { members: [{ clientId, queues }] } = (await get(`/cluster/groups/${group}/members`)).json;
    equal(clientId, consumer.client.clientId);
    equal(queues.filter((queue: { topic: string }) => queue.topic === topic).length, 2);
  },
  "get /cluster/groups/{group}/progress": async ({ get, group }) => {
    equal((await get(`/cluster/groups/${group}/progress`)).json.totalLag, 0);
  },
  "get /cluster/groups/{group}/dead-letters": async ({ get, t, group }) => {
    await t.eventually("the letter is there", async () => {
      const { messages } = (await get(`/cluster/groups/${group}/dead-letters?limit=5`)).json;
      return messages.length === 1 && messages[0].text === "m0";
    });
    equal((await get(`/cluster/groups/${group}/dead-letters?limit=0`)).status, 400);
  },
};

/** A reset reaches the consumer with its next pull: what is at hand comes again. */
const resets =
  (path: (group: string) => string) => async ({ post, t, group, topic, got, consumer }: Desk) => {
    await consumer.commit();
    got.length = 0;
    const { status, json } = await post(path(group), { topic, to: "1990-01-31T10:00:00Z" });
    same([status, json.map(({ offset }: { offset: number }) => offset)], [200, [0, 0]]);
    await t.eventually("all come again", () => new Set(got).size === 6);
    equal((await post(path(group), { topic, to: "yesterday" })).status, 400);
  };

const changes: Steps = {
  "post /cluster/groups/{group}/dead-letters/send-back": async ({ get, post, t, group, got }) => {
    const letters = `/cluster/groups/${group}/dead-letters`;
    const { messages: [{ queue: { brokerName }, offsetMessageId }] } = (await get(letters)).json;
    got.length = 0;
    equal((await post(`${letters}/send-back`, { brokerName, offsetMessageId })).status, 204);
    await t.eventually("it comes again", () => got.includes("m0"));
  },
  "post /consumers/{group}/reset-offset": resets((group) => `/consumers/${group}/reset-offset`),
  "post /cluster/groups/{group}/reset-offset": resets((group) => `/cluster/groups/${group}/reset-offset`),
  "post /consumers/{group}/pause": async ({ post, group, topic, consumer }) => {
    same((await post(`/consumers/${group}/pause`, { topic })).json, { queues: 2 });
    const queues = consumer.statistics().queues.filter(({ queue }) => queue.topic === topic);
    same(queues.map(({ paused }) => paused), [true, true]);
  },
  "post /consumers/{group}/resume": async ({ post, group, consumer }) => {
    equal((await post(`/consumers/${group}/resume`, {})).status, 200);
    ok(consumer.statistics().queues.every(({ paused }) => !paused));
  },
  "post /consumers/{group}/seek": async ({ post, t, group, topic, consumer, got }) => {
    const { queue } = consumer.statistics().queues.find(({ queue, commitOffset }) =>
      queue.topic === topic && commitOffset > 0
    )!;
    got.length = 0;
    equal((await post(`/consumers/${group}/seek`, { ...queue, offset: 0 })).status, 204);
    await t.eventually("the queue comes again", () => got.length > 0);
    equal((await post(`/consumers/${group}/seek`, { ...queue, offset: -1 })).status, 400);
  },
  "post /consumers/{group}/concurrency": async ({ post, group, consumer }) => {
    equal((await post(`/consumers/${group}/concurrency`, { min: 3, max: 5 })).status, 204);
    equal(consumer.statistics().concurrency, 3);
  },
  "post /log-level": async ({ post, log }) => {
    equal((await post("/log-level", { level: "DEBUG" })).status, 204);
    equal(log.levelName, "DEBUG");
  },
  "post /consumers/{group}/drain": async ({ post, get, t, group, consumer }) => {
    equal((await post(`/consumers/${group}/drain`, {})).status, 202);
    equal((await get("/healthz")).status, 200);
    equal((await get("/readyz")).status, 503);
    await t.eventually("it has left", () => consumer.phase === "stopped");
    equal((await get("/readyz")).status, 503);
  },
};

export const everyRoute: Scenario = {
  name: "every route of the admin endpoint shows or changes what it says, over HTTP",
  async run(t) {
    const desk = await openDesk(t);
    const steps = { ...shows, ...changes };
    const { paths } = (await desk.get("/openapi.json")).json;
    const served = Object.entries<object>(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`)
    );
    same(Object.keys(steps).sort(), served.sort());
    for (const [name, step] of Object.entries(steps)) {
      try {
        await step(desk);
      } catch (cause) {
        throw new Error(`${name}: ${(cause as Error).message}`, { cause });
      }
    }
  },
};

export const litePullRoutes: Scenario = {
  name: "a lite pull consumer is shown, sought, paused and drained over HTTP",
  async run(t) {
    const topic = await t.topic("polled-desk", { queues: 1 });
    const consumerGroup = t.name("pollers");
    const consumer = t.litePull({ consumerGroup });
    const admin = await serveAdmin({ consumers: [consumer], port: 0, token: "the-token" });
    t.defer(() => admin.close());
    const headers = { authorization: "Bearer the-token", "content-type": "application/json" };
    const post = async (action: string, body: unknown): Promise<number> => {
      const url = `${admin.url}/consumers/${consumerGroup}/${action}`;
      const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
      await response.body?.cancel();
      return response.status;
    };
    consumer.subscribe(topic);
    await consumer.start();
    await t.fill(topic, 3);
    const take = async (count: number): Promise<void> => {
      for (let got = 0; got < count;) got += (await consumer.poll({ timeoutMs: 1_000 })).length;
    };
    await take(3);
    const [{ kind, queues }] = await (await fetch(`${admin.url}/consumers`, { headers })).json() as [
      { kind: string; queues: number },
    ];
    same([kind, queues], ["lite pull", 1]);
    const [queue] = consumer.assignment();
    equal(await post("seek", { ...queue, offset: 1 }), 204);
    await take(2);
    equal(await post("seek", { ...queue, offset: 99 }), 409);
    equal(await post("pause", {}), 200);
    ok(consumer.isPaused(queue!));
    equal(await post("resume", {}), 200);
    equal(await post("concurrency", { min: 1, max: 1 }), 409);
    equal(await post("drain", {}), 202);
    await t.eventually("it has left", () => consumer.phase === "stopped");
  },
};
