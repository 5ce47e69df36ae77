/**
 * JSON bodies as data: a Shape reads one value of a body as Java does, and writes it as Java reads it.
 *
 * Reading is tolerant in Java's way: unknown members are ignored, missing ones and null take a default, numbers may be
 * texts and the reverse, an unknown enum name is absent. Writing leaves out what is undefined, sorts members by name,
 * and writes maps keyed by a queue or a number with their keys bare. An integer that a number cannot hold is refused.
 */
import { ProtocolError } from "../core/errors.ts";
import { looseEntries, parseLooseJson, stringifyLooseJson } from "../wire/loose_json.ts";
import type { MessageQueue } from "./message_queue.ts";

/** How one value of a body is read and written. */
export interface Shape<T> {
  /** The value of what stands in the JSON; `undefined` and `null` mean absent. `path` is for the error. */
  read(value: unknown, path: string): T;
  /** What goes into the JSON; undefined leaves the member out. */
  write(value: T): unknown;
  /** The member's name on the wire, where that differs. */
  readonly wireName?: string;
  /** Other names of the member that are read. */
  readonly aliases?: readonly string[];
}

function absent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

/** How much of a value an error shows. */
const SHOWN_LENGTH = 120;

function refuse(path: string, wanted: string, value: unknown): never {
  const shown = stringifyLooseJson(value).slice(0, SHOWN_LENGTH);
  throw new ProtocolError(
    `Cannot read ${path}: ${wanted} expected, current value is ${shown}`,
  );
}

function readText(value: unknown, path: string): string {
  return typeof value === "object" ? refuse(path, "text", value) : String(value);
}

function readNumber(value: unknown, path: string): number {
  const number = typeof value === "object" || value === "" ? NaN : Number(value);
  return Number.isNaN(number) ? refuse(path, "number", value) : number;
}

function readSafe(value: unknown, path: string): number {
  const number = Math.trunc(readNumber(value, path));
  return Number.isSafeInteger(number) ? number : refuse(path, "integer up to 2^53 − 1", value);
}

/** Text, `""` when absent. */
export const text: Shape<string> = {
  read: (value, path) => absent(value) ? "" : readText(value, path),
  write: (value) => value,
};
/** Text or nothing. */
export const optText: Shape<string | undefined> = {
  read: (value, path) => absent(value) ? undefined : readText(value, path),
  write: (value) => value,
};
/** Java's double, 0 when absent. */
export const double: Shape<number> = {
  read: (value, path) => absent(value) ? 0 : readNumber(value, path),
  write: (value) => value,
};
/** An integer that is only compared, 0 when absent: what a number cannot hold exactly is rounded. */
export const stamp: Shape<number> = double;
/** An integer, refused past 2^53 − 1; `fallback` when absent. */
export function whole(fallback = 0): Shape<number> {
  return { read: (value, path) => absent(value) ? fallback : readSafe(value, path), write: (value) => value };
}
/** An integer, 0 when absent. */
export const long: Shape<number> = whole(0);
/** An integer or nothing. */
export const optLong: Shape<number | undefined> = {
  read: (value, path) => absent(value) ? undefined : readSafe(value, path),
  write: (value) => value,
};
/** An integer that is a limit: what a number cannot hold is Infinity. */
export const limit: Shape<number> = {
  read(value, path) {
    const number = absent(value) ? 0 : readNumber(value, path);
    return Number.isSafeInteger(number) ? number : number > 0 ? Infinity : -Infinity;
  },
  write: (value) =>
    value === Infinity ? 9223372036854775807n : value === -Infinity ? -9223372036854775808n : value,
};
/** An integer that is only handed back: kept as text, so nothing is rounded. */
export const digits: Shape<string> = {
  read: (value, path) => absent(value) ? "0" : readText(value, path),
  write: (value) => BigInt(value),
};
/** A boolean; `fallback` when absent. */
export function flag(fallback = false): Shape<boolean> {
  return {
    read: (value) => absent(value) ? fallback : value === true || String(value).toLowerCase() === "true",
    write: (value) => value,
  };
}
/** One of `names`; an unknown name is absent, as in Java. */
export function oneOf<const N extends string>(...names: readonly N[]): Shape<N | undefined> {
  return {
    read: (value) => names.includes(value as N) ? value as N : undefined,
    write: (value) => value,
  };
}
/** Whatever stands there, untouched. */
export const anything: Shape<unknown> = { read: (value) => value ?? undefined, write: (value) => value };

/** The value or nothing. */
export function opt<T>(shape: Shape<T>): Shape<T | undefined> {
  return {
    read: (value, path) => absent(value) ? undefined : shape.read(value, path),
    write: (value) => value === undefined ? undefined : shape.write(value),
  };
}

/** The same member under another name on the wire; its own name is read too. */
export function named<T>(wireName: string, shape: Shape<T>): Shape<T> {
  return { ...shape, wireName };
}

/** The same member, read under further names too. */
export function alias<T>(shape: Shape<T>, ...aliases: readonly string[]): Shape<T> {
  return { ...shape, aliases };
}

/** A list (or a set, which JSON writes as a list); empty when absent. */
export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    read(value, path) {
      if (absent(value)) return [];
      if (!Array.isArray(value)) refuse(path, "list", value);
      return value.map((each, i) => item.read(each, `${path}[${i}]`));
    },
    write: (value) => value.map(item.write),
  };
}

/** An object used as a map from texts; empty when absent. */
export function record<T>(item: Shape<T>): Shape<Readonly<Record<string, T>>> {
  return {
    read(value, path) {
      if (absent(value)) return {};
      if (value instanceof Map || Array.isArray(value) || typeof value !== "object") {
        refuse(path, "map", value);
      }
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, item.read(each, `${path}.${key}`)]),
      );
    },
    write: (value) => new Map(Object.entries(value).map(([key, each]) => [key, item.write(each)])),
  };
}

/** An object used as a map from integers, written with bare keys; empty when absent. */
export function numberMap<T>(item: Shape<T>): Shape<ReadonlyMap<number, T>> {
  return {
    read(value, path) {
      if (absent(value)) return new Map();
      if (value instanceof Map || Array.isArray(value) || typeof value !== "object") {
        refuse(path, "map", value);
      }
      return new Map(
        Object.entries(value).map(([key, each]): [number, T] => [
          readSafe(key, path),
          item.read(each, `${path}.${key}`),
        ]),
      );
    },
    write: (value) => new Map([...value].map(([key, each]): [number, unknown] => [key, item.write(each)])),
  };
}

/** An object whose members `members` lists; it must be there. */
export function object<T extends object>(members: { readonly [K in keyof T]-?: Shape<T[K]> }): Shape<T> {
  const shapes = (Object.entries(members) as [string, Shape<unknown>][])
    .map(([name, shape]) => ({ name, shape, wireName: shape.wireName ?? name }))
    .sort((a, b) => a.wireName < b.wireName ? -1 : 1);
  return {
    read(value, path) {
      if (typeof value !== "object" || value === null || value instanceof Map || Array.isArray(value)) {
        refuse(path, "object", value ?? null);
      }
      const source = value as Record<string, unknown>;
      const out: Record<string, unknown> = {};
      for (const { name, shape, wireName } of shapes) {
        const names = [wireName, name, ...shape.aliases ?? []];
        const found = names.find((each) => !absent(source[each]));
        const read = shape.read(found === undefined ? undefined : source[found], `${path}.${name}`);
        if (read !== undefined) out[name] = read;
      }
      return out as T;
    },
    write(value) {
      const out: Record<string, unknown> = {};
      for (const { name, shape, wireName } of shapes) {
        const member = (value as Record<string, unknown>)[name];
        if (!absent(member)) out[wireName] = shape.write(member);
      }
      return out;
    },
  };
}

/** A queue. */
export const messageQueue: Shape<MessageQueue> = object<MessageQueue>({
  topic: text,
  brokerName: text,
  queueId: long,
});

/** A map keyed by queues, in Java's spelling `{{"topic":…}:…}`; empty when absent. Texts as keys are refused. */
export function queueMap<T>(item: Shape<T>): Shape<ReadonlyMap<MessageQueue, T>> {
  return {
    read(value, path) {
      if (absent(value)) return new Map();
      if (Array.isArray(value) || typeof value !== "object") refuse(path, "map of queues", value);
      return new Map(
        looseEntries(value).map(([key, each]): [MessageQueue, T] => {
          const queue = messageQueue.read(key, `${path} key`);
          return [queue, item.read(each, `${path}[${queue.topic} ${queue.brokerName} ${queue.queueId}]`)];
        }),
      );
    },
    write: (value) =>
      new Map(
        [...value].map(([key, each]): [unknown, unknown] => [messageQueue.write(key), item.write(each)]),
      ),
  };
}

/** One kind of body. */
export interface Body<T> {
  /** Java's name of it, for error messages. */
  readonly name: string;
  /** The value in a body of bytes. @throws ProtocolError naming the place of what cannot be read. */
  read(bytes: Uint8Array): T;
  /** The value in a text. @throws ProtocolError */
  readText(text: string): T;
  /** The bytes of a value, as Java reads them. */
  write(value: T): Uint8Array;
  /** The text of a value. */
  writeText(value: T): string;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A body named `name` whose JSON has the given shape. */
export function body<T>(name: string, shape: Shape<T>): Body<T> {
  const readText = (json: string): T => shape.read(parseLooseJson(json), name);
  const writeText = (value: T): string => stringifyLooseJson(shape.write(value));
  return {
    name,
    readText,
    writeText,
    read: (bytes) => readText(decoder.decode(bytes)),
    write: (value) => encoder.encode(writeText(value)),
  };
}
