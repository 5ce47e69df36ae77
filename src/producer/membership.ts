/**
 * A producer's life at its client: start and join, send while running, drain, leave.
 *
 * The client is started by the first of its members and closed by the last; this side counts one start for one shutdown.
 * Draining waits for the sends under way, within patience, and then leaves whatever they do.
 */
import type { ProducerMember, RocketMQClient } from "../client/client.ts";
import { ProducerError, TimeoutError } from "../core/errors.ts";
import { Lifecycle, type Phase } from "../core/lifecycle.ts";
import { within } from "../time/within.ts";

/** What a membership needs of its producer. */
export interface MembershipOptions {
  /** The group as the user calls it. */
  readonly producerGroup: string;
  /** How long a shutdown waits for sends under way, in milliseconds. */
  readonly shutdownTimeoutMs: number;
  /** What is done between joining and running. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Runs when the producer runs. */
  onRunning(): void;
  /** Runs when a shutdown begins, before it waits. */
  onDraining(): void;
  /** What is done when no send is under way any more, before the client is left. */
  conclude(): Promise<void>;
}

/** The life of one producer. */
export class Membership {
  readonly #client: RocketMQClient;
  readonly #member: ProducerMember;
  readonly #options: MembershipOptions;
  readonly #lifecycle: Lifecycle;
  readonly #abortStart = new AbortController();
  #joined = false;
  #underWay = 0;
  #onIdle: (() => void) | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  /** The life of `member` at `client`. */
  constructor(client: RocketMQClient, member: ProducerMember, options: MembershipOptions) {
    this.#client = client;
    this.#member = member;
    this.#options = options;
    const { producerGroup: group } = options;
    this.#lifecycle = new Lifecycle(
      `producer "${group}"`,
      (message) => new ProducerError(message, { group, retriable: false }),
    );
  }

  /** Where in its life the producer is. */
  get phase(): Phase {
    return this.#lifecycle.phase;
  }

  /** Sends under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /** @throws ProducerError naming `action` unless the producer runs. */
  requireRunning(action: string): void {
    this.#lifecycle.require(action, "running");
  }

  /** Starts, or gives the start under way. @throws ProducerError after a shutdown; what the client's start throws. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    this.#lifecycle.require("start", "created", "starting", "running");
    this.#starting ??= this.#start(signal);
    return await this.#starting;
  }

  /** Drains and leaves; idempotent. */
  shutdown(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Does `work`, which a shutdown waits for. */
  async track<T>(work: Promise<T>): Promise<T> {
    this.#underWay++;
    try {
      return await work;
    } finally {
      if (--this.#underWay === 0) this.#onIdle?.();
    }
  }

  async #start(signal: AbortSignal | undefined): Promise<void> {
    this.#lifecycle.enter("starting");
    const stop = signal === undefined
      ? this.#abortStart.signal
      : AbortSignal.any([signal, this.#abortStart.signal]);
    try {
      await this.#client.start({ signal: stop });
      this.#joined = true;
      this.#client.join(this.#member);
      await this.#options.prepare(stop);
      stop.throwIfAborted();
      this.#lifecycle.enter("running");
      this.#options.onRunning();
      this.#client.logger.info(
        `Producer "${this.#options.producerGroup}" is running as ${this.#client.clientId}`,
      );
    } catch (error) {
      if (this.#lifecycle.phase === "starting") this.#lifecycle.enter("failed");
      await this.#leave();
      throw error;
    }
  }

  async #stop(): Promise<void> {
    const { phase } = this.#lifecycle;
    if (phase === "starting" || phase === "running") this.#lifecycle.enter("draining");
    if (phase === "starting") {
      this.#abortStart.abort(new ProducerError("Cannot start: the producer was shut down meanwhile"));
      await this.#starting?.catch(() => {});
    }
    if (phase === "running") {
      await this.#drain();
      await this.#options.conclude();
    }
    await this.#leave();
    this.#lifecycle.enter("stopped");
    if (phase === "running") {
      this.#client.logger.info(`Producer "${this.#options.producerGroup}" has stopped`);
    }
  }

  async #drain(): Promise<void> {
    this.#options.onDraining();
    if (this.#underWay === 0) return;
    const { producerGroup, shutdownTimeoutMs: ms } = this.#options;
    const { clock, logger } = this.#client;
    const idle = new Promise<void>((resolve) => this.#onIdle = resolve);
    const timeout = (): Error => new TimeoutError(`${this.#underWay} sends are still under way`);
    await within(idle, { ms, clock, timeout }).catch((error) => {
      logger.warn(`Producer "${producerGroup}" shuts down after ${ms} ms: ${error.message}`);
    });
  }

  async #leave(): Promise<void> {
    if (!this.#joined) return;
    this.#joined = false;
    await this.#client.leave(this.#member);
    await this.#client.shutdown();
  }
}
