/**
 * The connections of one client: one channel per address, dialled when a call needs it.
 *
 * Picture one line per address: `idle → dialling → open → idle …`. Calls made while a dial is under way share it. A dial
 * that failed is followed by a pause of growing, jittered length; a call that comes during the pause waits for its end,
 * within its own deadline. The pool never gives up on an address, and begins a dial only for a call.
 */
import { BrokerError, NetworkError, TimeoutError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import { type Backoff, backoffMs } from "../time/backoff.ts";
import type { Clock } from "../time/clock.ts";
import { type Deadline, deadlineIn } from "../time/deadline.ts";
import { within } from "../time/within.ts";
import type { Connect, Duplex, TlsOptions } from "../transport/seam.ts";
import type { Fields, Of, Operation } from "../wire/schema.ts";
import { parseAddress } from "./address.ts";
import type { AnyOperation, CallOptions, OnewayOptions, Reply } from "./call.ts";
import { Channel, type ChannelOptions } from "./channel.ts";

/** How a pool behaves. */
export interface PoolOptions {
  /** Dials. */
  readonly connect: Connect;
  /** Tells deadlines, pauses and idleness. */
  readonly clock: Clock;
  /** Jitters the pauses. */
  readonly random: Random;
  /** Secures every connection when given. */
  readonly tls?: TlsOptions | undefined;
  /** How long one dial may take, in milliseconds; 3,000 by default. */
  readonly connectTimeoutMs?: number | undefined;
  /** Channels without traffic for so long are closed by `closeIdle`, in milliseconds; 120,000 by default. */
  readonly idleCloseMs?: number | undefined;
  /** Pause after failed dials; from 100 ms to 5 s by default. */
  readonly backoff?: Backoff | undefined;
  /** What every channel is made with. */
  readonly channel?: Omit<ChannelOptions, "clock" | "onClose"> | undefined;
  /** Hears of each connection that is made. */
  readonly onConnected?: ((address: string, channel: Channel) => void) | undefined;
  /** Hears of each dial that fails. */
  readonly onConnectFailed?: ((address: string, error: unknown) => void) | undefined;
  /** Hears of each connection that ends; `error` is absent when this side closed it. */
  readonly onDisconnected?: ((address: string, error?: Error) => void) | undefined;
}

/** What is known about one address. */
interface Line {
  readonly address: string;
  channel: Channel | undefined;
  /** The dial under way, with the pause before it. */
  dialling: Promise<Channel> | undefined;
  /** Failed dials since the peer last answered anything. */
  failures: number;
  /** Before this time no new dial starts. */
  retryAt: number;
  lastError: unknown;
}

const CONNECT_TIMEOUT_MS = 3000;
const IDLE_CLOSE_MS = 120_000;
const DIAL_BACKOFF: Backoff = { baseMs: 100, maxMs: 5000 };
/** Silence shorter than this says nothing about a connection. */
const SUSPECT_AFTER_MS = 1000;
/** At the end, what is queued (last offsets, say) gets this long to leave. */
const LAST_FLUSH_MS = 1000;

/** One channel per address. */
export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #lines = new Map<string, Line>();
  /** Every channel that is not closed, those that were told GO_AWAY too. */
  readonly #channels = new Set<Channel>();
  readonly #closing = new AbortController();

  /** No connection is made before the first call. */
  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** The open channel to `address`, if there is one. */
  openChannel(address: string): Channel | undefined {
    const channel = this.#lines.get(address)?.channel;
    return channel && !channel.isClosed && !channel.goingAway ? channel : undefined;
  }

  /** Addresses with an open channel. */
  openAddresses(): string[] {
    return [...this.#lines.keys()].filter((address) => this.openChannel(address));
  }

  /**
   * Makes a request at `address`, connecting first if need be; connecting counts against the call's timeout. Told
   * GO_AWAY it repeats the request once over a new connection, as NettyRemotingClient.invokeImpl does.
   *
   * @throws What Channel.call throws; NetworkError when no connection can be made in time.
   */
  async call<Q extends Fields, R extends Fields>(
    address: string,
    operation: Operation<Q, R>,
    header: Of<Q>,
    options: CallOptions,
  ): Promise<Reply<R>> {
    const open = this.openChannel(address);
    const deadline = deadlineIn(options.timeoutMs, this.#options.clock);
    const channel = open ?? await this.#connect(address, operation, deadline, options.signal);
    const startedAt = this.#options.clock.now();
    try {
      return await channel.call(
        operation,
        header,
        open ? options : { ...options, timeoutMs: deadline.left() },
      );
    } catch (error) {
      if (error instanceof TimeoutError) this.#suspect(channel, startedAt, address);
      if (!isGoAway(error)) throw error;
      if (channel.pending === 0) channel.close();
    }
    const fresh = this.openChannel(address) ??
      await this.#connect(address, operation, deadline, options.signal);
    return await fresh.call(operation, header, { ...options, timeoutMs: deadline.left() });
  }

  /**
   * Makes a request that is not answered; resolves when it is queued at an open connection.
   *
   * @throws NetworkError when no connection can be made within the connect timeout.
   */
  async oneway<Q extends Fields>(
    address: string,
    operation: Operation<Q, Fields>,
    header: Of<Q>,
    options: OnewayOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const open = this.openChannel(address);
    if (open) return open.oneway(operation, header, options);
    const deadline = deadlineIn(this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, this.#options.clock);
    (await this.#connect(address, operation, deadline, options.signal)).oneway(operation, header, options);
  }

  /** Closes the channel to `address`; a later call dials anew. */
  disconnect(address: string): void {
    this.#lines.get(address)?.channel?.close();
  }

  /** Closes channels that had no traffic for the idle time and have no call pending. */
  closeIdle(): void {
    const idleSince = this.#options.clock.now() - (this.#options.idleCloseMs ?? IDLE_CLOSE_MS);
    for (const channel of this.#channels) {
      if (channel.pending === 0 && channel.lastUsedAt <= idleSince) channel.close();
    }
  }

  /** Ends dials, lets what is queued leave, closes every channel. Calls made later are refused. */
  async close(): Promise<void> {
    this.#closing.abort(new NetworkError("Cannot connect: the client is shut down"));
    await Promise.all([...this.#channels].map(async (channel) => {
      const patience = { ms: LAST_FLUSH_MS, clock: this.#options.clock, timeout: () => new Error("flush") };
      // Whatever does not leave in time is given up: the peer does not read.
      await within(channel.flush(), patience).catch(() => {});
      channel.close();
      await channel.closed;
    }));
    await Promise.allSettled([...this.#lines.values()].map((line) => line.dialling));
  }

  /**
   * A call got no answer, and nothing else came meanwhile either: the connection may be dead without either side having
   * been told (a firewall that forgot it). It is closed, so that the next call dials (Java: closeSocketIfTimeout).
   */
  #suspect(channel: Channel, since: number, address: string): void {
    const silentMs = this.#options.clock.now() - since;
    if (silentMs < SUSPECT_AFTER_MS || channel.lastReceivedAt >= since) return;
    channel.close(
      new NetworkError(`Cannot keep the connection to ${address}: nothing came for ${silentMs} ms`, {
        address,
      }),
    );
  }

  #line(address: string): Line {
    let line = this.#lines.get(address);
    if (!line) {
      line = {
        address,
        channel: undefined,
        dialling: undefined,
        failures: 0,
        retryAt: 0,
        lastError: undefined,
      };
      this.#lines.set(address, line);
    }
    return line;
  }

  #connect(
    address: string,
    operation: AnyOperation,
    deadline: Deadline,
    signal: AbortSignal | undefined,
  ): Promise<Channel> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    const line = this.#line(address);
    line.dialling ??= this.#dial(line).finally(() => line.dialling = undefined);
    return within(line.dialling, {
      ms: deadline.left(),
      clock: this.#options.clock,
      signal,
      timeout: () => {
        const last = line.lastError instanceof Error ? `; last failure: ${line.lastError.message}` : "";
        return new NetworkError(
          `Cannot call ${operation.name} at ${address}: not connected within ${deadline.timeoutMs} ms${last}`,
          { address, timeoutMs: deadline.timeoutMs, cause: line.lastError },
        );
      },
    });
  }

  async #dial(line: Line): Promise<Channel> {
    const { clock } = this.#options;
    const pauseMs = line.retryAt - clock.now();
    if (pauseMs > 0) await clock.sleep(pauseMs, this.#closing.signal);
    let duplex: Duplex;
    try {
      duplex = await this.#dialOnce(line.address);
    } catch (error) {
      this.#failed(line, error);
      if (!this.#closing.signal.aborted) this.#options.onConnectFailed?.(line.address, error);
      throw error;
    }
    if (this.#closing.signal.aborted) {
      duplex.close();
      throw this.#closing.signal.reason;
    }
    const channel: Channel = new Channel(duplex, {
      ...this.#options.channel,
      clock,
      onClose: (error) => this.#disconnected(line, channel, error),
    });
    this.#channels.add(channel);
    line.channel = channel;
    this.#options.onConnected?.(line.address, channel);
    return channel;
  }

  async #dialOnce(address: string): Promise<Duplex> {
    const { clock, connect, tls, connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#options;
    const target = parseAddress(address);
    const stop = new AbortController();
    const onClosing = (): void => stop.abort(this.#closing.signal.reason);
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    this.#closing.signal.addEventListener("abort", onClosing, { once: true });
    const patience = new AbortController();
    clock.sleep(connectTimeoutMs, patience.signal).then(() =>
      stop.abort(
        new NetworkError(`Cannot connect to ${address}: no connection within ${connectTimeoutMs} ms`, {
          address,
          timeoutMs: connectTimeoutMs,
        }),
      ), () => {});
    try {
      return await connect(target, { signal: stop.signal, ...(tls ? { tls } : {}) });
    } finally {
      patience.abort();
      this.#closing.signal.removeEventListener("abort", onClosing);
    }
  }

  #failed(line: Line, error: unknown): void {
    const { clock, random, backoff = DIAL_BACKOFF } = this.#options;
    line.failures++;
    line.lastError = error;
    line.retryAt = clock.now() + backoffMs(backoff, line.failures, random);
  }

  #disconnected(line: Line, channel: Channel, error: Error | undefined): void {
    this.#channels.delete(channel);
    // A peer that accepts and hangs up without ever answering has not been reached: the pauses go on growing.
    if (channel.peerVersion !== undefined) line.failures = 0;
    else if (error) this.#failed(line, error);
    if (line.channel !== channel) return;
    line.channel = undefined;
    this.#options.onDisconnected?.(line.address, error);
  }
}

function isGoAway(error: unknown): boolean {
  return error instanceof BrokerError && error.facts.responseCode === ResponseCode.GO_AWAY;
}
