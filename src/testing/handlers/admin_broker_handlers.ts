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
  updateBrokerConfig,
  viewBrokerStatsData,
} from "../../protocol/operations.ts";
import { SCHEDULE_TOPIC } from "../../protocol/names.ts";
import { utf8Bytes, utf8Text } from "../../wire/bytes.ts";
import { stringifyLooseJson } from "../../wire/loose_json.ts";
import type { Broker } from "../broker/broker.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { LOCKED_SETTINGS, shownSettings } from "../broker/settings.ts";
import { type HandlerRow, NULL_TEXT, on, refuse } from "./handler.ts";
import { parseProperties, writeProperties } from "./properties_text.ts";

/** Greatest int of Java: how many buffers are left where none are used. */
const MAX_INT = 0x7fff_ffff;

/** Handlers of broker administration. */
export const adminBrokerHandlers: readonly HandlerRow<Broker>[] = [
  on(getBrokerConfig, (broker: Broker) => ({
    header: { version: JSON.stringify(broker.dataVersion()) },
    body: utf8Bytes(writeProperties(settingsOf(broker))),
  })),
  on(updateBrokerConfig, (broker: Broker, _header, { body }) => {
    const changes = parseProperties(utf8Text(body));
    if (changes.some(([name]) => LOCKED_SETTINGS.has(name))) {
      refuse(ResponseCode.NO_PERMISSION, "Can not update config in black list.");
    }
    for (const [name, value] of changes) broker.changeSetting(name, value);
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
  on(viewBrokerStatsData, (broker: Broker, { statsName, statsKey }) => {
    const figures = broker.stats.figures(statsName, statsKey) ??
      refuse(ResponseCode.SYSTEM_ERROR, `The stats <${statsName}> <${statsKey}> not exist`);
    return { body: brokerStatsData.write(figures) };
  }, { statsName: NULL_TEXT, statsKey: NULL_TEXT }),
  on(cleanExpiredConsumeQueue, () => ({})),
  on(cleanUnusedTopic, () => ({})),
  on(deleteExpiredCommitLog, () => ({})),
];

/** The settings under Java's names; of what an administrator set, what has an effect shows it. */
function settingsOf({ options, address, config }: Broker): Map<string, string> {
  return new Map([
    ...config,
    ...shownSettings(options),
    ["brokerIP1", address.host],
    ["brokerIP2", address.host],
    ["listenPort", String(address.port)],
  ]);
}

/** What the tools print about a broker; an in-memory broker has no disks or queues of threads to tell of. */
function runtimeOf(broker: Broker): Record<string, string> {
  const { state, clock, startedAt, stats } = broker;
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
    "putMessageEntireTimeMax",
    "getMessageEntireTimeMax",
    "putMessageFailedTimes",
  ];
  // Requests that find something or nothing are not counted.
  const uncounted = ["getFoundTps", "getMissTps", "getTotalTps"];
  const oldest = store.record(store.minPhysicalOffset);
  return {
    ...Object.fromEntries(zeroes.map((name) => [name, "0"])),
    ...Object.fromEntries(uncounted.map((name) => [name, rateText([0, 0, 0])])),
    putTps: rateText(stats.rates("PUT")),
    getTransferredTps: rateText(stats.rates("GET")),
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
    runtime: runtimeText(clock.now() - startedAt),
    commitLogMinOffset: String(store.minPhysicalOffset),
    commitLogMaxOffset: String(store.maxPhysicalOffset),
    commitLogDiskRatio: "0.0",
    consumeQueueDiskRatio: "0.0",
    msgPutTotalTodayNow: String(stats.passed("PUT")),
    msgGetTotalTodayNow: String(stats.passed("GET")),
    timerCongestNum: String(state.timers.size),
    timerEnqueueTps: "0.0",
    timerDequeueTps: "0.0",
    remainHowManyDataToFlush: `${store.maxPhysicalOffset - store.flushedTo} B`,
    earliestMessageTimeStamp: String(oldest === undefined ? -1 : store.storeTimeOf(oldest)),
    startAcceptSendRequestTimeStamp: "0",
    ...putsOf(broker),
    ...delaysOf(broker),
  };
}

/** What was stored; that takes no time worth telling of, and waits in no buffer. */
function putsOf({ state: { store } }: Broker): Record<string, string> {
  const times = Math.max(1, store.storedCount);
  return {
    putMessageTimesTotal: String(times),
    putMessageSizeTotal: String(store.maxPhysicalOffset),
    putMessageAverageSize: rateText([store.maxPhysicalOffset / times]),
    putMessageDistributeTime: "null",
    putLatency99: "0.00",
    putLatency999: "0.00",
    remainTransientStoreBufferNumbs: String(MAX_INT),
  };
}

/** How far each delay level is that has delivered something (ScheduleMessageService.buildRunningStats). */
function delaysOf({ state: { scheduleOffsets, store } }: Broker): Record<string, string> {
  return Object.fromEntries(
    [...scheduleOffsets].map(([queueId, offset]) => [
      `scheduleMessageOffset_${queueId + 1}`,
      `${offset},${store.peekQueue(SCHEDULE_TOPIC, queueId)?.maxOffset ?? 0}`,
    ]),
  );
}

/** Doubles as Java writes them, with a fraction at all times. */
function rateText(rates: readonly number[]): string {
  return rates.map((rate) => Number.isInteger(rate) ? rate.toFixed(1) : String(rate)).join(" ");
}

/** StoreStatsService.getFormatRuntime. */
function runtimeText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  return `[ ${days} days, ${hours! % 24} hours, ${minutes! % 60} minutes, ${seconds % 60} seconds ]`;
}
