/**
 * Both ends of a connection, and what the transport's cases do with them.
 *
 * A case is given a transport and meets itself at 127.0.0.1: it listens, dials, and holds both ends; whatever happens,
 * nothing is left open afterwards.
 */
import { deepStrictEqual, strictEqual } from "node:assert";
import { crc32 } from "node:zlib";
import type {
  Address,
  Connect,
  Duplex,
  Listen,
  Listener,
  ListenTlsOptions,
  TlsOptions,
} from "../../src/transport/seam.ts";

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

/** Where the cases listen: a free port of this machine. */
export const ANY_PORT: Address = { host: "127.0.0.1", port: 0 };
/** More than any kernel buffers on one connection. */
export const MUCH = 32 * 1024 * 1024;

export interface PairOptions {
  readonly listenTls?: ListenTlsOptions;
  readonly tls?: TlsOptions;
}

export interface Pair {
  readonly client: Duplex;
  readonly server: Duplex;
  readonly listener: Listener;
}

export interface Listening {
  readonly listener: Listener;
  readonly address: Address;
  /** Every connection so far. */
  readonly accepted: Duplex[];
  /** The next connection that was not asked for yet. */
  next(): Promise<Duplex>;
}

/** Listens while `use` runs; afterwards nothing is left open. */
export async function withListener(
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
export function withPair(
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
export async function halfClose(first: Duplex, second: Duplex): Promise<void> {
  await writeAll(first.writable, [encode("question")]);
  strictEqual(decode(await readAll(second.readable)), "question");
  await writeAll(second.writable, [encode("answer, "), encode("at length")]);
  strictEqual(decode(await readAll(first.readable)), "answer, at length");
}

/** Both ends send `sizeBytes` of their own and check what they get. */
export async function exchange(one: Duplex, other: Duplex, sizeBytes: number): Promise<void> {
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

/** How much one write of `fill` carries. */
export const FILL_CHUNK_BYTES = 64 * 1024;

/** Writes until a write has waited for a while, and says how much was taken before it. */
export async function fill(writable: WritableStream<Uint8Array>): Promise<{
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

export async function writeAll(
  writable: WritableStream<Uint8Array>,
  parts: Iterable<Uint8Array>,
): Promise<void> {
  const writer = writable.getWriter();
  for (const part of parts) await writer.write(part);
  await writer.close();
}

export async function readAll(readable: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readable) chunks.push(chunk);
  return concat(chunks);
}

export async function drain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}

export async function checksum(
  readable: ReadableStream<Uint8Array>,
): Promise<{ sizeBytes: number; crc: number }> {
  let sizeBytes = 0;
  let crc = 0;
  for await (const chunk of readable) {
    sizeBytes += chunk.byteLength;
    crc = crc32(chunk, crc);
  }
  return { sizeBytes, crc };
}

export async function readExactly(
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

export function* slices(bytes: Uint8Array, sizeBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

/** Bytes that differ from place to place and from seed to seed. */
export function pattern(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let i = 0; i < sizeBytes; i++) bytes[i] = (i * 31 + (i >>> 8) * 7 + (i >>> 16) + seed * 101) & 0xff;
  return bytes;
}

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    joined.set(chunk, at);
    at += chunk.byteLength;
  }
  return joined;
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A moment for what is under way in the kernel and in the runtime. */
export function breathe(): Promise<void> {
  return pause(20);
}
