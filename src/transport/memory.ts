/**
 * A network that lives in memory: the seam for tests and simulation.
 *
 * Picture hosts joined by pipes, and a switchboard of faults above them. What is written arrives in order, as late as
 * `latencyMs` says on the clock that was passed in (0: in the same turn, by microtasks), in chunks that may be split by
 * chance. Nothing here reads the platform's time or chance, so one seed and one clock replay exactly.
 *
 * @module
 */
import type { Random } from "../core/random.ts";
import { MemoryPipe, type PipeConditions } from "./memory_pipe.ts";
import { handshakeProblem } from "./memory_tls.ts";
import {
  type Address,
  type Connect,
  type Duplex,
  formatAddress,
  type Listen,
  type Listener,
  type ListenTlsOptions,
} from "./seam.ts";
import { networkError, type Socket, StreamPair } from "./stream_pair.ts";

export type { Address, Connect, Duplex, Listen, Listener, ListenTlsOptions, TlsOptions } from "./seam.ts";
export type { Random } from "../core/random.ts";

/** What the memory network asks of a clock; every Clock has it. */
export interface MemoryClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** One host, or one port of it. */
export interface Place {
  /** Host of either end of a connection. */
  readonly host: string;
  /** Port of the listening end; every port when left out. */
  readonly port?: number;
}

/** A network in memory, with its faults. */
export interface MemoryNetwork {
  /** Dials from `127.0.0.1`. */
  readonly connect: Connect;
  /** Listens at any host. */
  readonly listen: Listen;
  /** One-way delay of bytes and of dialling, in milliseconds; applies to what is sent from now on. Default 0. */
  latencyMs: number;
  /** Whether chunks are split at random places on their way. Default false. */
  splitChunks: boolean;
  /** How many bytes a direction holds before its writer waits. Default 64 KiB. */
  windowBytes: number;
  /** Chunks and dials that are under way: 0 when nothing more will happen by itself. */
  readonly inFlight: number;
  /** The same network, dialled from another host. */
  at(host: string): { readonly connect: Connect; readonly listen: Listen };
  /** Resets every connection to or from `place` and refuses new ones until `mend`. */
  cut(place: Place): void;
  /** Holds back bytes and dials to and from `place`, silently, until `mend` lets them go on. */
  partition(place: Place): void;
  /** Ends a cut or a partition of the same place. */
  mend(place: Place): void;
}

/** Where free ports for dialling and for listening at port 0 begin. */
const FIRST_FREE_PORT = 49152;
const DEFAULT_WINDOW_BYTES = 64 * 1024;
const DEFAULT_HOST = "127.0.0.1";

/** A network of its own, without faults. */
export function createMemoryNetwork(world: { clock: MemoryClock; random: Random }): MemoryNetwork {
  return new Network(world.clock, world.random);
}

interface Listening {
  readonly address: Address;
  readonly tls: ListenTlsOptions | undefined;
  onDuplex(duplex: Duplex): void;
}

class Network implements MemoryNetwork, PipeConditions {
  latencyMs = 0;
  splitChunks = false;
  windowBytes = DEFAULT_WINDOW_BYTES;
  inFlight = 0;
  readonly clock: MemoryClock;
  readonly random: Random;
  readonly connect: Connect;
  readonly listen: Listen;
  readonly #listening = new Map<string, Listening>();
  readonly #connections = new Set<MemoryConnection>();
  readonly #cuts = new Map<string, Place>();
  readonly #partitions = new Map<string, Place>();
  #mended: PromiseWithResolvers<void> = Promise.withResolvers();
  #nextPort = FIRST_FREE_PORT;

  constructor(clock: MemoryClock, random: Random) {
    this.clock = clock;
    this.random = random;
    ({ connect: this.connect, listen: this.listen } = this.at(DEFAULT_HOST));
  }

  get mended(): Promise<void> {
    return this.#mended.promise;
  }

  at(host: string): { connect: Connect; listen: Listen } {
    return {
      connect: (address, options = {}) => this.#dial(host, address, options),
      listen: (address, options) => this.#open(address, options),
    };
  }

  cut(place: Place): void {
    this.#cuts.set(keyOf(place), place);
    for (const connection of [...this.#connections]) {
      if (covers(place, connection.client, connection.server)) connection.reset("the connection was cut");
    }
  }

  partition(place: Place): void {
    this.#partitions.set(keyOf(place), place);
  }

  mend(place: Place): void {
    this.#cuts.delete(keyOf(place));
    this.#partitions.delete(keyOf(place));
    this.#mended.resolve();
    this.#mended = Promise.withResolvers();
  }

  holds(client: Address, server: Address): boolean {
    return anyCovers(this.#partitions, client, server);
  }

  forget(connection: MemoryConnection): void {
    this.#connections.delete(connection);
  }

  async #dial(host: string, server: Address, options: Parameters<Connect>[1] & object): Promise<Duplex> {
    const { signal, tls } = options;
    signal?.throwIfAborted();
    const client: Address = { host, port: this.#nextPort++ };
    this.inFlight++;
    try {
      await this.#travel(client, server, signal);
    } finally {
      this.inFlight--;
    }
    const listening = this.#listening.get(formatAddress(server));
    if (!listening || anyCovers(this.#cuts, client, server)) {
      throw networkError("connect to", server, new Error("the connection was refused"));
    }
    const problem = handshakeProblem(tls, listening.tls, server.host);
    if (problem) throw networkError("connect to", server, new Error(problem));
    const connection = new MemoryConnection(this, client, server);
    this.#connections.add(connection);
    listening.onDuplex(connection.serverEnd);
    return connection.clientEnd;
  }

  async #travel(client: Address, server: Address, signal: AbortSignal | undefined): Promise<void> {
    if (this.latencyMs > 0) await this.clock.sleep(this.latencyMs, signal);
    else await undefined;
    signal?.throwIfAborted();
    while (this.holds(client, server)) await unlessAborted(this.mended, signal);
  }

  #open(asked: Address, options: Parameters<Listen>[1]): Promise<Listener> {
    const { onDuplex, tls, signal } = options;
    return new Promise((resolve) => {
      signal?.throwIfAborted();
      const address: Address = { host: asked.host, port: asked.port === 0 ? this.#nextPort++ : asked.port };
      const key = formatAddress(address);
      if (this.#listening.has(key)) {
        throw networkError("listen at", address, new Error("the address is in use"));
      }
      this.#listening.set(key, { address, tls, onDuplex });
      const close = (): Promise<void> => {
        signal?.removeEventListener("abort", close);
        this.#listening.delete(key);
        return Promise.resolve();
      };
      signal?.addEventListener("abort", close, { once: true });
      resolve({ address, close });
    });
  }
}

/** Two ends and the two pipes between them. */
class MemoryConnection {
  readonly client: Address;
  readonly server: Address;
  readonly clientEnd: StreamPair;
  readonly serverEnd: StreamPair;
  readonly #network: Network;
  readonly #pipes: readonly MemoryPipe[];
  #openEnds = 2;

  constructor(network: Network, client: Address, server: Address) {
    this.#network = network;
    this.client = client;
    this.server = server;
    const conditions: PipeConditions = network;
    const up = new MemoryPipe(conditions, () => network.holds(client, server));
    const down = new MemoryPipe(conditions, () => network.holds(client, server));
    this.#pipes = [up, down];
    this.clientEnd = new StreamPair(this.#end(down, up), client, server, 0);
    this.serverEnd = new StreamPair(this.#end(up, down), server, client, 0);
    down.reader = this.clientEnd;
    up.reader = this.serverEnd;
    up.onRefused = down.onRefused = () => this.reset("the connection was reset by the peer");
  }

  /** Both ends fail, and what was under way is lost. */
  reset(why: string): void {
    for (const pipe of this.#pipes) pipe.destroy();
    this.clientEnd.fail(why);
    this.serverEnd.fail(why);
  }

  #end(incoming: MemoryPipe, outgoing: MemoryPipe): Socket {
    return {
      pull: () => incoming.pull(),
      write: (chunk) => outgoing.write(chunk),
      halfClose: () => outgoing.end(),
      release: () => {
        outgoing.release();
        incoming.refuse();
        if (--this.#openEnds > 0) return;
        for (const pipe of this.#pipes) pipe.destroy();
        this.#network.forget(this);
      },
    };
  }
}

function keyOf(place: Place): string {
  return place.port === undefined ? place.host : formatAddress({ host: place.host, port: place.port });
}

/** A place without a port is a host, and covers both ends; with one, the listening end at that port. */
function covers(place: Place, client: Address, server: Address): boolean {
  if (place.port !== undefined) return server.host === place.host && server.port === place.port;
  return server.host === place.host || client.host === place.host;
}

function anyCovers(places: Map<string, Place>, client: Address, server: Address): boolean {
  for (const place of places.values()) if (covers(place, client, server)) return true;
  return false;
}

function unlessAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
  });
}
