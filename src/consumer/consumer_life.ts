/**
 * What every kind of consumer shows of its life: phases, a start that leaves nothing behind when it fails, a shutdown that may be
 * called twice, events.
 *
 * The engine behind it does the work; this sees to it that each step is taken once and in its phase.
 */
import type { RocketMQClient } from "../client/client.ts";
import { ConsumerStartError } from "../core/errors.ts";
import { EventQueue } from "../core/event_queue.ts";
import { Lifecycle, type Phase } from "../core/lifecycle.ts";
import { logEvent } from "./event_lines.ts";
import type { ConsumerEvent } from "./events.ts";

/** Unread events kept per reader of `events()`. */
const EVENT_LIMIT = 1_000;

/** The inside of a consumer, as its life goes. */
export interface LivingEngine {
  /** Joins the group; resolves after the first rebalance. */
  start(signal?: AbortSignal): Promise<void>;
  /** The ordered drain. */
  drain(): Promise<void>;
  /** Undoes what a start that failed has done. */
  abandon(): Promise<void>;
  /** Ends whatever takes messages. */
  endTakers(): void;
}

/** The life of one consumer. */
export class ConsumerLife {
  readonly #group: string;
  readonly #client: RocketMQClient;
  readonly #lifecycle: Lifecycle;
  readonly #readers = new Set<EventQueue<ConsumerEvent>>();
  #shutdown: Promise<void> | undefined;

  constructor(group: string, client: RocketMQClient) {
    this.#group = group;
    this.#client = client;
    this.#lifecycle = new Lifecycle(`consumer "${group}"`);
  }

  /** Where in its life it is. */
  get phase(): Phase {
    return this.#lifecycle.phase;
  }

  /** Checks that `action` is allowed now. @throws ConsumerStateError */
  require(action: string, ...allowed: Phase[]): void {
    this.#lifecycle.require(action, ...allowed);
  }

  /** Starts client and engine. @throws ConsumerStartError, having undone everything. */
  async start(engine: LivingEngine, signal: AbortSignal | undefined): Promise<void> {
    this.#lifecycle.enter("starting");
    try {
      await this.#client.start(signal ? { signal } : {});
      await engine.start(signal);
    } catch (cause) {
      if (this.#shutdown) throw cause;
      this.#lifecycle.enter("failed");
      await engine.abandon();
      await this.#client.shutdown();
      throw new ConsumerStartError(
        `Cannot start consumer "${this.#group}": ${(cause as Error).message}`,
        { cause, group: this.#group },
      );
    }
    if (this.#lifecycle.phase !== "starting") return;
    this.#lifecycle.enter("running");
    this.#client.logger.info(`Consumer "${this.#group}" is running as ${this.#client.clientId}`);
  }

  /** Drains the engine and gives the client back. Idempotent. */
  shutdown(engine: LivingEngine): Promise<void> {
    return this.#shutdown ??= this.#stop(engine);
  }

  async #stop(engine: LivingEngine): Promise<void> {
    const { phase } = this.#lifecycle;
    if (phase === "starting" || phase === "running") {
      this.#lifecycle.enter("draining");
      await engine.drain();
      await this.#client.shutdown();
    } else engine.endTakers();
    this.#lifecycle.enter("stopped");
    if (phase === "running") this.#client.logger.info(`Consumer "${this.#group}" has stopped`);
    for (const reader of [...this.#readers]) reader.close();
  }

  /** A reader with a queue of its own. */
  events(): AsyncIterableIterator<ConsumerEvent> {
    const reader: EventQueue<ConsumerEvent> = new EventQueue<ConsumerEvent>(
      EVENT_LIMIT,
      () => this.#readers.delete(reader),
    );
    if (this.#lifecycle.phase === "stopped") reader.close();
    else this.#readers.add(reader);
    return reader;
  }

  /** Tells every reader, and the log. */
  emit(event: ConsumerEvent): void {
    logEvent(event, this.#group, this.#client.logger);
    for (const reader of this.#readers) reader.push(event);
  }
}
