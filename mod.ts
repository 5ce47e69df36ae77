/**
 * The RocketMQ client for Deno, Bun and Node.
 *
 * @module
 */
export * from "./src/core/errors.ts";
export type { MessageQueue } from "./src/protocol/message_queue.ts";
export * from "./src/rebalance/strategies.ts";
