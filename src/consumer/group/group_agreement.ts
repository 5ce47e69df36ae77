/**
 * Whether the members of a group subscribe alike: asked of some of them, through a broker, after members have changed.
 *
 * A broker knows only what the last heartbeat said, so each member is asked itself (GET_CONSUMER_RUNNING_INFO, which Java's
 * members answer too). At most `MOST_ASKED` of them, drawn by chance, a moment after the change: a big group is looked through
 * over time, by all its members. A difference is told once, and again when it has changed.
 */
import type { RocketMQClient } from "../../client/client.ts";
import { RocketMQError } from "../../core/errors.ts";
import { shuffled } from "../../core/random.ts";
import { consumerRunningInfo } from "../../protocol/bodies.ts";
import { getConsumerRunningInfo } from "../../protocol/operations.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";
import type { Loop } from "../../time/loop.ts";
import type { ConsumerEvent } from "../events.ts";
import { groupRoster } from "./group_roster.ts";
import { conflictError, findConflicts } from "../subscription/subscription_conflicts.ts";
import type { Subscriptions } from "../subscription/subscriptions.ts";

/** Members that one look asks at most. */
const MOST_ASKED = 16;
/** After a change of members it is waited so long before a look, in milliseconds: they come and go in bursts. */
const SETTLE_MS = 1_000;
/** Without a change of members there is a look so often, in milliseconds. */
const EVERY_MS = 300_000;
const TIMEOUT_MS = 3_000;

/** What the looks work with. */
export interface GroupAgreementOptions {
  readonly client: RocketMQClient;
  readonly consumerGroup: string;
  readonly subscriptions: Subscriptions;
  readonly emit: (event: ConsumerEvent) => void;
}

/** The looks as a line of the timetable; nudged when members have changed. */
export function agreementLoop(options: GroupAgreementOptions): Loop {
  const agreement = new GroupAgreement(options);
  return { name: "agreement", firstMs: 0, everyMs: EVERY_MS, run: (signal) => agreement.check(signal) };
}

/** Looks at the other members of one group. */
class GroupAgreement {
  readonly #options: GroupAgreementOptions;
  /** What was told of each member last. */
  readonly #told = new Map<string, string>();

  constructor(options: GroupAgreementOptions) {
    this.#options = options;
  }

  /** One look, a moment after it was asked for. Never rejects but for `signal`: who cannot be asked now is asked another time. */
  async check(signal: AbortSignal): Promise<void> {
    const { client, subscriptions, consumerGroup } = this.#options;
    await client.clock.sleep(SETTLE_MS, signal);
    const route = [...subscriptions.topics()].map((topic) => client.cachedRoute(topic)).find((found) =>
      found
    );
    const broker = route?.brokers.keys().next().value;
    if (route === undefined || broker === undefined) return;
    const members = await groupRoster(client, consumerGroup, route).catch((): string[] => []);
    for (const member of this.#told.keys()) if (!members.includes(member)) this.#told.delete(member);
    const others = members.filter((member) => member !== client.clientId);
    for (const member of shuffled(others, client.random).slice(0, MOST_ASKED)) {
      if (signal.aborted) return;
      const theirs = await this.#ask(member, broker, signal);
      if (theirs !== undefined) this.#compare(member, theirs);
    }
  }

  /** What a member subscribes; `undefined` when it cannot be found out. */
  async #ask(
    clientId: string,
    broker: string,
    signal: AbortSignal,
  ): Promise<readonly SubscriptionData[] | undefined> {
    const { client, consumerGroup } = this.#options;
    const header = { consumerGroup, clientId, jstackEnable: false };
    try {
      const options = { timeoutMs: TIMEOUT_MS, signal };
      const { body } = await client.call(broker, getConsumerRunningInfo, header, options);
      return consumerRunningInfo.read(body).subscriptionSet;
    } catch (error) {
      if (error instanceof RocketMQError) return undefined;
      throw error;
    }
  }

  #compare(member: string, theirs: readonly SubscriptionData[]): void {
    const { consumerGroup, subscriptions, emit } = this.#options;
    const conflicts = findConflicts(subscriptions.values(), theirs);
    if (conflicts.length === 0) {
      this.#told.delete(member);
      return;
    }
    const error = conflictError(`Cannot share group "${consumerGroup}" with ${member}`, conflicts);
    if (this.#told.get(member) === error.message) return;
    this.#told.set(member, error.message);
    emit({ type: "subscriptionConflict", member, conflicts, error });
  }
}
