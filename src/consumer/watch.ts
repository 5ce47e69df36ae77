/**
 * The look around, once a second: messages whose time is up, queues that are silent, topics that nobody takes, slots.
 *
 * A message's time counts from its hand-out. When it is up its signal fires and it is sent back; what its handler says
 * later is a counted no-op. Where messages stay in order it is not sent back: the next may not overtake a handler at work.
 */
import { TimeoutError } from "../core/errors.ts";
import type { Clock } from "../time/clock.ts";
import type { Assignment } from "./queue/assignment.ts";
import type { ConsumeSpeed } from "../telemetry/consume_speed.ts";
import { TraceOutcome } from "../telemetry/message_trace.ts";
import type { ConsumerEvent } from "./events.ts";
import type { ListenerPool } from "./taking/listener_pool.ts";
import type { ConsumerCounters } from "./statistics.ts";
import type { Subscriptions } from "./subscription/subscriptions.ts";
import type { Takers } from "./taking/takers.ts";

/** Between two looks, in milliseconds. */
export const WATCH_EVERY_MS = 1_000;
/** A topic without a taker is told after this, in milliseconds. */
const UNTAKEN_AFTER_MS = 10_000;

/** What is watched. */
export interface WatchOptions {
  /** How long a message may be out, in milliseconds. */
  readonly consumeTimeoutMs: number;
  readonly clock: Clock;
  readonly assignment: Assignment;
  readonly subscriptions: Subscriptions;
  readonly takers: Takers;
  readonly pool: ListenerPool;
  readonly speed: ConsumeSpeed;
  readonly counters: ConsumerCounters;
  readonly emit: (event: ConsumerEvent) => void;
}

/** Looks around for one consumer. */
export class Watch {
  readonly #options: WatchOptions;
  /** Since when a topic has had no taker; Infinity once that was told. */
  readonly #untakenSince = new Map<string, number>();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** One look. */
  run(): Promise<void> {
    const { clock, assignment, pool, speed } = this.#options;
    const now = clock.now();
    this.#expire(now);
    assignment.watch(now);
    this.#watchTakers(now);
    pool.adapt();
    speed.sample(now);
    return Promise.resolve();
  }

  #expire(now: number): void {
    const { assignment, consumeTimeoutMs, counters, emit } = this.#options;
    for (const window of assignment.windows()) {
      for (const delivery of [...window.outSince(now - consumeTimeoutMs)]) {
        if (delivery.timedOut || now < delivery.extendedUntil) continue;
        delivery.timedOut = true;
        counters.timedOut++;
        emit({ type: "consumeTimeout", queue: delivery.queue, queueOffset: delivery.queueOffset });
        const outMs = now - delivery.handedOutAt;
        delivery.abort(
          new TimeoutError(
            `Cannot wait longer for message ${delivery.messageId}: it has been out for ${outMs} ms`,
            {
              topic: delivery.topic,
              timeoutMs: consumeTimeoutMs,
            },
          ),
        );
        delivery.outcome = TraceOutcome.TIME_OUT;
        if (!window.order) void delivery.retry();
      }
    }
  }

  #watchTakers(now: number): void {
    const { subscriptions, takers, emit } = this.#options;
    for (const topic of subscriptions.topics()) {
      const since = this.#untakenSince.get(topic);
      if (takers.isTaken(topic)) this.#untakenSince.delete(topic);
      else if (since === undefined) this.#untakenSince.set(topic, now);
      else if (since !== Infinity && now - since >= UNTAKEN_AFTER_MS) {
        this.#untakenSince.set(topic, Infinity);
        emit({ type: "untaken", topic });
      }
    }
  }
}
