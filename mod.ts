/**
 * The RocketMQ client for Deno, Bun and Node.
 *
 * @module
 */
export * from "./src/core/errors.ts";
export type { MessageQueue } from "./src/protocol/message_queue.ts";
export * from "./src/rebalance/strategies.ts";
export {
  type BatchStreamOptions,
  type Consumer,
  createConsumer,
  createConsumerWithConfig,
  type MessageRequestModeOptions,
  type SettleOptions,
  type StreamOptions,
} from "./src/consumer/consumer.ts";
export type { ConsumedMessage, PulledMessage, RetryOptions } from "./src/consumer/consumed_message.ts";
export type { PopConfig } from "./src/consumer/pop/options.ts";
export type { MessageRequestMode } from "./src/protocol/bodies.ts";
export type {
  ConsumerConfig,
  OptionWithoutDefault,
  Ordering,
  ResolvedConsumerConfig,
} from "./src/consumer/config/options.ts";
export type { SharedConsumerOptions } from "./src/consumer/lite_pull/lite_pull_options.ts";
export type { PartialClientOptions, ResolvedClientOptions } from "./src/client/options.ts";
export {
  type CompleteConsumerConfig,
  type ConfigSources,
  createConfig,
  createConsumerConfig,
} from "./src/consumer/config/create_config.ts";
export type { Environment } from "./src/consumer/config/environment.ts";
export type { AnyConsumerConfig } from "./src/consumer/config/config_check.ts";
export type {
  AllocateStrategyConfig,
  AllocateStrategyName,
  AllocateStrategyOption,
} from "./src/consumer/config/strategy_option.ts";
export type { MissingTopic } from "./src/consumer/group/group_check.ts";
export type { MessageModel } from "./src/consumer/queue/assignment_terms.ts";
export type { ConsumerEvent } from "./src/consumer/events.ts";
export {
  type ConsumeContext,
  type ConsumeOrderlyContext,
  ConsumeOrderlyResult,
  ConsumeResult,
  createMessageListener,
  type HandlerAnswer,
  type MessageHandler,
  type MessageListener,
  type MessageListenerConcurrently,
  type MessageListenerOrderly,
} from "./src/consumer/taking/listener.ts";
export type { MessageIteration, MessageStream, SettleMode } from "./src/consumer/taking/message_stream.ts";
export {
  filterBy,
  filterBySql,
  filterByTag,
  type ParsedMessage,
  parseJson,
  type ParseJsonOptions,
  type StandardResult,
  type StandardSchema,
} from "./src/consumer/taking/filters.ts";
export {
  createLitePullConsumer,
  type LitePullConsumer,
  type PollOptions,
  type PullStreamOptions,
} from "./src/consumer/lite_pull/lite_pull_consumer.ts";
export type { LitePullConsumerConfig } from "./src/consumer/lite_pull/lite_pull_options.ts";
export type {
  MessageQueueListener,
  TopicMessageQueueChangeListener,
} from "./src/consumer/lite_pull/queue_listeners.ts";
export { type MessageSelector, sql, tag } from "./src/consumer/subscription/selector.ts";
export type {
  ConsumerCounters,
  ConsumerStatistics,
  PullStatistics,
  QueueStatistics,
} from "./src/consumer/statistics.ts";
export type { PauseTarget } from "./src/consumer/pauses.ts";
export type { RateStatistics } from "./src/consumer/taking/rate_limit.ts";
export type { Speed, TopicSpeed, TopicTotals } from "./src/telemetry/consume_speed.ts";
export type { TraceStatistics } from "./src/telemetry/message_trace.ts";
export {
  type ConsumeFromWhere,
  findStartOffset,
  type StartOffsetQuestion,
} from "./src/consumer/queue/start_offset.ts";
export type { Subscription } from "./src/consumer/subscription/subscriptions.ts";
export type {
  ExportedSubscription,
  SubscriptionExport,
} from "./src/consumer/subscription/subscription_export.ts";
export type { SubscriptionConflict } from "./src/consumer/subscription/subscription_conflicts.ts";
export {
  type ComparisonOptions,
  type ImportOptions,
  type SubscriptionEntry,
  SubscriptionManager,
  type SubscriptionTarget,
} from "./src/consumer/subscription/subscription_manager.ts";
export {
  getOffsetStoreMetrics,
  type OffsetMessageModel,
  type OffsetStore,
  type OffsetStoreMetrics,
  type ReadOffsetType,
} from "./src/offsets/offset_store.ts";
export type { BrokerCaller } from "./src/offsets/broker_caller.ts";
export { createOffsetStore } from "./src/offsets/create.ts";
export type { KvAtomic, KvDatabase, KvKey } from "./src/offsets/kv.ts";
export type { RedisClient } from "./src/offsets/redis.ts";
export {
  type OffsetStoreConfig,
  type OffsetStoreName,
  validateOffsetStoreConfig,
} from "./src/offsets/store_config.ts";
export { MemoryOffsetStore } from "./src/offsets/memory.ts";
export type { Phase } from "./src/core/lifecycle.ts";
export {
  type ClientEvent,
  type ClientOptions,
  type ClientStatistics,
  createClient,
  type HeartbeatStatistics,
  type RocketMQClient,
} from "./src/client/client.ts";
export type { PartialWorld, World } from "./src/client/world.ts";
export type { Fetch } from "./src/routing/name_server_list.ts";
export type { Credentials } from "./src/protocol/acl.ts";
export type { SubscriptionData } from "./src/protocol/subscription_data.ts";
export type { Logger } from "./src/core/logger.ts";
export type {
  ConsumerTracer,
  DeliveryEnd,
  DeliveryTrail,
  ProducerTracer,
  SendTrail,
  TracedMessage,
  TracedParty,
  TracedPull,
  TracedQueue,
  TracedRecord,
  TracedSend,
  Tracer,
} from "./src/core/tracer.ts";
export type { Random } from "./src/core/random.ts";
export type { Clock } from "./src/time/clock.ts";
export type {
  Address,
  Connect,
  Duplex,
  Listen,
  Listener,
  ListenTlsOptions,
  TlsOptions,
} from "./src/transport/seam.ts";
export type { Message } from "./src/message/message.ts";
export { createProducer, type OnewayOptions, type Producer } from "./src/producer/producer.ts";
export type { WritableOptions } from "./src/producer/message_writer.ts";
export type { ProducerConfig, ProducerOptions } from "./src/producer/options.ts";
export {
  MessageHashSelector,
  type QueueSelector,
  RandomSelector,
  RoundRobinSelector,
} from "./src/producer/queue_selector.ts";
export type { ReceivedFields, ReceivedMessage } from "./src/producer/received_message.ts";
export type { RepliableMessage } from "./src/producer/request_reply.ts";
export type { SendResult, SendStatus } from "./src/producer/send_result.ts";
export type { SendOptions } from "./src/producer/sender.ts";
export type { ProducerStatistics, SendTotals } from "./src/producer/statistics.ts";
export type {
  TransactionExecutor,
  TransactionListener,
  TransactionSendResult,
  TransactionState,
} from "./src/producer/transactions.ts";
export {
  type AskOptions,
  type BrokerSelection,
  type BrowseOptions,
  ClusterAdmin,
  type ClusterAdminOptions,
  type ClusterBroker,
  createClusterAdmin,
  type DeadLetterPage,
  type GroupMember,
  type GroupMembers,
  type GroupName,
  type GroupProgress,
  type GroupSettings,
  type KeyQuery,
  type QueueLag,
  type ResetQueue,
  type ResetTarget,
  type StoredMessage,
  type TopicDetails,
  type TopicKind,
  type TopicName,
  type TopicPlace,
  type TopicQueue,
  type TopicSettings,
} from "./src/cluster/cluster_admin.ts";
