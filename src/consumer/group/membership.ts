/**
 * A consumer's life in its group, whoever takes the messages: joined, lived by a timetable, left in good order.
 *
 * In: routes, checks, heartbeat, the first division of the queues. Out, always in this order: stop pulling, stop handing out,
 * wait for what is out, commit, unlock, leave the group, close. A step that fails on the way out stops no later one.
 */
import type { ConsumerMember, RocketMQClient } from "../../client/client.ts";
import { ConsumerShutdownError } from "../../core/errors.ts";
import type { OffsetStore } from "../../offsets/offset_store.ts";
import type { MessageTrace } from "../../telemetry/message_trace.ts";
import { type Loop, type LoopRunner, runLoops } from "../../time/loop.ts";
import type { Assignment } from "../queue/assignment.ts";
import { type ConsumerEvent, forwardEvents } from "../events.ts";
import { checkClientId, checkSubscriptions, learnRoutes, type MissingTopic } from "./group_check.ts";
import type { Subscriptions } from "../subscription/subscriptions.ts";

/** What a membership works with. */
export interface MembershipOptions {
  readonly client: RocketMQClient;
  readonly consumerGroup: string;
  readonly missingTopic: MissingTopic;
  /** How often the queues are divided anew without a cause, in milliseconds. */
  readonly rebalanceIntervalMs: number;
  readonly subscriptions: Subscriptions;
  /** Topics whose routes are looked for at the start. */
  readonly topics: () => Iterable<string>;
  readonly assignment: Assignment;
  readonly store: OffsetStore;
  readonly trace: MessageTrace;
  readonly member: ConsumerMember;
  readonly emit: (event: ConsumerEvent) => void;
  /** Fired when the consumer is over. */
  readonly over: AbortController;
  /** Called after each round of rebalancing. */
  readonly onRound?: (() => void) | undefined;
}

/** How a drain goes. */
export interface DrainOptions {
  /** Hands nothing out any more. */
  readonly endTakers: () => void;
  /** Whether holes below what is settled are handed out first, as by key. */
  readonly fillsHoles?: boolean;
  /** How long to wait for what is out, in milliseconds. */
  readonly patienceMs: number;
  /** Whether what is settled is stored. */
  readonly commits: boolean;
}

/** One consumer in one group. */
export class Membership {
  readonly #options: MembershipOptions;
  #loops: LoopRunner | undefined;
  #joined = false;
  #ending = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /**
   * Joins the group, divides the queues for the first time, starts the loops: rebalancing, the trace, and those of `timetable`.
   *
   * @throws ConsumerShutdownError when the membership has ended meanwhile; it leaves nothing running.
   */
  async join(timetable: readonly Loop[], signal: AbortSignal | undefined): Promise<void> {
    const { client, consumerGroup, subscriptions, topics, store, trace, member, emit, over } = this.#options;
    this.#requireStaying();
    await store.start();
    if (this.#ending) await store.stop();
    this.#requireStaying();
    forwardEvents(client.events(), emit, over.signal);
    await learnRoutes(client, topics(), { missingTopic: this.#options.missingTopic, signal });
    await checkSubscriptions(client, consumerGroup, subscriptions.values());
    if (client.options.instanceName !== undefined) {
      await checkClientId(client, consumerGroup, topics());
    }
    this.#requireStaying();
    client.join(member);
    this.#joined = true;
    await client.heartbeat();
    this.#requireStaying();
    const firstRound = Promise.withResolvers<void>();
    const rebalance: Loop = {
      name: "rebalance",
      firstMs: 0,
      everyMs: this.#options.rebalanceIntervalMs,
      run: (signal) => this.#rebalance(signal, firstRound.resolve),
    };
    this.#loops = runLoops([rebalance, ...timetable, ...trace.loops()], {
      clock: client.clock,
      onError: (loop, error) => client.logger.error(`The ${loop} loop of "${consumerGroup}" failed`, error),
    });
    await firstRound.promise;
  }

  /** Whoever leaves while it joins must not begin to live here after it has left. */
  #requireStaying(): void {
    if (this.#ending) throw this.#shutdownError("is shutting down");
  }

  #shutdownError(what: string): ConsumerShutdownError {
    const { consumerGroup: group } = this.#options;
    return new ConsumerShutdownError(`Consumer "${group}" ${what}`, { group });
  }

  /** Runs a loop of the timetable now. */
  nudge(loop: string): void {
    this.#loops?.nudge(loop);
  }

  /** Tells the brokers what is subscribed now, and divides the queues anew. */
  subscriptionsChanged(): void {
    if (!this.#joined) return;
    this.#options.client.heartbeat().then(() => this.nudge("rebalance"), () => {});
  }

  /** Rounds until one finishes: what is missing (a broker away, a retry topic not made yet) is asked again soon. */
  async #rebalance(signal: AbortSignal, onFirstRound: () => void): Promise<void> {
    const { assignment, client, onRound } = this.#options;
    for (let balanced = false; !balanced && !signal.aborted;) {
      balanced = await assignment.rebalance(signal);
      onRound?.();
      onFirstRound();
      if (!balanced) await client.clock.sleep(assignment.retryAfterMs, signal).catch(() => {});
    }
    onFirstRound();
  }

  /** Stores what may be committed; a failure is told and made up for by the next interval. */
  async persist(): Promise<void> {
    const { assignment, emit } = this.#options;
    await assignment.commit().catch((error) => emit({ type: "persistFailed", error }));
  }

  /** The ordered drain. Never rejects: what could not be done is a warning. */
  async drain({ endTakers, fillsHoles = false, patienceMs, commits }: DrainOptions): Promise<void> {
    const { client, consumerGroup, assignment, over, trace, store } = this.#options;
    this.#ending = true;
    const reason = this.#shutdownError("is shutting down");
    await this.#loops?.stop();
    const pulled = assignment.stopPulling(reason, patienceMs);
    if (!fillsHoles) endTakers();
    await pulled;
    await this.#settled(patienceMs);
    endTakers();
    const left = assignment.outstanding;
    if (left > 0) {
      client.logger.warn(
        `Consumer "${consumerGroup}" shuts down with ${left} messages unsettled after ${patienceMs} ms; ` +
          "they are delivered to the next owner of their queues",
      );
    }
    const problems: string[] = [];
    let cause: unknown;
    const step = async (what: string, work: Promise<unknown>): Promise<void> => {
      try {
        await work;
      } catch (error) {
        cause ??= error;
        problems.push(`${what}: ${(error as Error).message}`);
      }
    };
    // no later interval makes up for a failure; what has arrived is not sent again
    if (commits) await step("store the offsets", assignment.commit().catch(() => assignment.commit()));
    await assignment.letGo();
    over.abort(reason);
    assignment.release(reason);
    await step("leave the group", this.#leave());
    await trace.flush();
    await step("close the offset store", store.stop());
    if (problems.length > 0) {
      client.logger.warn(`Consumer "${consumerGroup}" could not ${problems.join("; ")}`, cause);
    }
  }

  /** Undoes what a start that failed has done. */
  async abandon(endTakers: () => void): Promise<void> {
    const { assignment, over, store } = this.#options;
    this.#ending = true;
    const reason = this.#shutdownError("did not start");
    await this.#loops?.stop();
    await assignment.stopPulling(reason, 0);
    over.abort(reason);
    assignment.release(reason);
    endTakers();
    await this.#leave().catch(() => {});
    await store.stop().catch(() => {});
  }

  async #leave(): Promise<void> {
    if (!this.#joined) return;
    this.#joined = false;
    await this.#options.client.leave(this.#options.member);
  }

  /** Resolves when nothing is out any more, or after `timeoutMs`. */
  async #settled(timeoutMs: number): Promise<void> {
    const { assignment, client } = this.#options;
    const patience = new AbortController();
    void assignment.idle().then(() => patience.abort());
    await client.clock.sleep(timeoutMs, patience.signal).catch(() => {});
  }
}
