/**
 * Names of OpenTelemetry's messaging conventions (1.45), in one table: they are still being moved about.
 */

import type { Attributes } from "@opentelemetry/api";

/** Attributes of spans and of the durations measured along with them. */
export const Attribute = {
  SYSTEM: "messaging.system.name",
  OPERATION_NAME: "messaging.operation.name",
  OPERATION_TYPE: "messaging.operation.type",
  BATCH_COUNT: "messaging.batch.message_count",
  CLIENT_ID: "messaging.client.id",
  CONSUMER_GROUP: "messaging.consumer.group.name",
  DESTINATION: "messaging.destination.name",
  PARTITION: "messaging.destination.partition.id",
  MESSAGE_ID: "messaging.message.id",
  NAMESPACE: "rocketmq.namespace",
  MODEL: "rocketmq.consumption_model",
  MESSAGE_TYPE: "rocketmq.message.type",
  TAG: "rocketmq.message.tag",
  KEYS: "rocketmq.message.keys",
  MESSAGE_GROUP: "rocketmq.message.group",
  DELAY_LEVEL: "rocketmq.message.delay_time_level",
  DELIVER_AT: "rocketmq.message.delivery_timestamp",
  ERROR_TYPE: "error.type",
  // What the conventions have no name for.
  PRODUCER_GROUP: "rocketmq.producer.group",
  BROKER: "rocketmq.broker",
  OFFSET: "rocketmq.queue.offset",
  ATTEMPT: "rocketmq.message.attempt",
} as const;

/** Properties of a stored message that tell the same, by RocketMQ's names. */
export const Property = {
  MESSAGE_GROUP: "__SHARDINGKEY",
  DELAY_LEVEL: "DELAY",
  /** As its sender said it. */
  DELIVER_AT: "TIMER_DELIVER_MS",
  /** As the broker made it out, of a delay too. */
  DUE_AT: "TIMER_OUT_MS",
} as const;

/** Those attributes that have a value. */
export function known(attributes: Attributes): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined));
}

/** The value of `messaging.system.name`. */
export const SYSTEM = "rocketmq";

/** Histograms, in seconds. */
export const Duration = {
  OPERATION: "messaging.client.operation.duration",
  PROCESS: "messaging.process.duration",
} as const;

/** Bounds of their buckets, in seconds, as the conventions advise. */
export const DURATION_BOUNDS: number[] = [
  0.005,
  0.01,
  0.025,
  0.05,
  0.075,
  0.1,
  0.25,
  0.5,
  0.75,
  1,
  2.5,
  5,
  7.5,
  10,
];
