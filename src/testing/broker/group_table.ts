/**
 * The consumer groups of one broker and their settings.
 *
 * A group that is heard of for the first time is made with the stock settings, unless that is switched off. Agrees with
 * SubscriptionGroupManager.
 */
import { defaultSubscriptionGroupConfig, type SubscriptionGroupConfig } from "../../protocol/bodies.ts";
import type { BrokerOptions } from "./broker_options.ts";
import { groupProblem, isSystemGroup } from "../../protocol/names.ts";

/** Groups that every broker knows from the start. */
const STARTING_GROUPS = [
  "TOOLS_CONSUMER",
  "FILTERSRV_CONSUMER",
  "SELF_TEST_C_GROUP",
  "CID_ONS-HTTP-PROXY",
  "CID_ONSAPI_PULL",
  "CID_ONSAPI_PERMISSION",
  "CID_ONSAPI_OWNER",
  "CID_RMQ_SYS_TRANS",
];

/** Settings of a group whose name is known. */
export type NamedGroup = SubscriptionGroupConfig & { readonly groupName: string };

/** Groups by name. */
export class GroupTable {
  readonly #groups = new Map<string, NamedGroup>();
  readonly #forbidden = new Map<string, Set<string>>();
  readonly #options: BrokerOptions;

  /** A table with the system's groups; unknown groups are made on demand when the broker's options say so. */
  constructor(options: BrokerOptions) {
    this.#options = options;
    for (const group of STARTING_GROUPS) this.#groups.set(group, groupConfig(group));
  }

  /** A group without making it. */
  peek(group: string): NamedGroup | undefined {
    return this.#groups.get(group);
  }

  /** A group, made when unknown; `undefined` when making is switched off. */
  find(group: string): NamedGroup | undefined {
    const known = this.#groups.get(group);
    if (known !== undefined) return known;
    if (
      !(this.#options.autoCreateSubscriptionGroup || isSystemGroup(group)) ||
      groupProblem(group) !== undefined
    ) return undefined;
    return this.put(groupConfig(group));
  }

  /** All groups. */
  all(): Iterable<NamedGroup> {
    return this.#groups.values();
  }

  /** Makes or changes a group. */
  put(config: NamedGroup): NamedGroup {
    this.#groups.set(config.groupName, config);
    return config;
  }

  /** Removes a group. */
  remove(group: string): void {
    this.#groups.delete(group);
    this.#forbidden.delete(group);
  }

  /** Whether an administrator forbade the group to read the topic. */
  isForbidden(group: string, topic: string): boolean {
    return this.#forbidden.get(group)?.has(topic) ?? false;
  }

  /** Forbids or allows the group to read the topic. */
  setForbidden(group: string, topic: string, forbidden: boolean): void {
    const topics = this.#forbidden.get(group) ?? new Set();
    if (forbidden) topics.add(topic);
    else topics.delete(topic);
    this.#forbidden.set(group, topics);
  }

  /** Forbidden reading as code 201 answers it: by group, then by topic, bit 4 for reading. */
  forbidden(): Record<string, Record<string, number>> {
    const out: Record<string, Record<string, number>> = {};
    for (const [group, topics] of this.#forbidden) {
      if (topics.size > 0) out[group] = Object.fromEntries([...topics].map((topic) => [topic, 4]));
    }
    return out;
  }
}

/** The stock settings of a group. */
export function groupConfig(groupName: string): NamedGroup {
  return { ...defaultSubscriptionGroupConfig(groupName), groupName };
}
