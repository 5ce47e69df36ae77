/**
 * Where two members of a group want different messages: compared topic by topic, and told in words.
 *
 * A broker keeps one set of subscriptions for a group, that of the last heartbeat, so members that differ lose messages.
 */
import { SubscriptionConflictError } from "../../core/errors.ts";
import { isRetryTopic } from "../../protocol/names.ts";
import type { SubscriptionData } from "../../protocol/subscription_data.ts";
import type { MessageSelector } from "./selector.ts";
import type { Subscription } from "./subscriptions.ts";

/** A topic that two sides want different messages of. */
export interface SubscriptionConflict {
  /** The topic. */
  readonly topic: string;
  /** What this side wants; `undefined`: nothing. */
  readonly mine: MessageSelector | undefined;
  /** What the other side wants; `undefined`: nothing. */
  readonly theirs: MessageSelector | undefined;
}

/** Every topic that differs. Retry topics are the group's own, and are left out. */
export function findConflicts(
  mine: Iterable<Subscription>,
  theirs: Iterable<SubscriptionData>,
): SubscriptionConflict[] {
  const own = new Map(Array.from(mine, (subscription) => [subscription.topic, subscription]));
  const conflicts: SubscriptionConflict[] = [];
  for (const data of theirs) {
    const { topic } = data;
    if (isRetryTopic(topic)) continue;
    const known = own.get(topic);
    own.delete(topic);
    if (known && sameSelector(known.data, data)) continue;
    conflicts.push({ topic, mine: known?.selector, theirs: selectorOf(data) });
  }
  for (const { topic, selector } of own.values()) {
    conflicts.push({ topic, mine: selector, theirs: undefined });
  }
  return conflicts;
}

/** Whether two subscriptions want the same messages: the same tags in any order, or the same condition. */
export function sameSelector(a: SubscriptionData, b: SubscriptionData): boolean {
  if (a.expressionType !== b.expressionType) return false;
  if (a.expressionType !== "TAG") return a.subString === b.subString;
  return a.tagsSet.length === b.tagsSet.length && a.tagsSet.every((tag) => b.tagsSet.includes(tag));
}

/** The error that tells of conflicts. */
export function conflictError(
  attempted: string,
  conflicts: readonly SubscriptionConflict[],
): SubscriptionConflictError {
  const show = (selector: MessageSelector | undefined): string =>
    selector ? `${selector.type} "${selector.expression}"` : "nothing";
  const told = conflicts.map(({ topic, mine, theirs }) =>
    `"${topic}" is subscribed with ${show(mine)} here and ${show(theirs)} there`
  );
  return new SubscriptionConflictError(`${attempted}: ${told.join("; ")}`, { topic: conflicts[0]!.topic });
}

function selectorOf({ expressionType, subString }: SubscriptionData): MessageSelector {
  return { type: expressionType === "SQL92" ? "SQL92" : "TAG", expression: subString };
}
