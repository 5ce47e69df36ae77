/**
 * Everything of a client that exists only while it runs: connections, routes, heartbeats and the loops that keep them
 * fresh.
 *
 *   loops → NameServers → RouteTable → BrokerDirectory → Heartbeats → brokers → members
 *
 * `openSession` either gives a session whose name servers have answered, or leaves nothing open.
 */
import { BrokerError } from "../core/errors.ts";
import { type Credentials, sign } from "../protocol/acl.ts";
import { CLIENT_INNER_PRODUCER_GROUP, DEFAULT_CREATE_TOPIC, isRetryTopic } from "../protocol/names.ts";
import { unregisterClient } from "../protocol/operations/membership.ts";
import { getRouteInfoByTopic } from "../protocol/operations/name_server.ts";
import type { Channel } from "../remoting/channel.ts";
import { ConnectionPool } from "../remoting/pool.ts";
import { BrokerDirectory } from "../routing/broker_directory.ts";
import { NameServers } from "../routing/name_servers.ts";
import type { TopicRoute } from "../routing/route.ts";
import { RouteTable } from "../routing/route_table.ts";
import { type LoopRunner, runLoops } from "../time/loop.ts";
import { within } from "../time/within.ts";
import type { Connect } from "../transport/seam.ts";
import type { ClientEvent, ClientStatistics } from "./events.ts";
import { Heartbeats } from "./heartbeats.ts";
import { clientIdOf } from "./identity.ts";
import { inboundDispatch } from "./inbound.ts";
import { guarded, type Member, type Members } from "./members.ts";
import type { ResolvedClientOptions } from "./options.ts";
import { clientTimetable } from "./timetable.ts";
import type { WorldWithoutSockets } from "./world.ts";

/** What a session is made with. */
export interface SessionOptions {
  /** The client's options. */
  readonly options: Omit<ResolvedClientOptions, "credentials">;
  /** Signs requests. */
  readonly credentials: Credentials | undefined;
  /** Time, chance, lines. */
  readonly world: WorldWithoutSockets;
  /** Dials. */
  readonly connect: Connect;
  /** Who takes part. */
  readonly members: Members;
  /** Topics to keep fresh beside those of the members. */
  readonly watched: ReadonlySet<string>;
  /** Takes events. */
  readonly emit: (event: ClientEvent) => void;
}

/** A route that nobody watches is forgotten after so many polls without a question for it. */
const FORGET_AFTER_POLLS = 10;
/** Failed dials ask for fresh routes at most this often, in milliseconds. */
const ROUTE_NUDGE_PAUSE_MS = 1000;

/** Opens a session: asks a name server once, learns this host's address, starts the loops. */
export async function openSession(options: SessionOptions, signal?: AbortSignal): Promise<Session> {
  const session = new Session(options);
  try {
    await within(session.greet(), { clock: options.world.clock, signal });
    session.startLoops();
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** A running client. */
export class Session {
  readonly #options: SessionOptions;
  /** Its connections. */
  readonly pool: ConnectionPool;
  /** Its name servers. */
  readonly nameServers: NameServers;
  /** Its routes. */
  readonly routes: RouteTable;
  /** Where its brokers are. */
  readonly directory: BrokerDirectory = new BrokerDirectory();
  /** Its heartbeats. */
  readonly heartbeats: Heartbeats;
  readonly #closing = new AbortController();
  readonly #missing = new Set<string>();
  #loops: LoopRunner | undefined;
  #clientId = "";
  #nudgedAt = -Infinity;
  #refreshFailed = false;

  /** Opens nothing yet; use `openSession`. */
  constructor(given: SessionOptions) {
    this.#options = given;
    const { options, world, members, emit } = given;
    const { clock, random, logger, fetch } = world;
    const timeoutMs = options.requestTimeoutMs;
    const pool = this.pool = this.#makePool(given);
    const onFailover = (from: string, to: string, error: Error): void => {
      logger.warn(`Name server ${from} failed, ${to} is asked from now on: ${error.message}`);
      emit({ type: "nameServerFailedOver", from, to, error });
    };
    const nameServers = this.nameServers = new NameServers({
      namesrvAddr: options.namesrvAddr,
      pool,
      clock,
      random,
      fetch,
      signal: this.#closing.signal,
      onFailover,
    });
    this.routes = new RouteTable({
      nameServers,
      clock,
      timeoutMs,
      onChange: (route) => this.#routeChanged(route),
      onMissing: (topic) => this.#topicMissing(topic),
    });
    this.heartbeats = new Heartbeats({
      members,
      directory: this.directory,
      pool,
      clock,
      timeoutMs,
      logger,
      clientId: () => this.#clientId,
      signal: this.#closing.signal,
      emit,
    });
  }

  /** The client's id. */
  get clientId(): string {
    return this.#clientId;
  }

  /** What `client.statistics()` shows. */
  statistics(): ClientStatistics {
    const { refreshes, failures } = this.routes.counts;
    return {
      clientId: this.#clientId,
      nameServers: this.nameServers.addresses,
      routeRefreshes: refreshes,
      routeRefreshFailures: failures,
      topics: [...this.routes.all()].map((route) => route.topic),
      heartbeats: this.heartbeats.statistics(),
      connections: this.pool.openAddresses(),
    };
  }

  /**
   * Asks a name server for a route that any of them can answer about: it shows that one serves, and the connection
   * shows which of this host's addresses is used. That the answer is a refusal does not matter.
   */
  async greet(): Promise<void> {
    const { options } = this.#options;
    const header = { topic: DEFAULT_CREATE_TOPIC, acceptStandardJsonOnly: true };
    await this.nameServers.call(getRouteInfoByTopic, header, { timeoutMs: options.requestTimeoutMs })
      .catch((error) => {
        if (!(error instanceof BrokerError)) throw error;
      });
  }

  /** Starts the background life. */
  startLoops(): void {
    const { options, world } = this.#options;
    this.#loops = runLoops(clientTimetable(this, options), {
      clock: world.clock,
      onError: (loop, error) =>
        world.logger.error(`The ${loop} loop of client ${this.#clientId} failed`, error),
    });
  }

  /** Wakes the loop called `name`. */
  nudge(name: "route" | "heartbeat"): void {
    this.#loops?.nudge(name);
  }

  /** Asks for the routes of all topics in use, forgets what nobody uses. A failure is told once, until it is over. */
  async refreshRoutes(signal: AbortSignal): Promise<void> {
    const { options, members, watched, world, emit } = this.#options;
    const topics = new Set(watched);
    for (const member of members.all()) {
      for (const topic of guarded(member, world.logger, () => member.topics()) ?? []) topics.add(topic);
    }
    this.routes.forgetOlder(FORGET_AFTER_POLLS * options.routePollIntervalMs, topics);
    try {
      await this.routes.refresh(topics, signal);
      this.#refreshFailed = false;
    } catch (error) {
      if (signal.aborted || this.#refreshFailed || !(error instanceof Error)) return;
      this.#refreshFailed = true;
      world.logger.warn(`Routes could not be refreshed, known ones stay in use: ${error.message}`);
      emit({ type: "routeRefreshFailed", error });
    }
    this.directory.keepOnly(this.routes.all());
    this.heartbeats.keepOnly(this.directory.places());
  }

  /** Asks for fresh routes soon: something does not fit what is known. */
  doubtRoutes(): void {
    const now = this.#options.world.clock.now();
    if (now - this.#nudgedAt < ROUTE_NUDGE_PAUSE_MS) return;
    this.#nudgedAt = now;
    this.nudge("route");
  }

  /** Takes a group out of every broker that has heard of it. Never rejects: brokers forget it by themselves later. */
  async unregister(groups: { producerGroup?: string; consumerGroup?: string }): Promise<void> {
    const { options, world } = this.#options;
    const places = this.directory.places().filter((place) => this.pool.openChannel(place.address));
    await Promise.all(
      places.map(({ address }) =>
        this.pool.call(address, unregisterClient, { clientID: this.#clientId, ...groups }, {
          timeoutMs: options.requestTimeoutMs,
        }).catch((error) => world.logger.debug(`Could not unregister at ${address}`, error))
      ),
    );
  }

  /** Unregisters `member` as what it is. */
  unregisterMember(member: Member): Promise<void> {
    const { group } = member;
    return this.unregister(member.kind === "producer" ? { producerGroup: group } : { consumerGroup: group });
  }

  /** Stops the loops, unregisters what is left, closes every connection. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the client is shut down"));
    await this.#loops?.stop();
    if (this.#loops) {
      const members = this.#options.members.all().map((member) => this.unregisterMember(member));
      await Promise.all([...members, this.unregister({ producerGroup: CLIENT_INNER_PRODUCER_GROUP })]);
    }
    await this.pool.close();
  }

  #makePool({ options, world, connect, members, credentials }: SessionOptions): ConnectionPool {
    const { tls, language, connectTimeoutMs, idleCloseMs, namespaceV2 } = options;
    return new ConnectionPool({
      connect,
      clock: world.clock,
      random: world.random,
      tls: tls === true ? {} : tls || undefined,
      connectTimeoutMs,
      idleCloseMs,
      channel: {
        language,
        onRequest: inboundDispatch(members, world.logger),
        requestFields: namespaceV2 === undefined ? undefined : { nsd: "true", ns: namespaceV2 }, // Java: NamespaceRpcHook
        sign: credentials && (({ extFields = {} }, body) => sign(extFields, body, credentials)),
      },
      onConnected: (address, channel) => this.#connected(address, channel),
      onDisconnected: (address, error) => this.#disconnected(address, error),
      onConnectFailed: (address) => {
        // A name server that cannot be reached is no reason to ask name servers.
        if (this.directory.nameAt(address) !== undefined) this.doubtRoutes();
      },
    });
  }

  #connected(address: string, channel: Channel): void {
    const { options, world, emit } = this.#options;
    if (this.#clientId === "") {
      const ip = options.clientIp ?? world.host ?? channel.local.host;
      const { instanceName, unitName } = options;
      this.#clientId = clientIdOf({ ip, instanceName, unitName, pid: world.pid }, world.random);
    }
    const brokerName = this.directory.nameAt(address);
    if (brokerName === undefined) return;
    world.logger.info(`Connected to broker "${brokerName}" at ${address}`);
    emit({ type: "brokerConnected", brokerName, address });
    void this.#introduce(brokerName, address);
  }

  /** A broker knows its clients by connection: a new one begins with a heartbeat, then members may count on it. */
  async #introduce(brokerName: string, address: string): Promise<void> {
    const place = this.directory.places().find((each) => each.address === address);
    await (this.heartbeats.underWay(address) ?? (place && this.heartbeats.sendTo(place)));
    if (!this.pool.openChannel(address)) return;
    const { members, world } = this.#options;
    for (const member of members.consumers()) {
      guarded(member, world.logger, () => member.onBrokerConnected?.(brokerName));
    }
  }

  #disconnected(address: string, error: Error | undefined): void {
    const brokerName = this.directory.nameAt(address);
    if (brokerName === undefined) return;
    const { world, emit } = this.#options;
    if (error) world.logger.warn(`Disconnected from broker "${brokerName}" at ${address}: ${error.message}`);
    emit({ type: "brokerDisconnected", brokerName, address, ...(error ? { error } : {}) });
  }

  #routeChanged(route: TopicRoute): void {
    const { members, world, emit } = this.#options;
    const { topic } = route;
    this.#missing.delete(topic);
    const addresses = [...route.brokers.values()].flatMap((each) => [...each.values()]);
    const hasNewAddress = addresses.some((address) => this.directory.nameAt(address) === undefined);
    this.directory.learn(route);
    emit({ type: "routeChanged", topic });
    for (const member of members.consumers()) {
      guarded(member, world.logger, () => {
        if (new Set(member.topics()).has(topic)) member.onRouteChanged(topic);
      });
    }
    if (hasNewAddress) this.nudge("heartbeat");
  }

  #topicMissing(topic: string): void {
    if (isRetryTopic(topic)) return; // brokers make it at the group's first heartbeat
    if (this.#missing.has(topic)) return;
    this.#missing.add(topic);
    const { world, emit } = this.#options;
    world.logger.warn(`Topic "${topic}" does not exist (yet); its route is asked for again at each poll`);
    emit({ type: "topicMissing", topic });
  }
}
