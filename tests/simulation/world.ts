/**
 * A simulated world: a cluster, a network, members, and the books about them, all grown from one seed.
 *
 * Every part that draws has a generator of its own, made from the seed and the part's name, so that one part drawing more
 * often does not change what the others see.
 */
import { type Random, seededRandom } from "../../src/core/random.ts";
import type { ConsumerConfig } from "../../src/consumer/config/options.ts";
import type { LitePullConsumerConfig } from "../../src/consumer/lite_pull/lite_pull_options.ts";
import { MemoryOffsetStore } from "../../src/offsets/memory.ts";
import { javaHash } from "../../src/protocol/java_hash.ts";
import { startCluster, type TestCluster } from "../../src/testing/mod.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../src/transport/memory.ts";
import { BrokerFaults } from "./broker_faults.ts";
import { BASE_FAIL_CHANCE } from "./faults.ts";
import { GROUP, Ledger, TOPIC } from "./ledger.ts";
import { SimMember } from "./member.ts";
import { Administrator } from "./movers.ts";
import { Moves } from "./moves.ts";
import { OffsetRules } from "./offset_rules.ts";
import { SimClock } from "./sim_clock.ts";
import { silentLogger, Timeline } from "./timeline.ts";
import { type Weather, Wiretap } from "./wiretap.ts";
import { drawConfig, drawServers, drawWay, type Servers, type Workload } from "./workloads.ts";

const BROKERS = ["broker-a", "broker-b"];
const QUEUES = 3;
const MAX_QUEUES = 5;

/** Everything of one seed. */
export class World {
  readonly workload: Workload;
  readonly servers: Servers;
  readonly clock: SimClock;
  readonly timeline: Timeline;
  readonly network: MemoryNetwork;
  readonly cluster: TestCluster;
  readonly ledger: Ledger;
  readonly rules: OffsetRules;
  readonly moves: Moves;
  readonly admin: Administrator;
  readonly wiretap: Wiretap;
  readonly brokers: BrokerFaults;
  readonly config: Partial<ConsumerConfig & LitePullConsumerConfig>;
  /** One-way delay of the network when nothing is wrong, in milliseconds. */
  readonly latencyMs: number;
  /** What makes the network worse at the moment. */
  readonly badWeather: Set<Partial<Weather>> = new Set();
  readonly members: SimMember[] = [];
  queuesPerBroker = QUEUES;
  failChance = BASE_FAIL_CHANCE;
  readonly #seed: number;
  readonly #names = new Map<string, string>();
  /** Stored offsets of those that broadcast: what a file on their disk would hold. */
  readonly #disks = new Map<string, Map<string, number>>();

  private constructor(
    seed: number,
    workload: Workload,
    parts: { servers: Servers; clock: SimClock; network: MemoryNetwork; cluster: TestCluster },
  ) {
    this.#seed = seed;
    this.workload = workload;
    this.servers = parts.servers;
    this.clock = parts.clock;
    this.network = parts.network;
    this.cluster = parts.cluster;
    this.timeline = new Timeline(this.clock);
    this.ledger = new Ledger(this.clock, this.timeline, {
      scope: workload.scope,
      pops: workload.kind === "pop",
    });
    this.rules = new OffsetRules(this.ledger, this.timeline, this.ledger.reader(GROUP), this.#names);
    this.moves = new Moves(this.ledger, this.rules, this.timeline);
    const { cluster, clock, ledger, rules, moves, timeline } = this;
    this.wiretap = new Wiretap(cluster, { clock, ledger, rules, moves, random: this.random("wire") });
    this.brokers = new BrokerFaults({ cluster, clock, ledger, rules, moves, timeline });
    this.admin = new Administrator(this);
    this.config = drawConfig(workload, this.random("config"));
    this.latencyMs = 1 + this.random("latency").int(8);
    this.network.latencyMs = this.latencyMs;
  }

  /** A world with a cluster that runs and nobody in it. */
  static async create(seed: number, workload: Workload): Promise<World> {
    const clock = new SimClock();
    const network = createMemoryNetwork({ clock, random: forked(seed, "network") });
    const servers = drawServers(workload, forked(seed, "servers"));
    const { slaves, ...broker } = servers;
    const cluster = await startCluster({
      ...network,
      connect: network.connect,
      listen: network.listen,
      clock,
      random: forked(seed, "cluster"),
      brokers: BROKERS.map((name) => ({ name, slaves: slaves ? 1 : 0 })),
      broker: { ...broker, suggestSlave: slaves && broker.suggestSlave },
      topics: { [TOPIC]: QUEUES },
      wireLogLines: 0,
      logger: silentLogger,
    });
    return new World(seed, workload, { servers, clock, network, cluster });
  }

  /** The generator of one part. */
  random(part: string): Random {
    return forked(this.#seed, part);
  }

  /** Where clients find the cluster. */
  get namesrvAddr(): string {
    return this.cluster.namesrvAddr;
  }

  /** The members that take part in the group. */
  get liveMembers(): SimMember[] {
    return this.members.filter((member) => member.isLive);
  }

  /** A new member; where each sees every message, it takes the place of `former`, with what that stored. */
  addMember(former?: SimMember): void {
    const number = this.members.length + 1;
    const name = `member-${number}`;
    const host = `10.0.0.${number}`;
    const { broadcast } = this.workload;
    const reader = !broadcast
      ? this.ledger.reader(GROUP)
      : former?.reader ?? this.ledger.reader(`instance-${number}`);
    this.#names.set(host, name);
    const random = this.random(name);
    const member = new SimMember(this, {
      name,
      host,
      way: drawWay(this.workload, random),
      reader,
      random,
      config: broadcast ? { offsetStore: this.#store(reader.name, name) } : {},
    });
    this.members.push(member);
    void member.join();
  }

  /** One more queue of the topic at every broker. */
  addQueue(): void {
    if (this.queuesPerBroker >= MAX_QUEUES) return;
    this.cluster.createTopic(TOPIC, { queues: ++this.queuesPerBroker });
    this.timeline.note("topic", `has ${this.queuesPerBroker} queues at each broker`);
  }

  #store(instance: string, member: string): MemoryOffsetStore {
    let disk = this.#disks.get(instance);
    if (disk === undefined) this.#disks.set(instance, disk = new Map());
    const reader = this.ledger.reader(instance);
    return new MemoryOffsetStore(
      new WatchedMap(disk, (key, offset) => this.ledger.committed(reader, key, offset, member)),
    );
  }
}

/** A view of a map that tells what is put into it. */
class WatchedMap extends Map<string, number> {
  readonly #kept: Map<string, number>;
  readonly #onSet: (key: string, value: number) => void;

  constructor(kept: Map<string, number>, onSet: (key: string, value: number) => void) {
    super();
    this.#kept = kept;
    this.#onSet = onSet;
  }

  override get(key: string): number | undefined {
    return this.#kept.get(key);
  }

  override set(key: string, value: number): this {
    this.#kept.set(key, value);
    this.#onSet(key, value);
    return this;
  }
}

/** A generator of its own for each part of each seed. */
function forked(seed: number, part: string): Random {
  return seededRandom((Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(javaHash(part), 0x85ebca6b)) >>> 0);
}
