/**
 * All kinds of JSON bodies, gathered from `bodies/`.
 *
 * Each is a value with `read` and `write`, e.g. `heartbeatData.read(frame.body)`; its type has the same name in capitals.
 */
export * from "./bodies/heartbeat.ts";
export * from "./bodies/pop.ts";
export * from "./bodies/queues.ts";
export * from "./bodies/route.ts";
export * from "./bodies/running.ts";
export * from "./bodies/stats.ts";
export * from "./bodies/topic_config.ts";
export type { Body } from "./shape.ts";
export type { SubscriptionData } from "./subscription_data.ts";
