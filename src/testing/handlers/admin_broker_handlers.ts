/**
 * What administrators ask a broker about itself: settings 25 and 26, state 28, offsets 43 and 45, statistics 315, and clean-ups that
 * an in-memory broker has no need of.
 */
import { brokerStatsData, consumerOffsetTable, kvTable } from "../../protocol/bodies.ts";
import {
  cleanExpiredConsumeQueue,
  cleanUnusedTopic,
  deleteExpiredCommitLog,
  getAllConsumerOffset,
  getAllDelayOffset,
  getBrokerConfig,
  getBrokerRuntimeInfo,
  triggerDeleteFiles,
  updateBrokerConfig,
  viewBrokerStatsData,
} from "../../protocol/operations.ts";
import { utf8Bytes, utf8Text } from "../../wire/bytes.ts";
import { stringifyLooseJson } from "../../wire/loose_json.ts";
import type { Broker } from "../broker/broker.ts";
import { type HandlerRow, on } from "./handler.ts";

/** Handlers of broker administration. */
export const adminBrokerHandlers: readonly HandlerRow<Broker>[] = [
  on(getBrokerConfig, (broker: Broker) => ({
    header: { version: JSON.stringify(broker.dataVersion()) },
    body: utf8Bytes([...settingsOf(broker)].map(([name, value]) => `${name}=${value}\n`).join("")),
  })),
  on(updateBrokerConfig, (broker: Broker, _header, { body }) => {
    for (const line of utf8Text(body).split("\n")) {
      const at = line.indexOf("=");
      if (at > 0 && !line.startsWith("#")) {
        broker.config.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
      }
    }
    return {};
  }),
  on(getBrokerRuntimeInfo, (broker: Broker) => ({ body: kvTable.write({ table: runtimeOf(broker) }) })),
  on(getAllConsumerOffset, (broker: Broker) => ({
    body: consumerOffsetTable.write({
      offsetTable: Object.fromEntries(
        Object.entries(broker.state.offsets.all()).map(([key, offsets]) => [
          key,
          new Map(Object.entries(offsets).map(([queueId, offset]) => [Number(queueId), offset])),
        ]),
      ),
      dataVersion: broker.dataVersion(),
    }),
  })),
  on(getAllDelayOffset, (broker: Broker) => {
    const offsetTable = new Map(
      [...broker.state.scheduleOffsets].map(([queueId, offset]) => [queueId + 1, offset]),
    );
    return { body: utf8Bytes(stringifyLooseJson({ dataVersion: broker.dataVersion(), offsetTable })) };
  }),
  on(viewBrokerStatsData, () => {
    const none = { sum: 0, tps: 0, avgpt: 0, times: 0 };
    return { body: brokerStatsData.write({ statsMinute: none, statsHour: none, statsDay: none }) };
  }),
  on(triggerDeleteFiles, () => ({})),
  on(cleanExpiredConsumeQueue, () => ({})),
  on(cleanUnusedTopic, () => ({})),
  on(deleteExpiredCommitLog, () => ({})),
];

/** The settings under Java's names; what an administrator set comes last. */
function settingsOf(broker: Broker): Map<string, string> {
  const { options } = broker;
  return new Map<string, string>([
    ["brokerName", options.brokerName],
    ["brokerClusterName", options.clusterName],
    ["brokerId", String(options.brokerId)],
    ["brokerIP1", broker.address.host],
    ["listenPort", String(broker.address.port)],
    ["brokerPermission", "6"],
    ["defaultTopicQueueNums", String(options.defaultTopicQueueNums)],
    ["autoCreateTopicEnable", String(options.autoCreateTopic)],
    ["autoCreateSubscriptionGroup", String(options.autoCreateSubscriptionGroup)],
    ["enablePropertyFilter", String(options.enablePropertyFilter)],
    ["longPollingEnable", String(options.longPolling)],
    ["maxMessageSize", String(options.maxMessageSize)],
    ["messageDelayLevel", options.delayLevelsMs.map((ms) => `${ms / 1000}s`).join(" ")],
    ["recallMessageEnable", String(options.recallMessageEnable)],
    ["transactionTimeOut", String(options.transactionTimeoutMs)],
    ["transactionCheckMax", String(options.transactionCheckMax)],
    ["useServerSideResetOffset", String(options.useServerSideResetOffset)],
    ...broker.config,
  ]);
}

/** What the tools print about a broker; an in-memory broker has no disks, queues of threads or rates to tell of. */
function runtimeOf(broker: Broker): Record<string, string> {
  const { state, clock, startedAt } = broker;
  const { store } = state;
  const zeroes = [
    "sendThreadPoolQueueSize",
    "pullThreadPoolQueueSize",
    "litePullThreadPoolQueueSize",
    "queryThreadPoolQueueSize",
    "ackThreadPoolQueueSize",
    "EndTransactionQueueSize",
    "sendThreadPoolQueueHeadWaitTimeMills",
    "pullThreadPoolQueueHeadWaitTimeMills",
    "litePullThreadPoolQueueHeadWaitTimeMills",
    "queryThreadPoolQueueHeadWaitTimeMills",
    "ackThreadPoolQueueHeadWaitTimeMills",
    "msgPutTotalYesterdayMorning",
    "msgPutTotalTodayMorning",
    "msgGetTotalYesterdayMorning",
    "msgGetTotalTodayMorning",
    "pageCacheLockTimeMills",
    "dispatchBehindBytes",
    "dispatchMaxBuffer",
    "timerReadBehind",
    "timerOffsetBehind",
  ];
  const rates = ["putTps", "getTransferredTps", "getFoundTps", "getMissTps", "getTotalTps"];
  const oldest = store.record(store.minPhysicalOffset);
  return {
    ...Object.fromEntries(zeroes.map((name) => [name, "0"])),
    ...Object.fromEntries(rates.map((name) => [name, "0.0 0.0 0.0"])),
    sendThreadPoolQueueCapacity: "10000",
    pullThreadPoolQueueCapacity: "100000",
    litePullThreadPoolQueueCapacity: "100000",
    queryThreadPoolQueueCapacity: "20000",
    ackThreadPoolQueueCapacity: "100000",
    EndTransactionThreadPoolQueueCapacity: "100000",
    brokerVersionDesc: "V5_5_0",
    brokerVersion: String(broker.options.version),
    brokerActive: "true",
    bootTimestamp: String(startedAt),
    runtime: `[ 0 days, 0 hours, 0 minutes, ${Math.floor((clock.now() - startedAt) / 1000)} seconds ]`,
    commitLogMinOffset: String(store.minPhysicalOffset),
    commitLogMaxOffset: String(store.maxPhysicalOffset),
    commitLogDiskRatio: "0.0",
    consumeQueueDiskRatio: "0.0",
    msgPutTotalTodayNow: String(store.storedCount),
    msgGetTotalTodayNow: "0",
    timerCongestNum: String(state.timers.size),
    timerEnqueueTps: "0.0",
    timerDequeueTps: "0.0",
    remainHowManyDataToFlush: `${store.maxPhysicalOffset - store.flushedTo} B`,
    earliestMessageTimeStamp: String(oldest === undefined ? -1 : store.storeTimeOf(oldest)),
    startAcceptSendRequestTimeStamp: "0",
  };
}
