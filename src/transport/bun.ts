/**
 * The seam on Bun: `Bun.connect` and `Bun.listen`, whose sockets call back and never buffer.
 *
 * Picture one set of handlers for all sockets, and beside each socket (as its `data`) the small object that feeds its
 * streams. A write that the kernel takes in part is finished at `drain`; reading is paused while chunks wait unread. Bun's
 * types are local interfaces, and Bun is reached through globalThis, so that this file loads and type-checks anywhere.
 *
 * @module
 */
import type { Address, Connect, Duplex, Listen, Listener, ListenTlsOptions, TlsOptions } from "./seam.ts";
import { networkError, type Socket, StreamPair } from "./stream_pair.ts";

export type { Address, Connect, Duplex, Listen, Listener, ListenTlsOptions, TlsOptions } from "./seam.ts";

/** What is used of Bun's `Socket<Data>`. */
interface BunSocket {
  data: Context;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Takes what the kernel takes and says how much that was; −1 when the socket is closed. */
  write(chunk: Uint8Array): number;
  /** Half-closes. */
  shutdown(): void;
  /** Closes. */
  end(): void;
  /** Closes with a reset. */
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay(noDelay: boolean): boolean;
  getPeerCertificate(): object;
  getCipher(): object | null;
}

/** What a socket's handlers find beside it: the listening or dialling that it comes from, then its streams. */
interface Context {
  onOpen(socket: BunSocket): void;
  onSecure(socket: BunSocket, success: boolean, problem: Error | null): void;
  onClose(socket: BunSocket, error: Error | undefined): void;
  streams: CallbackSocket | undefined;
}

interface BunHandlers {
  readonly binaryType: "uint8array";
  open(socket: BunSocket): void;
  handshake(socket: BunSocket, success: boolean, problem: Error | null): void;
  data(socket: BunSocket, chunk: Uint8Array): void;
  drain(socket: BunSocket): void;
  end(socket: BunSocket): void;
  close(socket: BunSocket, error?: Error): void;
  error(socket: BunSocket, error: Error): void;
  connectError(socket: BunSocket, error: Error): void;
}

interface BunPlace {
  readonly hostname: string;
  readonly port: number;
  readonly allowHalfOpen: true;
  readonly exclusive?: boolean;
  readonly tls?: object;
  readonly data: Context;
  readonly socket: BunHandlers;
}

interface BunListener {
  readonly hostname: string;
  readonly port: number;
  stop(closeConnections: boolean): void;
}

interface BunSockets {
  connect(options: BunPlace): Promise<BunSocket>;
  listen(options: BunPlace): BunListener;
}

/** Chunks (of 512 KiB at most) that may wait in `readable` before the socket is paused. */
const READ_AHEAD_CHUNKS = 2;

/** Dials with `Bun.connect`. */
export const connect: Connect = async (address, options = {}): Promise<Duplex> => {
  const { signal, tls } = options;
  signal?.throwIfAborted();
  const verify = tls ? await verifierOf(address, tls) : undefined;
  signal?.throwIfAborted();
  return await new Promise<Duplex>((resolve, reject) => {
    let opened: BunSocket | undefined;
    let settled = false;
    const settle = (): boolean => {
      if (settled) return false;
      signal?.removeEventListener("abort", onAbort);
      return settled = true;
    };
    const giveUp = (reason: unknown): void => {
      if (settle()) reject(reason);
      opened?.terminate();
    };
    const onAbort = (): void => giveUp(signal!.reason);
    const succeed = (socket: BunSocket): void => {
      if (settle()) resolve(adopt(socket));
    };
    const context: Context = {
      streams: undefined,
      onOpen(socket) {
        opened = socket;
        if (settled) socket.terminate();
        else if (!verify) succeed(socket);
      },
      onSecure(socket, success, problem) {
        const refusal = verify?.check(
          socket,
          success ? problem : problem ?? new Error("the handshake failed"),
        );
        if (refusal) giveUp(networkError("connect to", address, refusal));
        else succeed(socket);
      },
      onClose: (_socket, error) => {
        giveUp(networkError("connect to", address, error ?? new Error("the peer closed the connection")));
      },
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const place = { hostname: address.host, port: address.port, allowHalfOpen: true, data: context } as const;
    bun().connect({ ...place, ...(verify ? { tls: verify.options } : {}), socket: handlers })
      .catch((cause: unknown) => giveUp(networkError("connect to", address, cause)));
  });
};

/** Listens with `Bun.listen`. A connection whose handshake fails is never handed out. */
export const listen: Listen = (address, { onDuplex, tls, signal }): Promise<Listener> => {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const handshaking = new Set<BunSocket>();
    const handOut = (socket: BunSocket): void => {
      handshaking.delete(socket);
      onDuplex(adopt(socket));
    };
    const contextOf = (): Context => ({
      streams: undefined,
      onOpen: (socket) => {
        // The listener's `data` is shared by the sockets it accepts; each gets its own here.
        socket.data = contextOf();
        if (tls) handshaking.add(socket);
        else handOut(socket);
      },
      // The problem, if any, is that no client certificate came; none was asked for.
      onSecure: (socket, success) => success ? handOut(socket) : socket.terminate(),
      onClose: (socket) => handshaking.delete(socket),
    });
    let listener: BunListener;
    try {
      listener = bun().listen({
        hostname: address.host,
        port: address.port,
        allowHalfOpen: true,
        exclusive: true,
        ...(tls ? { tls: listenerTls(tls) } : {}),
        data: contextOf(),
        socket: handlers,
      });
    } catch (cause) {
      return reject(networkError("listen at", address, cause));
    }
    const close = (): Promise<void> => {
      signal?.removeEventListener("abort", close);
      listener.stop(false);
      for (const socket of handshaking) socket.terminate();
      return Promise.resolve();
    };
    signal?.addEventListener("abort", close, { once: true });
    const bound: Listener = { address: { host: listener.hostname, port: listener.port }, close };
    resolve(bound);
  });
};

/** The one set of handlers: what happens to a socket goes to its context, and to its streams once it has them. */
const handlers: BunHandlers = {
  binaryType: "uint8array",
  open: (socket) => socket.data.onOpen(socket),
  handshake: (socket, success, problem) => socket.data.onSecure(socket, success, problem),
  data: (socket, chunk) => socket.data.streams?.onData(chunk),
  drain: (socket) => socket.data.streams?.onDrain(),
  end: (socket) => socket.data.streams?.onEnd(),
  close: (socket, error) => {
    const { streams } = socket.data;
    if (streams) streams.onClose(error);
    else socket.data.onClose(socket, error);
  },
  error: (socket, error) => {
    const { streams } = socket.data;
    if (streams) streams.onClose(error);
    else socket.data.onClose(socket, error);
  },
  // `connect`'s promise rejects with the same error; without this handler Bun reports it as unhandled, too.
  connectError: () => {},
};

/** A Bun socket as the Socket below a StreamPair. */
class CallbackSocket implements Socket {
  pair!: StreamPair;
  readonly #socket: BunSocket;
  #paused = false;
  /** The write that the kernel has taken in part. */
  #rest: { chunk: Uint8Array; at: number; resolve(): void; reject(reason: unknown): void } | undefined;

  constructor(socket: BunSocket) {
    this.#socket = socket;
  }

  pull(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  write(chunk: Uint8Array): void | Promise<void> {
    const taken = this.#socket.write(chunk);
    if (taken === chunk.byteLength) return;
    if (taken < 0) throw new Error("the connection is closed");
    return new Promise((resolve, reject) => {
      this.#rest = { chunk, at: taken, resolve, reject };
    });
  }

  halfClose(): void {
    this.#socket.shutdown();
  }

  release(): void {
    this.#abandon(new Error("the connection is closed"));
    this.#socket.end();
  }

  onData(chunk: Uint8Array): void {
    this.pair.deliver(chunk);
    if (this.pair.wanted > 0 || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  onDrain(): void {
    const rest = this.#rest;
    if (!rest) return;
    const taken = this.#socket.write(rest.chunk.subarray(rest.at));
    if (taken < 0) return this.#abandon(new Error("the connection is closed"));
    rest.at += taken;
    if (rest.at < rest.chunk.byteLength) return;
    this.#rest = undefined;
    rest.resolve();
  }

  onEnd(): void {
    this.pair.finish();
  }

  /** Bun closes by itself when both directions have ended, without calling `end` for the second. */
  onClose(error: Error | undefined): void {
    if (!error) this.pair.finish();
    this.#abandon(error ?? new Error("the connection was closed"));
    this.pair.fail(error ?? "the connection was closed");
  }

  #abandon(reason: Error): void {
    this.#rest?.reject(reason);
    this.#rest = undefined;
  }
}

function adopt(socket: BunSocket): Duplex {
  socket.setNoDelay(true);
  const streams = new CallbackSocket(socket);
  const local: Address = { host: socket.localAddress, port: socket.localPort };
  const remote: Address = { host: socket.remoteAddress, port: socket.remotePort };
  streams.pair = new StreamPair(streams, local, remote, READ_AHEAD_CHUNKS);
  socket.data.streams = streams;
  return streams.pair;
}

interface Verifier {
  /** Bun's own TLS options. */
  readonly options: object;
  /** Why the peer is refused, if it is. */
  check(socket: BunSocket, problem: Error | null): Error | undefined;
}

/** Bun checks the issuer during the handshake; the name is checked here, by the rules of node:tls. */
async function verifierOf(address: Address, tls: TlsOptions): Promise<Verifier> {
  const { checkServerIdentity, rootCertificates } = await import("node:tls");
  const name = tls.serverName ?? address.host;
  const options = {
    rejectUnauthorized: false,
    ...(isIpAddress(name) ? {} : { serverName: name }),
    ...(tls.caCerts ? { ca: [...rootCertificates, ...tls.caCerts] } : {}),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  };
  const check = (socket: BunSocket, problem: Error | null): Error | undefined => {
    // A name that does not match is called a failure, too; a handshake that really failed has agreed on no cipher.
    if (tls.insecureSkipVerify && socket.getCipher()) return undefined;
    return problem ??
      checkServerIdentity(name, socket.getPeerCertificate() as Parameters<typeof checkServerIdentity>[1]);
  };
  return { options, check };
}

function listenerTls(tls: ListenTlsOptions): object {
  return { cert: tls.cert, key: tls.key };
}

function isIpAddress(name: string): boolean {
  return name.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}

function bun(): BunSockets {
  return Reflect.get(globalThis, "Bun") as BunSockets;
}
