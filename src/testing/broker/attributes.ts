/**
 * Attributes of topics and groups: which there are, what they may be, and how an administrator changes them.
 *
 * A change names each attribute with `+` (set) or `-` (remove). Agrees with AttributeParser, AttributeUtil, TopicAttributes and
 * SubscriptionGroupAttributes; refusals carry their texts.
 */
import { ResponseCode } from "../../protocol/response_codes.ts";
import { refuse } from "../handlers/handler.ts";

/** One attribute. */
interface Attribute {
  /** Whether it may be changed once the topic or group exists. */
  readonly changeable: boolean;
  /** What is wrong with a value, in Java's words, or undefined. */
  problem(value: string): string | undefined;
}

/** Attributes by name. */
export type AttributeTable = Readonly<Record<string, Attribute>>;

const DAYS_30_IN_MINUTES = 30 * 24 * 60;

/** The attributes of a topic. */
export const TOPIC_ATTRIBUTES: AttributeTable = {
  "queue.type": oneOf(["BatchCQ", "SimpleCQ"], false),
  "cleanup.policy": oneOf(["COMPACTION", "DELETE"], false),
  "message.type": oneOf([
    "UNSPECIFIED",
    "MIXED",
    "TRANSACTION",
    "PRIORITY",
    "FIFO",
    "DELAY",
    "LITE",
    "NORMAL",
  ]),
  "reserve.time": between(-1, Infinity),
  "lite.topic.expiration": between(-1, DAYS_30_IN_MINUTES),
};

/** The attributes of a consumer group. */
export const GROUP_ATTRIBUTES: AttributeTable = {
  "priority.factor": between(0, 100),
  "lite.bind.topic": { changeable: true, problem: () => undefined },
  "lite.sub.model": oneOf(["Shared", "Exclusive"]),
  "lite.sub.reset.offset.exclusive": flag(),
  "lite.sub.reset.offset.unsubscribe": flag(),
  "lite.sub.client.quota": between(-1, Infinity),
  "lite.sub.client.max.event.cnt": between(10, Infinity),
  "lite.sub.wildcard": { changeable: true, problem: () => undefined },
};

/** The changes that `+name=value,-name` asks for, by name with its sign. @throws BrokerError when it is no such text. */
export function parseAttributeChanges(text: string | undefined): Record<string, string> {
  const changes: Record<string, string> = {};
  for (const part of text ? text.split(",") : []) {
    const [name = "", value = ""] = part.split("=");
    if (part.includes("=") && !name.includes("+")) {
      refuseChange(`add/alter attribute format is wrong: ${name}`);
    }
    if (!part.includes("=") && !name.includes("-")) refuseChange(`delete attribute format is wrong: ${name}`);
    if (name in changes) refuseChange(`key duplication: ${name}`);
    changes[name] = value;
  }
  return changes;
}

/**
 * What `changes` make of the attributes `known` (none yet when the topic or group is new).
 *
 * @throws BrokerError when an attribute is unknown, unchangeable, or has no such value.
 */
export function changedAttributes(
  all: AttributeTable,
  known: Readonly<Record<string, string>> | undefined,
  changes: Readonly<Record<string, string>>,
): Record<string, string> {
  const out = { ...known };
  for (const [signed, value] of Object.entries(changes)) {
    const name = signed.slice(1);
    const removes = signed.startsWith("-");
    if (name === "" || name.includes("+") || name.includes("-")) refuseChange("kv string format wrong.");
    if (known === undefined && !signed.startsWith("+")) {
      refuseChange(`only add attribute is supported while creating topic. key: ${name}`);
    }
    if (!removes && !signed.startsWith("+")) refuseChange(`wrong format key: ${name}`);
    if (removes && known?.[name] === undefined) refuseChange(`attempt to delete a nonexistent key: ${name}`);
    const attribute = all[name] ?? refuseChange(`unsupported key: ${name}`);
    if (known !== undefined && !attribute.changeable) {
      refuseChange(`attempt to update an unchangeable attribute. key: ${name}`);
    }
    const problem = removes ? undefined : attribute.problem(value);
    if (problem !== undefined) refuseChange(problem);
    if (removes) delete out[name];
    else out[name] = value;
  }
  return out;
}

function oneOf(values: readonly string[], changeable = true): Attribute {
  return {
    changeable,
    problem: (value) => values.includes(value) ? undefined : `value is not in set: [${values.join(", ")}]`,
  };
}

function between(min: number, max: number): Attribute {
  return {
    changeable: true,
    problem: (value) => {
      if (!/^[+-]?\d+$/.test(value)) return `For input string: "${value}"`;
      return Number(value) < min || Number(value) > max
        ? `value is not in range(${min}, ${max === Infinity ? "9223372036854775807" : max})`
        : undefined;
    },
  };
}

function flag(): Attribute {
  return {
    changeable: true,
    problem: (value) => /^(true|false)$/i.test(value) ? undefined : "boolean attribute format is wrong.",
  };
}

function refuseChange(remark: string): never {
  refuse(ResponseCode.SYSTEM_ERROR, remark);
}
