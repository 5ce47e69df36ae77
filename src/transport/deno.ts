/**
 * The seam on Deno: `Deno.connect` and `Deno.listen`, read and written directly.
 *
 * Picture a slab of memory that reads fill from left to right: each read hands out the part it filled and the next one
 * goes on behind it, so a chunk is never overwritten and never copied. Deno's own `conn.readable` is not used: reading it
 * after `writable.close()` throws, and here it must end. No type of Deno's stands in an exported signature.
 */
import type { Address, Connect, Duplex, Listen, Listener, TlsOptions } from "./seam.ts";
import { networkError, type Socket, StreamPair } from "./stream_pair.ts";

/** Size of one slab; a read fills at most what is left of it. */
const SLAB_BYTES = 256 * 1024;
/** A slab with less room than this is given up, so that reads stay large. */
const MIN_READ_BYTES = 64 * 1024;
/** How long accepting rests after it failed (the process is out of file handles, say). */
const ACCEPT_PAUSE_MS = 50;

type Conn = Deno.TcpConn | Deno.TlsConn;
type TcpOrTlsListener = Deno.TcpListener | Deno.TlsListener;

/** Dials with `Deno.connect`, and secures with `Deno.startTls` when asked. */
export const connect: Connect = async (address, options = {}) => {
  const { signal, tls } = options;
  signal?.throwIfAborted();
  if (tls && needsNodeTls(tls)) return await (await import("./node.ts")).connect(address, options);
  let conn: Conn | undefined;
  try {
    conn = await dial(address, signal);
    if (tls) conn = await secure(conn, address, tls, signal);
    signal?.throwIfAborted();
  } catch (cause) {
    if (conn) closeQuietly(conn);
    signal?.throwIfAborted();
    throw networkError("connect to", address, cause);
  }
  return duplexOf(conn);
};

/** Listens with `Deno.listen` or `Deno.listenTls`. A connection whose handshake fails is never handed out. */
export const listen: Listen = (address, { onDuplex, tls, signal }) => {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const place = { hostname: address.host, port: address.port };
    let listener: TcpOrTlsListener;
    try {
      listener = tls ? Deno.listenTls({ ...place, cert: tls.cert, key: tls.key }) : Deno.listen(place);
    } catch (cause) {
      return reject(networkError("listen at", address, cause));
    }
    const acceptor = new Acceptor(listener, onDuplex);
    const onAbort = (): void => void acceptor.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    acceptor.done.finally(() => signal?.removeEventListener("abort", onAbort));
    resolve(acceptor);
  });
};

/** Whether `tls` asks for what Deno's own API cannot say; its node:tls can. */
function needsNodeTls(tls: TlsOptions): boolean {
  return tls.insecureSkipVerify === true || tls.cert !== undefined || tls.key !== undefined;
}

async function dial(address: Address, signal: AbortSignal | undefined): Promise<Deno.TcpConn> {
  const conn = await Deno.connect({
    hostname: address.host,
    port: address.port,
    ...(signal ? { signal } : {}),
  });
  conn.setNoDelay(true);
  return conn;
}

async function secure(
  conn: Deno.TcpConn,
  address: Address,
  tls: TlsOptions,
  signal: AbortSignal | undefined,
): Promise<Deno.TlsConn> {
  const hostname = tls.serverName ?? address.host;
  const secured = await Deno.startTls(conn, { hostname, caCerts: [...tls.caCerts ?? []] });
  const onAbort = (): void => closeQuietly(secured);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await secured.handshake();
    return secured;
  } catch (error) {
    closeQuietly(secured);
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

/** The accept loop of one listener, and the handshakes that are under way. */
class Acceptor implements Listener {
  readonly address: Address;
  readonly done: Promise<void>;
  readonly #listener: TcpOrTlsListener;
  readonly #onDuplex: (duplex: Duplex) => void;
  readonly #handshaking = new Set<Deno.TlsConn>();
  #open = true;

  constructor(listener: TcpOrTlsListener, onDuplex: (duplex: Duplex) => void) {
    this.#listener = listener;
    this.#onDuplex = onDuplex;
    this.address = addressOf(listener.addr as Deno.NetAddr);
    this.done = this.#run();
  }

  close(): Promise<void> {
    if (this.#open) {
      this.#open = false;
      this.#listener.close();
      for (const conn of this.#handshaking) closeQuietly(conn);
    }
    return this.done;
  }

  async #run(): Promise<void> {
    while (this.#open) {
      let conn: Conn;
      try {
        conn = await this.#listener.accept();
      } catch {
        if (this.#open) await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
        continue;
      }
      if ("handshake" in conn) this.#handshake(conn);
      else {
        conn.setNoDelay(true);
        this.#onDuplex(duplexOf(conn));
      }
    }
  }

  async #handshake(conn: Deno.TlsConn): Promise<void> {
    this.#handshaking.add(conn);
    try {
      await conn.handshake();
    } catch {
      return closeQuietly(conn);
    } finally {
      this.#handshaking.delete(conn);
    }
    this.#onDuplex(duplexOf(conn));
  }
}

/** A Deno connection as the Socket below a StreamPair. */
class DenoSocket implements Socket {
  pair!: StreamPair;
  readonly #conn: Conn;
  #slab: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  constructor(conn: Conn) {
    this.#conn = conn;
  }

  async pull(): Promise<void> {
    if (this.#slab.byteLength < MIN_READ_BYTES) this.#slab = new Uint8Array(SLAB_BYTES);
    const room = this.#slab;
    let count: number | null;
    try {
      count = await this.#conn.read(room);
    } catch (cause) {
      return this.pair.fail(cause);
    }
    if (count === null) return this.pair.finish();
    this.#slab = room.subarray(count);
    this.pair.deliver(room.subarray(0, count));
  }

  async write(chunk: Uint8Array): Promise<void> {
    let written = await this.#conn.write(chunk);
    while (written < chunk.byteLength) written += await this.#conn.write(chunk.subarray(written));
  }

  halfClose(): Promise<void> {
    return this.#conn.closeWrite();
  }

  release(): void {
    this.#slab = new Uint8Array(0);
    closeQuietly(this.#conn);
  }
}

function duplexOf(conn: Conn): Duplex {
  const socket = new DenoSocket(conn);
  socket.pair = new StreamPair(socket, addressOf(conn.localAddr), addressOf(conn.remoteAddr), 0);
  return socket.pair;
}

function addressOf(address: Deno.NetAddr): Address {
  return { host: address.hostname, port: address.port };
}

/** Closing what Deno closed already (a failed handshake does) throws; that is as good as closed. */
function closeQuietly(conn: { close(): void }): void {
  try {
    conn.close();
  } catch {
    // Closed already.
  }
}
