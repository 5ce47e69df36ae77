/**
 * TransformStreams between a consumer's stream and its loop: what they drop is acked, what they pass on keeps its settlement.
 */
import { compileSql } from "../../message/sql92.ts";
import { compileTags } from "../../message/tag_filter.ts";
import type { ConsumedMessage } from "../consumed_message.ts";

/** Passes on messages for which `predicate` holds (or resolves to true); acks the others. */
export function filterBy<T extends ConsumedMessage>(
  predicate: (message: T) => boolean | Promise<boolean>,
): TransformStream<T, T> {
  return new TransformStream<T, T>({
    async transform(message, controller) {
      if (await predicate(message)) controller.enqueue(message);
      else message.ack();
    },
  });
}

/** Passes on messages that have one of the tags, as in `filterByTag("paid || refunded")`; acks the others. */
export function filterByTag<T extends ConsumedMessage>(expression: string): TransformStream<T, T> {
  const tags = compileTags(expression);
  return filterBy<T>((message) => tags.matches(message.tag));
}

/**
 * Passes on messages whose properties meet an SQL92 condition, evaluated as a broker does; acks the others.
 *
 * @throws InvalidSelectorError when the condition cannot be parsed.
 */
export function filterBySql<T extends ConsumedMessage>(expression: string): TransformStream<T, T> {
  const condition = compileSql(expression);
  return filterBy<T>((message) => condition.matches(message.properties));
}

/** A schema as valibot, zod, ArkType and others offer it (Standard Schema, version 1). */
export interface StandardSchema<Output> {
  /** What the standard asks for. */
  readonly "~standard": {
    /** Version of the standard. */
    readonly version: 1;
    /** Who made the schema. */
    readonly vendor: string;
    /** Checks a value. */
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    /** Types only. */
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What a Standard Schema answers: the value, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** What `parseJson` passes on: the parsed value beside the message, with the message's settlement. */
export interface ParsedMessage<T>
  extends Pick<ConsumedMessage, "settled" | "signal" | "ack" | "retry" | "deadLetter" | "extend"> {
  /** The parsed body. */
  readonly value: T;
  /** The message it came from. */
  readonly message: ConsumedMessage;
}

/** What `parseJson` does with a body that is not JSON or does not fit the schema. */
export interface ParseJsonOptions {
  /** Dead-letter it (default), send it back for another delivery, or ack and forget it. */
  readonly onInvalid?: "deadLetter" | "retry" | "drop";
}

/** Parses each body as JSON and, with a schema, checks it; what does not fit is settled as `onInvalid` says. */
export function parseJson<T = unknown>(
  schema?: StandardSchema<T>,
  { onInvalid = "deadLetter" }: ParseJsonOptions = {},
): TransformStream<ConsumedMessage, ParsedMessage<T>> {
  return new TransformStream<ConsumedMessage, ParsedMessage<T>>({
    async transform(message, controller) {
      const parsed = await parse(message, schema);
      if ("value" in parsed) return controller.enqueue(new Parsed(parsed.value, message));
      if (onInvalid === "drop") message.ack();
      else if (onInvalid === "retry") await message.retry();
      else await message.deadLetter(parsed.problem);
    },
  });
}

async function parse<T>(
  message: ConsumedMessage,
  schema: StandardSchema<T> | undefined,
): Promise<{ value: T } | { problem: string }> {
  let value: unknown;
  try {
    value = message.json();
  } catch (error) {
    return { problem: `The body is not JSON: ${(error as Error).message}` };
  }
  if (schema === undefined) return { value: value as T };
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return { value: result.value };
  return { problem: `The body does not fit: ${result.issues.map((issue) => issue.message).join("; ")}` };
}

class Parsed<T> implements ParsedMessage<T> {
  readonly value: T;
  readonly message: ConsumedMessage;

  constructor(value: T, message: ConsumedMessage) {
    this.value = value;
    this.message = message;
  }

  get settled(): boolean {
    return this.message.settled;
  }

  get signal(): AbortSignal {
    return this.message.signal;
  }

  ack(): void {
    this.message.ack();
  }

  retry(options?: Parameters<ConsumedMessage["retry"]>[0]): Promise<boolean> {
    return this.message.retry(options);
  }

  deadLetter(reason?: string): Promise<boolean> {
    return this.message.deadLetter(reason);
  }

  extend(ms: number): Promise<boolean> {
    return this.message.extend(ms);
  }
}
