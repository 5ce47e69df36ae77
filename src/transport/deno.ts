/**
 * The seam on Deno: `Deno.connect` and `Deno.listen`, read and written directly.
 *
 * Each read goes into a slab and hands out the part it filled; nothing is read ahead, so what is not asked for stays in
 * the kernel and holds the peer. Deno's own `conn.readable` is not used: reading it after `writable.close()` throws, and
 * here it must end. No type of Deno's stands in an exported signature.
 *
 * @module
 */
import type { Address, Connect, Duplex, Listen, Listener, TlsOptions } from "./seam.ts";
import { setImmediate } from "node:timers";
import { Slab } from "./slab.ts";
import { networkError, type Socket, StreamPair } from "./stream_pair.ts";

export type { Address, Connect, Duplex, Listen, Listener, ListenTlsOptions, TlsOptions } from "./seam.ts";

/** How long accepting rests after it failed (the process is out of file handles, say). */
const ACCEPT_PAUSE_MS = 50;

/**
 * After so many bytes the next read waits for a turn of the event loop. A read that finds bytes answers at once, so a fast
 * peer would be read on and on between two turns, ahead of whoever handles what it sends, and no timer would fire.
 */
const TURN_BYTES = 256 * 1024;

type Conn = Deno.TcpConn | Deno.TlsConn;
type TcpOrTlsListener = Deno.TcpListener | Deno.TlsListener;

/** Dials with `Deno.connect`, and secures with `Deno.startTls` when asked. */
export const connect: Connect = async (address, options = {}): Promise<Duplex> => {
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
export const listen: Listen = (address, { onDuplex, tls, signal }): Promise<Listener> => {
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
  readonly #slab = new Slab();
  #sinceTurnBytes = 0;
  #writing: Promise<void> | undefined;

  constructor(conn: Conn) {
    this.#conn = conn;
  }

  async pull(): Promise<void> {
    let count: number | null;
    if (this.#sinceTurnBytes >= TURN_BYTES) {
      this.#sinceTurnBytes = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    try {
      count = await this.#conn.read(this.#slab.room());
    } catch (cause) {
      return this.pair.fail(cause);
    }
    if (count === null) return await this.#end();
    this.#sinceTurnBytes += count;
    this.pair.deliver(this.#slab.take(count));
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#writing = this.#write(chunk);
  }

  halfClose(): Promise<void> {
    return this.#conn.closeWrite();
  }

  recycle(chunk: Uint8Array): void {
    this.#slab.recycle(chunk);
  }

  release(): void {
    this.#slab.free();
    closeQuietly(this.#conn);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    let written = await this.#conn.write(chunk);
    while (written < chunk.byteLength) written += await this.#conn.write(chunk.subarray(written));
    this.#writing = undefined;
  }

  /**
   * The kernel reports a reset once. 1. A write waits for room; 2. the peer resets; 3. the write takes the report, the
   * read sees a mere end, and may be told first. So an end during a write waits a turn for what the write has to say.
   */
  async #end(): Promise<void> {
    if (this.#writing) await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.pair.finish();
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
