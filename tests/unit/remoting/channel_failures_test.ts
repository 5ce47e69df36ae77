import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { NetworkError, ProtocolError, TimeoutError } from "../../../src/core/errors.ts";
import { echo, echoing, OPTIONS, type RawPeer, withEnds, withRawPeer } from "./channel_support.ts";

Deno.test("channel: deadlines reject with TimeoutError, one sleeper serves them all, late answers are ignored", async () => {
  await withRawPeer(async (client, peer, clock) => {
    const slow = client.call(echo, { text: "30 s" }, { timeoutMs: 30_000 });
    const failures: string[] = [];
    const quick = [1000, 1500, 2000].map((timeoutMs) =>
      client.call(echo, { text: "" }, { timeoutMs }).catch((error) => {
        assert(error instanceof TimeoutError);
        failures.push(error.message);
      })
    );
    const frames = [await peer.next(), await peer.next(), await peer.next(), await peer.next()];
    assertEquals(clock.sleeping, 1);
    await clock.advance(999);
    assertEquals(failures.length, 0);
    await clock.advance(1);
    assertEquals(failures, ["Cannot call ECHO at 10.0.0.2:10911: no answer within 1000 ms"]);
    await clock.advance(1000);
    await Promise.all(quick);
    assertEquals(failures.length, 3);
    await peer.send({ opaque: frames[1]!.command.opaque, extFields: { text: "late" } });
    await peer.send({ opaque: frames[0]!.command.opaque, extFields: { text: "in time" } });
    assertEquals((await slow).header.text, "in time");
  });
});

Deno.test("channel: an abort rejects with the signal's reason, before the call and during it", async () => {
  await withRawPeer(async (client, peer) => {
    const reason = new Error("enough");
    await assertRejects(
      () => client.call(echo, { text: "" }, { ...OPTIONS, signal: AbortSignal.abort(reason) }),
      Error,
      "enough",
    );
    const stop = new AbortController();
    const call = client.call(echo, { text: "" }, { ...OPTIONS, signal: stop.signal });
    const { command } = await peer.next();
    stop.abort(reason);
    await assertRejects(() => call, Error, "enough");
    assertEquals(client.pending, 0);
    await peer.send({ opaque: command.opaque, extFields: { text: "late" } });
    const next = client.call(echo, { text: "" }, OPTIONS);
    await peer.send({ opaque: (await peer.next()).command.opaque, extFields: { text: "ok" } });
    assertEquals((await next).header.text, "ok");
  });
});

Deno.test("channel: a reset fails all pending calls at once with NetworkError naming the address", async () => {
  const closes: (Error | undefined)[] = [];
  await withEnds(() => undefined, async ({ client, left }) => {
    const calls = [1, 2, 3].map(() => client.call(echo, { text: "" }, OPTIONS));
    const failed = Promise.all(calls.map((call) => assertRejects(() => call, NetworkError)));
    left.reset();
    for (const error of await failed) {
      assertEquals(error.facts.address, "10.0.0.2:10911");
      assertStringIncludes(error.message, "Cannot call ECHO at 10.0.0.2:10911: the connection is closed");
    }
    await client.closed;
    assertEquals(closes.length, 1);
    assert(closes[0] instanceof NetworkError);
    await assertRejects(() => client.call(echo, { text: "" }, OPTIONS), NetworkError);
    assertThrows(() => client.oneway(echo, { text: "" }), NetworkError);
  }, { onClose: (error) => closes.push(error) });
});

Deno.test("channel: the peer's orderly end fails pending calls and closes this end too", async () => {
  await withEnds(() => undefined, async ({ client, server, left }) => {
    const call = client.call(echo, { text: "" }, OPTIONS);
    server.close();
    await assertRejects(() => call, NetworkError, "closed by the peer");
    await client.closed;
    assert(left.isClosed());
  });
});

Deno.test("channel: garbage, a torn frame and a frame too long reject pending calls with ProtocolError", async () => {
  const cases: [string, (peer: RawPeer) => Promise<void> | void][] = [
    [
      "length 1195725856 is above the limit of 1000",
      (peer) => peer.bytes(new TextEncoder().encode("GET / HTTP/1.1\r\n")),
    ],
    ["is above the limit of 1000", (peer) => peer.send({}, new Uint8Array(2000))],
    ["the stream ended after 4 of 54", async (peer) => {
      await peer.bytes(new Uint8Array([0, 0, 0, 50]));
      peer.close();
    }],
  ];
  for (const [text, misbehave] of cases) {
    await withRawPeer(async (client, peer) => {
      const call = client.call(echo, { text: "" }, OPTIONS);
      await peer.next();
      await misbehave(peer);
      const error = await assertRejects(() => call, ProtocolError, text);
      assertEquals(error.facts.address, "10.0.0.2:10911");
      assert(client.isClosed);
    }, { maxFrameBytes: 1000 });
  }
});

Deno.test("channel: past the queue's limit calls wait for room, in order, and one-way requests are refused", async () => {
  await withRawPeer(async (client, peer) => {
    const body = new Uint8Array(600);
    const calls = ["a", "b", "c", "d"].map((text) => client.call(echo, { text }, { ...OPTIONS, body }));
    assertThrows(() => client.oneway(echo, { text: "" }), NetworkError, "wait to be written");
    for (const text of ["a", "b", "c", "d"]) {
      const { command } = await peer.next();
      assertEquals(command.extFields, { text });
      await peer.send({ opaque: command.opaque, extFields: { text } });
    }
    await Promise.all(calls);
    client.oneway(echo, { text: "room again" });
    assertEquals((await peer.next()).command.extFields, { text: "room again" });
  }, { maxQueuedBytes: 1000 });
});

Deno.test("channel: a call whose deadline passes while it waits for room is not written", async () => {
  await withRawPeer(async (client, peer, clock) => {
    const body = new Uint8Array(2000);
    const first = client.call(echo, { text: "first" }, { timeoutMs: 9000, body });
    const late = client.call(echo, { text: "late" }, { timeoutMs: 1000, body });
    const failed = assertRejects(() => late, TimeoutError);
    // The peer does not read; the first write is out, the second call never gets room.
    const third = client.call(echo, { text: "third" }, { timeoutMs: 9000 });
    clock.advance(1000);
    await failed;
    const one = await peer.next();
    const two = await peer.next();
    assertEquals([one.command.extFields!.text, two.command.extFields!.text], ["first", "third"]);
    await peer.send({ opaque: one.command.opaque, extFields: { text: "" } });
    await peer.send({ opaque: two.command.opaque, extFields: { text: "" } });
    await Promise.all([first, third]);
  }, { maxQueuedBytes: 1000 });
});

Deno.test("channel: more pending calls than the limit are refused", async () => {
  await withEnds(() => undefined, async ({ client }) => {
    const pending = [1, 2].map(() => assertRejects(() => client.call(echo, { text: "" }, OPTIONS)));
    await assertRejects(
      () => client.call(echo, { text: "" }, OPTIONS),
      NetworkError,
      "2 calls are pending already",
    );
    client.close();
    await Promise.all(pending);
  }, { maxPendingCalls: 2 });
});

Deno.test("channel: a header that cannot be written rejects its call and sends nothing", async () => {
  await withEnds(echoing, async ({ client, left }) => {
    // @ts-expect-error the field is missing on purpose
    await assertRejects(() => client.call(echo, {}, OPTIONS), ProtocolError, '"text" is missing');
    assertEquals(client.pending, 0);
    assertEquals(left.writes.length, 0);
  });
});
