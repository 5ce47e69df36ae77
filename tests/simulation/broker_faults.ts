/**
 * Brokers that go down and come back, and what is lost on the way.
 *
 * A broker saves messages twice a second and offsets every five; one that is killed comes back as of then, and gives out
 * the lost offsets again. What was lost cannot be asked of the consumers: it is entered in the ledger before the restart. Nor can a
 * copy that is stored at a lost offset of a retry topic, beyond which the group is already.
 */
import { queueKey } from "../../src/protocol/message_queue.ts";
import { dlqTopic, popRetryTopicV1, retryTopic, SCHEDULE_TOPIC } from "../../src/protocol/names.ts";
import type { TestCluster } from "../../src/testing/mod.ts";
import { GROUP, type Ledger, TOPIC } from "./ledger.ts";
import type { Moves } from "./moves.ts";
import type { OffsetRules } from "./offset_rules.ts";
import type { SimClock } from "./sim_clock.ts";
import type { Timeline } from "./timeline.ts";

/** Where copies of a message wait for their next delivery, or for good. */
export const COPIES: readonly string[] = [
  retryTopic(GROUP),
  popRetryTopicV1(TOPIC, GROUP),
  SCHEDULE_TOPIC,
  dlqTopic(GROUP),
];

/** What these faults concern. */
export interface BrokerFaultsWorld {
  readonly cluster: TestCluster;
  readonly clock: SimClock;
  readonly ledger: Ledger;
  readonly rules: OffsetRules;
  readonly moves: Moves;
  readonly timeline: Timeline;
}

/** Takes brokers down. */
export class BrokerFaults {
  readonly #world: BrokerFaultsWorld;
  readonly #down = new Set<string>();

  constructor(world: BrokerFaultsWorld) {
    this.#world = world;
  }

  /** Stops a broker in good order and starts it after a while. */
  async restart(name: string, downMs: number): Promise<void> {
    await this.#whileDown(name, downMs, (cluster) => cluster.stopBroker(name));
  }

  /** Kills a broker with what it had not saved, and starts it after a while. */
  async loseAndRestart(name: string, downMs: number): Promise<void> {
    await this.#whileDown(name, downMs, async (cluster) => {
      const { ledger, rules, moves, timeline } = this.#world;
      const ends = this.#ends(name);
      const copies = this.#copies(name);
      // What a master has not saved yet, its slave has.
      await cluster.killBroker(name, { lose: cluster.slaves.length === 0 });
      rules.forgetBroker(name);
      for (const [key, to] of this.#ends(name)) {
        const before = ends.get(key) ?? 0;
        if (to < before) {
          ledger.excuse(key, { from: to, to: before });
          moves.forgetQueue(key);
          timeline.note(name, `lost ${before - to} messages of ${key} from ${to} on`);
        }
      }
      const left = this.#copies(name);
      for (const id of copies) {
        if (left.has(id)) continue;
        timeline.note(name, `lost the copy of ${id} that was to come again`);
        for (const reader of ledger.readers.values()) reader.excusedIds.add(id);
      }
    });
  }

  async #whileDown(
    name: string,
    downMs: number,
    stop: (cluster: TestCluster) => Promise<void>,
  ): Promise<void> {
    if (this.#down.has(name)) return;
    const { cluster, clock, ledger, timeline } = this.#world;
    this.#down.add(name);
    await stop(cluster);
    timeline.note(name, "is down");
    await clock.sleep(downMs);
    // it serves before the start has ended, and what it forgot counts from both ends
    ledger.restartedAt.set(name, clock.now());
    await cluster.startBroker(name);
    ledger.restartedAt.set(name, clock.now());
    timeline.note(name, "is back");
    this.#down.delete(name);
  }

  /** Where the queues of the topic and of the copies end at a broker. */
  #ends(name: string): Map<string, number> {
    const { inspect } = this.#world.cluster;
    const own = [TOPIC, ...COPIES].flatMap((topic) => inspect.progress(GROUP, topic))
      .filter(({ brokerName }) => brokerName === name);
    return new Map(own.map((queue) => [queueKey(queue), queue.maxOffset]));
  }

  /** Ids of the messages that wait at a broker to be delivered again. */
  #copies(name: string): Set<string> {
    const { inspect } = this.#world.cluster;
    const ids = new Set<string>();
    for (const topic of COPIES) {
      for (const { brokerName, properties } of inspect.messages(topic)) {
        if (brokerName === name) ids.add(properties["KEYS"] ?? "");
      }
    }
    return ids;
  }
}
