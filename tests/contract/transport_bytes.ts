/**
 * Part of the transport contract.
 *
 * Bytes in, bytes out: order, chunk boundaries, who owns a chunk, and back-pressure.
 */
import { deepStrictEqual, ok, strictEqual } from "node:assert";
import { crc32 } from "node:zlib";
import {
  concat,
  decode,
  encode,
  exchange,
  fill,
  FILL_CHUNK_BYTES,
  MUCH,
  pattern,
  readAll,
  readExactly,
  slices,
  type TransportCase,
  withPair,
  writeAll,
} from "./transport_ends.ts";

/** The cases. */
export const transportByteCases: readonly TransportCase[] = [
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
];
