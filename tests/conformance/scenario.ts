/**
 * What a scenario is: a requirement told as a program against the public API, and the stage that it plays on.
 *
 * A scenario knows no test runner, no runtime and no kind of cluster: everything of that comes from its Stage. Topic and
 * group names are its own, so any number of scenarios run at once on one cluster; one that takes parts of the cluster away
 * says `alone`.
 */
import type {
  Consumer,
  ConsumerConfig,
  LitePullConsumer,
  LitePullConsumerConfig,
  PartialWorld,
  Producer,
  ProducerConfig,
  StreamOptions,
} from "@contrail/rocketmq";
import type { Rig } from "./rig.ts";
import type { TamperingProxy } from "./tampering_proxy.ts";

/** What a scenario runs against. */
export type ClusterKind = "embedded" | "real";

/** What a scenario runs on. */
export type Runtime = "deno" | "bun" | "node";

/** A requirement, and the program that shows it. */
export interface Scenario {
  /** Reads as a requirement. */
  readonly name: string;
  /** The one kind of cluster, or the one runtime, that can show it; `why` says why. */
  readonly only?: ClusterKind | Runtime;
  /** Why it cannot run elsewhere. */
  readonly why?: string;
  /** Whether it takes parts of the cluster away or measures the process, so that nothing may run beside it. */
  readonly alone?: boolean;
  /** Time it may take, in milliseconds; 60,000 by default. */
  readonly timeoutMs?: number;
  /** Throws when the requirement does not hold. */
  run(stage: Stage): Promise<void>;
}

/** A consumer's configuration without what the stage knows. */
export type StagedConsumer = Partial<ConsumerConfig>;

/** A lite pull consumer's configuration without what the stage knows. */
export type StagedLitePull = Partial<LitePullConsumerConfig>;

/** A producer's configuration without what the stage knows. */
export type StagedProducer = Partial<Omit<ProducerConfig, "client">>;

/** What `fill` sends, and how. */
export interface FillOptions {
  /** Beginning of the bodies; none by default. */
  readonly prefix?: string | ((at: number) => string);
  /** Tag of each message, by its number; none by default. */
  readonly tag?: (at: number) => string;
  /** Whether each is stored before the next is sent. */
  readonly inOrder?: boolean;
}

/** Messages that a loop takes in the background. */
export interface Collected {
  /** Bodies as text, in the order they were handed out. */
  readonly bodies: string[];
  /** Resolves when the loop is over; rejects when it threw. */
  readonly ended: Promise<void>;
}

/** Where a scenario plays: a running cluster, names of its own, and everything it opens closed at the end. */
export interface Stage {
  /** The kind of cluster. */
  readonly kind: ClusterKind;
  /** The runtime of this process. */
  readonly runtime: Runtime;
  /** The name servers, `host:port` separated by `;`. */
  readonly namesrvAddr: string;
  /** Names of the brokers. */
  readonly brokers: readonly string[];
  /** `base` with an ending that no other run of any scenario has; the same for the same base. */
  name(base: string): string;
  /** What the brokers wait for a delay level, in milliseconds. */
  delayLevelMs(level: number): number;
  /** How long a scenario goes on that shows what holds over time, in milliseconds. */
  readonly enduranceMs: number;
  /** Makes a topic of `queues` (4) queues on each of `brokers` (the first), and gives its name. */
  topic(base: string, options?: { queues?: number; brokers?: readonly string[] }): Promise<string>;
  /**
   * Sends `count` messages with the bodies `prefix0`, `prefix1`, … and gives the bodies. So many are under way at once (16)
   * that they are not stored in this order, unless `inOrder`.
   */
  fill(topic: string, count: number, options?: FillOptions): Promise<string[]>;
  /** A consumer that begins at the first message, not started yet; it is shut down at the end. */
  consumer(config?: StagedConsumer, world?: PartialWorld): Consumer;
  /** A lite pull consumer that begins at the first message, not started yet; it is shut down at the end. */
  litePull(config?: StagedLitePull, world?: PartialWorld): LitePullConsumer;
  /** A started producer, shut down at the end. */
  producer(config?: StagedProducer, world?: PartialWorld): Promise<Producer>;
  /** Takes what a consumer gets, by `for await`, until it is shut down. */
  collect(consumer: Consumer, options?: StreamOptions): Collected;
  /** Sum over all queues of what the group has committed for the topic. */
  committed(group: string, topic: string): Promise<number>;
  /** Bodies in the group's dead-letter topic, waiting until there are `count`. */
  deadLetters(group: string, count: number): Promise<string[]>;
  /** Waits until `predicate` holds, 20 s by default. @throws AssertionError that says `what` was waited for. */
  eventually(
    what: string,
    predicate: () => boolean | Promise<boolean>,
    timeoutMs?: number,
  ): Promise<void>;
  /** Waits. */
  sleep(ms: number): Promise<void>;
  /** Runs `undo` at the end, last ordered first. */
  defer(undo: () => unknown): void;
  /** Name servers and brokers again, through a proxy that can change what passes. */
  proxy(): Promise<TamperingProxy>;
  /** Hands on the parts of the cluster, for a scenario that is `alone`. */
  readonly rig: Rig;
  /** A folder that is removed at the end. */
  temporaryFolder(): string;
  /** Ends the scenario as skipped. */
  skip(reason: string): never;
}

/** Thrown by `Stage.skip`. */
export class Skipped extends Error {}
