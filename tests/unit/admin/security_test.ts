/**
 * The endpoint as an attacker meets it.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../mod.ts";
import { createAdminApp, serveAdmin } from "../../../src/admin/mod.ts";
import { EventStreams } from "../../../src/admin/event_stream.ts";
import { systemClock } from "../../../src/time/clock.ts";
import { readSource } from "../../../tools/source_text.ts";
import { eventful, onAdminStage, TOKEN } from "./admin_stage.ts";

const json = { "content-type": "application/json" };

Deno.test("with a token everything but the page and the two probes needs it, and a wrong one is no better than none", async () => {
  const app = createAdminApp({ token: TOKEN });
  const status = async (path: string, authorization?: string) =>
    (await app.request(path, authorization ? { headers: { authorization } } : {})).status;
  const { paths } =
    await (await app.request("/openapi.json", { headers: { authorization: `Bearer ${TOKEN}` } })).json();
  for (const [path, methods] of Object.entries<Record<string, unknown>>(paths)) {
    const open = ["/", "/healthz", "/readyz"].includes(path);
    for (const method of Object.keys(methods)) {
      const url = path.replaceAll(/[{]\w+[}]/g, "x");
      const response = await app.request(url, { method: method.toUpperCase(), headers: json });
      assertEquals(response.status === 401, !open, `${method} ${path}`);
      if (!open) assertEquals(response.headers.get("www-authenticate"), 'Bearer realm="contrail"');
      await response.body?.cancel();
    }
  }
  for (
    const wrong of [
      "",
      "Bearer",
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(1)}`,
      `Basic ${btoa(`x:${TOKEN}`)}`,
      TOKEN,
    ]
  ) {
    assertEquals(await status("/consumers", wrong), 401, wrong);
  }
  assertEquals(await status("/consumers", `bearer ${TOKEN}`), 200);
});

Deno.test("without a configured token nothing can be changed, whatever is sent", async () => {
  const app = createAdminApp();
  const { paths } = await (await app.request("/openapi.json")).json();
  const posts = Object.entries<Record<string, unknown>>(paths).filter(([, methods]) => "post" in methods);
  assert(posts.length >= 8);
  for (const [path] of posts) {
    for (const headers of [json, { ...json, authorization: "Bearer undefined" }]) {
      const response = await app.request(path.replaceAll(/[{]\w+[}]/g, "G"), {
        method: "POST",
        headers,
        body: "{}",
      });
      assertEquals(response.status, 403, path);
    }
  }
});

Deno.test("without the token neither body, key nor property of a dead letter is shown, nor what an error says", () =>
  onAdminStage(async ({ app, consumer, producer }) => {
    consumer.subscribe("T", "*", async (message) => {
      await message.deadLetter(`secret reason ${message.text()}`);
      throw new Error(`secret error ${message.text()}`);
    });
    const response = await app.request("/events");
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await consumer.start();
    await producer.send({
      topic: "T",
      body: "secret body",
      keys: "secret-key",
      properties: { name: "secret" },
    });
    let events = "";
    while (!events.includes("deadLettered")) events += (await reader.read()).value;
    await reader.cancel();
    assert(!events.includes("secret"), events);
    const letters = await (await app.request("/cluster/groups/G/dead-letters")).text();
    assert(letters.includes('"sizeBytes":11') && !letters.includes("secret"), letters);
  }, { token: undefined }));

Deno.test("a Host that is not allowed is refused, so a name that was rebound to this address reads nothing", async () => {
  const app = createAdminApp();
  const status = async (path: string, host: string) =>
    (await app.request(path, { headers: { host } })).status;
  for (const host of ["127.0.0.1", "localhost:8180", "[::1]:8180", "[::1]", "LOCALHOST"]) {
    assertEquals(await status("/consumers", host), 200, host);
  }
  for (
    const host of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example:8180",
      "localhost@evil.example",
      "::1",
      "127.0.0.1:80:80",
      "",
    ]
  ) {
    assertEquals(await status("/consumers", host), 421, host);
    assertEquals(await status("/", host), 421, host);
    assertEquals(await status("/cluster/topics/healthz", host), 421, host);
  }
  assertEquals(await status("/healthz", "10.0.0.7:8180"), 200);
  const probed = await app.request("/readyz", { headers: { host: "10.0.0.7" } });
  assertEquals(await probed.json(), { status: "ready" });
  assertEquals(
    (await createAdminApp({ allowedHosts: ["ops.example"] }).request("/consumers", {
      headers: { host: "localhost" },
    })).status,
    421,
  );
  assertEquals(
    (await createAdminApp({ allowedHosts: ["*"] }).request("/consumers", { headers: { host: "any" } }))
      .status,
    200,
  );
});

Deno.test("a page of another origin neither reads nor changes, unless its origin is allowed", async () => {
  const app = createAdminApp({ token: TOKEN, cors: ["https://ops.example"] });
  const authorization = `Bearer ${TOKEN}`;
  const post = (headers: Record<string, string>) =>
    app.request("/log-level", {
      method: "POST",
      headers: { authorization, host: "localhost:8180", ...headers },
      body: "{}",
    });
  assertEquals((await post({ ...json, origin: "https://evil.example" })).status, 403);
  assertEquals((await post({ ...json, origin: "null" })).status, 403);
  assertEquals((await post({ ...json, origin: "http://localhost:9999" })).status, 403);
  assertEquals((await post({ ...json, "sec-fetch-site": "cross-site" })).status, 403);
  for (
    const type of [
      "text/plain",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "text/plain;application/json",
    ]
  ) {
    assertEquals((await post({ "content-type": type })).status, 415, type);
  }
  assertEquals((await post({ ...json, origin: "http://localhost:8180" })).status, 400);
  assertEquals((await post({ ...json, origin: "https://ops.example" })).status, 400);
  const preflight = (origin: string) =>
    app.request("/log-level", {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST" },
    });
  assertEquals(
    (await preflight("https://ops.example")).headers.get("access-control-allow-origin"),
    "https://ops.example",
  );
  assertEquals((await preflight("https://evil.example")).headers.get("access-control-allow-origin"), null);
});

Deno.test("a body that is too large is refused, whether it says its length or not", async () => {
  const app = createAdminApp({ token: TOKEN });
  const headers = { ...json, authorization: `Bearer ${TOKEN}` };
  const large = JSON.stringify({ level: "x".repeat(20_000) });
  const told = await app.request("/log-level", {
    method: "POST",
    headers: { ...headers, "content-length": String(large.length) },
    body: large,
  });
  assertEquals([told.status, told.headers.get("content-type")], [413, "application/problem+json"]);
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(1024));
    },
  }, { highWaterMark: 0 });
  const init = { method: "POST", headers, body: endless, duplex: "half" } as RequestInit;
  const hidden = await app.request(new Request("http://localhost/log-level", init));
  assertEquals(hidden.status, 413);
  assert(pulled < 64, `${pulled}`);
});

Deno.test("input that is not as described is refused with the place, and paths that play tricks find nothing", async () => {
  const app = createAdminApp({ token: TOKEN });
  const headers = { ...json, authorization: `Bearer ${TOKEN}` };
  const post = (body: string) => app.request("/consumers/G/seek", { method: "POST", headers, body });
  assertEquals((await post("{")).status, 400);
  const wrong = await (await post('{"topic":"T","brokerName":"b","queueId":-1,"offset":1e99,"__proto__":{}}'))
    .json();
  assertEquals(wrong.problems.map(({ path }: { path: string }) => path).sort(), [
    "__proto__",
    "offset",
    "queueId",
  ]);
  for (
    const path of [
      "//consumers",
      "/consumers//G",
      "/consumers/..",
      "/../consumers/x",
      "/%2e%2e/etc/passwd",
      "/consumers/%00",
      "/consumers/%ff",
      "/consumers/G/",
      "/cluster/topics/a%2Fb",
      "/cluster/topics/%E0%A4%A",
      "/CONSUMERS",
    ]
  ) {
    const response = await app.request(`http://localhost${path}`, { headers });
    assert([200, 400, 404, 503].includes(response.status), `${path}: ${response.status}`);
    const text = await response.text();
    assert(response.status !== 200 || text === "[]" || text.startsWith("<!doctype"), `${path}: ${text}`);
    assert(!/\bat .*:\d+:\d+/.test(text), text);
  }
});

Deno.test("a slow reader of events costs a bounded queue and is told how many it missed", async () => {
  const { queues, consumer } = eventful();
  const streams = new EventStreams(systemClock);
  const reader = streams.open([consumer], true).body!.pipeThrough(new TextDecoderStream()).getReader();
  for (let at = 0; at < 5_000; at++) queues[0]!.push({ type: "untaken", topic: `T${at}` });
  await new Promise((resolve) => setTimeout(resolve, 5));
  let text = "";
  while (!text.includes('"T4999"')) text += (await reader.read()).value;
  const missed = Number(text.match(/event: dropped\ndata: (\d+)/)![1]);
  const got = text.match(/event: untaken/g)!.length;
  assertEquals(missed + got, 5_000);
  assert(got <= 300, `${got}`);
  await reader.cancel();
  assertEquals([streams.readers, queues.length], [0, 0]);
});

Deno.test("there are only so many readers of events, and one that leaves makes room", async () => {
  const { queues, consumer } = eventful();
  const streams = new EventStreams(systemClock);
  const open = Array.from({ length: 32 }, () => streams.open([consumer], false));
  assertThrows(() => streams.open([consumer], false), Error, "32 readers");
  assertEquals(queues.length, 32);
  await open.pop()!.body!.cancel();
  open.push(streams.open([consumer], false));
  for (const each of open) await each.body!.cancel();
  assertEquals([streams.readers, queues.length], [0, 0]);
});

Deno.test("the page holds no state, and its policy lets nothing run but its own script", async () => {
  const response = await createAdminApp({ token: TOKEN }).request("/");
  const policy = response.headers.get("content-security-policy")!;
  assert(policy.startsWith("default-src 'none'; script-src 'sha256-") && !policy.includes("unsafe"), policy);
  assert(policy.includes("frame-ancestors 'none'"), policy);
  const html = await response.text();
  const [, script] = html.match(/<script>([\s\S]*)<\/script>/)!;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(script));
  assert(policy.includes(`sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}`));
  assertEquals(
    /innerHTML|insertAdjacentHTML|outerHTML|document\.write|eval\(|https?:\/\/(?!www\.w3\.org)/.test(script!),
    false,
  );
  assertEquals(/ (on\w+|style)=/.test(html.replace(script!, "")), false);
  for (const name of ["x-content-type-options", "referrer-policy", "cache-control"]) {
    assert(response.headers.has(name));
  }
});

Deno.test("the page's script takes nothing along that a browser does not have", () => {
  for (const name of ["page_script", "page_parts"]) {
    const { code, imports } = readSource(`src/admin/${name}.ts`);
    assertEquals(imports.filter((each) => !each.typeOnly), [], name);
    const outside = code.matchAll(/^(?:export )?(?:const|let|var|function|class|async function) (\w+)/gm);
    assertEquals(Array.from(outside, ([, each]) => each).length, 1, `${name} is more than one class`);
  }
});

Deno.test("settings that would open the endpoint by mistake are refused", () => {
  assertThrows(() => createAdminApp({ token: "" }), ConfigError, "the token is empty");
  assertThrows(() => createAdminApp({ token: "a b" }), ConfigError, "the token has blanks");
  assertThrows(() => createAdminApp({ allowedHosts: [] }), ConfigError, "allowedHosts is empty");
  assertThrows(() => createAdminApp({ cors: ["ops.example"] }), ConfigError, "no origin");
  assertThrows(() => createAdminApp({ cors: ["*"] }), ConfigError, "no origin");
});

Deno.test("served, it binds to 127.0.0.1, streams events, and closes at once", () =>
  onAdminStage(async ({ consumer }) => {
    const server = await serveAdmin({ consumers: [consumer], port: 0, token: TOKEN });
    const headers = { authorization: `Bearer ${TOKEN}` };
    assert(server.url.startsWith("http://127.0.0.1:"), server.url);
    assertEquals(await (await fetch(`${server.url}/healthz`)).json(), { status: "ok" });
    assertEquals((await (await fetch(`${server.url}/consumers`, { headers })).json())[0].group, "G");
    const posted = await fetch(`${server.url}/consumers/G/concurrency`, {
      method: "POST",
      headers: { ...headers, ...json },
      body: '{"min":3,"max":4}',
    });
    assertEquals([posted.status, consumer.statistics().concurrency], [204, 3]);
    const events = (await fetch(`${server.url}/events`, { headers })).body!.pipeThrough(
      new TextDecoderStream(),
    ).getReader();
    assertEquals((await events.read()).value, ": contrail\n\n");
    consumer.subscribe("T", "*", () => {});
    await consumer.start();
    let text = "";
    while (!text.includes("event: assigned")) text += (await events.read()).value;
    await events.cancel().catch(() => {});
    await server.close();
  }));
