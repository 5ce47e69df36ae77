/**
 * How an embedded broker behaves: the settings of a stock 5.5.0 broker under names of their own, and its limits.
 */
import { DEFAULT_DELAY_LEVELS_MS } from "../../protocol/delay_levels.ts";

/** Settings of one broker; a stock broker's values unless told otherwise. */
export interface BrokerOptions {
  /** Name of the broker; a master and its slaves share it. */
  readonly brokerName: string;
  /** Name of the cluster. Default `DefaultCluster`. */
  readonly clusterName: string;
  /** 0 for the master. */
  readonly brokerId: number;
  /** Region that stored messages and send answers name. Default `DefaultRegion`. */
  readonly regionId: string;
  /** Bits that the permissions of all topics are limited to: 4 read, 2 write, 1 inherit. Default 6. */
  readonly brokerPermission: number;
  /** Whether an unknown topic is made on its first message. Default true. */
  readonly autoCreateTopic: boolean;
  /** Whether an unknown group is made when it is first heard of. Default true. */
  readonly autoCreateSubscriptionGroup: boolean;
  /** Queues of TBW102, so the most that an auto-created topic gets. Default 8. */
  readonly defaultTopicQueueNums: number;
  /** Wait of each delay level, in milliseconds; level 1 first. Default: the stock levels (1 s, 5 s, 10 s, 30 s, 1 m …). */
  readonly delayLevelsMs: readonly number[];
  /** Largest body of a message, in bytes. Default 4 MiB. */
  readonly maxMessageSize: number;
  /** Most messages in one answer to a pull. Default 32. */
  readonly maxPullMessages: number;
  /** Most bytes in one answer to a pull (a single larger message passes). Default 256 KiB. */
  readonly maxPullBytes: number;
  /** Whether pulls that find nothing are parked. Default true; otherwise they are parked for 1 s. */
  readonly longPolling: boolean;
  /** Most parked requests; further ones are answered at once. Default 100 000. */
  readonly maxParked: number;
  /** Whether SQL92 subscriptions are filtered. Default true (a stock broker refuses them). */
  readonly enablePropertyFilter: boolean;
  /** Whether delayed messages can be recalled. Default true (a stock broker refuses). */
  readonly recallMessageEnable: boolean;
  /** Whether messages may carry a timer. Default true. */
  readonly timerWheelEnable: boolean;
  /** Longest timer, in milliseconds. Default three days. */
  readonly timerMaxDelayMs: number;
  /** Timers come due on multiples of this, in milliseconds. Default 1000. */
  readonly timerPrecisionMs: number;
  /** Age at which a half message is asked about, in milliseconds. Default 6000. */
  readonly transactionTimeoutMs: number;
  /** How often half messages are looked through, in milliseconds. Default 30 000. */
  readonly transactionCheckIntervalMs: number;
  /** How often a half message is asked about before it is given up. Default 15. */
  readonly transactionCheckMax: number;
  /** Whether replies are stored in the reply topic as well. Default true. */
  readonly storeReplyMessages: boolean;
  /** Whether an administrator's offset reset waits for the next pull instead of being pushed. Default true. */
  readonly useServerSideResetOffset: boolean;
  /** Silence after which a member is dropped, in milliseconds. Default 120 000. */
  readonly memberTimeoutMs: number;
  /** Queues of the log in which popped messages are noted. Default 8. */
  readonly reviveQueueNums: number;
  /** Share of pops that look at the retry topic first, in percent. Default 20. */
  readonly popFromRetryProbability: number;
  /** Whether a group's pop retry topic has the form with `+`. Default false. */
  readonly enableRetryTopicV2: boolean;
  /** Bytes of messages kept; whole blocks of the log are dropped beyond it. Default unlimited. */
  readonly retentionBytes: number;
  /** Messages kept in each queue. Default unlimited. */
  readonly retentionMessages: number;
  /** Bytes of one block of the log. Default 4 MiB. */
  readonly logBlockBytes: number;
  /** How often the log is flushed, in milliseconds: what a crash loses. Default 500. */
  readonly flushIntervalMs: number;
  /** How often committed offsets are saved, in milliseconds: what a crash loses. Default 5000. */
  readonly saveOffsetsIntervalMs: number;
  /** Whether a master tells consumers to pull from its first slave (a stock broker: when they are slow). Default false. */
  readonly suggestSlave: boolean;
  /** Number of the version that is answered with (an MQVersion ordinal). Default 513, V5_5_0. */
  readonly version: number;
}

/** The settings of a stock broker, save for the two features noted above. */
export const DEFAULT_BROKER_OPTIONS: Omit<BrokerOptions, "brokerName"> = {
  clusterName: "DefaultCluster",
  brokerId: 0,
  regionId: "DefaultRegion",
  brokerPermission: 6,
  autoCreateTopic: true,
  autoCreateSubscriptionGroup: true,
  defaultTopicQueueNums: 8,
  delayLevelsMs: DEFAULT_DELAY_LEVELS_MS,
  maxMessageSize: 4 * 1024 * 1024,
  maxPullMessages: 32,
  maxPullBytes: 256 * 1024,
  longPolling: true,
  maxParked: 100_000,
  enablePropertyFilter: true,
  recallMessageEnable: true,
  timerWheelEnable: true,
  timerMaxDelayMs: 3 * 24 * 3_600_000,
  timerPrecisionMs: 1000,
  transactionTimeoutMs: 6000,
  transactionCheckIntervalMs: 30_000,
  transactionCheckMax: 15,
  storeReplyMessages: true,
  useServerSideResetOffset: true,
  memberTimeoutMs: 120_000,
  reviveQueueNums: 8,
  popFromRetryProbability: 20,
  enableRetryTopicV2: false,
  retentionBytes: Infinity,
  retentionMessages: Infinity,
  logBlockBytes: 4 * 1024 * 1024,
  flushIntervalMs: 500,
  saveOffsetsIntervalMs: 5000,
  suggestSlave: false,
  version: 513,
};
