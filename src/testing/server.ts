/**
 * One listening side of the cluster, name server or broker: accepts connections, passes requests on, lets faults and the
 * wire log see them. It knows nothing of what the requests mean.
 */
import { Channel } from "../remoting/channel.ts";
import type { InboundRequest, OutboundReply } from "../remoting/call.ts";
import type { Clock } from "../time/clock.ts";
import {
  type Address,
  formatAddress,
  type Listen,
  type Listener,
  type ListenTlsOptions,
} from "../transport/seam.ts";
import type { Faults } from "./faults.ts";
import type { WireLog } from "./wire_log.ts";

/** What a server stands on. */
export interface ServerOptions {
  /** What faults and the wire log call it. */
  readonly name: string;
  /** Opens the listening socket. */
  readonly listen: Listen;
  /** Tells the time. */
  readonly clock: Clock;
  /** Version that is answered with. */
  readonly version: number;
  /** Faults ordered by tests. */
  readonly faults: Faults;
  /** Where frames are noted. */
  readonly wireLog: WireLog;
  /** Identity, when connections are secured. */
  readonly tls?: ListenTlsOptions | undefined;
  /** Serves a request. */
  onRequest(request: InboundRequest): OutboundReply | undefined | Promise<OutboundReply | undefined>;
  /** Hears of a connection that is closed. */
  onClose?(channel: Channel): void;
}

/** A listening server. */
export class Server {
  readonly #options: ServerOptions;
  readonly #channels = new Set<Channel>();
  #listener: Listener | undefined;

  /** A server that does not listen yet. */
  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Where it listens. */
  get address(): Address | undefined {
    return this.#listener?.address;
  }

  /** The open connections. */
  get channels(): ReadonlySet<Channel> {
    return this.#channels;
  }

  /** Starts to listen; port 0 takes a free one. */
  async start(address: Address): Promise<Address> {
    const { listen, tls } = this.#options;
    this.#listener = await listen(address, {
      onDuplex: (duplex) => {
        const peer = formatAddress(duplex.remote);
        const { name, clock, version, faults, wireLog } = this.#options;
        const channel: Channel = new Channel(duplex, {
          clock,
          version,
          language: "JAVA",
          onRequest: (request) => faults.apply(name, request, () => this.#options.onRequest(request)),
          onFrame: (event) => wireLog.note(name, peer, clock.now(), event),
          onClose: () => {
            this.#channels.delete(channel);
            this.#options.onClose?.(channel);
          },
        });
        this.#channels.add(channel);
      },
      ...(tls === undefined ? {} : { tls }),
    });
    return this.#listener.address;
  }

  /** Stops listening and closes every connection; resolves when nothing runs any more. */
  async stop(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    const channels = [...this.#channels];
    for (const channel of channels) channel.close();
    await Promise.all([listener?.close(), ...channels.map((channel) => channel.closed)]);
  }
}
