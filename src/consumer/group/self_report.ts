/**
 * All that a consumer tells an administrator about itself (GET_CONSUMER_RUNNING_INFO).
 *
 * Agrees with consumerRunningInfo of DefaultMQPushConsumerImpl and MQClientInstance: the configuration as texts, the
 * subscriptions, each queue's strip and each topic's speed. Nothing secret can get in: only texts, numbers and switches are
 * written, and credentials are kept by the client apart from its options.
 */
import type { RocketMQClient } from "../../client/client.ts";
import type {
  ConsumerData,
  ConsumerRunningInfo,
  ConsumeStatus,
  PopProcessQueueStatus,
  ProcessQueueStatus,
} from "../../protocol/bodies.ts";
import type { MessageQueue } from "../../protocol/message_queue.ts";
import { CLIENT_VERSION, versionName } from "../../protocol/versions.ts";
import type { MessageModel } from "../queue/assignment_terms.ts";
import { isOrdered, type Ordering } from "../config/options.ts";
import { LOCK_LIVE_MS } from "../queue/queue_locks.ts";
import type { QueueWindow } from "../window/queue_window.ts";
import type { ConsumeFromWhere } from "../queue/start_offset.ts";

const BYTES_PER_MIB = 1024 * 1024;
/** Messages named in a dump of what is out. */
const DUMP_LIMIT = 500;

/** The configuration of any kind of consumer: what is text, number or switch of it is reported. */
export interface ReportedConfig {
  readonly consumerGroup: string;
  readonly consumeFromWhere: ConsumeFromWhere;
  readonly messageModel: MessageModel;
  readonly ordering?: Ordering;
}

/** What a report is made from. */
export interface ReportSources {
  readonly client: RocketMQClient;
  readonly config: ReportedConfig;
  /** What heartbeats say. */
  readonly heartbeat: ConsumerData;
  readonly pulled: readonly QueueWindow[];
  readonly popped: readonly QueueWindow[];
  /** Listener calls that may be pending at once, now. */
  readonly concurrency: number;
  /** When the consumer was made, in milliseconds since the epoch. */
  readonly madeAt: number;
  /** The speed of a topic. */
  readonly speed: (topic: string) => ConsumeStatus;
  /** Whether a dump of what is out is wanted. */
  readonly withDump: boolean;
  readonly now: number;
}

/** The report. */
export function selfReport(sources: ReportSources): ConsumerRunningInfo {
  const { heartbeat, pulled, popped, withDump, now } = sources;
  return {
    properties: properties(sources),
    subscriptionSet: [...heartbeat.subscriptionDataSet],
    mqTable: new Map(
      pulled.map((window): [MessageQueue, ProcessQueueStatus] => [window.queue, queueStatus(window)]),
    ),
    mqPopTable: new Map(
      popped.map((window): [MessageQueue, PopProcessQueueStatus] => [window.queue, popStatus(window)]),
    ),
    statusTable: Object.fromEntries(
      heartbeat.subscriptionDataSet.map(({ topic }) => [topic, sources.speed(topic)]),
    ),
    userConsumerInfo: {},
    ...(withDump ? { jstack: dump([...pulled, ...popped], now) } : {}),
  };
}

/** The options of a consumer and its client as texts, every default in place; what is secret or no text is left out. */
export function configurationTexts(
  client: RocketMQClient,
  config: ReportSources["config"],
): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...client.options, ...config })) {
    const text = propertyText(value);
    if (text !== undefined) texts[name] = text;
  }
  return { ...texts, namesrvAddr: client.nameServers };
}

/** The configuration as texts, and the facts that Java names with PROP_. */
function properties(sources: ReportSources): Record<string, string> {
  const { client, config, heartbeat } = sources;
  return {
    ...configurationTexts(client, config),
    messageModel: heartbeat.messageModel ?? "CLUSTERING",
    clientId: client.clientId,
    PROP_NAMESERVER_ADDR: client.nameServers,
    PROP_THREADPOOL_CORE_SIZE: String(sources.concurrency),
    PROP_CONSUMEORDERLY: String(isOrdered(config.ordering)),
    PROP_CONSUME_TYPE: heartbeat.consumeType ?? "CONSUME_PASSIVELY",
    PROP_CLIENT_VERSION: versionName(CLIENT_VERSION),
    PROP_CONSUMER_START_TIMESTAMP: String(sources.madeAt),
  };
}

/** Objects are told by their name if they have one (strategies do), and left out otherwise. */
function propertyText(value: unknown): string | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  const name = typeof value === "object" && value !== null ? Reflect.get(value, "name") : undefined;
  return typeof name === "string" ? name : undefined;
}

function queueStatus(window: QueueWindow): ProcessQueueStatus {
  const held = window.heldOffsets;
  const isLocked = Number.isFinite(window.lockedUntil);
  return {
    commitOffset: window.commitOffset,
    cachedMsgMinOffset: held?.first ?? 0,
    cachedMsgMaxOffset: held?.last ?? 0,
    cachedMsgCount: window.messages,
    cachedMsgSizeInMiB: Math.floor(window.bytes / BYTES_PER_MIB),
    transactionMsgMinOffset: 0,
    transactionMsgMaxOffset: 0,
    transactionMsgCount: 0,
    locked: isLocked && window.isOpen,
    tryUnlockTimes: 0,
    lastLockTimestamp: isLocked ? window.lockedUntil - LOCK_LIVE_MS : 0,
    droped: window.dropped,
    lastPullTimestamp: window.lastAnswerAt,
    lastConsumeTimestamp: window.lastHandOutAt,
  };
}

function popStatus(window: QueueWindow): PopProcessQueueStatus {
  return {
    waitAckCount: window.messages,
    droped: window.dropped,
    lastPopTimestamp: window.lastAnswerAt,
  };
}

/** What stands where Java dumps its threads: the messages that are out, by queue, the longest first. */
function dump(windows: readonly QueueWindow[], now: number): string {
  const out = windows.flatMap((window) => [...window.outSince(now)])
    .sort((a, b) => a.handedOutAt - b.handedOutAt);
  const lines = out.slice(0, DUMP_LIMIT).map((delivery) => {
    const { topic, brokerName, queueId } = delivery.queue;
    const outMs = now - delivery.handedOutAt;
    return `${topic} ${brokerName} ${queueId} offset ${delivery.queueOffset} ${delivery.messageId}: out for ${outMs} ms`;
  });
  if (out.length > DUMP_LIMIT) lines.push(`… and ${out.length - DUMP_LIMIT} more`);
  return lines.length === 0 ? "no message is out" : lines.join("\n");
}
