/**
 * A RocketMQ cluster in this process: name servers and brokers on free ports of 127.0.0.1, or on a network in memory.
 *
 * Picture a shelf of machines, each with a port and, for a broker, what it keeps. A stop takes the process off its machine, a start puts a
 * new one on. Clock, chance and network come in through the options, so that a simulation can own them. `stop` leaves
 * nothing behind.
 */
import { type Logger, quietLogger } from "../core/logger.ts";
import { type Random, systemRandom } from "../core/random.ts";
import type { FaultTarget } from "./fault_target.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { detectTransport } from "../transport/detect.ts";
import type { Connect, Listen, ListenTlsOptions } from "../transport/seam.ts";
import { type BrokerOptions, DEFAULT_BROKER_OPTIONS } from "./broker/broker_options.ts";
import { type Fault, type FaultOrder, Faults, type FaultScope } from "./faults.ts";
import { ClusterView } from "./cluster_view.ts";
import { BrokerNode, NameServerNode, type NodeWorld } from "./nodes.ts";
import { type NamedTopic, registeredTopic, topicConfig } from "./broker/topic_table.ts";
import type { BrokerSnapshot } from "./broker/broker_state.ts";
import { WireLog } from "./wire_log.ts";

/** One broker of a cluster. */
export interface BrokerSpec extends Partial<Omit<BrokerOptions, "brokerName" | "brokerId">> {
  /** Its name. */
  readonly name: string;
  /** Its port, with its VIP port two below it, where clients before 4.5.1 send; by default a free one, without VIP port. */
  readonly port?: number;
  /** How many slaves read from it, named `<name>-slave-1` and so on. Default 0. */
  readonly slaves?: number;
}

/** How a cluster is set up; one name server and one broker by default. */
export interface ClusterOptions {
  /** Number of brokers (`broker-a`, `broker-b` …), or their names, or more about each. Default 1. */
  readonly brokers?: number | readonly (string | BrokerSpec)[];
  /** Number of name servers, or their ports. Default 1. */
  readonly nameServers?: number | readonly number[];
  /** Settings of all brokers. */
  readonly broker?: Partial<Omit<BrokerOptions, "brokerName" | "brokerId">>;
  /** Topics to make at all brokers, with their number of queues. */
  readonly topics?: Readonly<Record<string, number>>;
  /** Host to listen at. Default `127.0.0.1`. */
  readonly host?: string;
  /** Tells the time. Default: the platform's clock. */
  readonly clock?: Clock;
  /** Draws queues. Default: the platform's generator. */
  readonly random?: Random;
  /** Opens listening sockets. Default: this runtime's. */
  readonly listen?: Listen;
  /** Dials; only handed on in `world`. Default: this runtime's. */
  readonly connect?: Connect;
  /** Identity, when connections shall be secured. */
  readonly tls?: ListenTlsOptions;
  /** How many lines the wire log keeps; 0 switches it off. Default 10 000. */
  readonly wireLogLines?: number;
  /** Where errors of background work go. Default: warnings to the console. */
  readonly logger?: Logger;
}

/** What clients of a cluster live in; the last argument of their factories. */
export interface ClusterWorld {
  /** Dials. */
  readonly connect: Connect;
  /** Listens. */
  readonly listen: Listen;
  /** Tells the time. */
  readonly clock: Clock;
  /** Draws and shuffles. */
  readonly random: Random;
}

/** What a {@linkcode TestCluster} looks like at rest, by broker name. */
export type ClusterSnapshot = Readonly<Record<string, BrokerSnapshot>>;

/** Lines of the wire log by default. */
const WIRE_LOG_LINES = 10_000;
const FIRST_LETTER = "a".charCodeAt(0);

/**
 * Starts a cluster.
 *
 * @example
 * ```ts
 * import { startCluster } from "@contrail/rocketmq/testing";
 *
 * const cluster = await startCluster({ brokers: 2, topics: { orders: 4 } });
 * // … clients with namesrvAddr: cluster.namesrvAddr
 * await cluster.stop();
 * ```
 */
export async function startCluster(options: ClusterOptions = {}): Promise<TestCluster> {
  const { listen, connect } = options.listen !== undefined && options.connect !== undefined
    ? { listen: options.listen, connect: options.connect }
    : { ...await detectTransport(), ...withoutUndefined(options) };
  const cluster = new TestCluster(options, {
    connect,
    listen,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  });
  try {
    await cluster.start();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  for (const [topic, queues] of Object.entries(options.topics ?? {})) cluster.createTopic(topic, { queues });
  return cluster;
}

/** A running cluster; made by {@linkcode startCluster}. */
export class TestCluster {
  /** What clients of it live in. */
  readonly world: ClusterWorld;
  /** What went over the wire. */
  readonly wireLog: WireLog;
  readonly #faults: Faults;
  readonly #nameServers: readonly NameServerNode[];
  readonly #brokers: ReadonlyMap<string, BrokerNode>;
  readonly #masters: ReadonlyMap<string, BrokerNode>;
  readonly #view: ClusterView;

  /** A cluster whose machines are all off. */
  constructor(options: ClusterOptions, world: ClusterWorld) {
    this.world = world;
    this.wireLog = new WireLog(options.wireLogLines ?? WIRE_LOG_LINES);
    this.#faults = new Faults(world.clock);
    const logger = options.logger ?? quietLogger;
    const nodeWorld: NodeWorld = {
      host: options.host ?? "127.0.0.1",
      clock: world.clock,
      random: world.random,
      listen: world.listen,
      tls: options.tls,
      faults: this.#faults,
      wireLog: this.wireLog,
      route: (topic) => this.#nameServers.find((node) => node.running !== undefined)?.running?.route(topic),
      onError: (error) => logger.warn("embedded broker: background work failed", error),
    };
    const { nameServers = 1, brokers = 1 } = options;
    const ports = typeof nameServers === "number" ? Array<number>(nameServers).fill(0) : nameServers;
    this.#nameServers = ports.map((port, at) => new NameServerNode(`namesrv-${at}`, port, nodeWorld));
    const nodes = brokerSpecs(brokers).flatMap((spec) => brokerNodes(spec, options.broker ?? {}, nodeWorld));
    this.#brokers = new Map(nodes.map((node) => [node.name, node]));
    this.#masters = new Map([...this.#brokers].filter(([, node]) => node.master === undefined));
    this.#view = new ClusterView(this.#masters, world.clock);
  }

  /** The name servers, `host:port` separated by `;`. */
  get namesrvAddr(): string {
    return this.#nameServers.map((node) => node.address).join(";");
  }

  /** Names of the brokers, without slaves. */
  get brokers(): readonly string[] {
    return [...this.#masters.keys()];
  }

  /** Names of the slaves. */
  get slaves(): readonly string[] {
    return [...this.#brokers.keys()].filter((name) => !this.#masters.has(name));
  }

  /** What is inside: messages, offsets, members, locks. */
  get inspect(): ClusterView {
    return this.#view;
  }

  /** `host:port` of a broker. */
  brokerAddress(name: string): string {
    return this.#broker(name).address;
  }

  /** Starts what is off. */
  async start(): Promise<void> {
    for (let at = 0; at < this.#nameServers.length; at++) await this.startNameServer(at);
    for (const name of this.#brokers.keys()) await this.startBroker(name);
  }

  /** Stops everything; resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#faults.clear();
    await Promise.all([...this.#brokers.values()].map((node) => node.stop()));
    await Promise.all(this.#nameServers.map((node) => node.stop()));
  }

  /** Starts a broker that was stopped, on the same port; does nothing when it runs. */
  async startBroker(name: string): Promise<void> {
    const node = this.#broker(name);
    if (node.running !== undefined) return;
    const broker = await node.start();
    if (node.master === undefined) {
      broker.state.topics.onChange = (topic, removed) => {
        // A real broker's name server forgets a topic only when an administrator tells it to.
        if (removed) return;
        const registered = registeredTopic(topic, node.options.brokerPermission);
        for (const server of this.#nameServers) server.running?.putTopic(name, registered);
      };
    }
    for (const server of this.#nameServers) this.#register(server, node);
  }

  /** Stops a broker in good order, and takes it off the name servers. */
  async stopBroker(name: string): Promise<void> {
    this.#unregister(name);
    await this.#broker(name).stop();
  }

  /** Kills a broker: its connections break, and with `lose` what it had not saved is lost. */
  async killBroker(name: string, { lose = false }: { lose?: boolean } = {}): Promise<void> {
    const node = this.#broker(name);
    await node.kill(lose && node.master === undefined);
    this.#unregister(name);
  }

  /** Stops a broker and starts it again; with `lose` it is killed, and what it had not saved is lost. */
  async restartBroker(name: string, { lose = false }: { lose?: boolean } = {}): Promise<void> {
    if (lose) await this.killBroker(name, { lose });
    else await this.stopBroker(name);
    await this.startBroker(name);
  }

  /** Stops a name server, counted from 0. */
  async stopNameServer(at = 0): Promise<void> {
    await this.#nameServers[at]?.stop();
  }

  /** Starts a name server that was stopped, on the same port; the running brokers register with it. */
  async startNameServer(at = 0): Promise<void> {
    const node = this.#nameServers[at];
    if (node === undefined || node.running !== undefined) return;
    await node.start();
    for (const broker of this.#brokers.values()) this.#register(node, broker);
  }

  /** Makes or changes a topic, at all brokers or at some; four queues, readable and writable by default. */
  createTopic(
    topic: string,
    { queues = 4, brokers = this.brokers, ...more }: CreateTopicOptions = {},
  ): void {
    for (const name of brokers) this.#broker(name).state.topics.put(topicConfig(topic, queues, more));
  }

  /** Removes a topic from all brokers and name servers. */
  deleteTopic(topic: string): void {
    for (const { state } of this.#masters.values()) {
      state.topics.remove(topic);
      state.store.removeTopic(topic);
    }
    for (const server of this.#nameServers) server.running?.deleteTopic(topic);
  }

  /** Orders a fault for the next request of a kind; see {@linkcode Fault}. */
  once(operation: FaultTarget, fault: Fault, scope?: FaultScope): FaultOrder {
    return this.#faults.order(operation, fault, scope);
  }

  /** Takes back all faults that were ordered. */
  clearFaults(): void {
    this.#faults.clear();
  }

  /** Makes everything that a broker (or all) took so far survive a crash. */
  flush(name?: string): void {
    for (const node of name === undefined ? this.#masters.values() : [this.#broker(name)]) node.state.flush();
  }

  /** A copy of what the brokers keep. */
  snapshot(): ClusterSnapshot {
    return Object.fromEntries([...this.#masters].map(([name, node]) => [name, node.state.snapshot()]));
  }

  /** Puts back what a snapshot holds, broker by broker; those that run are restarted over it. */
  async restore(snapshot: ClusterSnapshot): Promise<void> {
    for (const [name, kept] of Object.entries(snapshot)) {
      const node = this.#broker(name);
      const wasRunning = node.running !== undefined;
      if (wasRunning) await this.stopBroker(name);
      node.state.restore(kept);
      if (wasRunning) await this.startBroker(name);
    }
  }

  /** Drops old messages of a broker until at most `maxBytes` of its log are kept: the queues' min offsets move up. */
  retain(name: string, maxBytes: number): void {
    this.#broker(name).state.store.retain(maxBytes);
  }

  #broker(name: string): BrokerNode {
    const node = this.#brokers.get(name);
    if (node === undefined) {
      throw new Error(`Cannot find broker "${name}": there are ${[...this.#brokers.keys()].join(", ")}`);
    }
    return node;
  }

  #register(server: NameServerNode, { running, options, address }: BrokerNode): void {
    if (running === undefined) return;
    const { clusterName, brokerName, brokerId, brokerPermission } = options;
    const topics = [...running.state.topics.all()].map((topic) => registeredTopic(topic, brokerPermission));
    server.running?.register({ clusterName, brokerName, brokerId, address, topics });
  }

  #unregister(name: string): void {
    const { brokerName, brokerId } = this.#broker(name).options;
    for (const server of this.#nameServers) server.running?.unregister(brokerName, brokerId);
  }
}

/** Settings of a topic to be made. */
export interface CreateTopicOptions extends Partial<Omit<NamedTopic, "topicName">> {
  /** Number of queues at each broker. Default 4. */
  readonly queues?: number;
  /** Names of the brokers. Default: all. */
  readonly brokers?: readonly string[];
}

function brokerSpecs(brokers: number | readonly (string | BrokerSpec)[]): BrokerSpec[] {
  if (typeof brokers !== "number") {
    return brokers.map((spec) => typeof spec === "string" ? { name: spec } : spec);
  }
  return Array.from(
    { length: brokers },
    (_, at) => ({ name: `broker-${String.fromCharCode(FIRST_LETTER + at)}` }),
  );
}

/** The machines of a broker and its slaves, the master first. */
function brokerNodes(
  { name, port = 0, slaves = 0, ...own }: BrokerSpec,
  common: Partial<BrokerOptions>,
  world: NodeWorld,
): BrokerNode[] {
  const settings = { ...DEFAULT_BROKER_OPTIONS, ...common, ...own, brokerName: name };
  const master = new BrokerNode({ ...settings, brokerId: 0 }, port, world);
  const others = Array.from(
    { length: slaves },
    (_, at) => new BrokerNode({ ...settings, brokerId: at + 1, suggestSlave: false }, 0, world, master),
  );
  return [master, ...others];
}

function withoutUndefined({ listen, connect }: ClusterOptions): { listen?: Listen; connect?: Connect } {
  return { ...(listen && { listen }), ...(connect && { connect }) };
}
