/**
 * What tests of programs that use RocketMQ need: an embedded name server with brokers, and a clock moved by hand.
 *
 * @module
 */
export * from "./manual_clock.ts";
export type { Clock } from "../time/clock.ts";
