/**
 * Response codes as data: name, whether the same call may succeed later, and what a person can do.
 *
 * WIRE §4.2. Which codes are answers rather than errors stands in each row of the operations table; this table speaks
 * about the errors.
 */

/** One response code. */
export interface ResponseCodeRow {
  /** Name as in Java's ResponseCode. */
  readonly name: string;
  /** The code. */
  readonly code: number;
  /** Whether the same call may succeed later or on another broker. */
  readonly retriable: boolean;
  /** What a person can do about it. */
  readonly advice: string;
}

/** Codes by name. */
export const ResponseCode = {
  SUCCESS: 0,
  SYSTEM_ERROR: 1,
  SYSTEM_BUSY: 2,
  REQUEST_CODE_NOT_SUPPORTED: 3,
  TRANSACTION_FAILED: 4,
  FLUSH_DISK_TIMEOUT: 10,
  SLAVE_NOT_AVAILABLE: 11,
  FLUSH_SLAVE_TIMEOUT: 12,
  MESSAGE_ILLEGAL: 13,
  SERVICE_NOT_AVAILABLE: 14,
  VERSION_NOT_SUPPORTED: 15,
  NO_PERMISSION: 16,
  TOPIC_NOT_EXIST: 17,
  TOPIC_EXIST_ALREADY: 18,
  PULL_NOT_FOUND: 19,
  PULL_RETRY_IMMEDIATELY: 20,
  PULL_OFFSET_MOVED: 21,
  QUERY_NOT_FOUND: 22,
  SUBSCRIPTION_PARSE_FAILED: 23,
  SUBSCRIPTION_NOT_EXIST: 24,
  SUBSCRIPTION_NOT_LATEST: 25,
  SUBSCRIPTION_GROUP_NOT_EXIST: 26,
  FILTER_DATA_NOT_EXIST: 27,
  FILTER_DATA_NOT_LATEST: 28,
  INVALID_PARAMETER: 29,
  TRANSACTION_SHOULD_COMMIT: 200,
  TRANSACTION_SHOULD_ROLLBACK: 201,
  TRANSACTION_STATE_UNKNOW: 202,
  TRANSACTION_STATE_GROUP_WRONG: 203,
  NO_BUYER_ID: 204,
  NOT_IN_CURRENT_UNIT: 205,
  CONSUMER_NOT_ONLINE: 206,
  CONSUME_MSG_TIMEOUT: 207,
  NO_MESSAGE: 208,
  POLLING_FULL: 209,
  POLLING_TIMEOUT: 210,
  BROKER_NOT_EXIST: 211,
  BROKER_DISPATCH_NOT_COMPLETE: 212,
  BROADCAST_CONSUMPTION: 213,
  FLOW_CONTROL: 215,
  NOT_LEADER_FOR_QUEUE: 501,
  ILLEGAL_OPERATION: 604,
  GO_AWAY: 1500,
  LMQ_QUOTA_EXCEEDED: 2017,
  LITE_SUBSCRIPTION_QUOTA_EXCEEDED: 2018,
  USER_NOT_EXIST: 3001,
  POLICY_NOT_EXIST: 3002,
  RPC_UNKNOWN: -1000,
  RPC_ADDR_IS_NULL: -1002,
  RPC_SEND_TO_CHANNEL_FAILED: -1004,
  RPC_TIME_OUT: -1006,
} as const;

/** Name of a known response code. */
export type ResponseCodeName = keyof typeof ResponseCode;

const LOAD = "Send less or slower, or give the broker more resources; the client tries again by itself.";
const BUG = "Read the remark; the request has a form that this broker does not take.";
const STATE = "Nothing to do: this reports a state.";

/** `[retriable, advice]` by name. */
const JUDGEMENTS: Readonly<Record<ResponseCodeName, readonly [boolean, string]>> = {
  SUCCESS: [false, STATE],
  SYSTEM_ERROR: [true, "Read the remark and the broker's log."],
  SYSTEM_BUSY: [true, LOAD],
  REQUEST_CODE_NOT_SUPPORTED: [false, "Upgrade the broker, or do not use this feature with it."],
  TRANSACTION_FAILED: [false, "Read the remark; the transaction was not carried out."],
  FLUSH_DISK_TIMEOUT: [false, "The message is stored but not yet on disk; check the broker's disk."],
  SLAVE_NOT_AVAILABLE: [false, "The message is stored on the master only; check the slave."],
  FLUSH_SLAVE_TIMEOUT: [false, "The message is stored but not yet on the slave; check the slave."],
  MESSAGE_ILLEGAL: [false, "Make the message smaller, or correct the property named in the remark."],
  SERVICE_NOT_AVAILABLE: [true, "Check whether the broker is shutting down, a slave, or out of disk."],
  VERSION_NOT_SUPPORTED: [false, "Upgrade the older side."],
  NO_PERMISSION: [true, "Check the credentials, and the permissions of topic, group and broker."],
  TOPIC_NOT_EXIST: [true, "Create the topic, or check its name and namespace."],
  TOPIC_EXIST_ALREADY: [false, "Use another name, or change the topic that exists."],
  PULL_NOT_FOUND: [true, STATE],
  PULL_RETRY_IMMEDIATELY: [true, STATE],
  PULL_OFFSET_MOVED: [true, STATE],
  QUERY_NOT_FOUND: [false, STATE],
  SUBSCRIPTION_PARSE_FAILED: [false, "Correct the expression; the remark says where it fails."],
  SUBSCRIPTION_NOT_EXIST: [
    true,
    "Wait for the next heartbeat; give all members of the group the same subscriptions.",
  ],
  SUBSCRIPTION_NOT_LATEST: [true, "Wait for the next heartbeat."],
  SUBSCRIPTION_GROUP_NOT_EXIST: [false, "Create the consumer group, or let the broker create groups."],
  FILTER_DATA_NOT_EXIST: [true, "Wait for the next heartbeat; check the SQL expression."],
  FILTER_DATA_NOT_LATEST: [true, "Wait for the next heartbeat."],
  INVALID_PARAMETER: [false, BUG],
  TRANSACTION_SHOULD_COMMIT: [false, STATE],
  TRANSACTION_SHOULD_ROLLBACK: [false, STATE],
  TRANSACTION_STATE_UNKNOW: [false, STATE],
  TRANSACTION_STATE_GROUP_WRONG: [false, "Decide a transaction with the producer group that began it."],
  NO_BUYER_ID: [true, "Give the message a buyer id."],
  NOT_IN_CURRENT_UNIT: [true, "Send to a broker of the right unit."],
  CONSUMER_NOT_ONLINE: [false, "Start a consumer of the group."],
  CONSUME_MSG_TIMEOUT: [true, "Check why the consumer does not answer."],
  NO_MESSAGE: [false, "The offset lies outside what is stored."],
  POLLING_FULL: [true, LOAD],
  POLLING_TIMEOUT: [true, STATE],
  BROKER_NOT_EXIST: [true, "Check that the broker is up and registered."],
  BROKER_DISPATCH_NOT_COMPLETE: [true, "Wait until the broker has built its indexes."],
  BROADCAST_CONSUMPTION: [false, "The group broadcasts; it has no shared progress."],
  FLOW_CONTROL: [true, LOAD],
  NOT_LEADER_FOR_QUEUE: [true, "Refresh the route."],
  ILLEGAL_OPERATION: [false, BUG],
  GO_AWAY: [true, STATE],
  LMQ_QUOTA_EXCEEDED: [false, "Use fewer lite topics, or raise the broker's quota."],
  LITE_SUBSCRIPTION_QUOTA_EXCEEDED: [false, "Subscribe to fewer lite topics, or raise the client's quota."],
  USER_NOT_EXIST: [false, "Check the access key."],
  POLICY_NOT_EXIST: [false, "Check the subject and the resource."],
  RPC_UNKNOWN: [true, BUG],
  RPC_ADDR_IS_NULL: [true, "Check that the broker is up and registered."],
  RPC_SEND_TO_CHANNEL_FAILED: [true, "Check the network between the brokers."],
  RPC_TIME_OUT: [true, "Check the load of the brokers."],
};

/** The table, by code. */
export const responseCodes: ReadonlyMap<number, ResponseCodeRow> = new Map(
  (Object.keys(ResponseCode) as ResponseCodeName[]).map((name): [number, ResponseCodeRow] => {
    const [retriable, advice] = JUDGEMENTS[name];
    return [ResponseCode[name], { name, code: ResponseCode[name], retriable, advice }];
  }),
);

/** Name of `code`, or `UNKNOWN_<code>`. */
export function responseCodeName(code: number): string {
  return responseCodes.get(code)?.name ?? `UNKNOWN_${code}`;
}

/** Codes after which a send is tried on another broker (DefaultMQProducer.retryResponseCodes). */
export const SEND_RETRY_CODES: ReadonlySet<number> = new Set([17, 14, 1, 2, 16, 204, 205, 1500]);
