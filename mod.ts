/**
 * The RocketMQ client for Deno, Bun and Node.
 *
 * @module
 */
export * from "./src/core/errors.ts";
