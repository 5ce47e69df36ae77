/**
 * The seam on Node: node:net and node:tls, under streams of our own.
 *
 * Picture the socket as a tap: it flows into `readable` until a few chunks wait there unread, is turned off, and turned on
 * again when the reader asks for more. A plain connection that we dial reads into a slab (`onread`, half the CPU of
 * `data` events, which all others use). A write settles when the kernel has the bytes, so an awaited write survives
 * `close()`. `Duplex.toWeb` is not used: it costs half as much CPU again.
 *
 * @module
 */
import {
  connect as dialTcp,
  createServer,
  isIP,
  type OnReadOpts,
  type Server,
  type Socket as NetSocket,
} from "node:net";
import * as nodeTls from "node:tls";
import type { Address, Connect, Duplex, Listen, Listener, ListenTlsOptions, TlsOptions } from "./seam.ts";
import { Slab } from "./slab.ts";
import { networkError, type Socket, StreamPair } from "./stream_pair.ts";

export type { Address, Connect, Duplex, Listen, Listener, ListenTlsOptions, TlsOptions } from "./seam.ts";

/** Chunks (of 64 or 256 KiB at most) that may wait in `readable` before the socket is paused. */
const READ_AHEAD_CHUNKS = 4;

/** Dials with `net.connect` or `tls.connect`. */
export const connect: Connect = (address, options = {}): Promise<Duplex> => {
  const { signal, tls } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const place = { host: address.host, port: address.port, allowHalfOpen: true, noDelay: true };
    const flowing = new FlowingSocket();
    let socket: NetSocket;
    try {
      socket = tls
        ? nodeTls.connect({ ...place, ...clientTls(address, tls) })
        : dialTcp({ ...place, onread: flowing.onread });
    } catch (cause) {
      return reject(networkError("connect to", address, cause));
    }
    const settle = (): void => {
      signal?.removeEventListener("abort", onAbort);
      socket.off("error", onError).off("close", onClose);
    };
    const giveUp = (reason: unknown): void => {
      settle();
      socket.on("error", () => {}).destroy();
      reject(reason);
    };
    const onAbort = (): void => giveUp(signal!.reason);
    const onError = (cause: Error): void => giveUp(networkError("connect to", address, cause));
    const onClose = (): void => giveUp(networkError("connect to", address, "the peer closed the connection"));
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.on("error", onError).on("close", onClose).once(tls ? "secureConnect" : "connect", () => {
      settle();
      resolve(tls ? duplexOf(socket) : flowing.start(socket));
    });
  });
};

/** Listens with `net.createServer` or `tls.createServer`. A connection whose handshake fails is never handed out. */
export const listen: Listen = (address, { onDuplex, tls, signal }): Promise<Listener> => {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    let acceptor: Acceptor;
    try {
      acceptor = new Acceptor(serverOf(tls), tls !== undefined, onDuplex);
    } catch (cause) {
      return reject(networkError("listen at", address, cause));
    }
    const onAbort = (): void => {
      void acceptor.close();
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    acceptor.onClose = () => signal?.removeEventListener("abort", onAbort);
    acceptor.open(address).then(() => resolve(acceptor), (cause: unknown) => {
      acceptor.onClose();
      reject(networkError("listen at", address, cause));
    });
  });
};

/** Secure contexts by the options they were made from: reading all root certificates takes milliseconds. */
const contexts = new WeakMap<TlsOptions, nodeTls.SecureContext>();

function clientTls(address: Address, tls: TlsOptions): nodeTls.ConnectionOptions {
  let secureContext = contexts.get(tls);
  if (!secureContext) {
    secureContext = nodeTls.createSecureContext({
      ...(tls.caCerts ? { ca: [...nodeTls.rootCertificates, ...tls.caCerts] } : {}),
      ...(tls.cert === undefined ? {} : { cert: tls.cert }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
    });
    contexts.set(tls, secureContext);
  }
  const name = tls.serverName ?? address.host;
  return {
    secureContext,
    rejectUnauthorized: tls.insecureSkipVerify !== true,
    // RFC 6066 forbids an IP address as the server name that is sent; it is still the name to verify.
    servername: isIP(name) ? "" : name,
    checkServerIdentity: (_sent, certificate) => nodeTls.checkServerIdentity(name, certificate),
  };
}

function serverOf(tls: ListenTlsOptions | undefined): Server {
  const options = { allowHalfOpen: true, noDelay: true };
  return tls ? nodeTls.createServer({ ...options, cert: tls.cert, key: tls.key }) : createServer(options);
}

/** One listening server, and the sockets that it has not handed out yet. */
class Acceptor implements Listener {
  onClose: () => void = () => {};
  readonly #server: Server;
  readonly #handshaking = new Set<NetSocket>();
  #address: Address = { host: "", port: 0 };

  constructor(server: Server, secure: boolean, onDuplex: (duplex: Duplex) => void) {
    this.#server = server;
    if (secure) {
      server.on("connection", (socket: NetSocket) => {
        this.#handshaking.add(socket);
        socket.once("close", () => this.#handshaking.delete(socket));
      });
      server.on("tlsClientError", (_cause: Error, socket: NetSocket) => socket.destroy());
    }
    server.on(secure ? "secureConnection" : "connection", (socket: NetSocket) => {
      onDuplex(duplexOf(socket));
    });
  }

  get address(): Address {
    return this.#address;
  }

  open(address: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen({ host: address.host, port: address.port }, () => {
        // Errors of single accepts come here from now on; the next one may succeed.
        this.#server.off("error", reject).on("error", () => {});
        const bound = this.#server.address();
        this.#address = typeof bound === "object" && bound
          ? { host: bound.address, port: bound.port }
          : address;
        resolve();
      });
    });
  }

  close(): Promise<void> {
    this.onClose();
    // The callback of `server.close` would wait for the connections that were handed out.
    this.#server.close();
    return Promise.resolve();
  }
}

/** A node socket as the Socket below a StreamPair. */
class FlowingSocket implements Socket {
  readonly #slab = new Slab();
  #socket!: NetSocket;
  #pair!: StreamPair;
  #paused = false;

  /** Where a dialling socket reads into, given to `net.connect`. */
  readonly onread: OnReadOpts = {
    buffer: () => this.#slab.room(),
    callback: (count) => this.#onBytes(this.#slab.take(count)),
  };

  /** Lets the bytes of `socket`, which is connected, flow into streams. */
  start(socket: NetSocket): Duplex {
    const local: Address = { host: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    const remote: Address = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
    this.#socket = socket;
    const pair = this.#pair = new StreamPair(this, local, remote, READ_AHEAD_CHUNKS);
    socket
      .on("end", () => pair.finish())
      .on("error", (cause: Error) => pair.fail(cause))
      .on("close", () => pair.fail("the connection was closed"));
    return pair;
  }

  pull(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(chunk, (error) => error ? reject(error) : resolve());
    });
  }

  halfClose(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.end((error?: Error | null) => error ? reject(error) : resolve());
    });
  }

  release(): void {
    this.#slab.free();
    this.#socket.destroy();
  }

  /** Takes a chunk of a `data` event. */
  onData(chunk: Uint8Array): void {
    if (!this.#onBytes(chunk)) this.#socket.pause();
  }

  /** Hands a chunk on; false when no more may come for now. */
  #onBytes(chunk: Uint8Array): boolean {
    this.#pair.deliver(chunk);
    this.#paused = this.#pair.wanted <= 0;
    return !this.#paused;
  }
}

function duplexOf(socket: NetSocket): Duplex {
  const flowing = new FlowingSocket();
  const duplex = flowing.start(socket);
  socket.on("data", (chunk: Uint8Array) => flowing.onData(chunk));
  return duplex;
}
