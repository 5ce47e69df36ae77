/**
 * What a consumer logs: one line for each change of its state, made from the event that tells of it.
 *
 * The table has a row for every event. What concerns a single message is a detail for developers (debug), what the client
 * has logged already has no line.
 */
import type { Logger } from "../core/logger.ts";
import type { MessageQueue } from "../protocol/message_queue.ts";
import type { ConsumerEvent } from "./events.ts";

/** Level, text after the consumer's name, and what belongs to it. */
type Line = readonly [level: keyof Logger, text: string, detail?: unknown];
type Type = ConsumerEvent["type"];
type Row<T extends Type> = (event: Extract<ConsumerEvent, { readonly type: T }>) => Line;

/** Most queues that a line names. */
const MAX_NAMED_QUEUES = 16;

const toldByClient = null;

const ROWS: { readonly [T in Type]: Row<T> | null } = {
  routeChanged: toldByClient,
  topicMissing: toldByClient,
  routeRefreshFailed: toldByClient,
  brokerConnected: toldByClient,
  brokerDisconnected: toldByClient,
  heartbeatFailed: toldByClient,
  nameServerFailedOver: toldByClient,
  assigned: ({ queues }) => ["info", `has gained ${named(queues)}`],
  revoked: ({ queues }) => ["info", `has lost ${named(queues)}`],
  rebalanceFailed: ({ error }) => ["warn", `goes on trying: ${error.message}`],
  untaken: ({ topic }) => ["warn", `does not pull topic "${topic}": it has no listener and no stream`],
  pullFailed: ({ error }) => ["warn", `goes on trying: ${error.message}`],
  stalled: ({ queue, silentMs }) => [
    "warn",
    `starts the pull of ${name(queue)} afresh: no answer for ${Math.round(silentMs / 1000)} s`,
  ],
  offsetIllegal: ({ queue, from, to }) => [
    "warn",
    `goes on at offset ${to} of ${name(queue)}: ${from} does not exist there, or was reset`,
  ],
  corrupt: ({ queue, offset, skipped, error }) => [
    "error",
    `cannot read offset ${offset} of ${name(queue)}, ${skipped ? "skips it" : "waits"}: ${error.message}`,
  ],
  consumeTimeout: ({ queue, queueOffset }) => ["debug", `was too slow with ${name(queue)}@${queueOffset}`],
  handlerFailed: ({ topic, error }) => ["warn", `has a handler of topic "${topic}" that threw`, error],
  deadLettered: ({ queue, queueOffset, reason }) => [
    "debug",
    `gives ${name(queue)}@${queueOffset} to the dead letters: ${reason ?? "no reason given"}`,
  ],
  dropped: ({ queue, queueOffset, reason }) => [
    "debug",
    `drops ${name(queue)}@${queueOffset}: ${reason ?? "no reason given"}`,
  ],
  lockLost: ({ queue }) => ["warn", `has lost the lock of ${name(queue)} and starts it afresh`],
  sendBackFailed: ({ queue, queueOffset, error }) => [
    "debug",
    `cannot send ${name(queue)}@${queueOffset} back and delivers it from here: ${error.message}`,
  ],
  popUnavailable: (
    { topic, error },
  ) => ["warn", `pulls topic "${topic}" instead of popping it: ${error.message}`],
  ackFailed: ({ error }) => ["warn", `tells a broker again that messages are done with: ${error.message}`],
  offsetsInMemory: ({ error }) => [
    "warn",
    `keeps its offsets in memory, so each start obeys consumeFromWhere: ${error.message}`,
  ],
  subscriptionConflict: ({ error }) => [
    "warn",
    `loses messages until all members subscribe alike: ${error.message}`,
  ],
  persistFailed: ({ error }) => ["warn", `cannot store offsets yet: ${error.message}`],
};

/** Logs what `event` tells of the consumer of `group`, if it is worth a line. */
export function logEvent(event: ConsumerEvent, group: string, logger: Logger): void {
  const row = ROWS[event.type] as Row<Type> | null;
  if (row === null) return;
  const [level, text, ...details] = row(event as never);
  logger[level](`Consumer "${group}" ${text}`, ...details);
}

function name({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic}@${brokerName}:${queueId}`;
}

function named(queues: readonly MessageQueue[]): string {
  const shown = queues.slice(0, MAX_NAMED_QUEUES).map(name).join(", ");
  const rest = queues.length - MAX_NAMED_QUEUES;
  return `${queues.length} queues: ${shown}${rest > 0 ? ` and ${rest} more` : ""}`;
}
