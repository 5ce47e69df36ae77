/**
 * What administrators ask about what lies below a broker: RocksDB 354 and 355, replication 907 and 908, cold data 2001 to 2004, the timer's engine 5001, the
 * store of popped messages 200056, and what a stock broker refuses: epochs 1007, users and permissions 3001 to 3010.
 *
 * A broker in memory has no disk to read slowly from and no replicas of its own: limits are kept and shown, nothing is slowed
 * down. Agrees with AdminBrokerProcessor in answers and refusals.
 */
import * as operations from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { utf8Bytes, utf8Text } from "../../wire/bytes.ts";
import type { Broker } from "../broker/broker.ts";
import { parseProperties } from "./properties_text.ts";
import { type HandlerRow, NOT_SET, on, refuse } from "./handler.ts";

/** Bytes a minute from disk, by default: of one group, and of all. */
const COLD_READ_THRESHOLD = 3 * 1024 * 1024;
const COLD_READ_THRESHOLD_OF_ALL = 100 * 1024 * 1024;
/** A check that goes on (CHECK_IN_PROGRESS): Java answers before it has begun. */
const CHECK_IN_PROGRESS = 2;
/** `MADV_NORMAL` and `MADV_RANDOM`. */
const READ_AHEAD_MODES: ReadonlySet<number> = new Set([0, 1]);

/** What may be exported from RocksDB, where a stock broker, like this one, keeps none of it. */
const ROCKSDB_CONFIGS: ReadonlySet<string> = new Set(["topics", "subscriptiongroups", "consumeroffsets"]);

/** Users and permissions, which a broker without authentication has none of. */
const WITH_AUTHENTICATION = [
  operations.authCreateUser,
  operations.authUpdateUser,
  operations.authDeleteUser,
  operations.authGetUser,
  operations.authListUser,
  operations.authCreateAcl,
  operations.authUpdateAcl,
  operations.authDeleteAcl,
  operations.authGetAcl,
  operations.authListAcl,
];

/** Handlers of upkeep. */
export const adminUpkeepHandlers: readonly HandlerRow<Broker>[] = [
  on(operations.checkRocksdbCqWriteProgress, () => ({
    remark: NOT_SET,
    body: json({ checkStatus: CHECK_IN_PROGRESS }),
  })),
  on(operations.exportRocksDbConfigToJson, (_broker: Broker, { configType }) => {
    // Split as by StringUtils: empty parts count for nothing.
    for (const type of configType.split(";").filter((part) => part !== "")) {
      if (!ROCKSDB_CONFIGS.has(type.trim().toLowerCase())) throw new Error(`Unknown config type: ${type}`);
    }
    return { remark: "export done." };
  }),
  on(operations.getBrokerHaStatus, (broker: Broker) => ({ body: json(haStatusOf(broker)) })),
  on(operations.resetMasterFlushOffset, () => ({})),
  on(
    operations.getBrokerEpochCache,
    () => refuse(ResponseCode.SYSTEM_ERROR, "this request only for controllerMode "),
  ),
  on(operations.updateColdDataFlowCtrConfig, (broker: Broker, _header, { body }) => {
    for (const [group, limit] of parseProperties(utf8Text(body))) {
      if (/^\d+$/.test(limit)) broker.coldReadLimits.set(group, Number(limit));
    }
    return {};
  }),
  on(operations.removeColdDataFlowCtrConfig, (broker: Broker, _header, { body }) => {
    broker.coldReadLimits.delete(utf8Text(body));
    return {};
  }),
  on(operations.getColdDataFlowCtrInfo, (broker: Broker) => ({
    body: json({
      runtimeTable: {},
      configTable: Object.fromEntries(broker.coldReadLimits),
      cgColdReadThreshold: COLD_READ_THRESHOLD,
      globalColdReadThreshold: COLD_READ_THRESHOLD_OF_ALL,
      globalAcc: 0,
    }),
  })),
  on(operations.setCommitLogReadMode, (_broker: Broker, { READ_AHEAD_MODE: mode }) => {
    if (mode === undefined) refuse(ResponseCode.SYSTEM_ERROR, "set commitlog readahead mode failed");
    if (!READ_AHEAD_MODES.has(mode)) {
      refuse(ResponseCode.INVALID_PARAMETER, "set commitlog readahead mode param value error");
    }
    return { remark: `set commitlog readahead mode success, mode: ${mode}` };
  }),
  on(operations.switchTimerEngine, ({ options }: Broker, { E_T: engine }) => {
    if (!options.timerWheelEnable) refuse(ResponseCode.INVALID_PARAMETER, "broker timerWheelEnable is false");
    if (engine !== "F" && engine !== "R") refuse(ResponseCode.INVALID_PARAMETER, "param error");
    if (engine === "R") {
      refuse(
        ResponseCode.INVALID_PARAMETER,
        "timerRocksDBEnable must be configured true when broker start",
      );
    }
    return { remark: "switch timer engine success" };
  }),
  on(operations.popRollback, () => ({ remark: NOT_SET })),
  ...WITH_AUTHENTICATION.map(({ name, code }): HandlerRow<Broker> =>
    on(
      { name, code, request: {}, response: {}, answers: [0] },
      () => refuse(ResponseCode.SYSTEM_ERROR, "An system error occurred, please try again later."),
    )
  ),
];

/** HARuntimeInfo: a slave in memory reads its master's log itself, so nobody is connected and nobody is behind. */
function haStatusOf({ isSlave, state: { store } }: Broker): unknown {
  return {
    master: !isSlave,
    masterCommitLogMaxOffset: isSlave ? 0 : store.maxPhysicalOffset,
    inSyncSlaveNums: 0,
    haConnectionInfo: [],
    haClientRuntimeInfo: {
      masterFlushOffset: isSlave ? store.flushedTo : 0,
      maxOffset: isSlave ? store.maxPhysicalOffset : 0,
      transferredByteInSecond: 0,
      lastReadTimestamp: 0,
      lastWriteTimestamp: 0,
    },
  };
}

function json(value: unknown): Uint8Array {
  return utf8Bytes(JSON.stringify(value));
}
