/**
 * Configurations made ahead of their consumer: told by the program, else by the environment if it is asked for, else by default.
 *
 * What comes out is complete, checked and frozen, and `createConsumer` takes it as it is; made a second time it is the same.
 */
import {
  CLIENT_OPTION_NAMES,
  type ClientOptions,
  parseClientOptions,
  type ResolvedClientOptions,
} from "../../client/options.ts";
import { type Environment, optionsFrom, processEnvironment } from "./environment.ts";
import { type ConsumerConfig, parseConsumerConfig, type ResolvedConsumerConfig } from "./options.ts";

/** A configuration in which every option that has a default has its value. */
export type CompleteConsumerConfig =
  & ResolvedConsumerConfig
  & Pick<ConsumerConfig, "client">
  & { readonly [K in keyof ResolvedClientOptions]?: ResolvedClientOptions[K] | undefined };

/** Where options come from that the program does not give. */
export interface ConfigSources {
  /**
   * Whether environment variables are read: `true` those of this process (on Deno with `--allow-env`), or a record of them. An
   * option such as `pullBatchSize` is told by ROCKETMQ_PULL_BATCH_SIZE. Default false.
   */
  readonly env?: boolean | Environment | undefined;
}

/**
 * Makes a consumer's configuration: an option given here comes first, then the environment where `env` asks for it, then the
 * default. Does no I/O.
 *
 * @example
 * ```ts
 * import { createConsumerConfig } from "@contrail/rocketmq";
 *
 * const config = createConsumerConfig({ consumerGroup: "billing" }, {
 *   env: { ROCKETMQ_NAMESRV_ADDR: "127.0.0.1:9876", ROCKETMQ_PULL_BATCH_SIZE: "64" },
 * });
 * console.log(config.namesrvAddr, config.pullBatchSize, config.consumeTimeoutMs);
 * ```
 * @throws ConfigError that names every problem with its path.
 */
export function createConsumerConfig(
  options: Partial<ConsumerConfig>,
  sources: ConfigSources = {},
): CompleteConsumerConfig {
  const config = {
    ...fromEnvironment(sources, options.client !== undefined),
    ...given(options),
  } as ConsumerConfig;
  const own = parseConsumerConfig(config);
  const connection = config.client ? { client: config.client } : parseClientOptions(config as ClientOptions);
  return Object.freeze({ ...connection, ...own });
}

/**
 * The short form of `createConsumerConfig`.
 *
 * @throws ConfigError that names every problem with its path.
 */
export function createConfig(
  consumerGroup: string,
  namesrvAddr: string | readonly string[],
  options: Partial<ConsumerConfig> = {},
): CompleteConsumerConfig {
  return createConsumerConfig({ ...options, consumerGroup, namesrvAddr });
}

/** The options without those that are explicitly undefined. */
function given(options: Partial<ConsumerConfig>): Partial<ConsumerConfig> {
  return Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));
}

function fromEnvironment({ env = false }: ConfigSources, hasClient: boolean): Record<string, unknown> {
  if (env === false) return {};
  const told = optionsFrom(env === true ? processEnvironment() : env);
  // a client that is given has options of its own
  if (hasClient) { for (const name of CLIENT_OPTION_NAMES) delete told[name]; }
  return told;
}
