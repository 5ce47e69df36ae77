/**
 * What tests of programs that use RocketMQ need: name servers and brokers in this process, and a clock moved by hand.
 *
 * @module
 */
export * from "./cluster.ts";
export type { ClusterView, MemberView, QueueProgressView, StoredMessageView } from "./cluster_view.ts";
export type { BrokerOptions } from "./broker/broker_options.ts";
export type { BrokerSnapshot, PendingHalf, PendingTimer } from "./broker/broker_state.ts";
export type { Popped } from "./broker/pop_table.ts";
export type { StoreSnapshot } from "./store/message_store.ts";
export type { QueueLock } from "./broker/lock_table.ts";
export type { FaultTarget } from "./fault_target.ts";
export type { Fault, FaultOrder, FaultScope } from "./faults.ts";
export type { WireLog, WireLogLine } from "./wire_log.ts";
export * from "./manual_clock.ts";
export type { Clock } from "../time/clock.ts";
