/**
 * Part of the transport contract.
 *
 * The many ways to end: half-close, close, cancel, abort and reset, and what each still lets through.
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert";
import { NetworkError } from "../../src/core/errors.ts";
import {
  breathe,
  decode,
  encode,
  fill,
  FILL_CHUNK_BYTES,
  halfClose,
  pattern,
  pause,
  readAll,
  type TransportCase,
  withPair,
} from "./transport_ends.ts";

/** The cases. */
export const transportClosingCases: readonly TransportCase[] = [
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
];
