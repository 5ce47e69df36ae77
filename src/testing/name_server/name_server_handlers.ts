/**
 * What a name server answers: routes 105, the cluster 106, topic lists 206, 224 and 304, key-value pairs 100 to 102 and 219,
 * and what administrators change, 205, 216, 318, 327.
 *
 * Agrees with ClientRequestProcessor and DefaultRequestProcessor; a route is written in plain JSON for clients from version
 * V4_9_4 on or when they ask for it, with bare numbers as keys otherwise.
 */
import {
  clusterInfo,
  kvTable,
  topicList,
  topicRouteData,
  writeStrictTopicRoute,
} from "../../protocol/bodies.ts";
import {
  addWritePermOfBroker,
  deleteKvConfig,
  deleteTopicInNamesrv,
  getAllTopicListFromNameserver,
  getBrokerClusterInfo,
  getHasUnitSubTopicList,
  getHasUnitSubUnUnitTopicList,
  getKvConfig,
  getKvListByNamespace,
  getNamesrvConfig,
  getRouteInfoByTopic,
  getSystemTopicListFromNs,
  getTopicsByCluster,
  getUnitTopicList,
  putKvConfig,
  updateNamesrvConfig,
  wipeWritePermOfBroker,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import { opt, str } from "../../wire/schema.ts";
import { type HandlerRow, handlerTable, NULL_TEXT, on, refuse, SEE_FAQ } from "../handlers/handler.ts";
import { utf8Bytes, utf8Text } from "../../wire/bytes.ts";
import { parseProperties, writeProperties } from "../handlers/properties_text.ts";
import type { NameServer } from "./name_server.ts";
import { registrationHandlers } from "./registration_handlers.ts";

/** Version from which on clients read plain JSON (V4_9_4). */
const READS_STRICT_JSON = 401;

/** Bits of a topic's system flag (TopicSysFlag). */
const UNIT = 1;
const UNIT_SUB = 2;

/** Settings that tools look at, as they are by default. */
const SETTINGS: Readonly<Record<string, string>> = {
  clusterTest: "false",
  configBlackList: "configBlackList;configStorePath;kvConfigPath",
  deleteTopicWithBrokerRegistration: "false",
  enableAllTopicList: "true",
  enableControllerInNamesrv: "false",
  enableTopicList: "true",
  notifyMinBrokerIdChanged: "false",
  orderMessageEnable: "false",
  productEnvName: "center",
  returnOrderTopicConfigToBroker: "true",
  scanNotActiveBrokerInterval: "5000",
  supportActingMaster: "false",
};
/** Settings that nobody may change. */
const LOCKED_SETTINGS: ReadonlySet<string> = new Set(["configBlackList", "configStorePath", "kvConfigPath"]);

/** What stands in for the parts of a key that a request lacks. */
const ABSENT_KEY = { namespace: NULL_TEXT, key: NULL_TEXT };

/** Java answers TOPIC_NOT_EXIST when the topic is missing in the request. */
const lenientRoute = {
  ...getRouteInfoByTopic,
  request: { ...getRouteInfoByTopic.request, topic: opt(str) },
};

/** The handlers of a name server, by request code. */
export function nameServerHandlers(): ReadonlyMap<number, HandlerRow<NameServer>> {
  return handlerTable(routeHandlers, listHandlers, keyValueHandlers, adminHandlers, registrationHandlers);
}

const routeHandlers: readonly HandlerRow<NameServer>[] = [
  on(lenientRoute, (server: NameServer, { topic, acceptStandardJsonOnly }, { command }) => {
    const route = topic === undefined ? undefined : server.route(topic);
    if (route === undefined) {
      return {
        code: ResponseCode.TOPIC_NOT_EXIST,
        remark: `No topic route info in name server for the topic: ${topic ?? null}${SEE_FAQ}`,
      };
    }
    const strict = acceptStandardJsonOnly || command.version >= READS_STRICT_JSON;
    return { body: strict ? writeStrictTopicRoute(route) : topicRouteData.write(route) };
  }),
  on(getBrokerClusterInfo, (server: NameServer) => ({
    body: clusterInfo.write({
      brokerAddrTable: server.brokerTable(),
      clusterAddrTable: server.clusterTable(),
    }),
  })),
];

const listHandlers: readonly HandlerRow<NameServer>[] = [
  on(getAllTopicListFromNameserver, (server: NameServer) => ({
    body: topicList.write({ topicList: server.topicNames() }),
  })),
  on(getTopicsByCluster, (server: NameServer, { cluster }) => ({
    body: topicList.write({ topicList: server.topicNames(cluster) }),
  }), { cluster: "" }),
  on(getSystemTopicListFromNs, (server: NameServer) => {
    const brokers = server.brokerTable();
    const [first] = Object.values(brokers);
    const names = [...Object.keys(server.clusterTable()), ...Object.keys(brokers)];
    return {
      body: topicList.write({ topicList: names, brokerAddr: first?.brokerAddrs.values().next().value }),
    };
  }),
  on(getUnitTopicList, topicsWhere((flag) => (flag & UNIT) !== 0)),
  on(getHasUnitSubTopicList, topicsWhere((flag) => (flag & UNIT_SUB) !== 0)),
  on(getHasUnitSubUnUnitTopicList, topicsWhere((flag) => (flag & UNIT) === 0 && (flag & UNIT_SUB) !== 0)),
];

function topicsWhere(wanted: (topicSysFlag: number) => boolean) {
  return (server: NameServer): { body: Uint8Array } => ({
    body: topicList.write({ topicList: server.topicNamesWhere(wanted) }),
  });
}

const keyValueHandlers: readonly HandlerRow<NameServer>[] = [
  on(putKvConfig, (server: NameServer, { namespace, key, value }) => {
    if (namespace === NULL_TEXT || key === NULL_TEXT) {
      refuse(ResponseCode.SYSTEM_ERROR, "namespace or key is null");
    }
    const table = server.kv.get(namespace);
    if (table === undefined) server.kv.set(namespace, new Map([[key, value]]));
    else table.set(key, value);
    return {};
  }, { ...ABSENT_KEY, value: "" }),
  on(getKvConfig, (server: NameServer, { namespace, key }) => {
    const value = server.kv.get(namespace)?.get(key);
    return value === undefined
      ? {
        code: ResponseCode.QUERY_NOT_FOUND,
        remark: `No config item, Namespace: ${namespace} Key: ${key}`,
        fields: {},
      }
      : { header: { value } };
  }, ABSENT_KEY),
  on(deleteKvConfig, (server: NameServer, { namespace, key }) => {
    server.kv.get(namespace)?.delete(key);
    return {};
  }, ABSENT_KEY),
  on(getKvListByNamespace, (server: NameServer, { namespace }) => {
    const table = server.kv.get(namespace);
    return table === undefined
      ? { code: ResponseCode.QUERY_NOT_FOUND, remark: `No config item, Namespace: ${namespace}` }
      : { body: kvTable.write({ table: Object.fromEntries(table) }) };
  }, { namespace: NULL_TEXT }),
];

const adminHandlers: readonly HandlerRow<NameServer>[] = [
  on(wipeWritePermOfBroker, (server: NameServer, { brokerName }) => ({
    header: { wipeTopicCount: server.setWritable(brokerName, false) },
  }), { brokerName: "" }),
  on(addWritePermOfBroker, (server: NameServer, { brokerName }) => ({
    header: { addTopicCount: server.setWritable(brokerName, true) },
  }), { brokerName: "" }),
  on(deleteTopicInNamesrv, (server: NameServer, { topic, clusterName }) => {
    server.deleteTopic(topic, clusterName || undefined);
    return {};
  }),
  on(updateNamesrvConfig, (server: NameServer, _header, { body }) => {
    const changes = parseProperties(utf8Text(body));
    if (changes.some(([name]) => LOCKED_SETTINGS.has(name))) {
      refuse(ResponseCode.NO_PERMISSION, "Can not update config in black list.");
    }
    for (const [name, value] of changes) if (name in SETTINGS) server.config.set(name, value);
    return {};
  }),
  on(getNamesrvConfig, (server: NameServer) => ({
    body: utf8Bytes(writeProperties(new Map([...Object.entries(SETTINGS), ...server.config]))),
  })),
];
