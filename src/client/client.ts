/**
 * One client: the connections, routes, heartbeats and the identity that the consumers and producers of a program share.
 *
 * The face of it. What exists only while it runs is a Session; what is known before (options, members, watched topics)
 * is here. Start and shutdown are counted, so that each user says them once and the last one out closes the door.
 */
import { BrokerError, BrokerNotAvailableError, RocketMQError } from "../core/errors.ts";
import { EventQueue } from "../core/event_queue.ts";
import type { Logger } from "../core/logger.ts";
import type { Random } from "../core/random.ts";
import type { Tracer } from "../core/tracer.ts";
import type { Credentials } from "../protocol/acl.ts";
import { ResponseCode } from "../protocol/response_codes.ts";
import type { Fields, Of, OnewayOptions, Operation, Reply } from "../remoting/call.ts";
import type { TopicRoute } from "../routing/route.ts";
import type { Clock } from "../time/clock.ts";
import { within } from "../time/within.ts";
import type { BrokerChoice, ClientCallOptions } from "./broker_choice.ts";
import type { ClientEvent, ClientStatistics } from "./events.ts";
import { type Member, Members } from "./members.ts";
import {
  checkClientOptions,
  type ClientOptions,
  parseClientOptions,
  type ResolvedClientOptions,
} from "./options.ts";
import { openSession, type Session } from "./session.ts";
import { completeWorld, findConnect, type PartialWorld, type WorldWithoutSockets } from "./world.ts";

export type { Credentials };
export type { BrokerChoice, ClientCallOptions } from "./broker_choice.ts";
export type { ClientEvent, ClientStatistics, HeartbeatStatistics } from "./events.ts";
export type { ConsumerMember, Member, MemberReply, ProducerMember } from "./members.ts";
export type { ClientOptions } from "./options.ts";

/** Unread events kept for each reader. */
const EVENT_LIMIT = 1000;

/**
 * Makes a client. It validates at once and does no I/O before `start()`.
 *
 * @throws ConfigError naming every problem of the options.
 */
export function createClient(options: ClientOptions, world?: PartialWorld): RocketMQClient {
  checkClientOptions(options);
  return new RocketMQClient(options, world);
}

/** A client. Made by `createClient`. */
export class RocketMQClient {
  readonly #options: Omit<ResolvedClientOptions, "credentials">;
  readonly #credentials: Credentials | undefined;
  readonly #world: WorldWithoutSockets;
  readonly #members = new Members();
  readonly #watched = new Set<string>();
  readonly #readers = new Set<EventQueue<ClientEvent>>();
  #users = 0;
  #session: Session | undefined;
  #opening = new AbortController();
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /** Use `createClient`. */
  constructor(options: ClientOptions, world?: PartialWorld) {
    const { credentials, ...rest } = parseClientOptions(options);
    this.#options = Object.freeze(rest);
    this.#credentials = credentials;
    this.#world = completeWorld(world);
  }

  /**
   * Its options with every default in place; credentials are not among them.
   * @internal
   */
  get options(): Omit<ResolvedClientOptions, "credentials"> {
    return this.#options;
  }

  /** `ip@pid#random`, by which brokers know it; empty before it has started. */
  get clientId(): string {
    return this.#session?.clientId ?? "";
  }

  /** The name servers as one text: those known now, or what was configured. */
  get nameServers(): string {
    const known = this.#session?.nameServers.addresses;
    return known && known.length > 0 ? known.join(";") : [this.#options.namesrvAddr].flat().join(";");
  }

  /**
   * The clock it lives by.
   * @internal
   */
  get clock(): Clock {
    return this.#world.clock;
  }

  /**
   * Its source of chance.
   * @internal
   */
  get random(): Random {
    return this.#world.random;
  }

  /**
   * Where its lines go.
   * @internal
   */
  get logger(): Logger {
    return this.#world.logger;
  }

  /**
   * Who follows its messages, if anybody does.
   * @internal
   */
  get tracer(): Tracer | undefined {
    return this.#world.tracer;
  }

  /** Whether it has started and is not shut down. */
  get isRunning(): boolean {
    return this.#session !== undefined;
  }

  /**
   * Starts, or joins the start of another user. Resolves when a name server has answered.
   *
   * @throws NameServerError when none answers; nothing is left open, and starting again is possible. The signal's reason.
   */
  async start({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    signal?.throwIfAborted();
    await this.#stopping;
    this.#users++;
    try {
      this.#starting ??= this.#open();
      await within(this.#starting, { clock: this.clock, signal });
    } catch (error) {
      await this.shutdown();
      throw error;
    }
  }

  /**
   * Takes one `start()` back. The last one unregisters what is left and closes every connection. Calling it without a
   * start to take back waits for a shutdown under way, and does nothing more.
   */
  async shutdown(): Promise<void> {
    if (this.#users > 0 && --this.#users === 0) {
      this.#stopping = this.#close().finally(() => this.#stopping = undefined);
    }
    await this.#stopping;
  }

  /**
   * Takes a member in: it is in the next heartbeat, and its topics' routes are kept fresh. @throws ConfigError
   * @internal
   */
  join(member: Member): void {
    this.#members.join(member);
    this.#session?.nudge("route");
    this.#session?.nudge("heartbeat");
  }

  /**
   * Lets a member go and tells the brokers. Never rejects; for one that is not here it does nothing.
   * @internal
   */
  async leave(member: Member): Promise<void> {
    if (this.#members.leave(member)) await this.#session?.unregisterMember(member);
  }

  /** Tells all brokers how things are now; resolves when each has answered or failed. Never rejects. */
  async heartbeat(): Promise<void> {
    await this.#session?.heartbeats.send();
  }

  /**
   * The route of `topic`, from memory when it is being kept fresh, else from a name server.
   *
   * @throws BrokerError with response code 17 when there is no such topic; NameServerError when no name server answers;
   * the signal's reason.
   * @internal
   */
  async route(
    topic: string,
    { signal, refresh = false }: { signal?: AbortSignal | undefined; refresh?: boolean | undefined } = {},
  ): Promise<TopicRoute> {
    const { routes } = this.#running(`find the route of "${topic}"`);
    const known = refresh ? undefined : routes.cached(topic, this.#options.routePollIntervalMs * 2);
    const route = known ?? await routes.ask(topic, signal);
    if (route) return route;
    throw new BrokerError(`Cannot find the route of "${topic}": no name server knows such a topic`, {
      topic,
      responseCode: ResponseCode.TOPIC_NOT_EXIST,
      retriable: true,
    });
  }

  /**
   * The route of `topic` as it is in memory, without asking.
   * @internal
   */
  cachedRoute(topic: string): TopicRoute | undefined {
    return this.#session?.routes.cached(topic);
  }

  /**
   * Keeps the route of `topic` fresh from now on.
   * @internal
   */
  watchTopic(topic: string): void {
    this.#watched.add(topic);
    this.#session?.nudge("route");
  }

  /**
   * Keeps the route of `topic` fresh for members only.
   * @internal
   */
  unwatchTopic(topic: string): void {
    this.#watched.delete(topic);
  }

  /**
   * Address of a broker; without an id of its master.
   * @internal
   */
  brokerAddress(
    brokerName: string,
    brokerId?: number,
    { only = false }: { only?: boolean | undefined } = {},
  ): string | undefined {
    const directory = this.#session?.directory;
    return brokerId === undefined
      ? directory?.master(brokerName)
      : directory?.reader(brokerName, brokerId, only);
  }

  /**
   * Names of the brokers that the known routes name, sorted.
   * @internal
   */
  brokerNames(): string[] {
    return this.#session?.directory.names() ?? [];
  }

  /**
   * The version (an MQVersion ordinal) that the broker at `address` last answered with.
   * @internal
   */
  brokerVersion(address: string): number | undefined {
    return this.#session?.pool.openChannel(address)?.peerVersion ??
      this.#session?.heartbeats.statistics().find((each) => each.address === address)?.version;
  }

  /**
   * Makes a request at a broker.
   *
   * @throws BrokerNotAvailableError when no address is known (the routes are asked for again then); BrokerError for a
   * code that is not one of the operation's answers; NetworkError; TimeoutError; the signal's reason.
   * @internal
   */
  async call<Q extends Fields, R extends Fields>(
    brokerName: string,
    operation: Operation<Q, R>,
    header: Of<Q>,
    options: ClientCallOptions & BrokerChoice = {},
  ): Promise<Reply<R>> {
    const address = this.#addressFor(brokerName, operation.name, options);
    return await this.callAddress(address, operation, header, options);
  }

  /**
   * Closes the connection to a broker's master unless others use this client: what is parked there is parked for nobody.
   *
   * @internal
   */
  hangUp(brokerName: string): void {
    const address = this.brokerAddress(brokerName);
    if (address !== undefined && this.#users === 1) this.#session?.pool.disconnect(address);
  }

  /**
   * Makes a request at a broker that is not answered. A failure is logged, not thrown.
   * @internal
   */
  oneway<Q extends Fields>(
    brokerName: string,
    operation: Operation<Q, Fields>,
    header: Of<Q>,
    options: OnewayOptions & BrokerChoice = {},
  ): void {
    const send = async (): Promise<void> => {
      const address = this.#addressFor(brokerName, operation.name, options);
      await this.#running(`send ${operation.name}`).pool.oneway(address, operation, header, options);
    };
    send().catch((error) => {
      this.logger.warn(`Could not send ${operation.name} to broker "${brokerName}": ${error.message}`);
    });
  }

  /**
   * Makes a request at `address`, whatever is there. @throws As `call`.
   * @internal
   */
  async callAddress<Q extends Fields, R extends Fields>(
    address: string,
    operation: Operation<Q, R>,
    header: Of<Q>,
    options: ClientCallOptions = {},
  ): Promise<Reply<R>> {
    const { pool } = this.#running(`call ${operation.name}`);
    const timeoutMs = options.timeoutMs ?? this.#options.requestTimeoutMs;
    return await pool.call(address, operation, header, { ...options, timeoutMs });
  }

  /**
   * Makes a request at a name server that serves. @throws NameServerError when none does; BrokerError.
   * @internal
   */
  async callNameServer<Q extends Fields, R extends Fields>(
    operation: Operation<Q, R>,
    header: Of<Q>,
    options: ClientCallOptions = {},
  ): Promise<Reply<R>> {
    const { nameServers } = this.#running(`call ${operation.name}`);
    const timeoutMs = options.timeoutMs ?? this.#options.requestTimeoutMs;
    return await nameServers.call(operation, header, { ...options, timeoutMs });
  }

  /** Events from now on. Each reader has a queue of its own, which ends with the client. */
  events(): AsyncIterableIterator<ClientEvent> {
    const reader: EventQueue<ClientEvent> = new EventQueue(EVENT_LIMIT, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return reader;
  }

  /** A picture of it as it is now. */
  statistics(): ClientStatistics {
    return this.#session?.statistics() ?? {
      clientId: "",
      nameServers: [],
      routeRefreshes: 0,
      routeRefreshFailures: 0,
      topics: [],
      heartbeats: [],
      connections: [],
    };
  }

  #addressFor(brokerName: string, operation: string, { brokerId, only }: BrokerChoice): string {
    const session = this.#running(`call ${operation}`);
    const address = this.brokerAddress(brokerName, brokerId, { only });
    if (address !== undefined) return address;
    session.doubtRoutes();
    const wanted = brokerId === undefined ? "the master" : `id ${brokerId}`;
    throw new BrokerNotAvailableError(
      `Cannot call ${operation} at broker "${brokerName}": no address is known of ${wanted}`,
      { broker: brokerName },
    );
  }

  #running(attempted: string): Session {
    if (this.#session) return this.#session;
    throw new RocketMQError(`Cannot ${attempted}: the client is not running`);
  }

  async #open(): Promise<void> {
    this.#opening = new AbortController();
    this.#session = await openSession({
      options: this.#options,
      credentials: this.#credentials,
      world: this.#world,
      connect: await findConnect(this.#world),
      members: this.#members,
      watched: this.#watched,
      emit: (event) => this.#emit(event),
    }, this.#opening.signal);
  }

  async #close(): Promise<void> {
    this.#opening.abort(new RocketMQError("Cannot start: the client is shut down"));
    await this.#starting?.catch(() => {});
    this.#starting = undefined;
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
    for (const reader of [...this.#readers]) reader.close();
  }

  #emit(event: ClientEvent): void {
    for (const reader of this.#readers) reader.push(event);
  }
}
