/**
 * Subscriptions as data that can be kept in a file or sent to another process, and read again.
 *
 *   { "format": 1, "subscriptions": [{ "topic", "type", "expression", "active" }] }
 * What is read is not trusted: all of it is checked before any of it is used.
 */
import { SubscriptionDataError } from "../../core/errors.ts";
import type { MessageSelector } from "./selector.ts";

/** The version of the format. */
export const EXPORT_FORMAT = 1 as const;

/** One subscription, as it is exported. */
export interface ExportedSubscription {
  /** The topic. */
  readonly topic: string;
  /** Which language the expression is in. */
  readonly type: MessageSelector["type"];
  /** Tags separated by `||`, or an SQL92 condition. */
  readonly expression: string;
  /** Whether it is active. */
  readonly active: boolean;
}

/** What `exportSubscriptions` gives: plain data, ready for JSON. */
export interface SubscriptionExport {
  /** Version of the format. */
  readonly format: 1;
  /** The subscriptions, in the order they were made. */
  readonly subscriptions: readonly ExportedSubscription[];
}

/** Reads an export or its JSON text. @throws SubscriptionDataError naming the first place that is not as it should be. */
export function readExport(data: unknown): readonly ExportedSubscription[] {
  const page = typeof data === "string" ? parse(data) : data;
  const { format, subscriptions } = (page ?? {}) as Partial<Record<keyof SubscriptionExport, unknown>>;
  if (format !== EXPORT_FORMAT) refuse(`format is not ${EXPORT_FORMAT}, current value is ${show(format)}`);
  if (!Array.isArray(subscriptions)) {
    return refuse(`subscriptions is not a list, current value is ${show(subscriptions)}`);
  }
  const seen = new Set<string>();
  return subscriptions.map((item: unknown, at) => {
    const { topic, type, expression, active = true } = (item ?? {}) as Record<string, unknown>;
    const path = `subscriptions[${at}]`;
    if (typeof topic !== "string") {
      return refuse(`${path}.topic is not a text, current value is ${show(topic)}`);
    }
    if (type !== "TAG" && type !== "SQL92") {
      return refuse(`${path}.type is neither TAG nor SQL92, current value is ${show(type)}`);
    }
    if (typeof expression !== "string") {
      return refuse(`${path}.expression is not a text, current value is ${show(expression)}`);
    }
    if (typeof active !== "boolean") {
      return refuse(`${path}.active is not true or false, current value is ${show(active)}`);
    }
    if (seen.has(topic)) return refuse(`${path}.topic stands there twice, current value is "${topic}"`);
    seen.add(topic);
    return { topic, type, expression, active };
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SubscriptionDataError(`Cannot import subscriptions: ${(cause as Error).message}`, { cause });
  }
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function refuse(problem: string): never {
  throw new SubscriptionDataError(`Cannot import subscriptions: ${problem}`);
}
