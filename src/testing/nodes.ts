/**
 * The machines of a cluster: each keeps its port, and a broker's its state, while processes come and go on it.
 */
import type { Random } from "../core/random.ts";
import type { TopicRouteData } from "../protocol/bodies.ts";
import type { Clock } from "../time/clock.ts";
import { type Address, formatAddress, type Listen, type ListenTlsOptions } from "../transport/seam.ts";
import { Alarms } from "./alarms.ts";
import { Broker } from "./broker/broker.ts";
import type { BrokerOptions } from "./broker/broker_options.ts";
import { BrokerState } from "./broker/broker_state.ts";
import type { Faults } from "./faults.ts";
import { NameServer } from "./name_server/name_server.ts";
import { Server, type ServerOptions } from "./server.ts";
import type { WireLog } from "./wire_log.ts";

/** What nodes share. */
export interface NodeWorld {
  /** Host that everything listens at. */
  readonly host: string;
  /** Tells the time. */
  readonly clock: Clock;
  /** Draws queues. */
  readonly random: Random;
  /** Opens listening sockets. */
  readonly listen: Listen;
  /** Identity, when connections are secured. */
  readonly tls: ListenTlsOptions | undefined;
  /** Faults ordered by tests. */
  readonly faults: Faults;
  /** Where frames are noted. */
  readonly wireLog: WireLog;
  /** The route of a topic as the name servers know it. */
  route(topic: string): TopicRouteData | undefined;
  /** Where errors of background work go. */
  onError(error: unknown): void;
}

/** Version that name servers answer with (V5_5_0). */
const NAME_SERVER_VERSION = 513;

/** How far below a broker's port its VIP port is: clients before 4.5.1 send there unless they are told not to. */
const VIP_DISTANCE = 2;

/** A machine for a name server. */
export class NameServerNode {
  /** What faults and the wire log call it. */
  readonly name: string;
  readonly #world: NodeWorld;
  #address: Address;
  #server: Server | undefined;
  #tables: NameServer | undefined;
  #alarms: Alarms | undefined;

  /** A machine without a process; port 0 takes a free one at the first start. */
  constructor(name: string, port: number, world: NodeWorld) {
    this.name = name;
    this.#world = world;
    this.#address = { host: world.host, port };
  }

  /** `host:port` of it. */
  get address(): string {
    return formatAddress(this.#address);
  }

  /** The running name server, `undefined` when it is stopped. */
  get running(): NameServer | undefined {
    return this.#tables;
  }

  /** Starts a name server that knows nobody yet. */
  async start(): Promise<NameServer> {
    const alarms = this.#alarms = new Alarms(this.#world.clock, (error) => this.#world.onError(error));
    const tables = new NameServer(alarms);
    const server = new Server({
      ...serverOptions(this.#world, this.name, NAME_SERVER_VERSION, tables),
      onClose: (channel) => tables.channelClosed(channel),
    });
    this.#address = await server.start(this.#address);
    this.#server = server;
    this.#tables = tables;
    return tables;
  }

  /** Stops it. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#tables = undefined;
    this.#alarms?.stop();
    await server?.stop();
  }
}

/** A machine for a broker, master or slave. */
export class BrokerNode {
  /** What faults, the wire log and the cluster call it. */
  readonly name: string;
  /** Settings of the broker. */
  readonly options: BrokerOptions;
  /** The master of a slave. */
  readonly master: BrokerNode | undefined;
  readonly #world: NodeWorld;
  #address: Address;
  readonly #hasVipPort: boolean;
  #servers: Server[] = [];
  #broker: Broker | undefined;
  #state: BrokerState | undefined;

  /**
   * A machine without a process; port 0 takes a free one at the first start. One with a port of its own listens two below it as
   * well. A slave reads what `master` keeps.
   */
  constructor(options: BrokerOptions, port: number, world: NodeWorld, master?: BrokerNode) {
    this.name = master === undefined ? options.brokerName : `${options.brokerName}-slave-${options.brokerId}`;
    this.options = options;
    this.master = master;
    this.#world = world;
    this.#address = { host: world.host, port };
    this.#hasVipPort = port > VIP_DISTANCE;
  }

  /** `host:port` of it. */
  get address(): string {
    return formatAddress(this.#address);
  }

  /** The running broker, `undefined` when it is stopped. */
  get running(): Broker | undefined {
    return this.#broker;
  }

  /** What the broker keeps. @throws Error before the first start. */
  get state(): BrokerState {
    if (this.master !== undefined) return this.master.state;
    if (this.#state === undefined) throw new Error(`Cannot look into ${this.name}: it was never started`);
    return this.#state;
  }

  /** Starts a broker over what the last one kept. */
  async start(): Promise<Broker> {
    const { clock } = this.#world;
    // The socket is open before the state exists, as stored messages carry the port; nobody knows the port until then.
    const early = Promise.withResolvers<Broker>();
    const listen = async (address: Address): Promise<Address> => {
      const server = new Server({
        ...serverOptions(this.#world, this.name, this.options.version, {
          serve: (request) =>
            this.#broker?.serve(request) ?? early.promise.then((broker) => broker.serve(request)),
        }),
        onClose: (channel) => this.#broker?.channelClosed(channel),
      });
      const bound = await server.start(address);
      this.#servers.push(server);
      return bound;
    };
    this.#address = await listen(this.#address);
    if (this.#hasVipPort) await listen({ ...this.#address, port: this.#address.port - VIP_DISTANCE });
    if (this.master === undefined) this.#state ??= new BrokerState(this.options, clock, this.#address);
    this.#broker = new Broker(this.options, this.state, this.#address, this.#world);
    this.#broker.start();
    early.resolve(this.#broker);
    return this.#broker;
  }

  /** Stops it in good order: everything is saved first, and parked requests are answered. */
  async stop(): Promise<void> {
    this.#state?.flush();
    await this.#end();
  }

  /** Kills it: connections break, and what was not saved is lost when `lose` is set. */
  async kill(lose: boolean): Promise<void> {
    await this.#end();
    if (lose) this.#state?.loseUnsaved();
  }

  async #end(): Promise<void> {
    const servers = this.#servers;
    this.#broker?.stop();
    this.#servers = [];
    this.#broker = undefined;
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function serverOptions(
  world: NodeWorld,
  name: string,
  version: number,
  target: { serve: ServerOptions["onRequest"] },
): ServerOptions {
  return {
    name,
    version,
    listen: world.listen,
    clock: world.clock,
    faults: world.faults,
    wireLog: world.wireLog,
    tls: world.tls,
    onRequest: (request) => target.serve(request),
  };
}
