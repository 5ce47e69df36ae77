/**
 * How the configuration of any kind of consumer is checked: all problems at once, each with its path; what comes out is frozen.
 */
import * as v from "valibot";
import type { RocketMQClient } from "../../client/client.ts";
import {
  clientProblems,
  type ConfigProblem,
  type PartialClientOptions,
  unknownOptions,
} from "../../client/options.ts";
import type { PartialWorld } from "../../client/world.ts";
import { ConfigError } from "../../core/errors.ts";

/** What the options of all consumers have in common. */
export interface AnyConsumerConfig extends PartialClientOptions {
  /**
   * A client to share connections, routes and heartbeats with, which has options and a world of its own: none of them may be given
   * beside it. By default the consumer makes its own.
   */
  readonly client?: RocketMQClient | undefined;
}

/** A whole number between `min` and `max`; `fallback` when it is not given. */
export function whole(min: number, max: number, fallback: number) {
  return v.optional(v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max)), fallback);
}

/**
 * Checks `config` against a schema whose options are called `names`, and fills in its defaults; `furtherProblems` gives
 * what else is wrong, with what the schema made of it unless that found something.
 *
 * @throws ConfigError that names every problem with its path.
 */
export function checkConfig<T extends object>(
  schema: v.GenericSchema<unknown, T>,
  config: AnyConsumerConfig,
  names: Iterable<string>,
  world: PartialWorld | undefined,
  furtherProblems: (parsed: T | undefined) => readonly ConfigProblem[] = () => [],
): Readonly<T> {
  const result = v.safeParse(schema, config);
  const all: ConfigProblem[] = result.success ? [] : result.issues.map((issue) => ({
    path: v.getDotPath(issue) ?? "",
    message: issue.message,
  }));
  all.push(...furtherProblems(result.success ? result.output : undefined));
  all.push(...clientProblems(config, world), ...unknownOptions(config, [...names, "client"], "consumer"));
  if (result.success && all.length === 0) return Object.freeze(result.output);
  throw new ConfigError(
    `Cannot make the consumer: ${
      all.map(({ path, message }) => `${path || "config"}: ${message}`).join("; ")
    }`,
    { problems: all },
  );
}
