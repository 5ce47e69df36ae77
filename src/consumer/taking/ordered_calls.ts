/**
 * What the answer of a listener means where messages stay in order.
 *
 * With `autoCommit` success settles the run; without it the run is set aside until a later run answers COMMIT (all of it is
 * settled) or ROLLBACK (all of it comes again). A failure holds the line up: what is unsettled rests and comes again, one
 * attempt further. Agrees with Java's ConsumeMessageOrderlyService.processConsumeResult.
 */
import type { Delivery } from "../window/delivery.ts";
import type { Lane } from "../window/lane.ts";
import type {
  ConsumeContext,
  ConsumeOrderlyContext,
  ConsumeOrderlyResult,
  ConsumeResult,
} from "./listener.ts";
import type { LocalSettlement } from "../settlement/local_settlement.ts";

/** Shortest and longest rest of a suspended queue, in milliseconds (Java: ConsumeMessageOrderlyService.submitConsumeRequestLater). */
const MIN_SUSPEND_MS = 10;
const MAX_SUSPEND_MS = 30_000;

/** Anything that a listener may answer, where order matters. */
export type OrderedAnswer = ConsumeOrderlyResult | ConsumeResult | undefined | void;

/** A rest within the bounds. */
export function clampSuspend(ms: number): number {
  return Math.min(MAX_SUSPEND_MS, Math.max(MIN_SUSPEND_MS, ms));
}

/** One call's context. */
export class OrderedContext implements ConsumeContext, ConsumeOrderlyContext {
  readonly consumerGroup: string;
  autoCommit: boolean;
  suspendCurrentQueueTimeMs = -1;
  delayLevelWhenNextConsume = 0;
  readonly #delivery: Delivery;

  constructor(consumerGroup: string, delivery: Delivery, autoCommit: boolean) {
    this.consumerGroup = consumerGroup;
    this.#delivery = delivery;
    this.autoCommit = autoCommit;
  }

  get queue(): Delivery["queue"] {
    return this.#delivery.queue;
  }

  get attempt(): number {
    return this.#delivery.attempt;
  }

  get signal(): AbortSignal {
    return this.#delivery.signal;
  }
}

/** Applies answers to runs of messages. */
export class OrderedCalls {
  readonly #settlement: LocalSettlement;
  readonly #suspendMs: number;
  /** What was handled and waits for COMMIT or ROLLBACK. */
  readonly #aside = new WeakMap<Lane, Delivery[]>();

  constructor(settlement: LocalSettlement, suspendMs: number) {
    this.#settlement = settlement;
    this.#suspendMs = suspendMs;
  }

  /** The listener has answered. Java's null (retry) is a plain return here, and means success. */
  answered(lane: Lane, run: readonly Delivery[], context: OrderedContext, answer: OrderedAnswer): void {
    if (answer === "SUSPEND_CURRENT_QUEUE_A_MOMENT" || answer === "RECONSUME_LATER") {
      return this.failed(run, context);
    }
    if (answer === "ROLLBACK" && !context.autoCommit) return this.#rollBack(lane, run, context);
    const unsettled = run.filter((delivery) => delivery.state === "out");
    if (context.autoCommit || answer === "COMMIT") {
      for (const delivery of [...this.#takeAside(lane), ...unsettled]) lane.window.ack(delivery);
      return;
    }
    this.#aside.set(lane, [...this.#takeAside(lane), ...unsettled]);
    for (const delivery of unsettled) lane.window.setAside(delivery);
  }

  /** The listener has failed: what is unsettled comes again from here. */
  failed(run: readonly Delivery[], context: OrderedContext): void {
    const delayMs = this.#restMs(context);
    for (const delivery of run) {
      if (delivery.state !== "out") continue;
      if (context.delayLevelWhenNextConsume < 0) void this.#settlement.deadLetter(delivery);
      else void this.#settlement.retry(delivery, { delayMs });
    }
  }

  #rollBack(lane: Lane, run: readonly Delivery[], context: OrderedContext): void {
    void this.#settlement.rollBack(lane, [...this.#takeAside(lane), ...run], this.#restMs(context));
  }

  #takeAside(lane: Lane): Delivery[] {
    const aside = this.#aside.get(lane);
    if (aside === undefined) return [];
    this.#aside.delete(lane);
    return aside.filter((delivery) => delivery.state === "held");
  }

  #restMs({ suspendCurrentQueueTimeMs }: OrderedContext): number {
    return clampSuspend(suspendCurrentQueueTimeMs === -1 ? this.#suspendMs : suspendCurrentQueueTimeMs);
  }
}
