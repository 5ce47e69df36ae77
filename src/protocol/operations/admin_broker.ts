/**
 * Rows with which an administrator handles a broker itself: configuration, state, users and permissions.
 *
 * WIRE §22.
 */
import { operation, opt, str } from "../../wire/schema.ts";

/** Changes a broker's configuration. Body: properties text. */
export const updateBrokerConfig = operation({
  name: "UPDATE_BROKER_CONFIG",
  code: 25,
  request: {},
  response: {},
});

/** A broker's configuration. Answer body: properties text. */
export const getBrokerConfig = operation({
  name: "GET_BROKER_CONFIG",
  code: 26,
  request: {},
  response: { version: opt(str) },
});

/** Has the broker delete expired files now. */
export const triggerDeleteFiles = operation({
  name: "TRIGGER_DELETE_FILES",
  code: 27,
  request: {},
  response: {},
});

/** What a broker measures about itself. Answer body: KVTable. */
export const getBrokerRuntimeInfo = operation({
  name: "GET_BROKER_RUNTIME_INFO",
  code: 28,
  request: {},
  response: {},
});

/** All consumer offsets of a broker. Answer body: ConsumerOffsetTable. */
export const getAllConsumerOffset = operation({
  name: "GET_ALL_CONSUMER_OFFSET",
  code: 43,
  request: {},
  response: {},
});

/** How far each delay level is delivered. Answer body: JSON text. */
export const getAllDelayOffset = operation({
  name: "GET_ALL_DELAY_OFFSET",
  code: 45,
  request: {},
  response: {},
});

/** How far the timer is. Answer body: checkpoint. */
export const getTimerCheckPoint = operation({
  name: "GET_TIMER_CHECK_POINT",
  code: 60,
  request: {},
  response: {},
});

/** How many messages wait in the timer, by topic. Answer body: JSON. */
export const getTimerMetrics = operation({
  name: "GET_TIMER_METRICS",
  code: 61,
  request: {},
  response: {},
});

/** One statistic of a broker. Answer body: BrokerStatsData. */
export const viewBrokerStatsData = operation({
  name: "VIEW_BROKER_STATS_DATA",
  code: 315,
  request: { statsName: str, statsKey: str },
  response: {},
});

/** Deletes index files whose messages are gone. */
export const cleanExpiredConsumeQueue = operation({
  name: "CLEAN_EXPIRED_CONSUMEQUEUE",
  code: 306,
  request: {},
  response: {},
});

/** Deletes index files of topics that are gone. */
export const cleanUnusedTopic = operation({
  name: "CLEAN_UNUSED_TOPIC",
  code: 316,
  request: {},
  response: {},
});

/** Deletes expired commit-log files. */
export const deleteExpiredCommitLog = operation({
  name: "DELETE_EXPIRED_COMMITLOG",
  code: 329,
  request: {},
  response: {},
});

/** Creates a user (since 5.3). Body: user. */
export const authCreateUser = operation({
  name: "AUTH_CREATE_USER",
  code: 3001,
  request: { username: opt(str) },
  response: {},
});

/** Changes a user. Body: user. */
export const authUpdateUser = operation({
  name: "AUTH_UPDATE_USER",
  code: 3002,
  request: { username: opt(str) },
  response: {},
});

/** Deletes a user. */
export const authDeleteUser = operation({
  name: "AUTH_DELETE_USER",
  code: 3003,
  request: { username: opt(str) },
  response: {},
});

/** One user. Answer body: user. */
export const authGetUser = operation({
  name: "AUTH_GET_USER",
  code: 3004,
  request: { username: opt(str) },
  response: {},
});

/** Users whose name contains `filter`. Answer body: a list of users. */
export const authListUser = operation({
  name: "AUTH_LIST_USER",
  code: 3005,
  request: { filter: opt(str) },
  response: {},
});

/** Gives a subject permissions. Body: ACL. */
export const authCreateAcl = operation({
  name: "AUTH_CREATE_ACL",
  code: 3006,
  request: { subject: opt(str) },
  response: {},
});

/** Changes a subject's permissions. Body: ACL. */
export const authUpdateAcl = operation({
  name: "AUTH_UPDATE_ACL",
  code: 3007,
  request: { subject: opt(str) },
  response: {},
});

/** Takes permissions away: all of a subject, or those of one kind of policy or resource. */
export const authDeleteAcl = operation({
  name: "AUTH_DELETE_ACL",
  code: 3008,
  request: { subject: opt(str), policyType: opt(str), resource: opt(str) },
  response: {},
});

/** A subject's permissions. Answer body: ACL. */
export const authGetAcl = operation({
  name: "AUTH_GET_ACL",
  code: 3009,
  request: { subject: opt(str) },
  response: {},
});

/** Permissions by subject and resource. Answer body: a list of ACLs. */
export const authListAcl = operation({
  name: "AUTH_LIST_ACL",
  code: 3010,
  request: { subjectFilter: opt(str), resourceFilter: opt(str) },
  response: {},
});
