/**
 * Every error the library throws on purpose.
 *
 * RocketMQError carries a literal `code`, whether trying again may help, and the facts of the case. What both sides
 * share (network, broker, protocol, …) is below it directly; what a consumer's call rejects with is a ConsumerError or
 * a SubscriptionError that has the shared one as its `cause`. Messages say what was attempted, then what was met.
 */
import { ERROR_TABLE, type ErrorCode } from "./error_table.ts";

export type { ErrorCode };

/** What may be known about a failure; each error fills in what applies. */
export interface ErrorFacts {
  /** What led to this error. */
  readonly cause?: unknown;
  /** Whether the same call may succeed later; by default what the table says for the code. */
  readonly retriable?: boolean;
  /** Topic concerned. */
  readonly topic?: string;
  /** Consumer or producer group concerned. */
  readonly group?: string;
  /** Name of the broker concerned. */
  readonly broker?: string;
  /** Address (`host:port`) that was talked to. */
  readonly address?: string;
  /** How many times the call was tried. */
  readonly attempts?: number;
  /** What the call was given in all, in milliseconds. */
  readonly timeoutMs?: number;
  /** The broker's response code. */
  readonly responseCode?: number;
  /** The broker's remark, as it was sent. */
  readonly remark?: string;
  /** Every problem found, with the path of the option it concerns. */
  readonly problems?: readonly { readonly path: string; readonly message: string }[];
  /** Position in a text, in UTF-16 units. */
  readonly position?: number;
}

/** Base of all errors of this library. */
export class RocketMQError extends Error {
  /** Literal code, stable across versions. */
  readonly code: ErrorCode;
  /** Whether trying the same again may help. */
  readonly retriable: boolean;
  /** The facts of the case. */
  readonly facts: ErrorFacts;

  /** An error of `code`; subclasses fix the code. */
  constructor(message: string, facts: ErrorFacts = {}, code: ErrorCode = "ROCKETMQ") {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = code;
    this.retriable = facts.retriable ?? ERROR_TABLE[code].retriable;
    this.facts = facts;
  }

  /** What a person can do about it. */
  get advice(): string {
    return ERROR_TABLE[this.code].advice;
  }
}

/** An option, or a combination of options, is not usable; nothing was started. */
export class ConfigError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "CONFIG") {
    super(message, facts, code);
  }
}

/** A value handed in (message, name, body) breaks a rule of the protocol; nothing was sent. */
export class ValidationError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "VALIDATION") {
    super(message, facts, code);
  }
}

/** A connection could not be made, broke, or was closed by the peer. */
export class NetworkError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "NETWORK") {
    super(message, facts, code);
  }
}

/** A deadline passed before the answer came. */
export class TimeoutError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "TIMEOUT") {
    super(message, facts, code);
  }
}

/** Bytes were met that do not follow the remoting protocol, or a field is missing or out of range. */
export class ProtocolError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "PROTOCOL") {
    super(message, facts, code);
  }
}

/** A broker or name server answered with a response code that is not success. */
export class BrokerError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "BROKER") {
    super(message, facts, code);
  }
}

/** No address is known for a broker, or none of its addresses answers. */
export class BrokerNotAvailableError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "BROKER_NOT_AVAILABLE") {
    super(message, facts, code);
  }
}

/** No name server answered, or none is known. */
export class NameServerError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "NAME_SERVER") {
    super(message, facts, code);
  }
}

/** A message could not be sent; the cause says why, the facts how often it was tried. */
export class ProducerError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "PRODUCER") {
    super(message, facts, code);
  }
}

/** A consumer could not do what was asked. */
export class ConsumerError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "CONSUMER") {
    super(message, facts, code);
  }
}

/** A consumer could not start; nothing is left behind. */
export class ConsumerStartError extends ConsumerError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "CONSUMER_START") {
    super(message, facts, code);
  }
}

/** A shutdown could not complete every step; the facts say which. */
export class ConsumerShutdownError extends ConsumerError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "CONSUMER_SHUTDOWN") {
    super(message, facts, code);
  }
}

/** The call does not fit the state that the consumer is in. */
export class ConsumerStateError extends ConsumerError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "CONSUMER_STATE") {
    super(message, facts, code);
  }
}

/** A message could not be settled as asked (sent back, dead-lettered, extended). */
export class MessageConsumeError extends ConsumerError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "MESSAGE_CONSUME") {
    super(message, facts, code);
  }
}

/** A queue could not be pulled; the puller goes on with backoff. */
export class MessagePullError extends ConsumerError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "MESSAGE_PULL") {
    super(message, facts, code);
  }
}

/** An offset could not be stored or is not usable. */
export class OffsetError extends ConsumerError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "OFFSET") {
    super(message, facts, code);
  }
}

/** A stored offset could not be read; the queue is not started until it can be. */
export class OffsetFetchError extends ConsumerError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "OFFSET_FETCH") {
    super(message, facts, code);
  }
}

/** Queues could not be allocated in this round; the assignment stays as it is. */
export class RebalanceError extends ConsumerError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "REBALANCE") {
    super(message, facts, code);
  }
}

/** A subscription is not possible. */
export class SubscriptionError extends RocketMQError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "SUBSCRIPTION") {
    super(message, facts, code);
  }
}

/** A topic's name breaks the protocol's rules. */
export class InvalidTopicError extends SubscriptionError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "INVALID_TOPIC") {
    super(message, facts, code);
  }
}

/** A tag or SQL92 expression cannot be parsed. */
export class InvalidSelectorError extends SubscriptionError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "INVALID_SELECTOR") {
    super(message, facts, code);
  }
}

/** The topic is not subscribed. */
export class TopicNotSubscribedError extends SubscriptionError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "TOPIC_NOT_SUBSCRIBED") {
    super(message, facts, code);
  }
}

/** The topic is subscribed already with another selector, or members of the group differ. */
export class SubscriptionConflictError extends SubscriptionError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "SUBSCRIPTION_CONFLICT") {
    super(message, facts, code);
  }
}

/** The limit of subscriptions is reached. */
export class SubscriptionLimitExceededError extends SubscriptionError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "SUBSCRIPTION_LIMIT_EXCEEDED") {
    super(message, facts, code);
  }
}

/** Exported subscription data cannot be read. */
export class SubscriptionDataError extends SubscriptionError {
  /** Says what was attempted and what was met. */
  constructor(message: string, facts?: ErrorFacts, code: ErrorCode = "SUBSCRIPTION_DATA") {
    super(message, facts, code);
  }
}
