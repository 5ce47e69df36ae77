/**
 * What every transport must do, as named cases without a test runner's API.
 *
 * A case is given a transport and meets itself at 127.0.0.1: it listens, dials, and holds both ends. Deno's runner,
 * `transport_run.ts` on Bun and Node, and the unit tests of the memory network run the same list.
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert";
import { crc32 } from "node:zlib";
import { NetworkError } from "../../src/core/errors.ts";
import {
  type Address,
  type Connect,
  type Duplex,
  formatAddress,
  type Listen,
  type Listener,
  type ListenTlsOptions,
  type TlsOptions,
} from "../../src/transport/seam.ts";
import { caCert, elsewhere, localhost, otherCaCert } from "./tls_fixtures.ts";

/** The two functions under test. */
export interface Transport {
  readonly connect: Connect;
  readonly listen: Listen;
}

/** One requirement. */
export interface TransportCase {
  readonly name: string;
  /** Set when the case needs a peer that stays silent below TLS, which only real sockets have. */
  readonly realSockets?: true;
  /** Set when the case is about TLS. */
  readonly tls?: true;
  /** Set when the case is about a certificate that must not be accepted. */
  readonly refuses?: true;
  run(transport: Transport): Promise<void>;
}

const HOST = "127.0.0.1";
const ANY_PORT: Address = { host: HOST, port: 0 };
/** More than any kernel buffers on one connection. */
const MUCH = 32 * 1024 * 1024;
const CASE_LIMIT_MS = 20_000;

/** Runs a case, and fails it when it takes longer than any should. */
export async function runTransportCase(test: TransportCase, transport: Transport): Promise<void> {
  await within(CASE_LIMIT_MS, test.run(transport), "the case did not end");
}

/** The cases. */
export const transportCases: readonly TransportCase[] = [
  {
    name: "bytes written on either end arrive at the other",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const echoing = server.readable.pipeTo(server.writable);
        const writer = client.writable.getWriter();
        const reader = client.readable.getReader();
        for (const text of ["one", "two", "three"]) {
          await writer.write(encode(text));
          strictEqual(decode(await readExactly(reader, text.length)), text);
        }
        await writer.close();
        deepStrictEqual(await reader.read(), { done: true, value: undefined });
        await echoing;
      }),
  },
  {
    name: "writes of any size arrive whole and in order, whatever the chunks",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const parts = [1, 2, 1023, 65_535, 65_536, 65_537, 300_000, 3].map((size, index) =>
          pattern(size, index)
        );
        const reading = readAll(server.readable);
        await writeAll(client.writable, parts);
        deepStrictEqual(await reading, concat(parts));
      }),
  },
  {
    name: "chunks that were handed out keep their bytes while later ones arrive, on either end",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        for (const [from, to] of [[client, server], [server, client]] as const) {
          const sent = pattern(4 * 1024 * 1024, 7);
          const writing = writeAll(from.writable, slices(sent, 10_000));
          const chunks: Uint8Array[] = [];
          for await (const chunk of to.readable) chunks.push(chunk);
          await writing;
          strictEqual(crc32(concat(chunks)), crc32(sent));
        }
      }),
  },
  {
    name: "a buffer may be used again once its write has resolved",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const writer = client.writable.getWriter();
        const buffer = new Uint8Array(1000);
        for (let round = 1; round <= 5; round++) {
          await writer.write(buffer.fill(round));
        }
        buffer.fill(99);
        await writer.close();
        const got = await readAll(server.readable);
        deepStrictEqual([0, 1, 2, 3, 4].map((round) => got[round * 1000 + 999]), [1, 2, 3, 4, 5]);
      }),
  },
  {
    name: "an empty write sends nothing and harms nothing",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        await writeAll(client.writable, [new Uint8Array(0), encode("a"), new Uint8Array(0)]);
        strictEqual(decode(await readAll(server.readable)), "a");
      }),
  },
  {
    name: "small writes are not held back to be joined",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const echoing = server.readable.pipeTo(server.writable);
        const writer = client.writable.getWriter();
        const reader = client.readable.getReader();
        const started = Date.now();
        for (let round = 0; round < 20; round++) {
          await writer.write(encode("a"));
          await writer.write(encode("b"));
          await readExactly(reader, 2);
        }
        const tookMs = Date.now() - started;
        ok(tookMs < 600, `20 rounds took ${tookMs} ms; Nagle's algorithm takes 40 ms for each`);
        await writer.close();
        await echoing;
      }),
  },
  {
    name: "the dialling end may half-close and still read",
    run: (transport) => withPair(transport, ({ client, server }) => halfClose(client, server)),
  },
  {
    name: "the listening end may half-close and still read",
    run: (transport) => withPair(transport, ({ client, server }) => halfClose(server, client)),
  },
  {
    name: "a reset by the peer errors the readable and a waiting write with a NetworkError",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const { writing } = await fill(client.writable);
        // Closing with unread bytes makes the kernel answer with a reset.
        server.close();
        const reader = client.readable.getReader();
        await rejects(reader.read(), NetworkError);
        await rejects(writing, NetworkError);
      }),
  },
  {
    name: "close() ends both directions, a pending read included, and may be called again",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const reader = client.readable.getReader();
        const writer = client.writable.getWriter();
        const pending = reader.read();
        await breathe();
        client.close();
        client.close();
        strictEqual((await pending).done, true);
        await rejects(writer.write(encode("late")), NetworkError);
        strictEqual((await readAll(server.readable)).byteLength, 0);
      }),
  },
  {
    name: "close(reason) rejects a pending read and later writes with the reason",
    run: (transport) =>
      withPair(transport, async ({ client }) => {
        const reader = client.readable.getReader();
        const writer = client.writable.getWriter();
        const reason = new Error("going away");
        const pending = reader.read();
        await breathe();
        client.close(reason);
        await rejects(pending, reason);
        await rejects(writer.write(encode("late")), reason);
      }),
  },
  {
    name: "close() rejects a write that waits for room",
    run: (transport) =>
      withPair(transport, async ({ client }) => {
        const { writing } = await fill(client.writable);
        client.close();
        await rejects(writing, NetworkError);
      }),
  },
  {
    name: "bytes whose write resolved before close() still arrive",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        await client.writable.getWriter().write(encode("goodbye"));
        client.close();
        strictEqual(decode(await readAll(server.readable)), "goodbye");
      }),
  },
  {
    name: "a reader that is slow still gets everything after the peer has closed",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const { writtenBytes, writing, writer } = await fill(server.writable);
        const closing = writing.then(() => writer.close());
        let got = 0;
        for await (const chunk of client.readable) {
          got += chunk.byteLength;
          await pause(2);
        }
        await closing;
        strictEqual(got, writtenBytes + FILL_CHUNK_BYTES);
      }),
  },
  {
    name: "what was sent before close() can be read later, at leisure",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const sent = pattern(60_000, 4);
        await server.writable.getWriter().write(sent);
        server.close();
        await breathe();
        deepStrictEqual(await readAll(client.readable), sent);
      }),
  },
  {
    name: "cancelling the readable and closing the writable frees the connection",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        await client.readable.cancel();
        await client.writable.close();
        strictEqual((await readAll(server.readable)).byteLength, 0);
      }),
  },
  {
    name: "aborting the writable ends the connection",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const reading = readAll(server.readable).catch((error) => ok(error instanceof NetworkError));
        await client.writable.abort(new Error("enough"));
        await reading;
        await rejects(client.readable.getReader().read(), { message: "enough" });
      }),
  },
  {
    name: "a signal that was aborted before dialling rejects with its reason",
    run: (transport) =>
      withListener(transport, {}, async ({ address, accepted }) => {
        const reason = new Error("too late");
        const signal = AbortSignal.abort(reason);
        await rejects(transport.connect(address, { signal }), reason);
        strictEqual(accepted.length, 0);
      }),
  },
  {
    name: "an abort during connect rejects with the reason and leaves nothing open",
    run: (transport) =>
      withListener(transport, {}, async ({ address, accepted }) => {
        const abort = new AbortController();
        const reason = new Error("changed my mind");
        const dialling = transport.connect(address, { signal: abort.signal });
        abort.abort(reason);
        await rejects(dialling, reason);
        await breathe();
        // The kernel may have accepted before the abort; then the other end must see the connection go.
        for (const server of accepted) {
          await readAll(server.readable).catch((error) => ok(error instanceof NetworkError));
        }
      }),
  },
  {
    name: "an abort during the TLS handshake rejects with the reason",
    tls: true,
    realSockets: true,
    run: (transport) => abortHandshake(transport, () => Promise.resolve()),
  },
  {
    name: "an abort during the TLS handshake leaves nothing open",
    tls: true,
    realSockets: true,
    run: (transport) =>
      abortHandshake(
        transport,
        (reader) => drain(reader).catch((error) => ok(error instanceof NetworkError)),
      ),
  },
  {
    name: "an abort after connect does not touch the connection",
    run: (transport) =>
      withListener(transport, {}, async ({ address, next }) => {
        const abort = new AbortController();
        const client = await transport.connect(address, { signal: abort.signal });
        const server = await next();
        abort.abort(new Error("unrelated"));
        await breathe();
        await halfClose(client, server);
      }),
  },
  {
    name: "a refused connection rejects with a NetworkError that names address and cause",
    run: async (transport) => {
      const listener = await transport.listen(ANY_PORT, { onDuplex: () => {} });
      const { address } = listener;
      await listener.close();
      await rejects(transport.connect(address), (error) => {
        ok(error instanceof NetworkError);
        strictEqual(error.facts.address, formatAddress(address));
        ok(error.cause instanceof Error, "there is a cause");
        ok(error.message.startsWith(`Cannot connect to ${formatAddress(address)}: `), error.message);
        return true;
      });
    },
  },
  {
    name: "a reader that does not read holds the writer, and lets it go on when it reads",
    run: (transport) =>
      withPair(transport, async ({ client, server }) => {
        const { writtenBytes, writing, writer } = await fill(client.writable);
        ok(writtenBytes < MUCH, `${writtenBytes} bytes were taken without anyone reading`);
        const reading = readAll(server.readable);
        await writing;
        await writer.close();
        strictEqual((await reading).byteLength, writtenBytes + FILL_CHUNK_BYTES);
      }),
  },
  {
    name: "large transfers arrive unharmed in both directions at once",
    run: (transport) => withPair(transport, ({ client, server }) => exchange(client, server, MUCH)),
  },
  {
    name: "many connections are served at once, each on its own",
    run: (transport) =>
      withListener(transport, { echo: true }, async ({ address, accepted }) => {
        const said = await Promise.all(Array.from({ length: 200 }, async (_, index) => {
          const client = await transport.connect(address);
          const reading = readAll(client.readable);
          await writeAll(client.writable, [encode(`I am ${index}`)]);
          return decode(await reading);
        }));
        deepStrictEqual(said, said.map((_, index) => `I am ${index}`));
        strictEqual(accepted.length, 200);
      }),
  },
  {
    name: "both ends know the addresses of both",
    run: (transport) =>
      withPair(transport, ({ client, server, listener }) => {
        deepStrictEqual(client.remote, listener.address);
        deepStrictEqual(server.local, listener.address);
        deepStrictEqual(server.remote, client.local);
        ok(client.local.port > 0 && client.local.port !== client.remote.port);
        return Promise.resolve();
      }),
  },
  {
    name: "a closed listener refuses new connections and keeps those it handed out",
    run: (transport) =>
      withPair(transport, async ({ client, server, listener }) => {
        await listener.close();
        await listener.close();
        await rejects(transport.connect(listener.address), NetworkError);
        await halfClose(client, server);
      }),
  },
  {
    name: "aborting the signal given to listen closes the listener",
    run: async (transport) => {
      const abort = new AbortController();
      const listener = await transport.listen(ANY_PORT, { onDuplex: () => {}, signal: abort.signal });
      abort.abort();
      await listener.close();
      await rejects(transport.connect(listener.address), NetworkError);
    },
  },
  {
    name: "listening with an aborted signal rejects with its reason",
    run: (transport) => {
      const reason = new Error("not any more");
      return rejects(
        transport.listen(ANY_PORT, { onDuplex: () => {}, signal: AbortSignal.abort(reason) }),
        reason,
      );
    },
  },
  {
    name: "listening where someone listens rejects with a NetworkError",
    run: (transport) =>
      withListener(transport, {}, async ({ address }) => {
        await rejects(transport.listen(address, { onDuplex: () => {} }), NetworkError);
      }),
  },
  {
    name: "TLS carries bytes both ways when the listener's CA is trusted",
    tls: true,
    run: (transport) =>
      withPair(
        transport,
        ({ client, server }) => exchange(client, server, 4 * 1024 * 1024),
        TRUSTED,
      ),
  },
  {
    name: "TLS lets either end half-close",
    tls: true,
    run: async (transport) => {
      await withPair(transport, ({ client, server }) => halfClose(client, server), TRUSTED);
      await withPair(transport, ({ client, server }) => halfClose(server, client), TRUSTED);
    },
  },
  {
    name: "TLS holds the writer when nobody reads",
    tls: true,
    run: (transport) =>
      withPair(transport, async ({ client }) => {
        const { writtenBytes, writing } = await fill(client.writable);
        ok(writtenBytes < MUCH);
        client.close();
        await rejects(writing, NetworkError);
      }, TRUSTED),
  },
  {
    name: "TLS refuses a listener whose CA is not among the trusted ones",
    tls: true,
    refuses: true,
    run: (transport) => refused(transport, localhost, { caCerts: [otherCaCert] }),
  },
  {
    name: "TLS refuses a listener with a private CA when none is given",
    tls: true,
    refuses: true,
    run: (transport) => refused(transport, localhost, {}),
  },
  {
    name: "TLS refuses a certificate that is valid for another name only",
    tls: true,
    refuses: true,
    run: (transport) => refused(transport, elsewhere, { caCerts: [caCert] }),
  },
  {
    name: "TLS refuses a certificate that does not bear the expected serverName",
    tls: true,
    refuses: true,
    run: (transport) => refused(transport, localhost, { caCerts: [caCert], serverName: "elsewhere.invalid" }),
  },
  {
    name: "TLS verifies serverName instead of the dialled host when it is given",
    tls: true,
    run: (transport) =>
      withPair(transport, ({ client, server }) => halfClose(client, server), {
        listenTls: elsewhere,
        tls: { caCerts: [caCert], serverName: "elsewhere.invalid" },
      }),
  },
  {
    name: "insecureSkipVerify accepts any issuer and any name",
    tls: true,
    run: async (transport) => {
      for (const listenTls of [localhost, elsewhere]) {
        const tls = { insecureSkipVerify: true };
        await withPair(transport, ({ client, server }) => halfClose(client, server), { listenTls, tls });
      }
    },
  },
  {
    name: "a connection that never speaks TLS is not handed out by a TLS listener",
    tls: true,
    realSockets: true,
    run: (transport) =>
      withListener(transport, { tls: localhost }, async ({ address, accepted }) => {
        const plain = await transport.connect(address);
        const reading = readAll(plain.readable).catch((error) => ok(error instanceof NetworkError));
        await plain.writable.getWriter().write(encode("GET / HTTP/1.0\r\n\r\n"));
        await reading;
        strictEqual(accepted.length, 0);
        plain.close();
      }),
  },
];

const TRUSTED: PairOptions = { listenTls: localhost, tls: { caCerts: [caCert] } };

interface PairOptions {
  readonly listenTls?: ListenTlsOptions;
  readonly tls?: TlsOptions;
}

interface Pair {
  readonly client: Duplex;
  readonly server: Duplex;
  readonly listener: Listener;
}

interface Listening {
  readonly listener: Listener;
  readonly address: Address;
  /** Every connection so far. */
  readonly accepted: Duplex[];
  /** The next connection that was not asked for yet. */
  next(): Promise<Duplex>;
}

/** Listens while `use` runs; afterwards nothing is left open. */
async function withListener(
  transport: Transport,
  options: { tls?: ListenTlsOptions; echo?: boolean },
  use: (listening: Listening) => Promise<void>,
): Promise<void> {
  const accepted: Duplex[] = [];
  const wake: (() => void)[] = [];
  let taken = 0;
  const listener = await transport.listen(ANY_PORT, {
    ...(options.tls ? { tls: options.tls } : {}),
    onDuplex: (duplex) => {
      accepted.push(duplex);
      if (options.echo) duplex.readable.pipeTo(duplex.writable).catch(() => {});
      wake.shift()?.();
    },
  });
  const next = async (): Promise<Duplex> => {
    const index = taken++;
    while (accepted.length <= index) await new Promise<void>((resolve) => wake.push(resolve));
    return accepted[index]!;
  };
  try {
    await use({ listener, address: listener.address, accepted, next });
  } finally {
    for (const duplex of accepted) duplex.close();
    await listener.close();
    await breathe();
  }
}

/** Dials a listener of its own, and hands `use` both ends. */
function withPair(
  transport: Transport,
  use: (pair: Pair) => Promise<void>,
  options: PairOptions = {},
): Promise<void> {
  const { listenTls, tls } = options;
  return withListener(transport, listenTls ? { tls: listenTls } : {}, async ({ listener, address, next }) => {
    const client = await transport.connect(address, tls ? { tls } : {});
    try {
      await use({ client, server: await next(), listener });
    } finally {
      client.close();
    }
  });
}

/** `first` says all it has to say; `second` hears the end, answers, and ends too. */
async function halfClose(first: Duplex, second: Duplex): Promise<void> {
  await writeAll(first.writable, [encode("question")]);
  strictEqual(decode(await readAll(second.readable)), "question");
  await writeAll(second.writable, [encode("answer, "), encode("at length")]);
  strictEqual(decode(await readAll(first.readable)), "answer, at length");
}

/** Dials a listener that never answers the handshake, gives up, and lets `after` look at the other end. */
async function abortHandshake(
  transport: Transport,
  after: (reader: ReadableStreamDefaultReader<Uint8Array>) => Promise<void>,
): Promise<void> {
  await withListener(transport, {}, async ({ address, next }) => {
    const abort = new AbortController();
    const reason = new Error("no answer");
    const dialling = transport.connect(address, { signal: abort.signal, tls: { caCerts: [caCert] } });
    const reader = (await next()).readable.getReader();
    strictEqual((await reader.read()).done, false);
    abort.abort(reason);
    await rejects(dialling, reason);
    await after(reader);
  });
}

async function refused(transport: Transport, listenTls: ListenTlsOptions, tls: TlsOptions): Promise<void> {
  await withListener(transport, { tls: listenTls }, async ({ address, accepted }) => {
    await rejects(transport.connect(address, { tls }), (error) => {
      ok(error instanceof NetworkError, String(error));
      strictEqual(error.facts.address, formatAddress(address));
      return true;
    });
    await breathe();
    for (const server of accepted) {
      await readAll(server.readable).catch((error) => ok(error instanceof NetworkError));
    }
  });
}

/** Both ends send `sizeBytes` of their own and check what they get. */
async function exchange(one: Duplex, other: Duplex, sizeBytes: number): Promise<void> {
  const [up, down] = [pattern(sizeBytes, 1), pattern(sizeBytes, 2)];
  const [gotUp, gotDown] = await Promise.all([
    checksum(other.readable),
    checksum(one.readable),
    writeAll(one.writable, slices(up, 200_000)),
    writeAll(other.writable, slices(down, 50_000)),
  ]);
  deepStrictEqual(gotUp, { sizeBytes, crc: crc32(up) });
  deepStrictEqual(gotDown, { sizeBytes, crc: crc32(down) });
}

const FILL_CHUNK_BYTES = 64 * 1024;

/** Writes until a write has waited for a while, and says how much was taken before it. */
async function fill(writable: WritableStream<Uint8Array>): Promise<{
  writtenBytes: number;
  writing: Promise<void>;
  writer: WritableStreamDefaultWriter<Uint8Array>;
}> {
  const writer = writable.getWriter();
  let writtenBytes = 0;
  while (writtenBytes <= 2 * MUCH) {
    const writing = writer.write(pattern(FILL_CHUNK_BYTES, 3));
    let taken = false;
    const settled = writing.then(() => void (taken = true), () => {});
    await Promise.race([settled, pause(200)]);
    if (!taken) return { writtenBytes, writing, writer };
    writtenBytes += FILL_CHUNK_BYTES;
  }
  throw new Error(`${writtenBytes} bytes were written and nobody reads: there is no back-pressure`);
}

async function writeAll(writable: WritableStream<Uint8Array>, parts: Iterable<Uint8Array>): Promise<void> {
  const writer = writable.getWriter();
  for (const part of parts) await writer.write(part);
  await writer.close();
}

async function readAll(readable: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return concat(chunks);
}

async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

async function checksum(readable: ReadableStream<Uint8Array>): Promise<{ sizeBytes: number; crc: number }> {
  let sizeBytes = 0;
  let crc = 0;
  for await (const chunk of readable) {
    sizeBytes += chunk.byteLength;
    crc = crc32(chunk, crc);
  }
  return { sizeBytes, crc };
}

async function readExactly(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  sizeBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let got = 0;
  while (got < sizeBytes) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the stream ended after ${got} of ${sizeBytes} bytes`);
    chunks.push(value);
    got += value.byteLength;
  }
  strictEqual(got, sizeBytes);
  return concat(chunks);
}

function* slices(bytes: Uint8Array, sizeBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

/** Bytes that differ from place to place and from seed to seed. */
function pattern(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let i = 0; i < sizeBytes; i++) bytes[i] = (i * 31 + (i >>> 8) * 7 + (i >>> 16) + seed * 101) & 0xff;
  return bytes;
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.byteLength;
  }
  return joined;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A moment for what is under way in the kernel and in the runtime. */
function breathe(): Promise<void> {
  return pause(20);
}

async function within<T>(limitMs: number, promise: Promise<T>, complaint: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${complaint} within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
