/**
 * Heartbeats: telling brokers who is here and what they subscribe to.
 *
 * A round sends one picture of the members to every broker at once; a broker that fails does not hold up the others.
 * Rounds do not overlap, and a round that is asked for while one runs starts after it, so that what changed meanwhile is
 * told. Producers are known to masters only, consumers to slaves too (MQClientInstance.sendHeartbeatToAllBroker).
 */
import type { Logger } from "../core/logger.ts";
import { heartbeatData } from "../protocol/bodies.ts";
import { CLIENT_INNER_PRODUCER_GROUP } from "../protocol/names.ts";
import { heartBeat } from "../protocol/operations/membership.ts";
import type { ConnectionPool } from "../remoting/pool.ts";
import type { BrokerDirectory, BrokerPlace } from "../routing/broker_directory.ts";
import { MASTER_ID } from "../routing/route.ts";
import type { Clock } from "../time/clock.ts";
import type { ClientEvent, HeartbeatStatistics } from "./events.ts";
import { guarded, type Members } from "./members.ts";

/** What heartbeats are made with. */
export interface HeartbeatsOptions {
  /** Who is here. */
  readonly members: Members;
  /** Where brokers are. */
  readonly directory: BrokerDirectory;
  /** Makes the calls. */
  readonly pool: ConnectionPool;
  /** Tells when a heartbeat succeeded. */
  readonly clock: Clock;
  /** How long a broker may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Takes lines. */
  readonly logger: Logger;
  /** The client's id, once it is known. */
  readonly clientId: () => string;
  /** Ends what is under way, when the client ends. */
  readonly signal: AbortSignal;
  /** Takes events. */
  readonly emit: (event: ClientEvent) => void;
}

/** The mutable form of what `statistics()` shows. */
type Record = { -readonly [K in keyof HeartbeatStatistics]: HeartbeatStatistics[K] } & { failing: boolean };

/** Sends heartbeats and counts them. */
export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #records = new Map<string, Record>();
  readonly #sending = new Map<string, Promise<boolean>>();
  #round: Promise<void> | undefined;
  #nextRound: Promise<void> | undefined;

  /** Sends nothing yet. */
  constructor(options: HeartbeatsOptions) {
    this.#options = options;
  }

  /** Counts by address. */
  statistics(): HeartbeatStatistics[] {
    return [...this.#records.values()].map(({ failing: _, ...record }) => record);
  }

  /** The heartbeat to `address` that is under way, if one is. */
  underWay(address: string): Promise<boolean> | undefined {
    return this.#sending.get(address);
  }

  /** Tells all brokers how things are now; resolves when each has answered or failed. Never rejects. */
  send(): Promise<void> {
    if (!this.#round) return this.#start();
    this.#nextRound ??= this.#round.then(() => {
      this.#nextRound = undefined;
      return this.#start();
    });
    return this.#nextRound;
  }

  /** Tells one broker; says whether it took it. Never rejects. */
  async sendTo(place: BrokerPlace): Promise<boolean> {
    const { members } = this.#options;
    if (members.all().length === 0) return false;
    if (place.brokerId !== MASTER_ID && members.consumers().length === 0) return false;
    return await this.#sendBody(place, this.#body());
  }

  /** Forgets the counts of addresses where no broker is any more. */
  keepOnly(places: Iterable<BrokerPlace>): void {
    const addresses = new Set([...places].map((place) => place.address));
    for (const address of [...this.#records.keys()]) {
      if (!addresses.has(address)) this.#records.delete(address);
    }
  }

  #start(): Promise<void> {
    const round = this.#sendRound().finally(() => {
      if (this.#round === round) this.#round = undefined;
    });
    this.#round = round;
    return round;
  }

  async #sendRound(): Promise<void> {
    const { members, directory } = this.#options;
    if (members.all().length === 0) return;
    const body = this.#body();
    const consuming = members.consumers().length > 0;
    const places = directory.places().filter((place) => consuming || place.brokerId === MASTER_ID);
    await Promise.all(places.map((place) => this.#sendBody(place, body)));
  }

  #body(): Uint8Array {
    const { members, clientId, logger } = this.#options;
    const consumers = members.consumers().map((member) => guarded(member, logger, () => member.heartbeat()));
    const producers = [CLIENT_INNER_PRODUCER_GROUP, ...members.producers().map((member) => member.group)];
    return heartbeatData.write({
      clientID: clientId(),
      producerDataSet: producers.map((groupName) => ({ groupName })),
      consumerDataSet: consumers.filter((data) => data !== undefined),
      heartbeatFingerprint: 0,
      withoutSub: false,
    });
  }

  async #sendBody(place: BrokerPlace, body: Uint8Array): Promise<boolean> {
    const sending = this.#call(place, body);
    this.#sending.set(place.address, sending);
    const accepted = await sending;
    if (this.#sending.get(place.address) === sending) this.#sending.delete(place.address);
    return accepted;
  }

  async #call(place: BrokerPlace, body: Uint8Array): Promise<boolean> {
    const { pool, clock, timeoutMs, signal } = this.#options;
    const record = this.#record(place);
    record.sent++;
    try {
      const reply = await pool.call(place.address, heartBeat, {}, { body, timeoutMs, signal });
      record.succeeded++;
      record.lastSuccessAt = clock.now();
      record.version = reply.version;
      record.failing = false;
      return true;
    } catch (error) {
      if (!signal.aborted) this.#failed(record, error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  #failed(record: Record, error: Error): void {
    const { logger, emit } = this.#options;
    record.failed++;
    if (record.failing) return;
    record.failing = true;
    const { brokerName, address } = record;
    logger.warn(`Heartbeat to broker "${brokerName}" at ${address} failed: ${error.message}`);
    emit({ type: "heartbeatFailed", brokerName, address, error });
  }

  #record({ brokerName, brokerId, address }: BrokerPlace): Record {
    let record = this.#records.get(address);
    if (!record || record.brokerName !== brokerName || record.brokerId !== brokerId) {
      const none = { sent: 0, succeeded: 0, failed: 0, lastSuccessAt: undefined, version: undefined };
      record = { brokerName, brokerId, address, ...none, failing: false };
      this.#records.set(address, record);
    }
    return record;
  }
}
