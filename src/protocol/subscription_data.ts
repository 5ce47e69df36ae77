/**
 * What a group wants of a topic: an expression, and for tags the parsed tags and their hashes.
 *
 * A broker filters by the hash of a message's tag alone, so the consumer filters again by the tag's text. Agrees with
 * FilterAPI.build and FilterAPI.buildSubscriptionData (5.5.0) and SubscriptionData.
 */
import { InvalidSelectorError } from "../core/errors.ts";
import { javaHash } from "./java_hash.ts";
import { flag, list, long, object, type Shape, stamp, text } from "./shape.ts";

/** How an expression is to be understood. */
export type ExpressionType = "TAG" | "SQL92";

/** The expression that takes every message. */
export const SUBSCRIBE_ALL = "*";

/** A subscription as it travels in heartbeats. */
export interface SubscriptionData {
  /** The topic. */
  readonly topic: string;
  /** The expression as it was given; `*` is everything. */
  readonly subString: string;
  /** Tags of the expression; none means every message (or another kind of expression). */
  readonly tagsSet: readonly string[];
  /** Java hashes of the tags. */
  readonly codeSet: readonly number[];
  /** When the subscription last changed, in milliseconds since the epoch. */
  readonly subVersion: number;
  /** `TAG` or `SQL92`; a text because brokers pass on what they get. */
  readonly expressionType: string;
  /** Legacy filtering by uploaded classes; always false. */
  readonly classFilterMode: boolean;
}

/** The JSON of a subscription. */
export const subscriptionDataShape: Shape<SubscriptionData> = object<SubscriptionData>({
  topic: text,
  subString: text,
  tagsSet: list(text),
  codeSet: list(long),
  subVersion: stamp,
  expressionType: {
    read: (value, path) => value === undefined || value === null ? "TAG" : text.read(value, path),
    write: (value) => value,
  },
  classFilterMode: flag(),
});

/** Java's `String.trim`: only code units up to U+0020 go. */
function javaTrim(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && value.charCodeAt(start) <= 0x20) start++;
  while (end > start && value.charCodeAt(end - 1) <= 0x20) end--;
  return value.slice(start, end);
}

/**
 * The tags of an expression such as `TagA || TagB`; none for everything (null, empty, `*`).
 *
 * @throws InvalidSelectorError when the expression consists of separators alone.
 */
export function parseTags(expression: string | null | undefined): string[] {
  if (expression === null || expression === undefined || expression === "" || expression === SUBSCRIBE_ALL) {
    return [];
  }
  const parts = expression.split("||");
  if (parts.every((part) => part === "")) {
    throw new InvalidSelectorError(
      `Cannot parse tag expression: it has no tag, current value is "${expression}"`,
    );
  }
  return [...new Set(parts.map(javaTrim).filter((tag) => tag !== ""))];
}

/**
 * A subscription by tags, whatever `type` says (FilterAPI.buildSubscriptionData).
 *
 * @throws InvalidSelectorError when the expression consists of separators alone.
 */
export function tagSubscription(
  topic: string,
  expression: string | null | undefined,
  now: number,
  type?: string | null,
): SubscriptionData {
  const tags = parseTags(expression);
  return {
    topic,
    subString: expression ? expression : SUBSCRIBE_ALL,
    tagsSet: tags,
    codeSet: [...new Set(tags.map(javaHash))],
    subVersion: now,
    expressionType: type && type.trim() !== "" ? type : "TAG",
    classFilterMode: false,
  };
}

/**
 * A subscription made of an expression of `type` (FilterAPI.build); only `TAG` is parsed here.
 *
 * @param now milliseconds since the epoch, the subscription's version.
 * @throws InvalidSelectorError when tags consist of separators alone, or another kind of expression is empty.
 */
export function parseSubscription(
  topic: string,
  expression: string | null | undefined,
  type: string | null | undefined,
  now: number,
): SubscriptionData {
  if (type === "TAG" || type === null || type === undefined) return tagSubscription(topic, expression, now);
  if (expression === null || expression === undefined || expression === "") {
    throw new InvalidSelectorError(
      `Cannot parse ${type} expression: it is empty, current value is "${expression}"`,
    );
  }
  return {
    topic,
    subString: expression,
    tagsSet: [],
    codeSet: [],
    subVersion: now,
    expressionType: type,
    classFilterMode: false,
  };
}

/** Whether a message with `tag` passes the subscription's tags; other kinds of expression pass here. */
export function matchesTag(subscription: SubscriptionData, tag: string | undefined): boolean {
  return subscription.tagsSet.length === 0 || (tag !== undefined && subscription.tagsSet.includes(tag));
}
