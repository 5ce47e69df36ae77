/**
 * Part of the transport contract.
 *
 * Dialling and listening: aborts that leave nothing open, refusals that name the address, listeners that stop.
 */
import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert";
import { NetworkError } from "../../src/core/errors.ts";
import { formatAddress } from "../../src/transport/seam.ts";
import { caCert } from "./tls_fixtures.ts";
import {
  ANY_PORT,
  breathe,
  decode,
  drain,
  encode,
  halfClose,
  readAll,
  type Transport,
  type TransportCase,
  withListener,
  withPair,
  writeAll,
} from "./transport_ends.ts";

/** The cases. */
export const transportDiallingCases: readonly TransportCase[] = [
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
];

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
