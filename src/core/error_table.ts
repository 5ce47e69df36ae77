/**
 * What is retriable and what to advise, as data: one row per error code.
 */

/** The literal codes of the family, one per class. */
export type ErrorCode =
  | "ROCKETMQ"
  | "CONFIG"
  | "VALIDATION"
  | "NETWORK"
  | "TIMEOUT"
  | "PROTOCOL"
  | "BROKER"
  | "BROKER_NOT_AVAILABLE"
  | "NAME_SERVER"
  | "PRODUCER"
  | "CONSUMER"
  | "CONSUMER_START"
  | "CONSUMER_SHUTDOWN"
  | "CONSUMER_STATE"
  | "MESSAGE_CONSUME"
  | "MESSAGE_PULL"
  | "OFFSET"
  | "OFFSET_FETCH"
  | "REBALANCE"
  | "SUBSCRIPTION"
  | "INVALID_TOPIC"
  | "INVALID_SELECTOR"
  | "TOPIC_NOT_SUBSCRIBED"
  | "SUBSCRIPTION_CONFLICT"
  | "SUBSCRIPTION_LIMIT_EXCEEDED"
  | "SUBSCRIPTION_DATA";

/** One row: whether the same call may succeed later, and what a person can do. */
export interface ErrorRow {
  /** Whether trying the same again may help. */
  readonly retriable: boolean;
  /** What a person can do about it. */
  readonly advice: string;
}

const row = (retriable: boolean, advice: string): ErrorRow => ({ retriable, advice });

/** The table, by code. */
export const ERROR_TABLE: Readonly<Record<ErrorCode, ErrorRow>> = {
  ROCKETMQ: row(false, "See the message."),
  CONFIG: row(false, "Correct the options named in the message."),
  VALIDATION: row(false, "Correct the value named in the message."),
  NETWORK: row(true, "Check that the address is reachable and that nothing between closes idle connections."),
  TIMEOUT: row(true, "Check the load of the broker and the timeout of the call."),
  PROTOCOL: row(false, "Check that the address is a RocketMQ broker or name server, and report the bytes."),
  BROKER: row(false, "Look the response code and remark up; the message has both."),
  BROKER_NOT_AVAILABLE: row(true, "Check that the broker is up and registered with the name server."),
  NAME_SERVER: row(true, "Check namesrvAddr and that a name server is up."),
  PRODUCER: row(true, "See the cause."),
  CONSUMER: row(false, "See the cause."),
  CONSUMER_START: row(true, "See the cause; call start() on a new consumer."),
  CONSUMER_SHUTDOWN: row(false, "Unsettled messages are delivered again to the next owner of their queue."),
  CONSUMER_STATE: row(false, "Check the order of calls: subscribe, start, consume, shutdown."),
  MESSAGE_CONSUME: row(true, "The message is tried again locally."),
  MESSAGE_PULL: row(true, "See the cause."),
  OFFSET: row(true, "See the cause."),
  OFFSET_FETCH: row(true, "See the cause."),
  REBALANCE: row(true, "See the cause."),
  SUBSCRIPTION: row(false, "See the message."),
  INVALID_TOPIC: row(false, "Use letters, digits, _ - % | and at most 127 characters."),
  INVALID_SELECTOR: row(false, "Correct the expression; facts.position says where."),
  TOPIC_NOT_SUBSCRIBED: row(false, "Call subscribe() first."),
  SUBSCRIPTION_CONFLICT: row(false, "Give all members of a group the same subscriptions."),
  SUBSCRIPTION_LIMIT_EXCEEDED: row(false, "Raise maxSubscriptions or use another consumer."),
  SUBSCRIPTION_DATA: row(false, "Use what exportSubscriptions() wrote."),
};
