import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConfigError, NameServerError } from "../../../src/core/errors.ts";
import { type Fetch, fetchNameServers, parseNameServers } from "../../../src/routing/name_server_list.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";

Deno.test("name server list: a text with semicolons, an array, or both", () => {
  const expected = { kind: "static", addresses: ["a:9876", "b:9876"] } as const;
  for (
    const given of ["a:9876;b:9876", " a:9876 ; b:9876;", ["a:9876", "b:9876"], ["a:9876;b:9876", "a:9876"]]
  ) {
    assertEquals(parseNameServers(given), expected);
  }
});

Deno.test("name server list: a URL with a path is an address server, one without is an endpoint", () => {
  const url = "http://ns.example:8080/rocketmq/nsaddr";
  assertEquals(parseNameServers(url), { kind: "http", url });
  assertEquals(parseNameServers(["https://ns.example/list?x=1"]), {
    kind: "http",
    url: "https://ns.example/list?x=1",
  });
  assertEquals(parseNameServers("http://MQ_INST_1.mq:80/"), {
    kind: "static",
    addresses: ["MQ_INST_1.mq:80"],
  });
});

Deno.test("name server list: what is no address is refused with its value", () => {
  assertThrows(() => parseNameServers(""), ConfigError, "it names no server");
  assertThrows(() => parseNameServers([]), ConfigError, "it names no server");
  assertThrows(() => parseNameServers("a:9876;b"), ConfigError, '"b" is not host:port');
  assertThrows(() => parseNameServers("http://"), ConfigError, "it is no URL");
});

function answering(body: BodyInit, status = 200): Fetch {
  return () => Promise.resolve(new Response(body, { status }));
}

Deno.test("address server: the first line of the answer is the list", async () => {
  const clock = new ManualClock();
  for (const body of ["a:1;b:2", "a:1;b:2\n", " a:1;b:2 \r\nsomething else\n"]) {
    assertEquals(await fetchNameServers("http://x/y", { clock, fetch: answering(body) }), ["a:1", "b:2"]);
  }
  assertEquals(clock.sleeping, 0);
});

Deno.test("address server: no list, another status or an endless line is a NameServerError naming the URL", async () => {
  const clock = new ManualClock();
  const cases: [Fetch, string][] = [
    [answering("nothing here"), "is not host:port"],
    [answering(""), "names no server"],
    [answering("a:1", 503), "its status is 503"],
    [answering("x".repeat(100_000)), "byte size limit of '65536'"],
    [answering("http://other/list"), "it names another address server"],
    [() => Promise.reject(new TypeError("connection refused")), "connection refused"],
  ];
  for (const [fetch, text] of cases) {
    const error = await assertRejects(
      () => fetchNameServers("http://x/y", { clock, fetch }),
      NameServerError,
      text,
    );
    assertEquals(error.message.startsWith("Cannot get the list of name servers from http://x/y: "), true);
  }
  assertEquals(clock.sleeping, 0);
});

/** Never answers; ends when it is aborted. */
const silent: Fetch = (_, { signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

Deno.test("address server: silence for 3 s is a failure, and the caller's signal ends it earlier", async () => {
  const clock = new ManualClock();
  const call = assertRejects(
    () => fetchNameServers("http://x/y", { clock, fetch: silent }),
    NameServerError,
    "no answer within 3000 ms",
  );
  await clock.advance(3000);
  await call;
  const stop = new AbortController();
  const aborted = fetchNameServers("http://x/y", { clock, fetch: silent, signal: stop.signal });
  stop.abort(new Error("enough"));
  await assertRejects(() => aborted, Error, "enough");
  assertEquals(clock.sleeping, 0);
});
