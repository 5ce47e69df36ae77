/**
 * Brokers that register over the wire: 103, 104, 322, 901, 904, and topics that are told of by themselves, 217.
 *
 * Embedded brokers register in process; these rows let any other broker join them. Such a broker is taken out when it says so,
 * when its connection closes, and when it was silent for as long as it said. Agrees with DefaultRequestProcessor.
 */
import { brokerMemberGroup, dataVersion, kvTable, topicRouteData } from "../../protocol/bodies.ts";
import { ORDER_NAMESPACE } from "../../protocol/names.ts";
import {
  brokerHeartbeat,
  getBrokerMemberGroup,
  queryDataVersion,
  registerBroker,
  registerTopicInNamesrv,
  unregisterBroker,
} from "../../protocol/operations.ts";
import { ResponseCode } from "../../protocol/response_codes.ts";
import type { NamedTopic } from "../broker/topic_table.ts";
import { type HandlerRow, NOT_SET, on, refuse } from "../handlers/handler.ts";
import { bodyCrc } from "../../wire/record.ts";
import type { NameServer } from "./name_server.ts";
import { readRegistration } from "./registration_body.ts";

/** How long a broker may be silent that does not say, in milliseconds (DEFAULT_BROKER_CHANNEL_EXPIRED_TIME). */
const PATIENCE_MS = 120_000;

/** Handlers of registrations. */
export const registrationHandlers: readonly HandlerRow<NameServer>[] = [
  on(registerBroker, (server: NameServer, header, { body, channel }) => {
    const { bodyCrc32 = 0, compressed = false, heartbeatTimeoutMillis: patienceMs = PATIENCE_MS } = header;
    if (bodyCrc32 !== 0 && bodyCrc32 !== bodyCrc(body)) {
      refuse(ResponseCode.SYSTEM_ERROR, "crc32 not match");
    }
    const { topicConfigTable = {}, dataVersion: version } =
      readRegistration(body, compressed).topicConfigSerializeWrapper ?? {};
    const topics = Object.entries(topicConfigTable).map(([name, config]): NamedTopic => ({
      ...config,
      topicName: config.topicName ?? name,
    }));
    const { clusterName, brokerName, brokerId, brokerAddr: address, haServerAddr } = header;
    // A single topic is news of a broker that is known.
    if (topics.length === 1 && !server.knows(brokerName, brokerId)) {
      refuse(ResponseCode.SYSTEM_ERROR, "register broker failed");
    }
    const registration = {
      clusterName,
      brokerName,
      brokerId,
      address,
      topics,
      version,
      haServerAddr,
      patienceMs,
    };
    server.registerFrom(channel, registration);
    const master = brokerId === 0 ? undefined : server.remoteMaster(brokerName);
    return {
      header: { haServerAddr: master?.haServerAddr, masterAddr: master?.address },
      body: kvTable.write({ table: Object.fromEntries(server.kv.get(ORDER_NAMESPACE) ?? []) }),
    };
  }),
  on(unregisterBroker, (server: NameServer, { brokerName, brokerId }) => {
    server.unregister(brokerName, brokerId);
    return {};
  }),
  on(queryDataVersion, (server: NameServer, { brokerAddr }, { body }) => {
    const known = server.versionOf(brokerAddr);
    const told = dataVersion.read(body);
    const changed = known === undefined || known.timestamp !== told.timestamp ||
      known.counter !== told.counter || known.stateVersion !== told.stateVersion;
    return { header: { changed }, body: known && dataVersion.write(known) };
  }),
  on(brokerHeartbeat, (server: NameServer, { brokerAddr }) => {
    server.heard(brokerAddr);
    return {};
  }),
  on(getBrokerMemberGroup, (server: NameServer, { clusterName, brokerName }) => {
    const brokerAddrs = server.brokerTable()[brokerName]?.brokerAddrs ?? new Map();
    const group = { cluster: clusterName, brokerName, brokerAddrs };
    return { remark: NOT_SET, body: brokerMemberGroup.write({ brokerMemberGroup: group }) };
  }, { clusterName: "", brokerName: "" }),
  on(registerTopicInNamesrv, (server: NameServer, { topic }, { body }) => {
    if (body.length > 0) server.putQueues(topic, topicRouteData.read(body).queueDatas);
    return {};
  }),
];
