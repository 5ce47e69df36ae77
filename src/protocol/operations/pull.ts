/**
 * Rows of everything that reads messages and positions: pull, query, view, consumer offsets, queue offsets.
 *
 * WIRE §11, §12, §22. A pull's four codes are answers with the same header; "no offset stored" (22) is an answer, not
 * an error, and must never be confused with one.
 */
import { as, bool, bound, int, long, operation, opt, stamp, str } from "../../wire/schema.ts";
import { topicFields } from "./inherited.ts";

const pullRequest = {
  consumerGroup: str,
  topic: str,
  liteTopic: opt(str),
  queueId: int,
  queueOffset: long,
  maxMsgNums: int,
  sysFlag: int,
  commitOffset: long,
  suspendTimeoutMillis: long,
  subscription: opt(str),
  subVersion: stamp,
  expressionType: opt(str),
  maxMsgBytes: opt(int),
  requestSource: opt(int),
  /** Java spells it so. */
  proxyFrowardClientId: opt(str),
  ...topicFields,
} as const;

const pullResponse = {
  suggestWhichBrokerId: long,
  nextBeginOffset: long,
  minOffset: long,
  maxOffset: long,
  offsetDelta: opt(long),
  topicSysFlag: opt(int),
  groupSysFlag: opt(int),
  forbiddenType: opt(int),
} as const;

/** FOUND, PULL_NOT_FOUND, PULL_RETRY_IMMEDIATELY, PULL_OFFSET_MOVED. */
const PULLED = [0, 19, 20, 21] as const;

/** Pulls messages of one queue, with long polling when sysFlag says so. Answer body: stored messages back to back. */
export const pullMessage = operation({
  name: "PULL_MESSAGE",
  code: 11,
  request: pullRequest,
  response: pullResponse,
  answers: PULLED,
});

/** The same for a lite pull consumer (sysFlag 0x10, since 5.0). */
export const litePullMessage = operation({
  name: "LITE_PULL_MESSAGE",
  code: 361,
  request: pullRequest,
  response: pullResponse,
  answers: PULLED,
});

/** Finds messages by key or unique id within a time range. Answer body: stored messages; 22 when there are none. */
export const queryMessage = operation({
  name: "QUERY_MESSAGE",
  code: 12,
  request: {
    topic: str,
    key: str,
    maxNum: int,
    beginTimestamp: bound,
    endTimestamp: bound,
    indexType: opt(str),
    lastKey: opt(str),
    /** Whether `key` is a unique id rather than one of the KEYS. */
    uniqueKeyQuery: as(opt(bool), "_UNIQUE_KEY_QUERY"),
    ...topicFields,
  },
  response: { indexLastUpdateTimestamp: long, indexLastUpdatePhyoffset: long },
  answers: [0, 22],
});

/** Reads one message by its commit-log offset. Answer body: one stored message. */
export const viewMessageById = operation({
  name: "VIEW_MESSAGE_BY_ID",
  code: 33,
  request: { topic: opt(str), offset: long },
  response: {},
});

/** The stored offset of a group in a queue; code 22 without `offset` when there is none. */
export const queryConsumerOffset = operation({
  name: "QUERY_CONSUMER_OFFSET",
  code: 14,
  request: { consumerGroup: str, topic: str, queueId: int, setZeroIfNotFound: opt(bool), ...topicFields },
  response: { offset: opt(long) },
  answers: [0, 22],
});

/** Stores the offset of a group in a queue: the next one to be consumed. */
export const updateConsumerOffset = operation({
  name: "UPDATE_CONSUMER_OFFSET",
  code: 15,
  request: { consumerGroup: str, topic: str, queueId: int, commitOffset: long, ...topicFields },
  response: {},
});

/** The offset at a time; `boundaryType` LOWER (default) or UPPER decides between neighbours. */
export const searchOffsetByTimestamp = operation({
  name: "SEARCH_OFFSET_BY_TIMESTAMP",
  code: 29,
  request: {
    topic: str,
    liteTopic: opt(str),
    queueId: int,
    timestamp: bound,
    boundaryType: opt(str),
    ...topicFields,
  },
  response: { offset: long },
});

/** The next offset that will be written in a queue. */
export const getMaxOffset = operation({
  name: "GET_MAX_OFFSET",
  code: 30,
  request: { topic: str, queueId: int, committed: opt(bool), ...topicFields },
  response: { offset: long },
});

/** The first offset that is still stored in a queue. */
export const getMinOffset = operation({
  name: "GET_MIN_OFFSET",
  code: 31,
  request: { topic: str, queueId: int, ...topicFields },
  response: { offset: long },
});

/** The store time of a queue's first message. */
export const getEarliestMsgStoretime = operation({
  name: "GET_EARLIEST_MSG_STORETIME",
  code: 32,
  request: { topic: str, queueId: int, ...topicFields },
  response: { timestamp: long },
});
