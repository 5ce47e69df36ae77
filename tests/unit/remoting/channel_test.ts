import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { BrokerError, NetworkError, ProtocolError, TimeoutError } from "../../../src/core/errors.ts";
import type { RequestHandler } from "../../../src/remoting/call.ts";
import { Channel, type ChannelOptions } from "../../../src/remoting/channel.ts";
import { ManualClock } from "../../../src/testing/manual_clock.ts";
import type { Command } from "../../../src/wire/command.ts";
import { encodeFrame, type Frame, FrameDecoder } from "../../../src/wire/frame.ts";
import { int, operation, opt, str } from "../../../src/wire/schema.ts";
import { duplexPair, type TestDuplex } from "./duplex_pair.ts";

const echo = operation({
  name: "ECHO",
  code: 9001,
  request: { text: str, times: opt(int) },
  response: { text: str },
  answers: [0, 19],
});

const OPTIONS = { timeoutMs: 3000 };

interface Ends {
  clock: ManualClock;
  client: Channel;
  server: Channel;
  left: TestDuplex;
  right: TestDuplex;
}

async function withEnds(
  handler: RequestHandler | undefined,
  body: (ends: Ends) => Promise<void>,
  clientOptions: Partial<ChannelOptions> = {},
): Promise<void> {
  const clock = new ManualClock();
  const [left, right] = duplexPair();
  const client = new Channel(left, { clock, ...clientOptions });
  const server = new Channel(right, { clock, onRequest: handler });
  try {
    await body({ clock, client, server, left, right });
  } finally {
    client.close();
    server.close();
    await client.closed;
    await server.closed;
    assertEquals(clock.sleeping, 0, "no sleeper may outlive the channels");
  }
}

const echoing: RequestHandler = ({ command, body }) => ({ code: 0, extFields: command.extFields, body });

/** The raw other end of a channel: frames in, frames out. */
class RawPeer {
  readonly #duplex: TestDuplex;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new FrameDecoder();
  readonly #frames: Frame[] = [];

  constructor(duplex: TestDuplex) {
    this.#duplex = duplex;
    this.#writer = duplex.writable.getWriter();
    this.#reader = duplex.readable.getReader();
  }

  async next(): Promise<Frame> {
    while (this.#frames.length === 0) {
      const { value } = await this.#reader.read();
      this.#decoder.push(value!, (frame) => this.#frames.push(frame));
    }
    return this.#frames.shift()!;
  }

  send(command: Partial<Command>, body?: Uint8Array): Promise<void> {
    const whole = { code: 0, language: "JAVA", version: 513, opaque: 0, flag: 1, ...command };
    return this.bytes(encodeFrame(whole, body));
  }

  bytes(bytes: Uint8Array): Promise<void> {
    return this.#writer.write(bytes);
  }

  close(): void {
    this.#duplex.close();
  }
}

async function withRawPeer(
  body: (client: Channel, peer: RawPeer, clock: ManualClock) => Promise<void>,
  options: Partial<ChannelOptions> = {},
): Promise<void> {
  const clock = new ManualClock();
  const [left, right] = duplexPair();
  const client = new Channel(left, { clock, ...options });
  const peer = new RawPeer(right);
  try {
    await body(client, peer, clock);
  } finally {
    client.close();
    peer.close();
    await client.closed;
  }
}

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

Deno.test("channel: a header that cannot be written rejects its call and sends nothing", async () => {
  await withEnds(echoing, async ({ client, left }) => {
    // @ts-expect-error the field is missing on purpose
    await assertRejects(() => client.call(echo, {}, OPTIONS), ProtocolError, '"text" is missing');
    assertEquals(client.pending, 0);
    assertEquals(left.writes.length, 0);
  });
});
