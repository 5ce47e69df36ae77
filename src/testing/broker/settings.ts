/**
 * The settings of a broker under Java's names, as tools see and change them (BrokerConfig, MessageStoreConfig).
 *
 * A row ties a name to one of the broker's options, or to a value that tools look for and that never changes here. What a row marks as
 * `live` is obeyed from the moment an administrator changes it.
 */
import type { BrokerOptions } from "./broker_options.ts";

/** One setting. */
interface Setting {
  /** Its value as text. */
  show(options: BrokerOptions): string;
  /** The options that a text asks for, `undefined` when it cannot be read; absent when the setting is not `live`. */
  readonly change?: (text: string) => Partial<BrokerOptions> | undefined;
}

type KeysOf<T> = { [K in keyof BrokerOptions]: BrokerOptions[K] extends T ? K : never }[keyof BrokerOptions];

/** Settings by Java's name. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  autoCreateSubscriptionGroup: liveFlag("autoCreateSubscriptionGroup"),
  autoCreateTopicEnable: liveFlag("autoCreateTopic"),
  brokerClusterName: shown((options) => options.clusterName),
  brokerId: shown((options) => String(options.brokerId)),
  brokerName: shown((options) => options.brokerName),
  brokerPermission: liveNumber("brokerPermission"),
  brokerRole: shown((options) => options.brokerId === 0 ? "ASYNC_MASTER" : "SLAVE"),
  clusterTopicEnable: shown(() => "true"),
  defaultTopicQueueNums: shown((options) => String(options.defaultTopicQueueNums)),
  deleteWhen: shown(() => "04"),
  enablePropertyFilter: liveFlag("enablePropertyFilter"),
  enableRetryTopicV2: liveFlag("enableRetryTopicV2"),
  fileReservedTime: shown(() => "72"),
  flushDiskType: shown(() => "ASYNC_FLUSH"),
  longPollingEnable: liveFlag("longPolling"),
  maxMessageSize: liveNumber("maxMessageSize"),
  maxTransferBytesOnMessageInMemory: liveNumber("maxPullBytes"),
  maxTransferCountOnMessageInMemory: liveNumber("maxPullMessages"),
  messageDelayLevel: shown((options) => options.delayLevelsMs.map((ms) => `${ms / 1000}s`).join(" ")),
  popFromRetryProbability: liveNumber("popFromRetryProbability"),
  recallMessageEnable: liveFlag("recallMessageEnable"),
  regionId: shown((options) => options.regionId),
  reviveQueueNum: shown((options) => String(options.reviveQueueNums)),
  storeReplyMessageEnable: liveFlag("storeReplyMessages"),
  timerMaxDelaySec: {
    show: (options) => String(options.timerMaxDelayMs / 1000),
    change: (text) => /^\d+$/.test(text) ? { timerMaxDelayMs: Number(text) * 1000 } : undefined,
  },
  timerPrecisionMs: shown((options) => String(options.timerPrecisionMs)),
  timerWheelEnable: liveFlag("timerWheelEnable"),
  traceTopicEnable: shown(() => "true"),
  transactionCheckInterval: shown((options) => String(options.transactionCheckIntervalMs)),
  transactionCheckMax: liveNumber("transactionCheckMax"),
  transactionTimeOut: liveNumber("transactionTimeoutMs"),
  useServerSideResetOffset: liveFlag("useServerSideResetOffset"),
};

/** Settings that nobody may change (initConfigBlackList). */
export const LOCKED_SETTINGS: ReadonlySet<string> = new Set([
  "brokerConfigPath",
  "configBlackList",
  "rocketmqHome",
]);

/** All settings, by Java's name. */
export function shownSettings(options: BrokerOptions): [string, string][] {
  return Object.entries(SETTINGS).map(([name, setting]) => [name, setting.show(options)]);
}

/** The options that a change of a setting asks for; none when it has no effect here. */
export function changedOptions(name: string, text: string): Partial<BrokerOptions> {
  return SETTINGS[name]?.change?.(text) ?? {};
}

function shown(show: Setting["show"]): Setting {
  return { show };
}

function liveFlag(key: KeysOf<boolean>): Setting {
  return {
    show: (options) => String(options[key]),
    change: (text) => ({ [key]: text.toLowerCase() === "true" }),
  };
}

function liveNumber(key: KeysOf<number>): Setting {
  return {
    show: (options) => String(options[key]),
    change: (text) => /^\d+$/.test(text) ? { [key]: Number(text) } : undefined,
  };
}
