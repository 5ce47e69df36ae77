/**
 * What a failed attempt means: whether another broker may do better, and how the story is told when none did.
 *
 * Pure. A broker's refusal is tried elsewhere for the listed codes only, everything that kept a message from reaching a
 * broker always is. Agrees with Java's DefaultMQProducerImpl.sendDefaultImpl.
 */
import {
  BrokerError,
  ConfigError,
  type ErrorFacts,
  ProducerError,
  RocketMQError,
  ValidationError,
} from "../core/errors.ts";
import { ResponseCode, responseCodeName } from "../protocol/response_codes.ts";

/** Response codes that are worth a try on another broker by default (DefaultMQProducer.retryResponseCodes, 5.5). */
export const DEFAULT_RETRY_RESPONSE_CODES: readonly number[] = [
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.NO_PERMISSION,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.GO_AWAY,
];

/** One attempt that did not store the message. */
export interface FailedAttempt {
  /** Name of the broker that was tried. */
  readonly broker: string;
  /** What it came to. */
  readonly error: unknown;
}

/** Whether another attempt may succeed where this one failed with `error`. */
export function isWorthRetrying(error: unknown, retryResponseCodes: ReadonlySet<number>): boolean {
  if (error instanceof BrokerError) return retryResponseCodes.has(error.facts.responseCode ?? -1);
  return error instanceof RocketMQError && !(error instanceof ConfigError) &&
    !(error instanceof ValidationError);
}

/** The error of a send all of whose attempts failed. */
export function sendFailure(
  topic: string,
  failed: readonly FailedAttempt[],
  timeoutMs: number,
): ProducerError {
  const last = failed.at(-1)!;
  const story = failed.map(({ broker, error }) => `${broker}: ${said(error)}`).join("; ");
  const tried = failed.length === 1 ? "1 attempt" : `${failed.length} attempts`;
  return new ProducerError(
    `Cannot send to topic "${topic}": ${tried} within ${timeoutMs} ms failed (${story})`,
    {
      cause: last.error,
      retriable: last.error instanceof RocketMQError ? last.error.retriable : false,
      topic,
      broker: last.broker,
      attempts: failed.length,
      timeoutMs,
      ...answer(last.error),
    },
  );
}

function answer(error: unknown): ErrorFacts {
  if (!(error instanceof RocketMQError)) return {};
  const { responseCode, remark, address } = error.facts;
  return {
    ...(responseCode === undefined ? {} : { responseCode }),
    ...(remark === undefined ? {} : { remark }),
    ...(address === undefined ? {} : { address }),
  };
}

function said(error: unknown): string {
  if (!(error instanceof BrokerError) || error.facts.responseCode === undefined) {
    return error instanceof Error ? error.message : String(error);
  }
  const { responseCode, remark } = error.facts;
  return `answered ${responseCodeName(responseCode)} (${responseCode})${remark ? ` "${remark}"` : ""}`;
}
