/**
 * Options out of environment variables, where a program asks for that: `pullBatchSize` is ROCKETMQ_PULL_BATCH_SIZE.
 *
 * One table says which options can be told so, and how their texts are read. What an option may be is not decided here: the
 * schema judges the value wherever it came from.
 */
import { ConfigError } from "../../core/errors.ts";

/** Variables by name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How the text of a variable is read; a text that makes no sense stays one, for the schema to refuse. */
type Reading = (text: string) => unknown;

const text: Reading = (value) => value;
const number: Reading = (value) => value.trim() === "" || Number.isNaN(Number(value)) ? value : Number(value);
const flag: Reading = (value) => ({ true: true, false: false })[value.toLowerCase()] ?? value;
/** Milliseconds since the epoch, or a date and time as in ISO 8601. */
const time: Reading = (value) => /^\d+$/.test(value) ? Number(value) : new Date(value);

/** The options that can be told by a variable. */
const READINGS: Readonly<Record<string, Reading>> = {
  consumerGroup: text,
  namesrvAddr: text,
  messageModel: text,
  consumeFromWhere: text,
  consumeTimestamp: time,
  ordering: text,
  allocateStrategy: text,
  offsetStorePath: text,
  missingTopic: text,
  onBadRecord: text,
  messageRequestMode: text,
  clientIp: text,
  instanceName: text,
  unitName: text,
  namespace: text,
  namespaceV2: text,
  traceTopic: text,
  language: text,
  tls: flag,
  clientRebalance: flag,
  autoCommit: flag,
  checkCrc: flag,
  messageTrace: flag,
  consumeConcurrencyMin: number,
  consumeConcurrencyMax: number,
  maxMessagesPerSecond: number,
  consumeMessageBatchMaxSize: number,
  consumeTimeoutMs: number,
  maxReconsumeTimes: number,
  suspendCurrentQueueTimeMs: number,
  pullBatchSize: number,
  pullBatchSizeBytes: number,
  pullIntervalMs: number,
  brokerSuspendMs: number,
  pullThresholdForQueue: number,
  pullThresholdSizeForQueueBytes: number,
  pullThresholdForTopic: number,
  pullThresholdSizeForTopicBytes: number,
  pullThresholdForAll: number,
  pullThresholdSizeForAllBytes: number,
  consumeConcurrentlyMaxSpan: number,
  popShareQueueNum: number,
  popInvisibleTimeMs: number,
  popBatchNums: number,
  popThresholdForQueue: number,
  persistIntervalMs: number,
  rebalanceIntervalMs: number,
  shutdownTimeoutMs: number,
  requestTimeoutMs: number,
  connectTimeoutMs: number,
  routePollIntervalMs: number,
  heartbeatIntervalMs: number,
  idleCloseMs: number,
};

/** The names of the options that can be told by a variable, credentials aside. */
export const ENVIRONMENT_OPTIONS: readonly string[] = Object.keys(READINGS);

/** The variable of an option: `pullBatchSize` is told by ROCKETMQ_PULL_BATCH_SIZE. */
export function variableOf(option: string): string {
  return `ROCKETMQ_${option.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/**
 * The options that `environment` tells; an empty variable tells nothing. ROCKETMQ_ACCESS_KEY, ROCKETMQ_SECRET_KEY and
 * ROCKETMQ_SECURITY_TOKEN make the credentials; NAMESRV_ADDR, which Java's tools read, stands in for ROCKETMQ_NAMESRV_ADDR.
 */
export function optionsFrom(environment: Environment): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [option, read] of Object.entries(READINGS)) {
    const value = environment[variableOf(option)];
    if (value !== undefined && value !== "") options[option] = read(value);
  }
  const nameServers = environment["NAMESRV_ADDR"];
  if (nameServers) options["namesrvAddr"] ??= nameServers;
  const credentials: Record<string, string> = {};
  for (const name of ["accessKey", "secretKey", "securityToken"]) {
    const value = environment[variableOf(name)];
    if (value) credentials[name] = value;
  }
  if (Object.keys(credentials).length > 0) options["credentials"] = credentials;
  return options;
}

/**
 * The variables of this process. On Deno that asks for `--allow-env`, for each name by itself.
 *
 * @throws ConfigError where they may not be read.
 */
export function processEnvironment(): Environment {
  const names = [...ENVIRONMENT_OPTIONS, "accessKey", "secretKey", "securityToken"].map(variableOf);
  const process: unknown = Reflect.get(globalThis, "process");
  const variables = (process as { env?: Environment } | undefined)?.env ?? {};
  try {
    return Object.fromEntries([...names, "NAMESRV_ADDR"].map((name) => [name, variables[name]]));
  } catch (cause) {
    const message = `the environment may not be read: ${(cause as Error).message}`;
    throw new ConfigError(`Cannot read the options of the consumer: ${message}`, {
      cause,
      problems: [{ path: "env", message }],
    });
  }
}
