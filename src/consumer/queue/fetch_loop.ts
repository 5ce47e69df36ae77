/**
 * Asks a broker for the messages of one window, again and again, for as long as the window lives.
 *
 *   room? → ask → answer → paste onto the window → ask again; while more waits at the broker, before anything is handed out.
 * One question is under way at a time. Whatever goes wrong (a broker gone, a throw, an answer that makes no sense) is told
 * once, waited out with backoff and tried again; the loop ends only when its window is dropped. What is asked, and what an
 * answer means, is the Fetch's: a pull or a pop.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { BrokerError, MessagePullError, RebalanceError } from "../../core/errors.ts";
import { queueKey } from "../../protocol/message_queue.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { type Backoff, backoffMs } from "../../time/backoff.ts";
import type { ConsumerTracer } from "../../core/tracer.ts";
import type { Budget } from "../window/budget.ts";
import type { ConsumerEvent } from "../events.ts";
import type { QueueWindow } from "../window/queue_window.ts";
import type { ConsumerCounters } from "../statistics.ts";

/** After FLOW_CONTROL (Java: PULL_TIME_DELAY_MILLS_WHEN_BROKER_FLOW_CONTROL). */
const FLOW_CONTROL_MS = 20;
const FAILURE_BACKOFF: Backoff = { baseMs: 200, maxMs: 5_000 };
/** A queue without an answer for so long is started afresh, in milliseconds (Java: pullMaxIdleTime). */
const STALLED_MS = 120_000;

/** One way to get messages. */
export interface Fetch<Answer> {
  /** One question; rejects with the reason of `signal` when that fires. */
  ask(signal: AbortSignal): Promise<Answer>;
  /** Puts what came onto the window; `askedAt` is when the question left, in milliseconds since the epoch. */
  take(answer: Answer, askedAt: number): Promise<void>;
  /** An answer came that the window has no use for any more. */
  late?(answer: Answer, askedAt: number): Promise<void>;
  /** A question failed. */
  failed?(): void;
}

/** Why a question was given up whose answer nobody wants for now. */
const PAUSED: unique symbol = Symbol("paused");

/** What every loop works with. */
export interface FetchLoopOptions {
  readonly client: RocketMQClient;
  readonly budget: Budget;
  readonly counters: ConsumerCounters;
  readonly emit: (event: ConsumerEvent) => void;
  /** Pause between two questions, in milliseconds. */
  readonly intervalMs: number;
  /** Whether someone takes the messages of a window. */
  readonly isTaken: (window: QueueWindow) => boolean;
  /** The broker does not know our subscription (yet): heartbeat. */
  readonly onSubscriptionUnknown: () => void;
  /** Who follows what comes, if anybody does. */
  readonly tracer?: ConsumerTracer | undefined;
}

/** The loop of one window. */
export class FetchLoop<Answer> {
  readonly #options: FetchLoopOptions;
  readonly #window: QueueWindow;
  readonly #fetch: Fetch<Answer>;
  #stopped = false;
  #failures = 0;
  #isSilent = false;
  #call = new AbortController();

  constructor(window: QueueWindow, fetch: Fetch<Answer>, options: FetchLoopOptions) {
    this.#window = window;
    this.#fetch = fetch;
    this.#options = options;
  }

  /** Gives the current call up; the loop goes on, or ends when the window is dropped. */
  interrupt(reason: unknown): void {
    this.#call.abort(reason);
    this.#window.lookAgain();
  }

  /** Gives the current call up as its window is paused: that is no failure. */
  rest(): void {
    this.#call.abort(PAUSED);
  }

  /** Ends the loop after the current call, which is given up. */
  stop(reason: unknown): void {
    this.#stopped = true;
    this.interrupt(reason);
  }

  /** Whether the loop has nothing to do any more. */
  get isOver(): boolean {
    return this.#stopped || this.#window.dropped;
  }

  /** Runs until the window is dropped or `stop` is called. Never rejects. */
  async run(): Promise<void> {
    const { budget, isTaken, client } = this.#options;
    const window = this.#window;
    while (!this.isOver) {
      if (!isTaken(window) || !window.hasRoom || !budget.hasRoom) {
        await window.waitForRoom();
        budget.passOn(); // whether or not this queue may ask now, the next in line looks too
        window.lastAnswerAt = client.clock.now();
        continue;
      }
      if (this.#call.signal.aborted) this.#call = new AbortController();
      try {
        await this.#exchange();
      } catch (error) {
        if (this.isOver) return;
        if (this.#call.signal.reason === PAUSED) continue;
        await this.#failed(error as Error);
      }
    }
  }

  /**
   * One question and its answer. A function of its own, so that the answer dies with it: the loop would keep the last frame
   * of every queue alive while it waits for the next.
   */
  async #exchange(): Promise<void> {
    const { client, intervalMs } = this.#options;
    const askedAt = client.clock.now();
    const answer = await this.#fetch.ask(this.#call.signal);
    if (this.isOver) return await this.#fetch.late?.(answer, askedAt);
    this.#failures = 0;
    this.#isSilent = false;
    await this.#fetch.take(answer, askedAt);
    if (intervalMs > 0) await this.pause(intervalMs);
  }

  async #failed(error: Error): Promise<void> {
    const { counters, client, onSubscriptionUnknown } = this.#options;
    const code = error instanceof BrokerError ? error.facts.responseCode : undefined;
    if (code === ResponseCode.FLOW_CONTROL) return await this.pause(FLOW_CONTROL_MS);
    counters.pullFailures++;
    this.#fetch.failed?.();
    if (code === ResponseCode.SUBSCRIPTION_NOT_EXIST || code === ResponseCode.SUBSCRIPTION_NOT_LATEST) {
      onSubscriptionUnknown();
    }
    if (++this.#failures === 1) this.#tell(error);
    await this.pause(backoffMs(FAILURE_BACKOFF, this.#failures, client.random));
  }

  #tell(cause: Error): void {
    const { queue } = this.#window;
    const { topic, brokerName: broker } = queue;
    const error = new MessagePullError(`Cannot pull ${queueKey(queue)}: ${cause.message}`, {
      cause,
      topic,
      broker,
    });
    this.#options.emit({ type: "pullFailed", queue, error });
  }

  /** Waits, but no longer than the window lives. */
  async pause(ms: number): Promise<void> {
    if (this.#call.signal.aborted) this.#call = new AbortController();
    await this.#options.client.clock.sleep(ms, this.#call.signal).catch(() => {});
  }

  /** Starts the question afresh if it has not been answered for two minutes although it could have been. */
  watchSilence(now: number): void {
    const { budget, isTaken, emit } = this.#options;
    const window = this.#window;
    const silentMs = now - window.lastAnswerAt;
    if (silentMs < STALLED_MS || !window.hasRoom || !isTaken(window) || !budget.hasRoom) return;
    if (!this.#isSilent) emit({ type: "stalled", queue: window.queue, silentMs });
    this.#isSilent = true;
    window.lastAnswerAt = now;
    this.interrupt(
      new RebalanceError(`Queue ${queueKey(window.queue)} has not answered for ${silentMs} ms`),
    );
  }
}
