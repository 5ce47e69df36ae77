/**
 * A list of subscriptions that stands by itself: kept, switched off and on, exported, compared, with a limit.
 *
 * Picture a switchboard with one switch per topic. Attached to a consumer, every change is made there first and recorded
 * only if the consumer took it, so the two never differ. Every answer comes from one map; nothing here waits.
 */
import {
  ConfigError,
  ConsumerStateError,
  InvalidSelectorError,
  SubscriptionLimitExceededError,
  TopicNotSubscribedError,
} from "../../core/errors.ts";
import { compileSql } from "../../message/sql92.ts";
import { withoutNamespace } from "../../protocol/namespace.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";
import { type Clock, systemClock } from "../../time/clock.ts";
import type { MessageSelector } from "./selector.ts";
import {
  conflictError,
  findConflicts,
  sameSelector,
  type SubscriptionConflict,
} from "./subscription_conflicts.ts";
import { EXPORT_FORMAT, readExport, type SubscriptionExport } from "./subscription_export.ts";
import { makeSubscription, type Subscription } from "./subscriptions.ts";

/** Subscriptions that a manager holds unless told otherwise. */
const DEFAULT_MAX_SUBSCRIPTIONS = 1_000;

/** One subscription in a manager. Never changed: a change makes a new one. */
export interface SubscriptionEntry extends Subscription {
  /** Whether messages of the topic are wanted now. */
  readonly active: boolean;
  /** When it was first made, in milliseconds since the epoch. */
  readonly subscribedAt: number;
  /** When its selector or its switch last changed, in milliseconds since the epoch. */
  readonly updatedAt: number;
}

/** What a manager can be attached to. A Consumer is one. */
export interface SubscriptionTarget {
  /** Subscribes a topic or changes its selector. */
  subscribe(topic: string, selector: MessageSelector): void;
  /** Unsubscribes a topic. */
  unsubscribe(topic: string): void;
}

/** How an import meets what is subscribed already with another selector. */
export interface ImportOptions {
  /** "refuse" (default): a SubscriptionConflictError. "replace": theirs wins. "keep": ours stays. */
  readonly onConflict?: "refuse" | "replace" | "keep";
}

/** How subscriptions are compared with those that brokers report. */
export interface ComparisonOptions {
  /** The namespace that the members' clients live in; none by default. */
  readonly namespace?: string | undefined;
}

/**
 * Keeps subscriptions, with a consumer or without one.
 *
 * @example
 * ```ts
 * import { sql, SubscriptionManager } from "@contrail/rocketmq";
 *
 * const subscriptions = new SubscriptionManager(100);
 * subscriptions.subscribe("orders", "paid || refunded");
 * subscriptions.subscribe("prices", sql("region = 'eu'"));
 * subscriptions.deactivate("prices");
 * console.log(subscriptions.count, JSON.stringify(subscriptions.exportSubscriptions()));
 * // subscriptions.attach(consumer): from now on every change takes effect there at once
 * ```
 */
export class SubscriptionManager {
  readonly #byTopic = new Map<string, SubscriptionEntry>();
  readonly #max: number;
  readonly #clock: Clock;
  #target: SubscriptionTarget | undefined;

  /** A manager of at most `maxSubscriptions`; `clock` dates what it holds. @throws ConfigError */
  constructor(maxSubscriptions: number = DEFAULT_MAX_SUBSCRIPTIONS, clock: Clock = systemClock) {
    if (!Number.isSafeInteger(maxSubscriptions) || maxSubscriptions < 1) {
      const message = `Expected a whole number from 1, current value is ${maxSubscriptions}`;
      throw new ConfigError(`Cannot make the subscription manager: maxSubscriptions: ${message}`, {
        problems: [{ path: "maxSubscriptions", message }],
      });
    }
    this.#max = maxSubscriptions;
    this.#clock = clock;
  }

  /** How many subscriptions it may hold. */
  get maxSubscriptions(): number {
    return this.#max;
  }

  /** How many subscriptions it holds, inactive ones included. */
  get count(): number {
    return this.#byTopic.size;
  }

  /**
   * Subscribes a topic. Doing it again with the same selector changes nothing.
   *
   * @param selector Tags separated by `||`, `*` for all (default), or `sql("…")`.
   * @throws InvalidTopicError, InvalidSelectorError; SubscriptionConflictError when the topic has another selector
   * (`updateSelector` changes it); SubscriptionLimitExceededError.
   */
  subscribe(topic: string, selector: string | MessageSelector = "*"): SubscriptionEntry {
    const made = this.#make(topic, selector);
    const known = this.#byTopic.get(topic);
    if (known) {
      if (sameSelector(known.data, made.data)) return known;
      throw conflictError(`Cannot subscribe "${topic}"`, [
        { topic, mine: known.selector, theirs: made.selector },
      ]);
    }
    this.#checkRoom(this.count + 1);
    const now = made.data.subVersion;
    return this.#put({ ...made, active: true, subscribedAt: now, updatedAt: now });
  }

  /** Forgets a topic. @throws TopicNotSubscribedError */
  unsubscribe(topic: string): void {
    const known = this.#entry(topic, "unsubscribe");
    if (known.active) this.#target?.unsubscribe(topic);
    this.#byTopic.delete(topic);
  }

  /** Changes what is wanted of a topic. @throws TopicNotSubscribedError, InvalidSelectorError */
  updateSelector(topic: string, selector: string | MessageSelector): SubscriptionEntry {
    const known = this.#entry(topic, "update the selector of");
    const made = this.#make(topic, selector);
    return this.#put({ ...known, ...made, updatedAt: made.data.subVersion });
  }

  /** Wants messages of a topic again. @throws TopicNotSubscribedError */
  activate(topic: string): SubscriptionEntry {
    const known = this.#entry(topic, "activate");
    return known.active ? known : this.#put({ ...known, active: true, updatedAt: this.#clock.now() });
  }

  /** Wants no messages of a topic until `activate`; what its selector was stays known. @throws TopicNotSubscribedError */
  deactivate(topic: string): SubscriptionEntry {
    const known = this.#entry(topic, "deactivate");
    return known.active ? this.#put({ ...known, active: false, updatedAt: this.#clock.now() }) : known;
  }

  /** The subscription of a topic, active or not. */
  getSubscription(topic: string): SubscriptionEntry | undefined {
    return this.#byTopic.get(topic);
  }

  /** All subscriptions in the order they were made, inactive ones included. */
  getAllSubscriptions(): SubscriptionEntry[] {
    return [...this.#byTopic.values()];
  }

  /** Whether messages of a topic are wanted now. */
  isSubscribed(topic: string): boolean {
    return this.#byTopic.get(topic)?.active === true;
  }

  /**
   * Checks that a topic could be subscribed so, as far as can be told without a broker: its name, its tags, the syntax of
   * its SQL92.
   *
   * @throws InvalidTopicError, InvalidSelectorError with the position of what is wrong.
   */
  validateSubscription(topic: string, selector: string | MessageSelector = "*"): void {
    this.#make(topic, selector);
  }

  /** Everything it holds, as plain data. */
  exportSubscriptions(): SubscriptionExport {
    const subscriptions = Array.from(this.#byTopic.values(), ({ topic, selector, active }) => {
      return { topic, type: selector.type, expression: selector.expression, active };
    });
    return { format: EXPORT_FORMAT, subscriptions };
  }

  /**
   * Adds what `exportSubscriptions` gave, or its JSON text: all of it or, on an error, nothing. Gives how many
   * subscriptions are new or changed.
   *
   * @throws SubscriptionDataError when it cannot be read; what `subscribe` throws.
   */
  importSubscriptions(data: SubscriptionExport | string, options: ImportOptions = {}): number {
    const { onConflict = "refuse" } = options;
    const changes: SubscriptionEntry[] = [];
    const conflicts: SubscriptionConflict[] = [];
    let added = 0;
    for (const { topic, type, expression, active } of readExport(data)) {
      const made = this.#make(topic, { type, expression });
      const known = this.#byTopic.get(topic);
      const same = known !== undefined && sameSelector(known.data, made.data);
      if (same && known.active === active) continue;
      if (known && !same) {
        if (onConflict === "keep") continue;
        if (onConflict === "refuse") conflicts.push({ topic, mine: known.selector, theirs: made.selector });
      }
      if (!known) added++;
      const now = made.data.subVersion;
      changes.push({ ...made, active, subscribedAt: known?.subscribedAt ?? now, updatedAt: now });
    }
    if (conflicts.length > 0) throw conflictError("Cannot import subscriptions", conflicts);
    this.#checkRoom(this.count + added);
    for (const entry of changes) this.#put(entry);
    return changes.length;
  }

  /**
   * Where another member's subscriptions, as brokers report them, differ from the active ones here. All members of a group
   * must want the same: a broker keeps one set per group, so members that differ lose messages. Brokers call topics with the
   * namespace: within one say which, and conflicts name topics as the subscriptions here do.
   */
  detectConflicts(
    theirs: Iterable<SubscriptionData>,
    { namespace }: ComparisonOptions = {},
  ): SubscriptionConflict[] {
    const mine = [...this.#byTopic.values()].filter(({ active }) => active);
    const shown = Array.from(theirs, (data) => ({ ...data, topic: withoutNamespace(namespace, data.topic) }));
    return findConflicts(mine, shown);
  }

  /** Checks that `member` of the group wants the same. @throws SubscriptionConflictError naming it and each difference. */
  checkAgreement(
    member: string,
    theirs: Iterable<SubscriptionData>,
    options: ComparisonOptions = {},
  ): void {
    const conflicts = this.detectConflicts(theirs, options);
    if (conflicts.length > 0) throw conflictError(`Cannot share a group with ${member}`, conflicts);
  }

  /**
   * Subscribes what is active at `target`, and makes every later change there too. What `target` refuses is not recorded.
   *
   * @throws ConsumerStateError when it is attached already; what the target's `subscribe` throws.
   */
  attach(target: SubscriptionTarget): void {
    if (this.#target) {
      throw new ConsumerStateError("Cannot attach the subscription manager: it is attached already");
    }
    for (const { topic, selector, active } of this.#byTopic.values()) {
      if (active) target.subscribe(topic, selector);
    }
    this.#target = target;
  }

  /** Leaves the target as it is and changes it no more. */
  detach(): void {
    this.#target = undefined;
  }

  #make(topic: string, selector: string | MessageSelector): Subscription {
    const made = makeSubscription(topic, selector, this.#clock.now());
    if (made.selector.type === "SQL92") checkSql(topic, made.selector.expression);
    return made;
  }

  #put(entry: SubscriptionEntry): SubscriptionEntry {
    const known = this.#byTopic.get(entry.topic);
    if (entry.active) this.#target?.subscribe(entry.topic, entry.selector);
    else if (known?.active) this.#target?.unsubscribe(entry.topic);
    this.#byTopic.set(entry.topic, Object.freeze(entry));
    return entry;
  }

  #entry(topic: string, action: string): SubscriptionEntry {
    const known = this.#byTopic.get(topic);
    if (known) return known;
    throw new TopicNotSubscribedError(`Cannot ${action} "${topic}": it is not subscribed`, { topic });
  }

  #checkRoom(count: number): void {
    if (count <= this.#max) return;
    throw new SubscriptionLimitExceededError(
      `Cannot hold ${count} subscriptions: the limit is ${this.#max}`,
    );
  }
}

/** What the broker's parser would refuse is refused here, with its position. */
function checkSql(topic: string, expression: string): void {
  try {
    compileSql(expression);
  } catch (cause) {
    if (!(cause instanceof InvalidSelectorError)) throw cause;
    const { position } = cause.facts;
    throw new InvalidSelectorError(
      `Cannot subscribe "${topic}" with SQL92 "${expression}": ${cause.message}`,
      { cause, topic, ...(position === undefined ? {} : { position }) },
    );
  }
}
