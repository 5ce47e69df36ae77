import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BrokerError, ProtocolError } from "../../../src/core/errors.ts";
import type { RequestHandler } from "../../../src/remoting/call.ts";
import { Channel } from "../../../src/remoting/channel.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import type { Command } from "../../../src/wire/command.ts";
import { echo, echoing, OPTIONS, withEnds, withRawPeer } from "./channel_support.ts";
import { duplexPair } from "./duplex_pair.ts";

Deno.test("channel: a call resolves with the answer's header, body, remark and version", async () => {
  await withEnds(echoing, async ({ client }) => {
    const body = new Uint8Array([1, 2, 3]);
    const reply = await client.call(echo, { text: "hé" }, { ...OPTIONS, body });
    assertEquals(reply.header, { text: "hé" });
    assertEquals([...reply.body], [1, 2, 3]);
    assertEquals(reply.code, 0);
    assertEquals(reply.version, 513);
    assertEquals(client.pending, 0);
    assertEquals(client.peerVersion, 513);
  });
});

Deno.test("channel: answers find their calls in whatever order they come", async () => {
  await withRawPeer(async (client, peer) => {
    const first = client.call(echo, { text: "a" }, OPTIONS);
    const second = client.call(echo, { text: "b" }, OPTIONS);
    const one = await peer.next();
    const two = await peer.next();
    await peer.send({ opaque: two.command.opaque, extFields: { text: "second" } });
    await peer.send({ opaque: one.command.opaque, extFields: { text: "first" } });
    assertEquals((await first).header.text, "first");
    assertEquals((await second).header.text, "second");
  });
});

Deno.test("channel: calls go both ways over one connection with the same numbers", async () => {
  const clock = new ManualClock();
  const [left, right] = duplexPair();
  const a = new Channel(left, { clock, onRequest: () => ({ code: 0, extFields: { text: "from a" } }) });
  const b = new Channel(right, { clock, onRequest: () => ({ code: 0, extFields: { text: "from b" } }) });
  const [toB, toA] = await Promise.all([
    a.call(echo, { text: "" }, OPTIONS),
    b.call(echo, { text: "" }, OPTIONS),
  ]);
  assertEquals([toB.header.text, toA.header.text], ["from b", "from a"]);
  a.close();
  await a.closed;
  await b.closed;
});

Deno.test("channel: codes listed as answers resolve, others reject with name, remark and address", async () => {
  let code = 19;
  const handler: RequestHandler = () => ({ code, remark: "said so", extFields: { text: "t" } });
  await withEnds(handler, async ({ client }) => {
    assertEquals((await client.call(echo, { text: "" }, OPTIONS)).code, 19);
    code = 2;
    const busy = await assertRejects(() => client.call(echo, { text: "" }, OPTIONS), BrokerError);
    assertEquals(busy.facts.responseCode, 2);
    assertEquals(busy.facts.remark, "said so");
    assertEquals(busy.facts.address, "10.0.0.2:10911");
    assertEquals(busy.retriable, true);
    assertStringIncludes(
      busy.message,
      "Cannot call ECHO at 10.0.0.2:10911: answer is SYSTEM_BUSY (2): said so",
    );
    code = 13;
    assertEquals(
      (await assertRejects(() => client.call(echo, { text: "" }, OPTIONS), BrokerError)).retriable,
      false,
    );
  });
});

Deno.test("channel: an answer whose header lacks a field rejects its call and keeps the connection", async () => {
  let fields: Record<string, string> = {};
  await withEnds(() => ({ code: 0, extFields: fields }), async ({ client }) => {
    await assertRejects(() => client.call(echo, { text: "" }, OPTIONS), ProtocolError, '"text" is missing');
    fields = { text: "now" };
    assertEquals((await client.call(echo, { text: "" }, OPTIONS)).header.text, "now");
  });
});

Deno.test("channel: a throwing or rejecting handler is answered SYSTEM_ERROR with its message", async () => {
  const handler: RequestHandler = ({ command }) => {
    if (command.extFields!.text === "sync") throw new Error("sync trouble");
    return Promise.reject(new Error("async trouble"));
  };
  await withEnds(handler, async ({ client }) => {
    for (const text of ["sync", "async"]) {
      const error = await assertRejects(() => client.call(echo, { text }, OPTIONS), BrokerError);
      assertEquals([error.facts.responseCode, error.facts.remark], [1, `${text} trouble`]);
    }
  });
});

Deno.test("channel: without a handler a request is answered REQUEST_CODE_NOT_SUPPORTED", async () => {
  await withEnds(undefined, async ({ client }) => {
    const error = await assertRejects(() => client.call(echo, { text: "" }, OPTIONS), BrokerError);
    assertEquals([error.facts.responseCode, error.facts.remark], [3, " request type 9001 not supported"]);
  });
});

Deno.test("channel: a one-way request is flagged, handled and never answered", async () => {
  const seen: [boolean, number][] = [];
  const handler: RequestHandler = ({ oneway, command }) => {
    seen.push([oneway, command.flag]);
    return { code: 0, extFields: { text: "x" } };
  };
  await withEnds(handler, async ({ client, right }) => {
    client.oneway(echo, { text: "hello" });
    await client.call(echo, { text: "sync" }, OPTIONS);
    assertEquals(seen, [[true, 2], [false, 0]]);
    assertEquals(right.writes.length, 1);
  });
});

Deno.test("channel: what is written within one turn leaves in one write, large frames alone", async () => {
  await withEnds(echoing, async ({ client, left }) => {
    const calls = Array.from({ length: 100 }, (_, i) => client.call(echo, { text: `${i}` }, OPTIONS));
    assertEquals((await Promise.all(calls)).map((reply) => reply.header.text), calls.map((_, i) => `${i}`));
    assertEquals(left.writes.length, 1);
    const body = new Uint8Array(300_000);
    const large = [1, 2].map(() => client.call(echo, { text: "" }, { ...OPTIONS, body }));
    await Promise.all(large);
    assertEquals(left.writes.length, 3);
  });
});

Deno.test("channel: numbers wrap at int32 and skip those still pending", async () => {
  await withRawPeer(async (client, peer) => {
    const calls = [1, 2, 3].map(() => client.call(echo, { text: "" }, OPTIONS));
    const opaques: number[] = [];
    for (const _ of calls) opaques.push((await peer.next()).command.opaque);
    assertEquals(opaques, [2147483646, 2147483647, -2147483648]);
    for (const opaque of opaques) await peer.send({ opaque, extFields: { text: "" } });
    await Promise.all(calls);
  }, { firstOpaque: 2147483646 });
});

Deno.test("channel: the signature sees every other header field and the body", async () => {
  const signed: [Record<string, string>, number][] = [];
  const sign = (command: Command, body: Uint8Array | undefined): void => {
    signed.push([{ ...command.extFields }, body?.length ?? 0]);
    command.extFields!.Signature = "s";
  };
  await withEnds(echoing, async ({ client }) => {
    const options = { ...OPTIONS, body: new Uint8Array(2), extFields: { _UNIQUE_KEY_QUERY: "true" } };
    const reply = await client.call(echo, { text: "t", times: 2 }, options);
    assertEquals(signed, [[{ text: "t", times: "2", _UNIQUE_KEY_QUERY: "true" }, 2]]);
    assertEquals(reply.extFields.Signature, "s");
  }, { sign });
});

Deno.test("channel: a wire log hears of both directions without bodies", async () => {
  const log: string[] = [];
  await withEnds(echoing, async ({ client }) => {
    await client.call(echo, { text: "t" }, { ...OPTIONS, body: new Uint8Array(5) });
    assertEquals(log, ["out 9001 5", "in 0 5"]);
  }, {
    onFrame: ({ direction, command, bodyBytes }) => log.push(`${direction} ${command.code} ${bodyBytes}`),
  });
});

Deno.test("channel: GO_AWAY is a BrokerError of its own code and marks the channel", async () => {
  await withEnds(() => ({ code: 1500 }), async ({ client }) => {
    const error = await assertRejects(() => client.call(echo, { text: "" }, OPTIONS), BrokerError);
    assertEquals(error.facts.responseCode, 1500);
    assert(client.goingAway);
    assert(!client.isClosed);
  });
});
