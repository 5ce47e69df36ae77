/**
 * Part of the transport contract.
 *
 * TLS: a private CA that is trusted, and every certificate that must not be.
 */
import { ok, rejects, strictEqual } from "node:assert";
import { NetworkError } from "../../src/core/errors.ts";
import { formatAddress, type ListenTlsOptions, type TlsOptions } from "../../src/transport/seam.ts";
import { caCert, elsewhere, localhost, otherCaCert } from "./tls_fixtures.ts";
import {
  breathe,
  encode,
  exchange,
  fill,
  halfClose,
  MUCH,
  type PairOptions,
  readAll,
  type Transport,
  type TransportCase,
  withListener,
  withPair,
} from "./transport_ends.ts";

const TRUSTED: PairOptions = { listenTls: localhost, tls: { caCerts: [caCert] } };

/** The cases. */
export const transportTlsCases: readonly TransportCase[] = [
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
