/**
 * Which queue a message goes to, when neither the caller nor a failed attempt says so.
 *
 * A selector is one function over the queues that may be chosen; it never sees a queue that may not. Retries call it
 * again with the queues of the other brokers.
 */
import { ValidationError } from "../core/errors.ts";
import { type Random, systemRandom } from "../core/random.ts";
import type { Message } from "../message/message.ts";
import { PropertyKey } from "../message/property_keys.ts";
import { javaHash } from "../protocol/java_hash.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";

/** Chooses the queue of a message. */
export interface QueueSelector {
  /**
   * One of `queues`, which is never empty and in Java's order (broker name, then queue id).
   *
   * @param message The message to send.
   * @param queues The queues to choose from.
   * @param arg What the caller of `send` gave as `selectorArg`.
   */
  select(message: Message, queues: readonly MessageQueue[], arg?: unknown): MessageQueue;
}

/** Topics a round robin counts at once; the first counted is forgotten first. */
const MAX_COUNTED_TOPICS = 10_000;

/** Takes the queues of each topic in turn, from a random one on. The default. */
export class RoundRobinSelector implements QueueSelector {
  readonly #random: Random;
  readonly #turns = new Map<string, number>();

  /** A round robin; `random` picks the first queue of each topic. */
  constructor(options: { readonly random?: Random } = {}) {
    this.#random = options.random ?? systemRandom;
  }

  /** The next queue of the message's topic. */
  select(message: Message, queues: readonly MessageQueue[]): MessageQueue {
    let turn = this.#turns.get(message.topic);
    if (turn === undefined) {
      if (this.#turns.size >= MAX_COUNTED_TOPICS) this.#turns.delete(this.#turns.keys().next().value!);
      turn = this.#random.int(queues.length);
    }
    this.#turns.set(message.topic, (turn + 1) % Number.MAX_SAFE_INTEGER);
    return queues[turn % queues.length]!;
  }
}

/** Takes any queue, each as likely as the other. Java's SelectMessageQueueByRandom. */
export class RandomSelector implements QueueSelector {
  readonly #random: Random;

  /** A random choice; `random` is the platform's generator by default. */
  constructor(options: { readonly random?: Random } = {}) {
    this.#random = options.random ?? systemRandom;
  }

  /** Any of the queues. */
  select(_message: Message, queues: readonly MessageQueue[]): MessageQueue {
    return queues[this.#random.int(queues.length)]!;
  }
}

/**
 * Takes the queue that a hash says, so that what hashes alike stays in one queue and in order. What is hashed is the
 * `selectorArg` of the send, else the sharding key, else the first key of the message. Agrees with Java's
 * SelectMessageQueueByHash for strings, integers and bigints (as Long).
 */
export class MessageHashSelector implements QueueSelector {
  /** The queue of the hash. @throws ValidationError when there is nothing to hash. */
  select(message: Message, queues: readonly MessageQueue[], arg?: unknown): MessageQueue {
    const hashed = arg ?? message.properties?.[PropertyKey.SHARDING_KEY] ?? firstKey(message);
    if (hashed === undefined) {
      throw new ValidationError(
        `Cannot select a queue of topic "${message.topic}" by hash: no selectorArg, sharding key or key is given`,
        { topic: message.topic },
      );
    }
    return queues[Math.abs(hashOf(hashed) % queues.length)]!;
  }
}

function firstKey({ keys }: Message): string | undefined {
  return typeof keys === "string" ? keys.split(" ", 1)[0] : keys?.[0];
}

/** Java's `hashCode()` of a String, Integer, Long or Boolean that holds `value`. */
function hashOf(value: unknown): number {
  if (typeof value === "number" && (value | 0) === value) return value | 0;
  if (typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value))) {
    const bits = BigInt.asUintN(64, BigInt(value));
    return Number(BigInt.asIntN(32, bits ^ (bits >> 32n)));
  }
  if (typeof value === "boolean") return value ? 1231 : 1237;
  return javaHash(String(value));
}
