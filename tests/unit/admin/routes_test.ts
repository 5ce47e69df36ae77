import { assert, assertEquals } from "@std/assert";
import { Hono } from "hono";
import { createConsumer, createLitePullConsumer } from "../../../mod.ts";
import { createAdminApp } from "../../../src/admin/mod.ts";
import { metrics } from "../../../src/telemetry/metrics.ts";
import { type AdminStage, onAdminStage, until } from "./admin_stage.ts";

/** Starts the consumer with a listener that takes everything, and sends `count` messages through it. */
async function consume({ consumer, producer }: AdminStage, count: number): Promise<void> {
  consumer.subscribe("T", "a || b", () => {});
  await consumer.start();
  for (let at = 0; at < count; at++) await producer.send({ topic: "T", body: `m${at}`, tag: "a" });
  await until(() => consumer.statistics().acked === count);
}

Deno.test("/healthz answers as long as the process does, /readyz as soon as the consumer runs and no longer", () =>
  onAdminStage(async (stage) => {
    const ready = async () => {
      const response = await stage.get("/readyz");
      return [response.status, await response.json()];
    };
    assertEquals(await (await stage.get("/healthz")).json(), { status: "ok" });
    assertEquals(await ready(), [503, { status: "unready", problems: ["G is created"] }]);
    await consume(stage, 0);
    assertEquals(await ready(), [200, { status: "ready", problems: [] }]);
    await stage.consumer.shutdown();
    assertEquals(await ready(), [503, { status: "unready", problems: ["G is stopped"] }]);
  }));

Deno.test("while a drain waits for a handler, /readyz says no and /healthz still says yes", () => {
  const work = Promise.withResolvers<void>();
  return onAdminStage(async ({ consumer, producer, get, post }) => {
    consumer.subscribe("T", "*", () => work.promise);
    await consumer.start();
    await producer.send({ topic: "T", body: "m" });
    await until(() => consumer.statistics().inFlight === 1);
    await post("/consumers/G/drain", {});
    const ready = await get("/readyz");
    assertEquals([ready.status, (await ready.json()).problems], [503, ["G is draining"]]);
    const live = await get("/healthz");
    assertEquals([live.status, await live.json()], [200, { status: "ok" }]);
    assertEquals((await (await get("/consumers")).json())[0].phase, "draining");
    work.resolve();
    await until(() => consumer.phase === "stopped");
    assertEquals((await get("/healthz").then((response) => response.json())).status, "ok");
  });
});

Deno.test("/readyz says no when a queue stalls or the lag is above the bound, and queues that are paused do not stall", () =>
  onAdminStage(async ({ consumer, producer, get, post }) => {
    consumer.subscribe("T", "*", () => new Promise<void>(() => {}));
    await consumer.start();
    for (let at = 0; at < 3; at++) {
      await producer.send({ topic: "T", body: "m" }, {
        queue: consumer.assignment().find(({ topic }) => topic === "T")!,
      });
    }
    await until(() => consumer.statistics().queues.some(({ lag }) => lag === 3));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const { problems } = await (await get("/readyz")).json();
    assert(problems.some((text: string) => text.includes("lag of 3, above 2")), problems);
    assert(problems.some((text: string) => text.startsWith("G stalls at queue")), problems);
    const queues = await (await get("/queues")).json();
    assert(queues.some((queue: { stalled: boolean; topic: string }) => queue.stalled && queue.topic === "T"));
    await post("/consumers/G/pause", {});
    assert(
      !(await (await get("/queues?group=G")).json()).some((queue: { stalled: boolean }) => queue.stalled),
    );
  }, { maxLag: 2, stalledAfterMs: 10, config: { shutdownTimeoutMs: 10 } }));

Deno.test("/consumers and /consumers/:group tell state, counts, queues, rates and options, but no secret", () =>
  onAdminStage(async (stage) => {
    await consume(stage, 5);
    const [summary] = await (await stage.get("/consumers")).json();
    assertEquals([summary.group, summary.phase, summary.acked, summary.lag], ["G", "running", 5, 0]);
    const response = await stage.get("/consumers/G");
    const text = await response.text();
    const details = JSON.parse(text);
    assertEquals(details.queues.filter(({ topic }: { topic: string }) => topic === "T").length, 2);
    assertEquals(details.configuration.consumerGroup, "G");
    assertEquals(details.configuration.pullBatchSize, "32");
    assertEquals(details.subscriptions, [{ group: "G", topic: "T", type: "TAG", expression: "a || b" }]);
    assert(!text.includes("do-not-tell") && !text.includes("secretKey"), text);
    assertEquals((await stage.get("/consumers/other")).status, 404);
    assertEquals((await stage.get("/consumers/G?client=nobody")).status, 404);
  }));

Deno.test("/subscriptions, /connections and /openapi.json", () =>
  onAdminStage(async (stage) => {
    await consume(stage, 1);
    assertEquals((await (await stage.get("/subscriptions")).json()).length, 1);
    const clients = await (await stage.get("/connections")).json();
    assertEquals(clients.map(({ clientId }: { clientId: string }) => clientId), [
      stage.consumer.client.clientId,
      stage.producer.client.clientId,
    ]);
    const { paths, openapi } = await (await stage.get("/openapi.json")).json();
    assertEquals(openapi, "3.1.0");
    const { post } = paths["/consumers/{group}/concurrency"];
    assertEquals(post.parameters[0], {
      name: "group",
      in: "path",
      required: true,
      schema: { type: "string", minLength: 1, maxLength: 255 },
    });
    assertEquals(post.requestBody.content["application/json"].schema, {
      type: "object",
      properties: {
        min: { type: "integer", minimum: 1, maximum: 1000 },
        max: { type: "integer", minimum: 1, maximum: 1000 },
      },
      required: ["min", "max"],
      additionalProperties: false,
    });
    assert("/openapi.json" in paths && "/healthz" in paths && "/cluster/topics/{topic}" in paths);
    for (const [path, methods] of Object.entries<Record<string, AskedFor>>(paths)) {
      const names = Array.from(path.matchAll(/{(\w+)}/g), ([, name]) => name);
      for (const [method, { parameters, requestBody }] of Object.entries(methods)) {
        const inPath = parameters.filter((each) => each.in === "path" && each.required);
        assertEquals(inPath.map((each) => each.name), names, path);
        assertEquals(requestBody !== undefined, method === "post", path);
      }
    }
    const query = (path: string) => {
      const asked: AskedFor["parameters"] = paths[path].get.parameters;
      return asked.filter((each) => each.in === "query" && !each.required).map(({ name }) => name);
    };
    assertEquals(query("/cluster/groups/{group}/dead-letters"), ["limit", "after"]);
    assertEquals([query("/queues"), query("/events"), query("/consumers/{group}")], [["group"], ["group"], [
      "client",
    ]]);
    const seek = paths["/consumers/{group}/seek"].post.requestBody.content["application/json"].schema;
    assertEquals(seek.properties.offset.type, "integer");
  }));

/** What the document says that an operation asks for. */
interface AskedFor {
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required: boolean }[];
  readonly requestBody?: unknown;
}

Deno.test("/metrics is the whole table as Prometheus reads it, with names escaped", () =>
  onAdminStage(async (stage) => {
    await consume(stage, 3);
    const response = await stage.get("/metrics");
    assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    const lines = (await response.text()).trim().split("\n");
    const sample = /^[a-z_]+(\{([a-z_]+="([^"\\]|\\.)*",?)*\})? -?[0-9.e+-]+$/;
    assertEquals(lines.filter((line) => !line.startsWith("#") && !sample.test(line)), []);
    assertEquals(lines.filter((line) => line.startsWith("# TYPE")).length, metrics.length);
    assert(
      lines.includes(
        'messaging_client_consumed_messages_total{messaging_consumer_group_name="G",messaging_destination_name="T"} 3',
      ),
    );
    assert(lines.includes('rocketmq_consumer_running{messaging_consumer_group_name="G"} 1'));
  }));

Deno.test("pause, resume and seek change the queues that are named", () =>
  onAdminStage(async (stage) => {
    const { consumer, post } = stage;
    await consume(stage, 4);
    const paused = () => consumer.statistics().queues.filter((queue) => queue.paused).length;
    assertEquals(await (await post("/consumers/G/pause", { topic: "T", queueId: 1 })).json(), { queues: 1 });
    assertEquals(paused(), 1);
    await post("/consumers/G/pause", {});
    assertEquals(paused(), consumer.assignment().length);
    await post("/consumers/G/resume", {});
    assertEquals(paused(), 0);
    const queue = consumer.statistics().queues.find(({ commitOffset, queue }) =>
      queue.topic === "T" && commitOffset > 0
    )!;
    const sought = await post("/consumers/G/seek", { ...queue.queue, offset: 0 });
    assertEquals([sought.status, await sought.text()], [204, ""]);
    await until(() => consumer.statistics().acked === 4 + queue.commitOffset);
    assertEquals((await post("/consumers/G/seek", { ...queue.queue, queueId: 9, offset: 0 })).status, 409);
  }));

Deno.test("concurrency and log level change, drain begins and the answer does not wait for it", () => {
  const log = { levelName: "INFO" };
  return onAdminStage(async (stage) => {
    const { consumer, post } = stage;
    await consume(stage, 0);
    assertEquals((await post("/consumers/G/concurrency", { min: 7, max: 9 })).status, 204);
    assertEquals(consumer.statistics().concurrency, 7);
    const wrong = await post("/consumers/G/concurrency", { min: 9, max: 7 });
    assertEquals([wrong.status, (await wrong.json()).code], [400, "CONFIG"]);
    assertEquals((await post("/log-level", { level: "DEBUG" })).status, 204);
    assertEquals(log.levelName, "DEBUG");
    const drained = await post("/consumers/G/drain", {});
    assertEquals([drained.status, await drained.json()], [202, { phase: "draining" }]);
    await until(() => consumer.phase === "stopped");
  }, { log });
});

Deno.test("the cluster is shown through the brokers: topics, groups, members, progress", () =>
  onAdminStage(async (stage) => {
    await consume(stage, 4);
    await stage.consumer.commit();
    const read = async (path: string) => await (await stage.get(path)).json();
    assertEquals((await read("/cluster/brokers"))[0].brokerName, "broker-a");
    assert((await read("/cluster/topics")).some(({ topic }: { topic: string }) => topic === "T"));
    assertEquals((await read("/cluster/topics/T")).queues.length, 2);
    assertEquals((await read("/cluster/topics/%25RETRY%25G")).kind, "retry");
    assert((await read("/cluster/groups")).some(({ group }: { group: string }) => group === "G"));
    const { members } = await read("/cluster/groups/G/members");
    assertEquals(members[0].queues.filter(({ topic }: { topic: string }) => topic === "T").length, 2);
    assertEquals((await read("/cluster/groups/G/progress")).totalLag, 0);
    assertEquals((await stage.get("/cluster/groups/nobody/progress")).status, 404);
    assertEquals((await stage.get("/cluster/topics/none")).status, 404);
  }));

Deno.test("dead letters are browsed and sent back, and offsets are reset by time", () =>
  onAdminStage(async ({ consumer, producer, get, post }) => {
    const got: string[] = [];
    consumer.subscribe("T", "*", async (message) => {
      got.push(message.text());
      if (message.attempt === 1 && message.text() === "bad") await message.deadLetter();
    });
    await consumer.start();
    for (const body of ["bad", "good"]) await producer.send({ topic: "T", body, keys: "k" });
    await until(() => consumer.statistics().deadLettered === 1 && got.length === 2);
    const { messages: [letter] } = await (await get("/cluster/groups/G/dead-letters")).json();
    assertEquals([letter.text, letter.keys, letter.isCut], ["bad", ["k"], false]);
    const { offsetMessageId, queue: { brokerName } } = letter;
    const back = "/cluster/groups/G/dead-letters/send-back";
    assertEquals((await post(back, { offsetMessageId, brokerName })).status, 204);
    await until(() => got.length === 3);
    assertEquals((await post(back, { offsetMessageId: "0".repeat(32), brokerName })).status, 400);
    await consumer.commit();
    got.length = 0;
    const moved = await (await post("/consumers/G/reset-offset", { topic: "T", to: "2001-01-01T00:00:00Z" }))
      .json();
    assertEquals(moved.map(({ offset }: { offset: number }) => offset), [0, 0]);
  }, { config: { brokerSuspendMs: 1_000 } }));

Deno.test("mounted under another Hono app it serves below its path, with its own doors and problems", async () => {
  const whole = new Hono().route("/ops", createAdminApp({ token: "t" })).get(
    "/",
    (context) => context.text("shop"),
  );
  assertEquals((await whole.request("/ops/healthz")).status, 200);
  const refused = await whole.request("/ops/consumers");
  assertEquals([refused.status, refused.headers.get("content-type")], [401, "application/problem+json"]);
  const shown = await whole.request("/ops/consumers", { headers: { authorization: "Bearer t" } });
  assertEquals(await shown.json(), []);
  assertEquals((await whole.request("/ops/consumers", { headers: { host: "evil.example" } })).status, 421);
  const page = await whole.request("/ops");
  assert(page.headers.get("content-type")!.startsWith("text/html"));
  assertEquals(await (await whole.request("/")).text(), "shop");
});

Deno.test("without a running client the cluster routes say so", async () => {
  const response = await createAdminApp().request("/cluster/brokers");
  assertEquals(response.status, 503);
  assertEquals(response.headers.get("content-type"), "application/problem+json");
});

Deno.test("two consumers of one group in a process are told apart by client, and their metrics are added up", () =>
  onAdminStage(async ({ cluster, consumer }) => {
    const other = createConsumer({
      namesrvAddr: cluster.namesrvAddr,
      consumerGroup: "G",
      messageTrace: false,
    });
    const app = createAdminApp({ consumers: [consumer, other] });
    for (const each of [consumer, other]) {
      each.subscribe("T", "*", () => {});
      await each.start();
    }
    assertEquals((await app.request("/consumers/G")).status, 409);
    const chosen = await app.request(`/consumers/G?client=${encodeURIComponent(other.client.clientId)}`);
    assertEquals((await chosen.json()).clientId, other.client.clientId);
    const text = await (await app.request("/metrics")).text();
    assertEquals(text.match(/^rocketmq_consumer_running\{.*$/gm), [
      'rocketmq_consumer_running{messaging_consumer_group_name="G"} 2',
    ]);
    await other.shutdown();
  }));

Deno.test("a lite pull consumer is shown, measured, sought, paused and drained; it has no concurrency to change", () =>
  onAdminStage(async ({ cluster, producer }) => {
    const puller = createLitePullConsumer({
      namesrvAddr: cluster.namesrvAddr,
      consumerGroup: "audit",
      consumeFromWhere: "CONSUME_FROM_FIRST_OFFSET",
      messageTrace: false,
      credentials: { accessKey: "who", secretKey: "do-not-tell" },
    });
    const app = createAdminApp({ consumers: [puller], token: "t" });
    const headers = { authorization: "Bearer t", "content-type": "application/json" };
    const get = async (path: string) => await (await app.request(path, { headers })).json();
    const post = async (action: string, body: unknown) =>
      await app.request(`/consumers/audit/${action}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
    puller.subscribe("T", "a || b");
    await puller.start();
    const [queue] = puller.assignment();
    await producer.send({ topic: "T", body: "m", tag: "a" }, { queue: queue! });
    let got = 0;
    await until(async () => (got += (await puller.poll({ timeoutMs: 100 })).length) === 1);

    const details = await get("/consumers/audit");
    assertEquals([details.kind, details.phase, details.inFlight], ["lite pull", "running", 1]);
    assertEquals(details.queues.length, 2);
    assertEquals(details.configuration.autoCommit, "true");
    assert(!JSON.stringify(details).includes("do-not-tell"));
    assertEquals(await get("/subscriptions"), [{
      group: "audit",
      topic: "T",
      type: "TAG",
      expression: "a || b",
    }]);
    const metrics = await (await app.request("/metrics", { headers })).text();
    assert(metrics.includes('rocketmq_consumer_running{messaging_consumer_group_name="audit"} 1'), metrics);
    assert(!metrics.includes("rocketmq_consumer_concurrency{"), metrics);
    assertEquals((await post("concurrency", { min: 1, max: 2 })).status, 409);
    assertEquals(await (await post("pause", {})).json(), { queues: 2 });
    assertEquals(puller.assignment().map((each) => puller.isPaused(each)), [true, true]);
    await post("resume", { topic: "T" });
    assertEquals(puller.assignment().map((each) => puller.isPaused(each)), [false, false]);
    assertEquals((await post("seek", { ...queue, offset: 0 })).status, 204);
    await until(async () => (got += (await puller.poll({ timeoutMs: 100 })).length) === 2);
    assertEquals((await post("seek", { ...queue, offset: 99 })).status, 409);
    assertEquals((await post("drain", {})).status, 202);
    await until(() => puller.phase === "stopped");
  }));
