/**
 * The server as an attacker meets it, byte by byte on the connection.
 */
import { assert, assertEquals } from "@std/assert";
import { type AdminServer, serveAdmin } from "../../../src/admin/mod.ts";
import { eventful, TOKEN, until } from "./admin_stage.ts";

const BEARER = `authorization: Bearer ${TOKEN}\r\n`;
const encoder = new TextEncoder();

async function connect({ url }: AdminServer, text: string): Promise<Deno.TcpConn> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(encoder.encode(text));
  return connection;
}

/** The whole answer to `head`, whatever connection it comes over. */
async function answer(server: AdminServer, head: string, body = ""): Promise<string> {
  const connection = await connect(server, `${head}connection: close\r\n\r\n${body}`);
  return await new Response(connection.readable).text();
}

const status = (text: string): number => Number(text.split(" ")[1]);

Deno.test("a target that is no path, and a request that names no host or two, is refused", async () => {
  const server = await serveAdmin({ port: 0, token: TOKEN });
  const host = "host: localhost\r\n";
  const cases: [head: string, expected: number][] = [
    [`GET /consumers HTTP/1.1\r\n${host}`, 200],
    [`GET //evil.example/consumers HTTP/1.1\r\n${host}`, 400],
    [`GET http://evil.example/consumers HTTP/1.1\r\n${host}`, 400],
    [`GET http://localhost/consumers HTTP/1.1\r\nhost: evil.example\r\n`, 400],
    [`OPTIONS * HTTP/1.1\r\n${host}`, 400],
    [`GET /consumers HTTP/1.1\r\n${host}host: evil.example\r\n`, 400],
    [`GET /consumers HTTP/1.1\r\nhost: evil.example\r\n${host}`, 400],
    [`GET /consumers HTTP/1.1\r\n${host}HOST: localhost\r\n`, 400],
    ["GET /consumers HTTP/1.0\r\n", 400],
    ["GET /consumers HTTP/1.1\r\n", 400],
    ["GET /consumers HTTP/1.1\r\nhost:\r\n", 421],
    ["GET /consumers HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: localhost\r\n", 421],
    ["GET /consumers HTTP/1.1\r\nhost: localhost, evil.example\r\n", 421],
    [`GET /consumers HTTP/1.1\r\n${host}x: ${"a".repeat(17_000)}\r\n`, 431],
    [`POST /log-level HTTP/1.1\r\n${host}content-length: 5\r\ntransfer-encoding: chunked\r\n`, 400],
  ];
  for (const [head, expected] of cases) {
    const text = await answer(server, head + BEARER);
    assertEquals(status(text), expected, head.slice(0, 80));
  }
  const refused = await answer(server, "GET /consumers HTTP/1.0\r\n");
  assert(refused.includes("content-type: application/problem+json"), refused);
  assert(refused.includes('"status":400'), refused);
  await server.close();
});

Deno.test("a token counts in its header only: neither in the target, a cookie nor a body", async () => {
  const server = await serveAdmin({ port: 0, token: TOKEN });
  for (
    const head of [
      `GET /consumers?token=${TOKEN} HTTP/1.1\r\n`,
      `GET /consumers?access_token=${TOKEN} HTTP/1.1\r\n`,
      `GET /consumers HTTP/1.1\r\ncookie: token=${TOKEN}; authorization=Bearer ${TOKEN}\r\n`,
      `GET /consumers HTTP/1.1\r\nx-api-key: ${TOKEN}\r\n`,
      `GET /consumers HTTP/1.1\r\nauthorization: Bearer\r\nproxy-authorization: Bearer ${TOKEN}\r\n`,
    ]
  ) {
    assertEquals(status(await answer(server, `${head}host: localhost\r\n`)), 401, head);
  }
  await server.close();
});

Deno.test("JSON made to confuse is refused, and reaches no prototype", async () => {
  const server = await serveAdmin({ port: 0, token: TOKEN, log: { levelName: "INFO" } });
  const post = async (body: string) => {
    const head =
      `POST /log-level HTTP/1.1\r\nhost: localhost\r\n${BEARER}content-type: application/json\r\n` +
      `content-length: ${body.length}\r\n`;
    return status(await answer(server, head, body));
  };
  assertEquals(await post('{"level":"DEBUG"}'), 204);
  for (
    const body of [
      '{"level":"DEBUG","__proto__":{"polluted":1}}',
      '{"level":"DEBUG","constructor":{"prototype":{"polluted":1}}}',
      '{"level":{"toString":"DEBUG"}}',
      '["level"]',
      "null",
      `${"[".repeat(8_000)}${"]".repeat(8_000)}`,
      `{"level":"DEBUG"${" ".repeat(10)}`,
      '{"level":"__proto__"}',
    ]
  ) {
    assertEquals(await post(body), 400, body.slice(0, 60));
  }
  assertEquals(await post(`"${"x".repeat(17_000)}"`), 413);
  assertEquals("polluted" in {}, false);
  await server.close();
});

Deno.test("a client that takes its time over a request is not waited for", async () => {
  const server = await serveAdmin({ port: 0, token: TOKEN });
  const slow = ["", "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: "];
  const answers = await Promise.all(slow.map(async (text) => {
    const connection = await connect(server, text);
    return await new Response(connection.readable).text();
  }));
  assertEquals(answers.map(status), [408, 408]);
  await server.close();
});

Deno.test("so many connections and no more; one that closes makes room", async () => {
  const server = await serveAdmin({ port: 0 });
  const open = await Promise.all(Array.from({ length: 256 }, () => connect(server, "G")));
  const turnedAway = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(server.url).port) });
  assertEquals(await turnedAway.read(new Uint8Array(1)), null);
  turnedAway.close();
  for (const each of open) each.close();
  await until(async () => {
    const response = await fetch(`${server.url}/healthz`).catch(() => undefined);
    await response?.body?.cancel();
    return response?.status === 200;
  });
  await server.close();
});

Deno.test("of a hundred who ask for the events, 32 get them", async () => {
  const { queues, consumer } = eventful();
  const server = await serveAdmin({ consumers: [consumer], port: 0 });
  const asked = await Promise.all(
    Array.from({ length: 100 }, () => connect(server, "GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n")),
  );
  const answers = await Promise.all(asked.map(async (connection) => {
    const head = new Uint8Array(12);
    await connection.read(head);
    return status(new TextDecoder().decode(head));
  }));
  assertEquals([200, 503].map((code) => answers.filter((each) => each === code).length), [32, 68]);
  assertEquals(queues.length, 32);
  for (const connection of asked) connection.close();
  await until(() => queues.length === 0);
  await server.close();
});

Deno.test("a client that asks for the events and never reads costs what its connection holds, and no more", async () => {
  const { queues, consumer } = eventful();
  const server = await serveAdmin({ consumers: [consumer], port: 0 });
  const connection = await connect(
    server,
    "GET /events HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
  );
  await until(() => queues.length === 1);
  const topic = "x".repeat(1_000);
  const sent = 64_000;
  for (let at = 0; at < sent; at++) {
    queues[0]!.push({ type: "untaken", topic: `${at} ${topic}` });
    // the other end of each queue is a promise away
    if (at % 100 === 99) await new Promise((resolve) => setTimeout(resolve));
  }
  let read = 0, missed = 0, tail = "";
  for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
    read += text.length;
    for (const [, count] of (tail + text).matchAll(/event: dropped\ndata: (\d+)\n/g)) missed += Number(count);
    tail = (tail + text).slice(-1_100);
    if (tail.includes(`"${sent - 1} `)) break;
  }
  assert(missed > sent / 2, `${missed} were missed`);
  assert(read < 24 * 1024 * 1024, `${read} bytes waited for the reader`);
  await until(() => queues.length === 0);
  await server.close();
});
