/**
 * One machine with a consumer on it, and an application whose handlers are sometimes slow, stuck or failing.
 *
 * It has a host of its own on the network and a clock of its own, so that it can be cut off or lose its power while the
 * rest of the world goes on. Everything that its application does is entered in the ledger.
 */
import type { Random } from "../../src/core/random.ts";
import { type Consumer, createConsumer } from "../../src/consumer/consumer.ts";
import { createLitePullConsumer, LitePullConsumer } from "../../src/consumer/lite_pull/lite_pull_consumer.ts";
import type { LitePullConsumerConfig } from "../../src/consumer/lite_pull/lite_pull_options.ts";
import type { ConsumedMessage } from "../../src/consumer/consumed_message.ts";
import type { ConsumerConfig } from "../../src/consumer/config/options.ts";
import type { ConsumerEvent } from "../../src/consumer/events.ts";
import { queueKey } from "../../src/protocol/message_queue.ts";
import type { PartialWorld } from "../../src/client/world.ts";
import type { MemoryNetwork } from "../../src/transport/memory.ts";
import { checkShutdown } from "./checks.ts";
import { type Attempt, GROUP, type HandedOut, type Ledger, type Reader, TOPIC } from "./ledger.ts";
import type { SeekTarget } from "./movers.ts";
import type { Moves } from "./moves.ts";
import type { MachineClock, SimClock } from "./sim_clock.ts";
import { silentLogger, type Timeline } from "./timeline.ts";
import type { Way, Workload } from "./workloads.ts";

/** Handlers end on multiples of this, in milliseconds: fewer different times make a faster world. */
const GRID_MS = 10;
/** After a start that failed, in milliseconds. */
const RESTART_MS = 3_000;

/** What a member lives in. */
export interface MemberWorld {
  readonly clock: SimClock;
  readonly network: MemoryNetwork;
  readonly ledger: Ledger;
  readonly moves: Moves;
  readonly timeline: Timeline;
  readonly namesrvAddr: string;
  readonly workload: Workload;
  readonly config: Partial<ConsumerConfig & LitePullConsumerConfig>;
  /** Chance that a handler fails. */
  failChance: number;
}

/** How a member is made. */
export interface MemberOptions {
  readonly name: string;
  readonly host: string;
  readonly way: Way;
  readonly reader: Reader;
  readonly random: Random;
  /** What only this member is told. */
  readonly config: Partial<ConsumerConfig>;
}

/** Where a member is in its life. */
export type MemberPhase = "starting" | "running" | "leaving" | "gone" | "crashed";

/** One member of the group. */
export class SimMember {
  readonly name: string;
  readonly host: string;
  readonly reader: Reader;
  phase: MemberPhase = "starting";
  /** How long its handlers take at most, in milliseconds. */
  slowMs = 0;
  /** Until when its handlers stand still, in milliseconds since the epoch. */
  stuckUntil = 0;
  readonly #world: MemberWorld;
  readonly #options: MemberOptions;
  readonly #clock: MachineClock;
  #consumer: Consumer | LitePullConsumer | undefined;
  /** What to do between two polls. */
  #wish: (() => Promise<void>) | undefined;

  constructor(world: MemberWorld, options: MemberOptions) {
    this.#world = world;
    this.#options = options;
    this.name = options.name;
    this.host = options.host;
    this.reader = options.reader;
    this.#clock = world.clock.machine();
  }

  /** Whether it takes part in the group. */
  get isLive(): boolean {
    return this.phase === "starting" || this.phase === "running";
  }

  /** Its consumer, once it runs. */
  get consumer(): Consumer | LitePullConsumer | undefined {
    return this.phase === "running" ? this.#consumer : undefined;
  }

  /** Starts, and tries again until it runs or is told to leave. */
  async join(): Promise<void> {
    const { timeline } = this.#world;
    timeline.note(this.name, `joins from ${this.host}, takes messages by ${this.#options.way}`);
    while (this.phase === "starting") {
      const consumer = this.#world.workload.kind === "lite pull" ? this.#makeLitePull() : this.#makePush();
      this.#consumer = consumer;
      consumer.subscribe(TOPIC);
      void this.#listen(consumer);
      try {
        await consumer.start();
        if (this.phase === "starting") this.phase = "running";
        timeline.note(this.name, "runs");
        if (this.#options.way === "polls") void this.#poll(consumer as LitePullConsumer);
        return;
      } catch (error) {
        timeline.note(this.name, `cannot start: ${(error as Error).message}`);
        await this.#clock.sleep(RESTART_MS);
      }
    }
  }

  /** Shuts down in good order. */
  async leave(): Promise<void> {
    if (!this.isLive) return;
    this.phase = "leaving";
    const { timeline, clock, ledger } = this.#world;
    const began = clock.now();
    timeline.note(this.name, "leaves");
    await this.#consumer?.shutdown().catch((error) => {
      timeline.note(this.name, `shut down with: ${(error as Error).message}`);
    });
    if (this.phase !== "leaving") return;
    this.phase = "gone";
    ledger.gone(this.name);
    timeline.note(this.name, `is gone after ${clock.now() - began} ms`);
    checkShutdown(timeline, this.name, clock.now() - began);
  }

  /** Stops for good without a word; with `silently` nobody is told that its connections are gone. */
  crash(silently: boolean): void {
    const { network, ledger, timeline } = this.#world;
    this.phase = "crashed";
    this.#clock.stop();
    if (silently) network.partition({ host: this.host });
    else network.cut({ host: this.host });
    ledger.gone(this.name);
    timeline.note(this.name, silently ? "loses its power" : "is killed");
  }

  /** Seeks: at once, or between two polls. */
  seek(choose: () => SeekTarget | undefined): void {
    const seek = async (): Promise<void> => {
      const target = choose();
      if (target === undefined) return;
      try {
        const sought = this.consumer?.seek(target.of, target.offset);
        if (sought) await sought;
        if (this.isLive) this.#world.moves.sought(this.name, target);
      } catch (error) {
        this.#world.timeline.note(this.name, `cannot seek: ${(error as Error).message}`);
      }
    };
    if (this.consumer instanceof LitePullConsumer) this.#wish = seek;
    else void seek();
  }

  async #grant(): Promise<void> {
    const wish = this.#wish;
    this.#wish = undefined;
    await wish?.();
  }

  get #place(): PartialWorld {
    const { random } = this.#options;
    return { ...this.#world.network.at(this.host), clock: this.#clock, random, pid: 1, logger: silentLogger };
  }

  #makeLitePull(): LitePullConsumer {
    const { namesrvAddr, config } = this.#world;
    const consumer = createLitePullConsumer({ consumerGroup: GROUP, namesrvAddr, ...config }, this.#place);
    if (this.#options.way === "stream") void this.#loopUntilHandled(consumer);
    return consumer;
  }

  #makePush(): Consumer {
    const { namesrvAddr, config } = this.#world;
    const { way } = this.#options;
    const ordered = config.ordering !== undefined;
    const consumer = createConsumer(
      { consumerGroup: GROUP, namesrvAddr, ...config, ...this.#options.config },
      this.#place,
    );
    if (way === "listener") consumer.registerMessageListener((message) => this.#answer(this.#work(message)));
    else if (way === "batch listener") {
      consumer.registerMessageListener(
        ordered
          ? { consumeMessageOrderly: async (run) => await this.#batch(run) ? "SUCCESS" : AGAIN_IN_ORDER }
          : { consumeMessageConcurrently: async (run) => await this.#batch(run) ? "CONSUME_SUCCESS" : AGAIN },
      );
    } else if (way === "stream") void this.#loop(consumer);
    else void this.#loopOverBatches(consumer);
    return consumer;
  }

  /** What a listener says: sometimes by throwing. */
  #answer(done: boolean | Promise<boolean>): void | Promise<void> {
    const verdict = (ok: boolean): void => {
      if (!ok) throw new Error("the application could not handle it");
    };
    return typeof done === "boolean" ? verdict(done) : done.then(verdict);
  }

  async #batch(run: readonly ConsumedMessage[]): Promise<boolean> {
    return await this.#firstFailed(run) === run.length;
  }

  /** Handles messages one by one until one fails, or it is told to stop; tells which. */
  async #firstFailed(run: readonly ConsumedMessage[]): Promise<number> {
    this.#take(run);
    for (let at = 0; at < run.length; at++) {
      if (run[at]!.signal.aborted || !await this.#work(run[at]!)) return at;
    }
    return run.length;
  }

  /** Polls as long as it may; there is no other delivery, so what fails is tried until it is handled. */
  async #poll(consumer: LitePullConsumer): Promise<void> {
    while (consumer.phase === "running") {
      // a shutdown meanwhile refuses the next poll
      const run = await consumer.poll({ timeoutMs: 5_000 }).catch(() => []);
      this.#take(run);
      for (const message of run) while (!await this.#work(message));
      await this.#grant();
    }
  }

  async #loopUntilHandled(consumer: LitePullConsumer): Promise<void> {
    for await (const message of consumer.messages()) {
      while (!await this.#work(message));
      await this.#grant();
    }
  }

  async #loop(consumer: Consumer): Promise<void> {
    let ended = false;
    while (!ended) {
      ended = true;
      for await (const message of consumer.messages()) {
        if (!await this.#work(message)) await message.retry();
        else if (this.#options.random.next() < 0.002) {
          // Leaving the loop gives the message back: it is as if it had not been handled.
          ended = false;
          break;
        }
      }
      if (!this.isLive) return;
    }
  }

  async #loopOverBatches(consumer: Consumer): Promise<void> {
    for await (const run of consumer.batches({ maxMessages: 8 })) {
      const failed = await this.#firstFailed(run);
      // What follows a failure in its run must not overtake it.
      await Promise.all(run.slice(failed).map((message) => message.retry()));
    }
  }

  #take(run: readonly HandedOut[]): void {
    if (this.#clock.stopped) return;
    for (const message of run) this.#handedOut(message);
  }

  #handedOut(message: HandedOut): void {
    this.#world.ledger.handOut(this.reader, message);
    // What was handed out before a seek and is looked at after it says nothing of the seek.
    if (message.signal?.aborted) return;
    this.#world.moves.handedOut(this.name, queueKey(message.queue), message.queueOffset);
  }

  async #listen(consumer: Consumer | LitePullConsumer): Promise<void> {
    for await (const event of consumer.events()) {
      this.#world.timeline.note(this.name, tell(event));
      if (event.type !== "revoked") continue;
      for (const queue of event.queues) this.#world.moves.forget(this.name, queueKey(queue));
    }
  }

  /** Handles one message: whether it went well. */
  #work(message: HandedOut): boolean | Promise<boolean> {
    if (this.#clock.stopped) return new Promise(() => {});
    const { ledger, failChance } = this.#world;
    const { random } = this.#options;
    this.#handedOut(message);
    const attempt = ledger.begin(this.reader, this.name, message);
    const ok = random.next() >= failChance;
    const now = this.#clock.now();
    if (this.stuckUntil > now) return this.#stand(attempt, this.stuckUntil - now, random.next() < 0.5);
    const ms = this.slowMs > 0 ? random.int(this.slowMs) : random.next() < 0.6 ? 0 : random.int(40);
    if (ms === 0) return this.#end(attempt, ok);
    return this.#clock.sleep(toGrid(now, ms)).then(() => this.#end(attempt, ok));
  }

  /** Stands still: until told to stop if it listens to that, else to the end. */
  async #stand(attempt: Attempt, ms: number, listens: boolean): Promise<boolean> {
    const signal = listens ? attempt.message.signal : undefined;
    const waited = await this.#clock.sleep(ms, signal).then(() => true, () => false);
    return this.#end(attempt, waited);
  }

  #end(attempt: Attempt, ok: boolean): boolean {
    if (ok) this.#world.ledger.succeed(attempt);
    else this.#world.ledger.fail(attempt);
    return ok;
  }
}

const AGAIN = "RECONSUME_LATER";
const AGAIN_IN_ORDER = "SUSPEND_CURRENT_QUEUE_A_MOMENT";

/** How long to wait so that the end lies on the grid. */
function toGrid(now: number, ms: number): number {
  return Math.ceil((now + ms) / GRID_MS) * GRID_MS - now;
}

function tell(event: ConsumerEvent): string {
  const { type, ...facts } = event as { type: string } & Record<string, unknown>;
  const told = Object.entries(facts).map(([name, value]) => {
    if (value instanceof Error) return value.message;
    if (Array.isArray(value)) return value.map((queue) => shortQueue(queue)).join(", ");
    if (typeof value === "object" && value !== null && "queueId" in value) return shortQueue(value);
    return `${name} ${String(value)}`;
  });
  return `${type}: ${told.join("; ")}`;
}

function shortQueue(queue: unknown): string {
  return typeof queue === "object" && queue !== null && "queueId" in queue
    ? queueKey(queue as Parameters<typeof queueKey>[0])
    : String(queue);
}
