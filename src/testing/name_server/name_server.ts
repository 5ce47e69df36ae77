/**
 * One name server: who is there, and which topic has how many queues where.
 *
 * Embedded brokers register in process, others over the wire, with their address and topics; clients ask over the wire. A broker that is gone
 * is taken out at once, as a name server does when its connection closes. Agrees with RouteInfoManager and KVConfigManager.
 */
import type { BrokerData, DataVersion, QueueData, TopicRouteData } from "../../protocol/bodies.ts";
import { ORDER_NAMESPACE } from "../../protocol/names.ts";
import type { Channel } from "../../remoting/channel.ts";
import type { InboundRequest, OutboundReply } from "../../remoting/call.ts";
import type { Alarm, Alarms } from "../alarms.ts";
import { type NamedTopic, Permission } from "../broker/topic_table.ts";
import { type HandlerRow, notSupported } from "../handlers/handler.ts";
import { nameServerHandlers } from "./name_server_handlers.ts";

/** A broker that registers. */
export interface Registration {
  /** Its cluster. */
  readonly clusterName: string;
  /** Its name. */
  readonly brokerName: string;
  /** 0 for the master. */
  readonly brokerId: number;
  /** `host:port` of it. */
  readonly address: string;
  /** Its topics. */
  readonly topics: Iterable<NamedTopic>;
}

interface KnownBroker {
  readonly cluster: string;
  readonly addresses: Map<number, string>;
}

/** A broker that registered over the wire. */
export interface RemoteRegistration extends Registration {
  /** Version of its topics, where it told. */
  readonly version: DataVersion | undefined;
  /** `host:port` where its slaves replicate from. */
  readonly haServerAddr: string;
  /** How long it may be silent, in milliseconds. */
  readonly patienceMs: number;
}

interface RemoteBroker extends RemoteRegistration {
  /** The connection that keeps it. */
  readonly channel: Channel;
  /** Goes off when it was silent for too long. */
  silence: Alarm;
}

/** The tables of one name server. */
export class NameServer {
  readonly #brokers = new Map<string, KnownBroker>();
  readonly #topics = new Map<string, Map<string, QueueData>>();
  readonly #alarms: Alarms;
  /** Brokers that registered over the wire, by address. */
  readonly #remote = new Map<string, RemoteBroker>();
  /** Settings that an administrator changed; `orderMessageEnable` is obeyed, others are shown. */
  readonly config: Map<string, string> = new Map();
  /** Key-value pairs by namespace. */
  readonly kv: Map<string, Map<string, string>> = new Map();
  readonly #handlers: ReadonlyMap<number, HandlerRow<NameServer>> = nameServerHandlers();

  /** One that knows nobody, and forgets silent brokers by `alarms`. */
  constructor(alarms: Alarms) {
    this.#alarms = alarms;
  }

  /** Takes a broker in, or takes its news. An address has one id: a slave that becomes the master gives its old one up. */
  register({ clusterName, brokerName, brokerId, address, topics }: Registration): void {
    let broker = this.#brokers.get(brokerName);
    if (broker === undefined) {
      this.#brokers.set(brokerName, broker = { cluster: clusterName, addresses: new Map() });
    }
    for (const [id, known] of broker.addresses) {
      if (known === address && id !== brokerId) broker.addresses.delete(id);
    }
    broker.addresses.set(brokerId, address);
    if (brokerId === 0) { for (const topic of topics) this.putTopic(brokerName, topic); }
  }

  /** Takes in a broker that registers over the wire; it stays while its connection does and it is heard of. */
  registerFrom(channel: Channel, registration: RemoteRegistration): void {
    this.register(registration);
    const { address } = registration;
    this.#remote.get(address)?.silence.cancel();
    const broker: RemoteBroker = {
      ...registration,
      channel,
      silence: this.#expectNews(registration, channel),
    };
    this.#remote.set(address, broker);
  }

  /** A broker that registered over the wire lives. */
  heard(address: string): void {
    const broker = this.#remote.get(address);
    if (broker === undefined) return;
    broker.silence.cancel();
    broker.silence = this.#expectNews(broker, broker.channel);
  }

  /** A broker that is silent for too long loses its connection, and with that its place. */
  #expectNews({ patienceMs }: RemoteRegistration, channel: Channel): Alarm {
    return this.#alarms.set(this.#alarms.now() + patienceMs, () => channel.close());
  }

  /** Takes out the brokers that registered over a connection that is closed. */
  channelClosed(channel: Channel): void {
    for (const { brokerName, brokerId, channel: kept } of [...this.#remote.values()]) {
      if (kept === channel) this.unregister(brokerName, brokerId);
    }
  }

  /** Whether a broker is registered under this id. */
  knows(brokerName: string, brokerId: number): boolean {
    return this.#brokers.get(brokerName)?.addresses.has(brokerId) ?? false;
  }

  /** The version of the topics that a broker at `address` told of over the wire. */
  versionOf(address: string): DataVersion | undefined {
    return this.#remote.get(address)?.version;
  }

  /** The master of a broker that registered over the wire. */
  remoteMaster(brokerName: string): RemoteRegistration | undefined {
    return [...this.#remote.values()].find((each) => each.brokerName === brokerName && each.brokerId === 0);
  }

  /** Takes a broker out; its topics go with the last of its addresses. */
  unregister(brokerName: string, brokerId: number): void {
    const broker = this.#brokers.get(brokerName);
    const address = broker?.addresses.get(brokerId);
    if (broker === undefined || address === undefined) return;
    broker.addresses.delete(brokerId);
    this.#remote.get(address)?.silence.cancel();
    this.#remote.delete(address);
    if (broker.addresses.size > 0) return;
    this.#brokers.delete(brokerName);
    for (const [topic, queues] of this.#topics) {
      queues.delete(brokerName);
      if (queues.size === 0) this.#topics.delete(topic);
    }
  }

  /** Takes one topic of a registered broker in. */
  putTopic(brokerName: string, topic: NamedTopic): void {
    if (!this.#brokers.has(brokerName)) return;
    const { perm, readQueueNums, writeQueueNums, topicSysFlag } = topic;
    this.putQueues(topic.topicName, [{ brokerName, perm, readQueueNums, writeQueueNums, topicSysFlag }]);
  }

  /** Takes in the queues of a topic at brokers that are registered; none when one is not. */
  putQueues(topic: string, queues: readonly QueueData[]): void {
    if (queues.length === 0 || queues.some(({ brokerName }) => !this.#brokers.has(brokerName))) return;
    let known = this.#topics.get(topic);
    if (known === undefined) this.#topics.set(topic, known = new Map());
    for (const data of queues) known.set(data.brokerName, data);
  }

  /** Forgets a topic, at all brokers or those of one cluster. */
  deleteTopic(topic: string, cluster?: string): void {
    const queues = this.#topics.get(topic);
    if (queues === undefined) return;
    for (const brokerName of [...queues.keys()]) {
      if (cluster === undefined || this.#brokers.get(brokerName)?.cluster === cluster) {
        queues.delete(brokerName);
      }
    }
    if (queues.size === 0) this.#topics.delete(topic);
  }

  /** The route of a topic, `undefined` when no broker has it. */
  route(topic: string): TopicRouteData | undefined {
    const queues = this.#topics.get(topic);
    if (queues === undefined || queues.size === 0) return undefined;
    const isOrdered = this.config.get("orderMessageEnable") === "true";
    const orderTopicConf = isOrdered ? this.kv.get(ORDER_NAMESPACE)?.get(topic) : undefined;
    return {
      orderTopicConf,
      queueDatas: [...queues.values()],
      brokerDatas: [...queues.keys()].map((name) => this.#brokerData(name)!),
      filterServerTable: {},
    };
  }

  /** All brokers by name. */
  brokerTable(): Record<string, BrokerData> {
    return Object.fromEntries([...this.#brokers.keys()].map((name) => [name, this.#brokerData(name)!]));
  }

  /** Names of the brokers of each cluster. */
  clusterTable(): Record<string, string[]> {
    const out: Record<string, string[]> = {};
    for (const [name, { cluster }] of this.#brokers) (out[cluster] ??= []).push(name);
    return out;
  }

  /** Names of all topics, or of those of one cluster. */
  topicNames(cluster?: string): string[] {
    return [...this.#topics].filter(([, queues]) =>
      cluster === undefined || [...queues.keys()].some((name) => this.#brokers.get(name)?.cluster === cluster)
    ).map(([topic]) => topic);
  }

  /** Topics that the flags of their system settings say something about. */
  topicNamesWhere(wanted: (topicSysFlag: number) => boolean): string[] {
    return [...this.#topics].filter(([, queues]) => {
      const [first] = queues.values();
      return first !== undefined && wanted(first.topicSysFlag);
    }).map(([topic]) => topic);
  }

  /** Takes the write permission of a broker's topics away, or gives it back; gives the number of topics. */
  setWritable(brokerName: string, writable: boolean): number {
    let count = 0;
    for (const queues of this.#topics.values()) {
      const data = queues.get(brokerName);
      if (data === undefined) continue;
      const perm = writable ? Permission.READ | Permission.WRITE : data.perm & ~Permission.WRITE;
      queues.set(brokerName, { ...data, perm });
      count++;
    }
    return count;
  }

  /** Serves a request. */
  serve(request: InboundRequest): OutboundReply | undefined | Promise<OutboundReply | undefined> {
    const handler = this.#handlers.get(request.command.code);
    return handler === undefined ? notSupported(request.command.code) : handler.serve(this, request);
  }

  #brokerData(brokerName: string): BrokerData | undefined {
    const broker = this.#brokers.get(brokerName);
    return broker && {
      cluster: broker.cluster,
      brokerName,
      brokerAddrs: broker.addresses,
      enableActingMaster: false,
    };
  }
}
