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
export type { QueueStart, StoreSnapshot } from "./store/message_store.ts";
export type { QueueLock } from "./broker/lock_table.ts";
export type { FaultTarget } from "./fault_target.ts";
export type { Fault, FaultOrder, FaultScope } from "./faults.ts";
export type { WireLog, WireLogLine } from "./wire_log.ts";
export * from "./manual_clock.ts";
export type { Clock } from "../time/clock.ts";
export type { Logger } from "../core/logger.ts";
export type { Random } from "../core/random.ts";
export type { MessageQueue } from "../protocol/message_queue.ts";
export type { InboundRequest, OutboundReply } from "../remoting/call.ts";
export type {
  Address,
  Connect,
  Duplex,
  Listen,
  Listener,
  ListenTlsOptions,
  TlsOptions,
} from "../transport/seam.ts";
export type { HostPort } from "../wire/host.ts";
export type { StoredRecord } from "../wire/record.ts";
export type { Command } from "../wire/command.ts";
export type { TopicConfig } from "../protocol/bodies.ts";
export type { NamedTopic } from "./broker/topic_table.ts";
