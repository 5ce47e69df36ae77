import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { NetworkError } from "../../../src/core/errors.ts";
import { networkError, type Socket, StreamPair } from "../../../src/transport/stream_pair.ts";

const HERE = { host: "127.0.0.1", port: 1 };
const THERE = { host: "::1", port: 2 };

/** A socket that does as it is told and remembers what it was asked. */
class ScriptedSocket implements Socket {
  pulls = 0;
  releases = 0;
  halfCloses = 0;
  readonly written: Uint8Array[] = [];
  writeProblem: Error | undefined;

  pull(): void {
    this.pulls++;
  }
  write(chunk: Uint8Array): void {
    if (this.writeProblem) throw this.writeProblem;
    this.written.push(chunk);
  }
  halfClose(): void {
    this.halfCloses++;
  }
  release(): void {
    this.releases++;
  }
}

function pairOf(readAhead = 0): { socket: ScriptedSocket; pair: StreamPair } {
  const socket = new ScriptedSocket();
  return { socket, pair: new StreamPair(socket, HERE, THERE, readAhead) };
}

Deno.test("chunks pass without a copy, in both directions", async () => {
  const { socket, pair } = pairOf();
  const chunk = new Uint8Array([1, 2, 3]);
  const reading = pair.readable.getReader().read();
  pair.deliver(chunk);
  assertStrictEquals((await reading).value, chunk);
  await pair.writable.getWriter().write(chunk);
  assertStrictEquals(socket.written[0], chunk);
});

Deno.test("without read-ahead the socket is asked only when a reader is", async () => {
  const { socket, pair } = pairOf(0);
  await Promise.resolve();
  assertEquals(socket.pulls, 0);
  const reading = pair.readable.getReader().read();
  await Promise.resolve();
  assertEquals(socket.pulls, 1);
  pair.finish();
  await reading;
});

Deno.test("`wanted` tells when the read-ahead is used up", () => {
  const { pair } = pairOf(2);
  assertEquals(pair.wanted, 2);
  pair.deliver(new Uint8Array(1));
  pair.deliver(new Uint8Array(1));
  assertEquals(pair.wanted, 0);
});

Deno.test("the socket is released once, when both directions have ended, in either order", async () => {
  for (const peerFirst of [true, false]) {
    const { socket, pair } = pairOf();
    if (peerFirst) pair.finish();
    await pair.writable.close();
    assertEquals(socket.releases, peerFirst ? 1 : 0);
    if (!peerFirst) pair.finish();
    pair.close();
    pair.fail("late");
    assertEquals([socket.releases, socket.halfCloses], [1, 1]);
  }
});

Deno.test("bytes and ends that come after close() are dropped", async () => {
  const { socket, pair } = pairOf();
  pair.close();
  pair.deliver(new Uint8Array(1));
  pair.finish();
  assertEquals((await pair.readable.getReader().read()).done, true);
  assertEquals(socket.releases, 1);
});

Deno.test("a failed write shuts its direction only: what the peer had said can still be read", async () => {
  const { socket, pair } = pairOf(2);
  pair.deliver(new Uint8Array([7]));
  socket.writeProblem = new Error("broken pipe");
  const error = await assertRejects(() => pair.writable.getWriter().write(new Uint8Array(1)), NetworkError);
  assertEquals(error.message, "Cannot write to [::1]:2: broken pipe");
  assertEquals(socket.releases, 0);
  const reader = pair.readable.getReader();
  assertEquals((await reader.read()).value, new Uint8Array([7]));
  // The kernel told the write of the reset; the read that follows sees a mere end.
  pair.finish();
  const reset = await assertRejects(() => reader.read(), NetworkError, "broken pipe");
  assertStrictEquals(reset.cause, socket.writeProblem);
  assertEquals(socket.releases, 1);
});

Deno.test("a broken connection errors both directions, each saying what was attempted", async () => {
  const { pair } = pairOf();
  pair.fail(new Error("connection reset"));
  await assertRejects(() => pair.readable.getReader().read(), NetworkError, "Cannot read from [::1]:2");
  const writer = pair.writable.getWriter();
  await assertRejects(() => writer.write(new Uint8Array(1)), NetworkError, "Cannot write to [::1]:2");
});

Deno.test("a NetworkError names the address, the cause, and each of several causes without a message of their own", () => {
  const cause = new AggregateError([new Error("refused v6"), new Error("refused v4")]);
  const error = networkError("connect to", THERE, cause);
  assertEquals(error.message, "Cannot connect to [::1]:2: refused v6; refused v4");
  assertEquals(error.facts.address, "[::1]:2");
  assertStrictEquals(error.cause, cause);
  assert(error.retriable);
});
