/**
 * Rows with which an administrator looks after what is below a broker: replication, cold data, the timer's engine, the file of popped
 * messages.
 *
 * WIRE §4.1. All of these are asked by the official tools only.
 */
import { int, long, operation, opt, str } from "../../wire/schema.ts";

/** Compares the two consume queue stores of a broker that writes both. Answer body: how far the check is. */
export const checkRocksdbCqWriteProgress = operation({
  name: "CHECK_ROCKSDB_CQ_WRITE_PROGRESS",
  code: 354,
  request: { topic: opt(str), checkStoreTime: opt(long) },
  response: {},
});

/** What a broker keeps in RocksDB, written as JSON files too: `topics`, `subscriptionGroups`, `consumerOffsets`, with `;` between. */
export const exportRocksDbConfigToJson = operation({
  name: "EXPORT_ROCKSDB_CONFIG_TO_JSON",
  code: 355,
  request: { configType: str },
  response: {},
});

/** How replication stands. Answer body: HaStatus. */
export const getBrokerHaStatus = operation({
  name: "GET_BROKER_HA_STATUS",
  code: 907,
  request: {},
  response: {},
});

/** Sets the offset up to which a slave takes its master to have flushed. */
export const resetMasterFlushOffset = operation({
  name: "RESET_MASTER_FLUSH_OFFSET",
  code: 908,
  request: { masterFlushOffset: opt(long) },
  response: {},
});

/** The epochs of a broker that a controller rules. Answer body: EpochEntryCache. */
export const getBrokerEpochCache = operation({
  name: "GET_BROKER_EPOCH_CACHE",
  code: 1007,
  request: {},
  response: {},
});

/** Limits how fast groups may read from disk. Body: properties text, a group and a number of bytes each. */
export const updateColdDataFlowCtrConfig = operation({
  name: "UPDATE_COLD_DATA_FLOW_CTR_CONFIG",
  code: 2001,
  request: {},
  response: {},
});

/** Takes such a limit away. Body: the group. */
export const removeColdDataFlowCtrConfig = operation({
  name: "REMOVE_COLD_DATA_FLOW_CTR_CONFIG",
  code: 2002,
  request: {},
  response: {},
});

/** The limits, and how fast groups read from disk. Answer body: ColdDataFlow. */
export const getColdDataFlowCtrInfo = operation({
  name: "GET_COLD_DATA_FLOW_CTR_INFO",
  code: 2003,
  request: {},
  response: {},
});

/** How the files of the log are read ahead: 0 normally, 1 at random places. */
export const setCommitLogReadMode = operation({
  name: "SET_COMMITLOG_READ_MODE",
  code: 2004,
  request: { READ_AHEAD_MODE: opt(int) },
  response: {},
});

/** Which engine keeps timed messages: `F` a wheel of files, `R` RocksDB. */
export const switchTimerEngine = operation({
  name: "SWITCH_TIMER_ENGINE",
  code: 5001,
  request: { E_T: opt(str) },
  response: {},
});
