/**
 * One broker process: connections, members, locks and parked requests around a BrokerState.
 *
 * A request comes in through `serve`, its handler decides over the parts below and answers. Everything that happens by
 * itself (delays, timers, transaction checks, sweeps) hangs on one set of alarms. A Broker lives once, from `start` to `stop`;
 * a restart makes another over the same state.
 */
import type { Random } from "../../core/random.ts";
import { createUniqueIds, encodeOffsetId } from "../../message/ids.ts";
import type { DataVersion, TopicRouteData } from "../../protocol/bodies.ts";
import * as operations from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";
import type { InboundRequest, OutboundReply } from "../../remoting/call.ts";
import type { Channel } from "../../remoting/channel.ts";
import type { Clock } from "../../time/clock.ts";
import { type Address, formatAddress } from "../../transport/seam.ts";
import type { Fields, Of, Operation } from "../../wire/schema.ts";
import { writeFields } from "../../wire/schema.ts";
import { type Alarm, Alarms } from "../alarms.ts";
import type { Faults } from "../faults.ts";
import { brokerHandlers } from "../handlers/broker_handlers.ts";
import { type HandlerRow, notSupported, refuse } from "../handlers/handler.ts";
import type { NewMessage, Stored } from "../store/message_store.ts";
import type { BrokerOptions } from "./broker_options.ts";
import type { ArrivalListener, BrokerState } from "./broker_state.ts";
import { LockTable } from "./lock_table.ts";
import { MemberTable } from "./member_table.ts";
import { Filters } from "./message_filter.ts";
import { changedOptions } from "./settings.ts";
import { slaveRefusal } from "./slave.ts";
import { BrokerStats } from "./stats.ts";
import { ParkedRequests } from "./parked_requests.ts";
import { Pops } from "./pop.ts";
import { Schedule } from "./schedule.ts";
import { Timers } from "./timers.ts";
import { checkHalves } from "./transactions.ts";

/** How often silent members are looked for, in milliseconds. */
const MEMBER_SCAN_MS = 10_000;

/** What a broker stands on. */
export interface BrokerWorld {
  /** Tells the time. */
  readonly clock: Clock;
  /** Draws queues. */
  readonly random: Random;
  /** Faults ordered by tests. */
  readonly faults: Faults;
  /** The route of a topic as the name servers know it. */
  route(topic: string): TopicRouteData | undefined;
  /** Where errors of background work go. */
  onError(error: unknown): void;
}

/** One life of a broker. */
export class Broker {
  /** What it keeps. */
  readonly state: BrokerState;
  /** Where clients reach it. */
  readonly address: Address;
  /** Tells the time. */
  readonly clock: Clock;
  /** Draws queues. */
  readonly random: Random;
  /** What happens later. */
  readonly alarms: Alarms;
  /** Who is there. */
  readonly members: MemberTable = new MemberTable();
  /** Who holds which queue. */
  readonly locks: LockTable = new LockTable();
  /** What subscriptions let through. */
  readonly filters: Filters = new Filters();
  /** Requests that wait for messages. */
  readonly parked: ParkedRequests;
  /** Settings that an administrator changed, under Java's names; those of `settings.ts` are obeyed, others only shown. */
  readonly config: Map<string, string> = new Map();
  /** What it counts. */
  readonly stats: BrokerStats;
  /** How many bytes a minute groups may read from disk, by group; shown, as there is no disk. */
  readonly coldReadLimits: Map<string, number> = new Map();
  /** Messages taken out for a while. */
  readonly pops: Pops;
  /** When this life began, in milliseconds since the epoch. */
  readonly startedAt: number;
  readonly #options: BrokerOptions;
  readonly #world: BrokerWorld;
  readonly #handlers: ReadonlyMap<number, HandlerRow<Broker>>;
  readonly #schedule: Schedule;
  readonly #timers: Timers;
  readonly #uniqueKeys: () => string;
  readonly #onArrival: ArrivalListener;
  /** Set while something is stored that is not flushed. */
  #flush: Alarm | undefined;

  /** A broker over `state`, reached at `address`. */
  constructor(options: BrokerOptions, state: BrokerState, address: Address, world: BrokerWorld) {
    this.#options = options;
    this.state = state;
    this.address = address;
    this.clock = world.clock;
    this.random = world.random;
    this.startedAt = world.clock.now();
    this.stats = new BrokerStats(world.clock, options.clusterName);
    this.#world = world;
    this.#handlers = brokerHandlers();
    this.alarms = new Alarms(world.clock, world.onError);
    this.parked = new ParkedRequests(this.alarms, options.maxParked);
    this.#uniqueKeys = createUniqueIds({ clock: world.clock, random: world.random, ip: address.host });
    this.#schedule = new Schedule(this);
    this.#timers = new Timers(this);
    this.pops = new Pops(this);
    this.#onArrival = (message, stored, tagsCode) => this.#arrived(message, stored, tagsCode);
    state.onArrival.add(this.#onArrival);
    this.members.onChange = (group, channels) => {
      const notify = group.messageModel !== "BROADCASTING" &&
        (state.groups.peek(group.group)?.notifyConsumerIdsChangedEnable ?? true);
      if (!notify) return;
      for (const channel of channels) {
        this.tell(channel, operations.notifyConsumerIdsChanged, { consumerGroup: group.group });
      }
    };
  }

  /** Its settings. */
  get options(): BrokerOptions {
    return this.#options;
  }

  /** Changes a setting under Java's name; the state over which this broker lives shares its options. */
  changeSetting(name: string, value: string): void {
    this.config.set(name, value);
    Object.assign(this.#options, changedOptions(name, value));
    if (name === "brokerPermission") this.state.topics.tellAll();
  }

  /** Whether it only reads what its master keeps. */
  get isSlave(): boolean {
    return this.options.brokerId !== 0;
  }

  /** Its name. */
  get name(): string {
    return this.options.brokerName;
  }

  /** `host:port` of it. */
  get addressText(): string {
    return formatAddress(this.address);
  }

  /** Checks that an expression can be understood. @throws BrokerError when not. */
  checkExpression(subscription: SubscriptionData): void {
    const { expressionType: type } = subscription;
    if (type === "TAG") return;
    if (!this.options.enablePropertyFilter) {
      refuse(ResponseCode.SYSTEM_ERROR, `The broker does not support consumer to filter message by ${type}`);
    }
    try {
      this.filters.of(subscription);
    } catch (error) {
      refuse(ResponseCode.SUBSCRIPTION_PARSE_FAILED, (error as Error).message);
    }
  }

  /** The version of its settings, as administrators see it. */
  dataVersion(): DataVersion {
    return { stateVersion: 0, timestamp: this.startedAt, counter: this.config.size };
  }

  /** The route of a topic as the name servers know it, `undefined` when none does. */
  route(topic: string): TopicRouteData | undefined {
    return this.#world.route(topic);
  }

  /** A unique key for a message that came without one. */
  newUniqueKey(): string {
    return this.#uniqueKeys();
  }

  /** The offset id of the message at a physical offset. */
  offsetId(physicalOffset: number): string {
    return encodeOffsetId(this.address, physicalOffset);
  }

  /** Begins what happens by itself; a slave leaves to its master what changes messages. */
  start(): void {
    const { saveOffsetsIntervalMs, memberTimeoutMs } = this.options;
    this.alarms.every(MEMBER_SCAN_MS, () => {
      for (const channel of this.members.silentSince(this.clock.now() - memberTimeoutMs)) {
        channel.close();
        // A heartbeat that was served after its connection had closed: that one tells of no end any more.
        this.channelClosed(channel);
      }
    });
    if (this.isSlave) return;
    if (this.state.store.flushedTo < this.state.store.maxPhysicalOffset) this.#flushSoon();
    this.alarms.every(saveOffsetsIntervalMs, () => this.state.saveProgress());
    this.#schedule.start();
    this.#timers.start();
    this.pops.start();
    this.alarms.every(this.options.transactionCheckIntervalMs, () => checkHalves(this));
  }

  /** Ends it; the state stays as it is. */
  stop(): void {
    this.alarms.stop();
    this.state.onArrival.delete(this.#onArrival);
    this.members.onChange = undefined;
  }

  /** Serves a request. */
  serve(request: InboundRequest): OutboundReply | undefined | Promise<OutboundReply | undefined> {
    const refusal = this.isSlave ? slaveRefusal(request.command.code) : undefined;
    if (refusal !== undefined) return refusal;
    const handler = this.#handlers.get(request.command.code);
    return handler === undefined ? notSupported(request.command.code) : handler.serve(this, request);
  }

  /** Takes a closed connection out of everything. */
  channelClosed(channel: Channel): void {
    this.parked.dropChannel(channel);
    this.members.dropChannel(channel);
  }

  /** Makes a one-way request to a client; one that is gone is passed over. */
  tell<Q extends Fields>(
    channel: Channel,
    operation: Operation<Q, Fields>,
    header: Of<Q>,
    body?: Uint8Array,
  ): void {
    if (channel.isClosed) return;
    const fields = writeFields(operation.request, header, operation.name);
    if (this.#world.faults.dropsOutgoing(this.name, operation.code, fields)) return;
    try {
      channel.oneway(operation, header, { body });
    } catch (error) {
      this.#world.onError(error);
    }
  }

  #arrived(message: NewMessage, stored: Stored, tagsCode: number): void {
    this.parked.arrived({
      topic: message.topic,
      queueId: message.queueId,
      tagsCode,
      properties: message.properties,
    });
    if (this.isSlave) return;
    this.#schedule.arrived(message);
    this.#timers.arrived(message, stored);
    this.#flushSoon();
  }

  /** What has arrived survives a crash once it is flushed. */
  #flushSoon(): void {
    this.#flush ??= this.alarms.set(this.clock.now() + this.options.flushIntervalMs, () => {
      this.#flush = undefined;
      this.state.store.flush();
    });
  }
}
